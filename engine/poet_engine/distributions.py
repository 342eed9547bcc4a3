"""What is installed for this interpreter: distributions, what they require, and where `import` finds them.

Nothing here runs any code of theirs.
"""

import functools
import importlib.machinery
import importlib.metadata
import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

_EXTRA = re.compile(r"extra\s*==")
_REQUIREMENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def installed(name: str) -> bool:
    """Whether a module's top level can be found, without running any of it."""
    root = name.partition(".")[0]
    return root in sys.stdlib_module_names or bool(_module_location(root))


def closure(roots: Iterable[str]) -> list[str]:
    """Distribution or module names, requirements included; what is not installed is left out."""
    seen: dict[str, None] = {}
    waiting = [name for root in roots for name in _distributions(root)]
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen[name] = None
        waiting += _requirements(name)
    return list(seen)


def _distributions(module: str) -> list[str]:
    """The distributions that a top-level module comes from: most have its name, `sklearn` is one that has not."""
    try:
        importlib.metadata.distribution(module)
    except importlib.metadata.PackageNotFoundError:
        return _by_module().get(module, [module])
    return [module]


@functools.cache
def _by_module() -> Mapping[str, list[str]]:
    return importlib.metadata.packages_distributions()


def _requirements(name: str) -> list[str]:
    try:
        lines = importlib.metadata.requires(name) or []
    except importlib.metadata.PackageNotFoundError:
        return []
    return [match.group() for line in lines if not _EXTRA.search(line) and (match := _REQUIREMENT.match(line))]


def top_level(name: str) -> set[Path]:
    """Where a distribution (or, failing that, a module) keeps what `import` finds."""
    try:
        distribution = importlib.metadata.distribution(name)
    except importlib.metadata.PackageNotFoundError:
        return _module_location(name)
    home = Path(str(distribution.locate_file("")))
    first = {file.parts[0] for file in distribution.files or () if not file.is_absolute()}
    named = {home / part for part in first if part not in ("..", "__pycache__") and not part.endswith(".dist-info")}
    # a record may name anything on the machine (a manual page, a link to elsewhere); only what lies right here is meant
    found = {path.resolve() for path in named if path.exists() and path.suffix != ".pth" and not path.is_symlink()}
    return {path for path in found if path.parent == home.resolve()} or _module_location(name)


def _module_location(name: str) -> set[Path]:
    """A top-level module's file or folder, found without running any of it."""
    spec = importlib.machinery.PathFinder.find_spec(name) if name.isidentifier() else None
    if spec is None:
        return set()
    if spec.submodule_search_locations:
        return {Path(path).resolve() for path in spec.submodule_search_locations}
    return {Path(spec.origin).resolve()} if spec.origin else set()


def version(name: str) -> str | None:
    """Which version of a distribution is installed; None when it is not."""
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None
