"""List the files of an image that is made from this machine's own interpreter: no registry is needed for it.

Everything is laid out as `python:slim` has it, below /usr/local, wherever the host keeps it: the interpreter finds its
library from where it lies itself.
"""

import os
import platform
import re
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from poet_engine import _distributions
from poet_engine.errors import ImageError
from poet_engine.images import elf, trimming
from poet_engine.images.guest_files import guest_digest, guest_files
from poet_engine.images.recipe import INTERPRETER, Contents, Recipe
from poet_engine.images.tree import EXECUTABLE, STICKY, Entry, File, ImageFolder, Link, arrange, compiled_beside

Wanted = Callable[[Sequence[str]], bool]

_PREFIX = "/usr/local"
_ZONES = Path("/usr/share/zoneinfo")
# The locale that containers' environment names, in the folder's two spellings.
_LOCALES = (Path("/usr/lib/locale/C.utf8"), Path("/usr/lib/locale/C.UTF-8"))
_ZONES_TWICE = ("posix", "right", "localtime", "posixrules")  # the same zones again, and links to this machine's own
# Folders that the loader searches by itself; a library from elsewhere is laid beside the loader, where it is found.
_SEARCHED = re.compile(r"(/usr)?/lib(64|/[a-z0-9_]+-linux-(gnu|musl)[a-z0-9_]*)?")
# Docker lays its own files over these, and mounts over these folders.
_EMPTY_FILES = ("/etc/hostname", "/etc/hosts", "/etc/resolv.conf")
_EMPTY_FOLDERS = ("/dev", "/proc", "/sys")
_USERS = b"root:x:0:0::/:/nonexistent\npoet:x:65534:65534::/tmp:/nonexistent\n"
_GROUPS = b"root:x:0:\npoet:x:65534:\n"
_LIBRARIES_S = 120.0
# The guest finds out which libraries are needed, as it does for a lane, with the recipe's modules loaded.
_ASK_LIBRARIES = """
import importlib, importlib.util, os, sys
folder, paths, names = (part for part in sys.argv[1:4])
where = {"submodule_search_locations": [folder]}
spec = importlib.util.spec_from_file_location("poet_guest", folder + "/__init__.py", **where)
package = importlib.util.module_from_spec(spec)
sys.modules["poet_guest"] = package
spec.loader.exec_module(package)
sys.path += paths.split(os.pathsep) if paths else []
for name in names.split():
    importlib.import_module(name)
from poet_guest import libraries
sys.stdout.buffer.write(os.fsencode("\\0".join(libraries.needed())))
"""


def contents(recipe: Recipe) -> Contents:
    """Return the contents of the image to be made.

    Raises:
        ImageError: A distribution that the recipe requires is not installed here.
    """
    missing = [name for name in recipe.modules if _distributions.version(name) is None]
    if missing:
        raise ImageError(
            f"the image {recipe.name!r} needs {', '.join(missing)}, and {sys.executable} does not have it; "
            f"install it there ({recipe.mend}), or build from an image: poet images build {recipe.name} --base IMAGE"
        )
    taken = _taken(recipe)
    names = _distributions.closure(taken)
    return Contents(
        name=recipe.name,
        guest=guest_digest(),
        python=platform.python_version(),
        modules=frozenset(taken.values()),
        distributions={name: version for name in names if (version := _distributions.version(name)) is not None},
    )


def _taken(recipe: Recipe) -> Mapping[str, str]:
    further = {name: module for name, module in recipe.further.items() if _distributions.version(name) is not None}
    return {**recipe.modules, **further}


def entries(recipe: Recipe) -> list[Entry]:
    """Return every file of the image, in its order.

    Raises:
        ImageError: This machine lacks a file that belongs into it.
    """
    if sys.platform != "linux":
        raise ImageError(
            f"--from-host makes a Linux image from this machine's own Python, and this is {sys.platform}; "
            f"use --base: poet images build {recipe.name} --base python:{_minor()}-slim"
        )
    packages = [
        path for name in _distributions.closure(_taken(recipe)) for path in sorted(_distributions.top_level(name))
    ]
    files = [*_library(), *_packages(packages), *guest_files()]
    compiled = [form for file in files if (form := compiled_beside(file, sys.implementation.cache_tag or ""))]
    return arrange([*_frame(), *_executable(recipe, packages), *files, *compiled])


def _minor() -> str:
    return f"{sys.version_info.major}.{sys.version_info.minor}"


def packages_folder() -> str:
    """Return the image's folder for distributions."""
    return f"{_PREFIX}/lib/python{_minor()}/site-packages"


def _frame() -> Iterator[Entry]:
    """Yield the files of a root besides Python: two users, places for Docker's mounts, time zones, the locale."""
    yield File("/etc/passwd", _USERS)
    yield File("/etc/group", _GROUPS)
    yield ImageFolder("/tmp", STICKY)  # noqa: S108 - the image's
    yield from (File(path, b"") for path in _EMPTY_FILES)
    yield from (ImageFolder(path) for path in _EMPTY_FOLDERS)
    if _ZONES.is_dir():
        yield from _walk(_ZONES, str(_ZONES), lambda parts: parts[0] not in _ZONES_TWICE)
    for locale in _LOCALES:
        yield from _walk(locale, str(locale), lambda _parts: True)


