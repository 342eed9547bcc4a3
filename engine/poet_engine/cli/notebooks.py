"""The Python source that a file holds, be it a plain file or a notebook."""

import dataclasses
import re
from pathlib import Path

from poet_engine._notebook import Cell, code_cells
from poet_engine.errors import UsageError

_PYTHON = frozenset({".py", ".pyi", ".pyw"})
_SHEBANG = re.compile(r"#!.*\bpython[0-9.]*\b")


@dataclasses.dataclass(frozen=True, slots=True)
class SourceFile:
    """A Python source out of a file.

    Attributes:
        text: The source; empty for a notebook.
        cells: The code cells of a notebook; None for a plain file.
    """

    text: str
    cells: tuple[Cell, ...] | None = None


def source_of(path: Path, text: str) -> SourceFile:
    """Return the Python source that a file holds.

    Raises:
        UsageError: It is no Python file, nor a notebook in Python.
    """
    suffix = path.suffix.lower()
    if suffix == ".ipynb":
        return SourceFile("", tuple(code_cells(path, text)))
    if suffix not in _PYTHON and (suffix or not _SHEBANG.match(text)):
        raise UsageError(
            f"{path} is not Python, and nothing of it would be scanned; name files that end in .py, .pyw, .pyi or "
            ".ipynb, or scripts without an ending whose first line names python"
        )
    return SourceFile(text)
