"""Takes away what the guest has no use for, while the base image is being built. It runs as root, in the image.

Whoever gets out of the interpreter shall find no tools: no shell, no package manager, no compiler, no pip, no program
that changes the user. Shared libraries stay. Exit code 3 says that the base image has another Python than is wanted.
"""

import compileall
import os
import py_compile
import shutil
import stat
import sys
import sysconfig
from pathlib import Path

_WRONG_PYTHON = 3
_FOLDERS_OF_PROGRAMS = ("/bin", "/sbin", "/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin")
_OF_PACKAGES = ("/var/lib/apt", "/var/lib/dpkg", "/var/cache", "/usr/lib/apt", "/usr/share/doc", "/usr/share/man")
_OF_LIBRARY = ("ensurepip", "idlelib", "lib2to3", "pydoc_data", "test", "tkinter", "turtledemo", "venv")
_INSTALLERS = ("pip", "setuptools", "wheel", "_distutils_hack", "pkg_resources")
_SET_ID = stat.S_ISUID | stat.S_ISGID


def main() -> None:
    """Remove programs, package managers and installers, then every bit by which a program changes the user."""
    wanted = os.environ.get("MINOR", "")  # noqa: TID251 - an ARG of the Dockerfile: the image has no settings.py
    if wanted != f"{sys.version_info.major}.{sys.version_info.minor}":
        sys.exit(_WRONG_PYTHON)
    # The root will be read-only, and the official images ship no compiled files: each start would compile everything.
    for folder in (sysconfig.get_path("stdlib"), "/opt/poet"):
        compileall.compile_dir(folder, quiet=2, invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)
    _remove_programs(keep=Path(sys.executable).resolve())
    library, site = Path(sysconfig.get_path("stdlib")), Path(sysconfig.get_path("purelib"))
    installers = (
        (path for path in site.iterdir() if path.name.partition("-")[0] in _INSTALLERS) if site.is_dir() else ()
    )
    for path in (*map(Path, _OF_PACKAGES), *(library / name for name in _OF_LIBRARY), *installers):
        shutil.rmtree(path, ignore_errors=True)
    for path in Path("/usr").rglob("*"):
        mode = path.lstat().st_mode
        if stat.S_ISREG(mode) and mode & _SET_ID:
            path.chmod(stat.S_IMODE(mode) & ~_SET_ID)
    Path(__file__).unlink()


def _remove_programs(keep: Path) -> None:
    for folder in {Path(name).resolve() for name in _FOLDERS_OF_PROGRAMS}:
        for path in folder.iterdir() if folder.is_dir() else ():
            if path.resolve() != keep and (path.is_symlink() or not path.is_dir()):
                path.unlink()


main()
