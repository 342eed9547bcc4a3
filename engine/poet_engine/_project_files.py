"""Modules of a project as a caller names them, in the one form that the gate and the sandbox read."""

import sys
from collections.abc import Iterable, Mapping

from poet_engine.errors import UsageError
from poet_engine.guest import names

_MOST_FILES = 1000


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
