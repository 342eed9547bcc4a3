"""Installed distributions of this interpreter: their requirements, and the files that `import` finds.

No code of theirs is run. Only the folders of the installation are searched, never the working folder, a script's own or
PYTHONPATH: those may come with a project, and modules that are found here are imported outside of the isolation.
"""

import contextlib
import functools
import importlib.machinery
import importlib.metadata
import re
import site
import sys
import sysconfig
from collections.abc import Iterable, Mapping
from pathlib import Path

_EXTRA = re.compile(r"extra\s*==")
_REQUIREMENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


# The folders of these modules belong to the installation wherever they are: their code runs in this process already.
# So `pip install --target`, layers of functions and copied environments work, whose folders no interpreter knows.
_OURS = ("poet_engine", "pydantic", "psutil")


def search_path() -> tuple[str, ...]:
    """Return the folders that distributions are installed in, then those that are installed as links to elsewhere.

    The latter are named by `.pth` files in the former: an editable installation is the user's own choice. They come
    last, so that nothing beside such a project counts as an installed distribution.
    """
    files = [getattr(sys.modules.get(name), "__file__", None) for name in _OURS]
    return _search_path(tuple(dict.fromkeys(str(Path(file).parent.parent) for file in files if file)))


@functools.cache
def _search_path(ours: tuple[str, ...]) -> tuple[str, ...]:
    named = [sysconfig.get_path("purelib"), sysconfig.get_path("platlib"), *site.getsitepackages()]
    if site.ENABLE_USER_SITE:
        named.insert(0, site.getusersitepackages())
    folders = list(dict.fromkeys(path for path in named if Path(path).is_dir()))
    linked = [path for folder in folders for path in _links_of(Path(folder))]
    return tuple(dict.fromkeys([*folders, *linked, *ours]))


def _links_of(folder: Path) -> list[str]:
    """Return the folders that `.pth` files of an installation add to the path.

    Their code ran when the interpreter started, and is not run again: it added the folders on the path that it names.
    """
    found: list[str] = []
    for file in sorted(folder.glob("*.pth")):
        with contextlib.suppress(OSError, UnicodeDecodeError):
            for line in file.read_text(encoding="utf-8").splitlines():
                if line.startswith("import"):
                    found += [path for path in sys.path if Path(path).is_absolute() and repr(path)[1:-1] in line]
                elif line.strip() and not line.startswith("#") and (folder / line.rstrip()).is_dir():
                    found.append(str(folder / line.rstrip()))
    return found


def installed(name: str) -> bool:
    """Whether a module's top level can be found, without running any of it."""
    root = name.partition(".")[0]
    return root in sys.stdlib_module_names or bool(_module_location(root))


def modules() -> frozenset[str]:
    """Return the top-level modules of all installed distributions."""
    return frozenset(_by_module())


def closure(roots: Iterable[str]) -> list[str]:
    """Return the distributions of these names (or modules) with all requirements; uninstalled ones are left out."""
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
    """Return the distributions that a top-level module comes from: most have its name, `sklearn` has another."""
    return [module] if _distribution(module) is not None else _by_module().get(module, [module])


def _distribution(name: str) -> importlib.metadata.Distribution | None:
    """Return the installed distribution of that name, the first on the path as for `import`; None without one."""
    if not name:
        return None
    return next(iter(importlib.metadata.distributions(name=name, path=list(search_path()))), None)


@functools.cache
def _by_module() -> Mapping[str, list[str]]:
    found: dict[str, list[str]] = {}
    for distribution in importlib.metadata.distributions(path=list(search_path())):
        for module in _modules(distribution):
            found.setdefault(module, []).append(distribution.metadata["Name"])
    return found


def _modules(distribution: importlib.metadata.Distribution) -> set[str]:
    """Return the top-level modules of a distribution: those that it lists, or else those of its files."""
    listed = distribution.read_text("top_level.txt")
    if listed is not None:
        return set(listed.split())
    parts = (file.parts[0] for file in distribution.files or () if file.suffix == ".py")
    return {name for part in parts if (name := part.removesuffix(".py")).isidentifier()}


def _requirements(name: str) -> list[str]:
    distribution = _distribution(name)
    lines = [] if distribution is None else distribution.requires or []
    return [match.group() for line in lines if not _EXTRA.search(line) and (match := _REQUIREMENT.match(line))]


def top_level(name: str) -> set[Path]:
    """Return the top-level files and folders of a distribution or, failing that, of a module."""
    distribution = _distribution(name)
    if distribution is None:
        return _module_location(name)
    home = Path(str(distribution.locate_file("")))
    first = {file.parts[0] for file in distribution.files or () if not file.is_absolute()}
    named = {home / part for part in first if part not in ("..", "__pycache__") and not part.endswith(".dist-info")}
    # a record may name any file of the machine (a manual page, a link to elsewhere); only files in this folder count
    found = {path.resolve() for path in named if path.exists() and path.suffix != ".pth" and not path.is_symlink()}
    return {path for path in found if path.parent == home.resolve()} or _module_location(name)


def _module_location(name: str) -> set[Path]:
    """Return the file or folder of a top-level module, found without running any of it."""
    spec = importlib.machinery.PathFinder.find_spec(name, search_path()) if name.isidentifier() else None
    if spec is None:
        return set()
    if spec.submodule_search_locations:
        return {Path(path).resolve() for path in spec.submodule_search_locations}
    return {Path(spec.origin).resolve()} if spec.origin else set()


def version(name: str) -> str | None:
    """Return the installed version of a distribution; None where it is not installed."""
    distribution = _distribution(name)
    return None if distribution is None else distribution.version
