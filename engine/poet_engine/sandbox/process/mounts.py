"""Choose what a lane sees of the file system: the standard library and the distributions of the policy.

The zygote adds the shared libraries that they need, found by its own clean interpreter (`guest.libraries`).
"""

import functools
import sys
import sysconfig
from collections.abc import Iterable, Sequence
from pathlib import Path

from poet_engine import _distributions
from poet_engine.sandbox.guest_config import Visible

# Time zones are data that `zoneinfo` reads late; the locale is the one that the environment names, spelt in two ways.
_DATA = ("/usr/share/zoneinfo", "/usr/lib/locale/C.utf8", "/usr/lib/locale/C.UTF-8")
# Symbolic links of a merged /usr that the dynamic loader's built-in search path goes through.
_LINKS = ("/lib", "/lib64", "/bin", "/sbin")


def visible(modules: Iterable[str]) -> Visible:
    """Return the paths that code which may import `modules` needs to see."""
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
    return Visible(import_paths, ordered, tuple(covers), links)


def _without_nested(paths: set[str], covers: Sequence[str]) -> Iterable[str]:
    """Yield paths that no other path holds; one below a cover counts, since what holds it is hidden there."""
    for path in paths:
        holders = (other for other in paths if other != path and path.startswith(other + "/"))
        hidden = any(path.startswith(cover + "/") for cover in covers)
        if hidden:
            holders = (other for other in holders if any(other.startswith(cover + "/") for cover in covers))
        if not any(holders):
            yield path


def _packages(roots: Iterable[str]) -> tuple[set[str], tuple[str, ...]]:
    """Return the top-level paths of the distributions behind `roots` and of what they require, and their parents.

    The parents are in the order in which distributions are looked for: the lane's path must find the same ones.
    """
    found: set[str] = set()
    parents: set[Path] = set()
    for name in _distributions.closure(roots):
        for path in _distributions.top_level(name):
            found.add(str(path))
            parents.add(path.parent)
    order = [Path(path).resolve() for path in _distributions.search_path()]
    first = [path for path in dict.fromkeys(order) if path in parents]
    return found, tuple(map(str, [*first, *sorted(parents.difference(first))]))
