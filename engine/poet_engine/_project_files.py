"""Modules of a project as a caller names them, in the one form that the gate and the sandbox read."""

import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from poet_engine import _files
from poet_engine.errors import UsageError
from poet_engine.guest import names

_MOST_FILES = 1000
_MOST_BYTES = 64 * 2**20  # of all files together; what a call may have of them is limits.disk


def normalized(modules: Mapping[str, str | bytes], listed: Iterable[str]) -> dict[str, str | bytes]:
    """Return relative path → content of each file; that of modules is text.

    Args:
        modules: Dotted name of a module, or relative path with a slash, → content.
        listed: The modules of the policy, whose names the project may not take.

    Raises:
        UsageError: A name is neither, would mean another module, or there are too many.
    """
    if len(modules) > _MOST_FILES:
        raise UsageError(f"{len(modules):,} modules and files are given; at most {_MOST_FILES:,} are taken")
    taken = sys.stdlib_module_names | {path.partition(".")[0] for path in listed}
    found: dict[str, str | bytes] = {}
    if not all(isinstance(name, str) for name in modules):
        raise UsageError("modules are named by texts: 'helpers', 'package.part', or a path such as 'package/data.csv'")
    for name, content in modules.items():
        path = _path(name, modules)
        top = path.partition("/")[0].removesuffix(".py")
        if top in taken:
            raise UsageError(f"the module {name!r} has the name of a module that the policy or Python has; rename it")
        if path in found:
            raise UsageError(f"the module {name!r} is given twice")
        found[path] = _content(name, path, content)
    folders = {path.rsplit("/", depth)[0] for path in found for depth in range(1, path.count("/") + 1)}
    if clash := sorted(folders & found.keys()):
        raise UsageError(f"{clash[0]!r} is given as a file, and as a folder of other files")
    return found


def _path(name: str, modules: Mapping[str, str | bytes]) -> str:
    if "/" not in name and not name.endswith(".py") and all(part.isidentifier() for part in name.split(".")):
        is_package = any(other.startswith(f"{name}.") and not other.endswith(".py") for other in modules)
        return f"{name.replace('.', '/')}{'/__init__' if is_package else ''}.py"
    if "/" not in name and not name.endswith(".py"):
        raise UsageError(f"{name!r} is neither the dotted name of a module nor a relative path with a slash")
    if why := names.why_odd(name):
        raise UsageError(f"the file {name!r} cannot be given to a sandbox: {why}")
    if name.endswith(".py") and not all(part.isidentifier() for part in name.removesuffix(".py").split("/")):
        raise UsageError(f"{name!r} cannot be imported: its parts are no names")
    return name


def _content(name: str, path: str, content: object) -> str | bytes:
    if path.endswith(".py") and isinstance(content, bytes):
        try:
            return content.decode()
        except UnicodeDecodeError:
            raise UsageError(f"the module {name!r} is not UTF-8") from None
    if not isinstance(content, str | bytes):
        raise UsageError(f"the module {name!r} is given as {type(content).__name__}; give its text, or bytes of a file")
    return content


def read(paths: Iterable[str]) -> dict[str, str | bytes]:
    """Return the packages and modules that a policy names, with the data beside them: relative path → content.

    Hidden files, links and bytecode are left out.

    Raises:
        UsageError: One is missing, cannot be read, or they are too many.
    """
    found: dict[str, str | bytes] = {}
    total = 0
    for named in map(Path, paths):
        if not named.is_dir() and not named.is_file():
            raise UsageError(f"isolation.project names {named}, which is not there")
        for file in sorted(_inside(named)) if named.is_dir() else [named]:
            content = _bytes(file)
            total += len(content)
            if len(found) >= _MOST_FILES or total > _MOST_BYTES:
                raise UsageError(
                    f"isolation.project names more than {_MOST_FILES:,} files or {_MOST_BYTES >> 20} MiB; name less"
                )
            name = str(file.relative_to(named.parent))
            found[name] = _content(name, name, content)
    return found


def _inside(folder: Path) -> Iterator[Path]:
    for path in folder.iterdir():
        if path.name.startswith(".") or path.name == "__pycache__" or path.is_symlink():
            continue
        if path.is_dir():
            yield from _inside(path)
        elif path.is_file():
            yield path


def _bytes(file: Path) -> bytes:
    try:
        with _files.open_regular(file) as opened:
            return _files.content(opened, _MOST_BYTES)
    except (OSError, _files.IrregularFileError, _files.LargeFileError) as error:
        raise UsageError(f"isolation.project: {file} cannot be read: {error}") from None
