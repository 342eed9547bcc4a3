"""Prints the files that the tests' processes open again and again, so that the guest can have them in its own memory.

Opening a file of the machine outside takes the guest several questions, and starting Python opens a hundred of them.
What is not listed is found outside as before.
"""

import os
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest
import pytest_timeout  # type: ignore[import-untyped]  # it ships no types

import poet_engine.sandbox.process

LOADED = (pytest, pytest_timeout, poet_engine.sandbox.process)  # with all that they load in turn
_PROJECT = Path(__file__).resolve().parents[2]
_NOT_USED = {"site-packages", "dist-packages", "test", "idlelib", "lib2to3", "ensurepip", "tkinter", "turtledemo"}


def _trees() -> Iterator[str]:
    """The standard library, and all of the project that the tests load."""
    for tree in (sysconfig.get_path("stdlib"), *(str(_PROJECT / name) for name in ("engine", "policies", "tests"))):
        for folder, folders, files in os.walk(tree):
            folders[:] = [name for name in folders if name not in _NOT_USED and not name.startswith("config-")]
            yield from (f"{folder}/{name}" for name in files if ".opt-" not in name)


def _modules() -> Iterator[str]:
    for module in list(sys.modules.values()):
        names = (getattr(module, "__file__", None), getattr(module, "__cached__", None))
        yield from (str(name) for name in names if name)


def _programs() -> Iterator[str]:
    """The interpreter, the dynamic loader, and the shared libraries of this process."""
    for line in Path("/proc/self/maps").read_text(encoding="utf-8").splitlines():
        if " r-xp " in line and "/" in line:
            yield line.split(maxsplit=5)[5]


def near() -> set[Path]:
    """The files, by names without symbolic links, and every folder on the way to them, whose mode is to be kept."""
    files = {Path(name).resolve() for source in (_trees(), _modules(), _programs()) for name in source}
    files = {file for file in files if file.is_file()}
    return files | {folder for file in files for folder in file.parents if folder != Path("/")}


if __name__ == "__main__":
    sys.stdout.writelines(f"{path.relative_to('/')}\n" for path in sorted(near()))
