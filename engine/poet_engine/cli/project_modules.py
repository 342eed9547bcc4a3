"""Modules of a project that a target needs: read as text from the folder of the user's file, never imported."""

import dataclasses
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from poet_engine.cli.source_files import read_text
from poet_engine.errors import UsageError

if TYPE_CHECKING:  # help and wrong use do not wait for the gate to load
    from poet_engine.gate.module_exports import ModuleExports

Exports = Callable[[str, str], "ModuleExports"]

_MOST_FILES = 500
_MOST_CHARACTERS = 8 * 2**20
_INIT = "__init__.py"


@dataclasses.dataclass(frozen=True, slots=True)
class ProjectModules:
    """The modules that a target needs.

    Attributes:
        name: The dotted name of the target's own module; empty where its file has none.
        files: Path below the project's root → text.
    """

    name: str
    files: dict[str, str]


def collect(
    path: Path, source: str, *, listed: Iterable[str], exports: Exports, beside: bool = False
) -> ProjectModules:
    """Return the modules of its own project that a file imports, and those that they import.

    The root is the folder above the packages that the file is in. Names of the standard library and of the policy's
    modules are theirs. A link that leads out of the root is not followed.

    Args:
        path: The file with the target.
        source: Its text.
        listed: The modules of the policy.
        exports: Reads the imports of a source, given its package; in the gate's worker, as no source is parsed here.
        beside: Whether the root is the file's own folder, as for `python script.py`, and the file is no module of it.

    Raises:
        UsageError: A module cannot be read, or there are too many.
    """
    root, name = (path.absolute().parent, "") if beside else _place(path.absolute())
    taken = sys.stdlib_module_names | {module.partition(".")[0] for module in listed}
    package = name.rpartition(".")[0] if path.name != _INIT else name
    files: dict[str, str] = {}
    waiting = [name, *exports(source, package).imports] if "." in name else list(exports(source, package).imports)
    seen: set[str] = set()
    while waiting:
        wanted = waiting.pop()
        if wanted in seen or wanted.partition(".")[0] in taken:
            continue
        seen.add(wanted)
        for file, inside in _files_of(wanted, root):
            if file in files:
                continue
            files[file] = source if root / file == path.absolute() else read_text(root / file)
            if len(files) > _MOST_FILES or sum(map(len, files.values())) > _MOST_CHARACTERS:
                raise UsageError(
                    f"{path} needs more than {_MOST_FILES} modules or {_MOST_CHARACTERS:,} characters of its project; "
                    "run a part that needs less"
                )
            waiting += exports(files[file], inside).imports
    return ProjectModules(name, files)


def _place(path: Path) -> tuple[Path, str]:
    """Return the root of a file's project, and the file's dotted name in it."""
    folder = path.parent
    parts = [] if path.name == _INIT else [path.stem]
    while (folder / _INIT).is_file() and folder.name.isidentifier():
        parts.insert(0, folder.name)
        folder = folder.parent
    return folder, ".".join(parts) if all(part.isidentifier() for part in parts) else ""


def _files_of(module: str, root: Path) -> Iterator[tuple[str, str]]:
    """Yield the files of a module and of the packages above it, each with the package of its relative imports."""
    parts = module.split(".")
    if not all(part.isidentifier() for part in parts):
        return
    inside = root.resolve()
    for end in range(1, len(parts) + 1):
        base = "/".join(parts[:end])
        for file, package in ((f"{base}/{_INIT}", ".".join(parts[:end])), (f"{base}.py", ".".join(parts[: end - 1]))):
            found = root / file
            if found.is_file() and found.resolve().is_relative_to(inside):
                yield file, package
                break