def _library() -> Iterator[File]:
    root = Path(sysconfig.get_path("stdlib")).resolve()
    for file in _walk(root, f"{_PREFIX}/{sys.platlibdir}/python{_minor()}", trimming.of_library):
        if trimming.is_build_record(file.path.rpartition("/")[2]) and isinstance(file.content, Path):
            yield File(file.path, trimming.without_paths(file.content.read_text(encoding="utf-8")))
        else:
            yield file


def _packages(paths: Iterable[Path]) -> Iterator[File]:
    for path in paths:
        place = f"{packages_folder()}/{path.name}"
        if path.is_dir():
            yield from _walk(path, place, trimming.of_distribution)
        elif trimming.of_distribution((path.name,)):
            yield File(place, path)


def _walk(root: Path, place: str, wanted: Wanted) -> Iterator[File]:
    """Yield the regular files below a folder; a link counts as its target when that lies below the folder too."""
    for above, folders, names in os.walk(root):
        parts = Path(above).relative_to(root).parts
        folders[:] = sorted(name for name in folders if wanted((*parts, name)))
        for name in sorted(names):
            path = Path(above, name)
            real = path.resolve() if path.is_symlink() else path
            if wanted((*parts, name)) and real.is_file() and real.is_relative_to(root):
                yield File("/".join((place, *parts, name)), real)


def _executable(recipe: Recipe, packages: Sequence[Path]) -> Iterator[Entry]:
    """Yield the interpreter, its loader, and the shared libraries of everything."""
    path = Path(sys.executable).resolve()
    asked_for = elf.loader(path)
    if asked_for is None:
        raise ImageError(
            f"{path} is not a dynamic 64-bit executable, of which an image could be made; "
            f"use an image with a Python of its own: poet images build {recipe.name} --base python:{_minor()}-slim"
        )
    name = f"{_PREFIX}/bin/python{_minor()}"
    yield File(name, path, EXECUTABLE)
    yield Link(INTERPRETER, name.rpartition("/")[2])
    loader = Path(asked_for).resolve()
    if str(loader) != asked_for:
        yield Link(asked_for, str(loader))
    inside = [Path(sysconfig.get_path("stdlib")).resolve(), *packages]
    found = {loader, *_libraries(recipe, packages)}
    yield from place_libraries(
        sorted(path for path in found if not any(map(path.is_relative_to, inside))), loader.parent
    )


def place_libraries(libraries: Iterable[Path], home: Path) -> Iterator[Entry]:
    """Yield shared libraries where the loader finds them, with the links by whose names they are loaded.

    Args:
        libraries: Real paths on this machine.
        home: A folder that the loader searches.
    """
    names: dict[Path, dict[Path, list[str]]] = {}
    for path in libraries:
        place = str(path.parent if _SEARCHED.fullmatch(str(path.parent)) else home)
        yield File(f"{place}/{path.name}", path, EXECUTABLE)
        if path.parent not in names:
            names[path.parent] = _links(path.parent)
        yield from (Link(f"{place}/{name}", path.name) for name in names[path.parent].get(path, ()))


def _links(folder: Path) -> dict[Path, list[str]]:
    """Return real path → the links to it in a folder, such as `libz.so.1`."""
    found: dict[Path, list[str]] = {}
    for entry in os.scandir(folder):
        if entry.is_symlink() and ".so" in entry.name:
            found.setdefault(Path(entry.path).resolve(), []).append(entry.name)
    return {real: sorted(name for name in names if name != real.name) for real, names in found.items()}


def _libraries(recipe: Recipe, packages: Iterable[Path]) -> set[Path]:
    parents = sorted({str(path.parent) for path in packages})
    guest = str(Path(str(guest_files()[0].content)).parent)
    names = " ".join(sorted(_taken(recipe).values()))
    command = [sys.executable, "-I", "-S", "-B", "-c", _ASK_LIBRARIES, guest, os.pathsep.join(parents), names]
    try:
        finished = subprocess.run(command, capture_output=True, check=False, cwd="/", env={}, timeout=_LIBRARIES_S)
    except subprocess.TimeoutExpired:
        raise ImageError(
            f"loading {names or 'the standard library'} took longer than {_LIBRARIES_S:.0f} s; try again when the "
            "machine has less to do"
        ) from None
    if finished.returncode != 0:
        last = finished.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        raise ImageError(
            f"{names or 'the standard library'} cannot be loaded by {sys.executable}, so an image could not use it "
            f"either ({last}); mend the installation ({recipe.mend or 'install Python anew'})"
        )
    return {Path(os.fsdecode(path)) for path in finished.stdout.split(b"\0") if path}
