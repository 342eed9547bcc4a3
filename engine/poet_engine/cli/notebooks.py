"""Notebooks as one Python source: their code cells one after the other, as they share their names."""

import bisect
import dataclasses
import re
from pathlib import Path

from poet_engine import _json
from poet_engine.errors import UsageError

_PYTHON = frozenset({".py", ".pyi", ".pyw"})
_SHEBANG = re.compile(r"#!.*\bpython[0-9.]*\b")
_SHELLS = frozenset({"!", "bash", "cmd", "script", "sh", "system", "sx"})
# Magics that change how something is shown or timed, and lead to nothing that the gate would have to see.
_IDLE = frozenset({"autoreload", "config", "matplotlib", "pdb", "precision", "pprint"})
_TIMING = frozenset({"capture", "prun", "time", "timeit"})
_MAGIC = re.compile(r"(?P<indent>[ \t]*)(?P<mark>%%|%|!!|!)(?P<name>[\w!]*)(?P<rest>.*)", re.DOTALL)
_PLAIN = re.compile(r"""[^'"\\]*""")  # what cannot end a text that the line might stand in


@dataclasses.dataclass(frozen=True, slots=True)
class SourceFile:
    """A Python source out of a file.

    Attributes:
        text: The source.
        starts: Of a notebook, the line before each code cell in the source; empty for a plain file.
        cells: The number of each of these cells, counted from 1 over all cells of the notebook.
    """

    text: str
    starts: tuple[int, ...] = ()
    cells: tuple[int, ...] = ()

    def place(self, line: int) -> tuple[int | None, int]:
        """Return the cell of a line, None for a plain file, and the line in it."""
        if not self.starts or not line:
            return None, line
        at = bisect.bisect_left(self.starts, line) - 1
        return self.cells[at], line - self.starts[at]


def source_of(path: Path, text: str) -> SourceFile:
    """Return the Python source that a file holds.

    Raises:
        UsageError: It is no Python file, nor a notebook in Python.
    """
    suffix = path.suffix.lower()
    if suffix == ".ipynb":
        return _notebook(path, text)
    if suffix not in _PYTHON and (suffix or not _SHEBANG.match(text)):
        raise UsageError(
            f"{path} is not Python, and nothing of it would be scanned; name files that end in .py, .pyw, .pyi or "
            ".ipynb, or scripts without an ending whose first line names python"
        )
    return SourceFile(text)


def _notebook(path: Path, text: str) -> SourceFile:
    cells = _code_cells(path, text)
    starts: list[int] = []
    lines: list[str] = []
    for _number, content in cells:
        starts.append(len(lines))
        lines += _as_python(content)
    return SourceFile("\n".join([*lines, ""]), tuple(starts), tuple(number for number, _ in cells))


def _code_cells(path: Path, text: str) -> list[tuple[int, str]]:
    """Return the number and the content of each code cell."""
    try:
        document = _json.decode(text)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path} is not a notebook: {error}") from None
    match document:
        case {"cells": list() as cells}:
            pass
        case {"worksheets": [{"cells": list() as cells}]}:  # the format before 2015
            pass
        case _:
            raise UsageError(f"{path} is not a notebook: it has no cells")
    language = _language(document)
    if language not in {"", "python", "python3", "ipython"}:
        raise UsageError(f"{path} is not Python: its language is {language[:40]!r}, which nothing here can scan")
    return [(number, _content(path, number, cell)) for number, cell in enumerate(cells, start=1) if _is_code(cell)]


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


def _content(path: Path, number: int, cell: object) -> str:
    content = cell.get("source", cell.get("input")) if isinstance(cell, dict) else None
    if isinstance(content, list) and all(isinstance(line, str) for line in content):
        return "".join(content)
    if isinstance(content, str):
        return content
    raise UsageError(f"{path} is not a notebook: cell {number} has no text")


def _as_python(content: str) -> list[str]:
    """Return the lines of a cell as Python; what is run by a shell is written as the call that it is."""
    lines = re.split(r"\r\n|\r|\n", content)
    first = next((number for number, line in enumerate(lines) if line.strip()), None)
    head = _MAGIC.fullmatch(lines[first]) if first is not None else None
    if first is None or head is None or head["mark"] != "%%":
        return [_line(line) for line in lines]
    if head["name"] in _TIMING and _PLAIN.fullmatch(head["rest"]):
        return [*lines[:first], "pass", *(_line(line) for line in lines[first + 1 :])]
    whole = "\n".join(lines[first:])
    return [*lines[:first], _run(head["name"] in _SHELLS, whole), *([""] * (len(lines) - first - 1))]


def _line(line: str) -> str:
    """Return a line as Python. What cannot be told for sure stays as it is, and does not parse."""
    magic = _MAGIC.fullmatch(line)
    if magic is None or magic["mark"] == "%%":
        return line
    indent, name, rest = magic["indent"], magic["name"], magic["rest"]
    if magic["mark"] == "%" and not name:
        return line  # an operand on a line of its own
    if magic["mark"] == "%" and _PLAIN.fullmatch(rest):
        if name in _IDLE:
            return f"{indent}pass"
        if name in _TIMING:
            return f"{indent}{rest.strip() or 'pass'}"
    return indent + _run(magic["mark"] != "%" or name in _SHELLS, line.strip())


def _run(by_shell: bool, text: str) -> str:  # noqa: FBT001 - the two ways in which a notebook runs a text
    return f"__import__('os').system({text!r})" if by_shell else f"exec({text!r})"
