"""Notebooks: their code cells, and the one source that these are together, since they share their names."""

import bisect
import dataclasses
from collections.abc import Sequence
from pathlib import Path

from poet_engine import _files, _json
from poet_engine.errors import UsageError

UNNAMED = "notebook.ipynb"  # the name of a notebook that comes from no file
_MOST_BYTES = 64 * 2**20  # outputs of earlier runs are in the file too


@dataclasses.dataclass(frozen=True, slots=True)
class Cell:
    """A code cell.

    Attributes:
        number: Its number, counted from 1 over all cells of the notebook.
        text: Its content.
    """

    number: int
    text: str


@dataclasses.dataclass(frozen=True, slots=True)
class JoinedCells:
    """Cells one after the other as one source.

    Attributes:
        text: The source.
        starts: The line before each cell.
        numbers: The number of each cell.
    """

    text: str
    starts: tuple[int, ...]
    numbers: tuple[int, ...]

    @property
    def cells(self) -> tuple[tuple[int, int], ...]:
        """The number of each cell, and the line before it."""
        return tuple(zip(self.numbers, self.starts, strict=True))

    def place(self, line: int) -> tuple[int | None, int]:
        """Return the cell of a line and the line in it; no cell for line 0, which stands for none."""
        if not self.starts or not line:
            return None, line
        at = bisect.bisect_left(self.starts, line) - 1
        return self.numbers[at], line - self.starts[at]


def cells_of(notebook: object) -> tuple[str, list[Cell]]:
    """Return the name of a notebook and its code cells.

    Args:
        notebook: The text of its cells, or of its only one; or its file.

    Raises:
        UsageError: It is neither, or the file cannot be read or is no notebook.
    """
    if isinstance(notebook, Path):
        return notebook.name, code_cells(notebook, _read(notebook))
    given = [notebook] if isinstance(notebook, str) else notebook
    if not isinstance(given, Sequence) or isinstance(given, bytes | bytearray):
        raise UsageError(
            f"a notebook is given as the text of its cells or as a Path of its file, not as {type(given).__name__}; "
            "pass a text for one cell, or a list of texts"
        )
    for text in given:
        if not isinstance(text, str):
            raise UsageError(f"a cell is given as {type(text).__name__}, and is text; decode or read it first")
    return UNNAMED, [Cell(number, text) for number, text in enumerate(given, start=1)]


def _read(path: Path) -> str:
    try:
        return _files.read(path, most=_MOST_BYTES).decode("utf-8-sig")
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not UTF-8: {error.reason} at byte {error.start}; save it as UTF-8") from None
    except _files.IrregularFileError as error:
        raise UsageError(f"{path} is {error}, no regular file; name one") from None
    except _files.LargeFileError:
        raise UsageError(f"{path} has more than the {_MOST_BYTES:,} bytes that are read; clear its outputs") from None


def joined(cells: Sequence[Cell]) -> JoinedCells:
    """Return cells as one source; each begins on a line of its own."""
    starts: list[int] = []
    lines = 0
    for cell in cells:
        starts.append(lines)
        lines += cell.text.count("\n") + 1
    text = "\n".join([*(cell.text for cell in cells), ""])
    return JoinedCells(text, tuple(starts), tuple(cell.number for cell in cells))


def code_cells(name: object, text: str) -> list[Cell]:
    """Return the code cells of a notebook's file.

    Args:
        name: The name of the file, for errors.
        text: Its content.

    Raises:
        UsageError: It is no notebook, or one in another language than Python.
    """
    try:
        document = _json.decode(text)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{name} is not a notebook: {error}") from None
    match document:
        case {"cells": list() as cells}:
            pass
        case {"worksheets": [{"cells": list() as cells}]}:  # the format before 2015
            pass
        case _:
            raise UsageError(f"{name} is not a notebook: it has no cells")
    language = _language(document)
    if language not in {"", "python", "python3", "ipython"}:
        raise UsageError(f"{name} is not Python: its language is {language[:40]!r}, which nothing here can scan")
    return [Cell(number, _content(name, number, cell)) for number, cell in enumerate(cells, start=1) if _is_code(cell)]


def _language(document: object) -> str:
    match document:
        case {"metadata": {"kernelspec": {"language": str() as language}}}:
            return language.lower()
        case {"metadata": {"language_info": {"name": str() as language}}}:
            return language.lower()
        case _:
            return ""


def _is_code(cell: object) -> bool:
    """Whether a cell may be run: one whose kind is unknown counts."""
    return not (isinstance(cell, dict) and cell.get("cell_type") in {"heading", "markdown", "raw"})


def _content(name: object, number: int, cell: object) -> str:
    content = cell.get("source", cell.get("input")) if isinstance(cell, dict) else None
    if isinstance(content, list) and all(isinstance(line, str) for line in content):
        return "".join(content)
    if isinstance(content, str):
        return content
    raise UsageError(f"{name} is not a notebook: cell {number} has no text")
