"""What a lane sees of the file system: the standard library and the distributions of the policy.

The zygote adds the shared libraries that they need, from its own clean point of view (`guest.libraries`).
"""

import dataclasses
import functools
import importlib.machinery
import importlib.metadata
import importlib.util
import re
import sys
import sysconfig
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

_EXTRA = re.compile(r"extra\s*==")
_REQUIREMENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
# Time zones are data that `zoneinfo` reads late.
_DATA = ("/usr/share/zoneinfo",)
# Symbolic links of a merged /usr that the dynamic loader's built-in search path goes through.
_LINKS = ("/lib", "/lib64", "/bin", "/sbin")


@dataclasses.dataclass(frozen=True, slots=True)
class Visible:
    """Paths for the guest's configuration; see `guest.config.Config`."""

    binds: tuple[str, ...]
    covers: tuple[str, ...]
    links: dict[str, str]
    import_paths: tuple[str, ...]


def visible(modules: Iterable[str]) -> Visible:
    """What code that may import `modules` needs to see."""
    roots = tuple(sorted({name.partition(".")[0] for name in modules} - set(sys.stdlib_module_names)))
    return _visible(roots)


@functools.cache
def _visible(roots: tuple[str, ...]) -> Visible:
    library = Path(sysconfig.get_path("stdlib")).resolve()
    packages, import_paths = _packages(roots)
    # whatever else is installed inside the standard library's folder stays hidden
    covers = [str(folder) for name in ("site-packages", "dist-packages") if (folder := library / name).is_dir()]
    binds = {str(library), *packages, *(path for path in _DATA if Path(path).is_dir())}
    links = {path: str(Path(path).readlink()) for path in _LINKS if Path(path).is_symlink()}
    ordered = tuple(sorted(_without_nested(binds, covers)))
    return Visible(ordered, tuple(covers), links, import_paths)


def installed(name: str) -> bool:
    """Whether a module's top level can be found, without running any of it."""
    root = name.partition(".")[0]
    return root in sys.stdlib_module_names or bool(_module_location(root))


def _without_nested(paths: set[str], covers: Sequence[str]) -> Iterable[str]:
    """Paths that no other path holds already; what holds a path below a cover is hidden, so that one counts."""
    for path in paths:
        holders = (other for other in paths if other != path and path.startswith(other + "/"))
        hidden = any(path.startswith(cover + "/") for cover in covers)
        if hidden:
            holders = (other for other in holders if any(other.startswith(cover + "/") for cover in covers))
        if not any(holders):
            yield path


def _packages(roots: Iterable[str]) -> tuple[set[str], tuple[str, ...]]:
    """Top-level files and folders of the distributions behind `roots` and of what they require, and their parents."""
    found: set[str] = set()
    parents: dict[str, None] = {}
    for name in _closure(roots):
        for path in _top_level(name):
            found.add(str(path))
            parents[str(path.parent)] = None
    return found, tuple(parents)


def _closure(roots: Iterable[str]) -> list[str]:
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


def _top_level(name: str) -> set[Path]:
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
