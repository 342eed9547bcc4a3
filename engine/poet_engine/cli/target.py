"""`path.py:function` and `module:function`: found and read as text, never imported."""

import dataclasses
import keyword
import re
from collections.abc import Iterable
from pathlib import Path

from poet_engine._text import close_names
from poet_engine.cli.source_files import read_text
from poet_engine.errors import UsageError

_FORM = "write path.py:function or package.module:function"
_TOP_LEVEL = re.compile(r"^(?:async[ \t]+)?def[ \t]+(\w+)", re.MULTILINE)


@dataclasses.dataclass(frozen=True, slots=True)
class Target:
    """One function in one file.

    Attributes:
        path: The file that holds it.
        entry: The function's name.
        source: The file's text.
    """

    path: Path
    entry: str
    source: str


def locate(text: str, *, folders: Iterable[Path]) -> tuple[Path, str]:
    """Return the file and the qualified name that `text` names; reads nothing.

    Raises:
        UsageError: The form is wrong, or no such module can be found.
    """
    place, entry = _split(text)
    return Path(place) if _is_path(place) else _find_module(place, folders), entry


def find(text: str, *, folders: Iterable[Path]) -> Target:
    """Find and read what `text` names.

    Args:
        text: A target as the user wrote it.
        folders: Where modules are looked for, in this order; a path is taken as it is.

    Raises:
        UsageError: The form is wrong, the file cannot be found or read, or has no such function.
    """
    path, entry = locate(text, folders=folders)
    if "." in entry:
        raise UsageError(
            f"{entry!r} is not at the top level of its file: only functions at the top level run in a sandbox, since "
            "methods and inner functions need an object that cannot travel; wrap it in a function of its own",
        )
    source = read_text(path)
    _check_entry(source, entry, path)
    return Target(path, entry, source)


def _split(text: str) -> tuple[str, str]:
    place, colon, entry = text.rpartition(":")
    if not colon or not place or not entry:
        raise UsageError(f"the target {text!r} does not name a file and a function: {_FORM}")
    if not all(part.isidentifier() and not keyword.iskeyword(part) for part in entry.split(".")):
        raise UsageError(f"{entry!r} in the target {text!r} is not the name of a function: {_FORM}")
    return place, entry


def _is_path(place: str) -> bool:
    return place.endswith(".py") or "/" in place or "\\" in place


def _find_module(name: str, folders: Iterable[Path]) -> Path:
    """Return the file of a module, found by its name alone: the import system would run the packages above it."""
    parts = name.split(".")
    if not all(part.isidentifier() for part in parts):
        raise UsageError(f"{name!r} is neither a path that ends in .py nor the name of a module: {_FORM}")
    for folder in folders:
        base = folder.joinpath(*parts)
        for candidate in (base / "__init__.py", base.with_suffix(".py")):
            if candidate.is_file():
                return candidate
    raise UsageError(
        f"no module {name!r} was found in the current folder or on the Python path as a .py file; "
        "run from the folder that holds it, or give the path of the file",
    )


def _check_entry(source: str, entry: str, path: Path) -> None:
    """Turn down a name that the file does not even mention; the sandbox finds out the rest.

    It is looked for as text: source that nobody has scanned is not parsed in this process.
    """
    if re.search(rf"(?<!\w){re.escape(entry)}(?!\w)", source):
        return
    known = list(dict.fromkeys(_TOP_LEVEL.findall(source)))
    close = close_names(entry, known)
    if close:
        raise UsageError(f"{path} has no function {entry!r}; did you mean {close[0]!r}?")
    has = f"it has {', '.join(known[:8])}" if known else "it has none at its top level"
    raise UsageError(f"{path} has no function {entry!r}; {has}")
