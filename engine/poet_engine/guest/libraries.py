"""Find the shared libraries that a lane must see, in a clean interpreter: the host may have loaded anything."""

import contextlib
import ctypes
import importlib
import os
import re

# Extension modules of the standard library that bring a library of the system, and are loaded late or never.
_LATE = ("_bz2", "_ctypes", "_decimal", "_hashlib", "_lzma", "_sqlite3", "_ssl", "_uuid", "pyexpat", "zlib")
# Libraries that extension modules of other distributions link to without bringing them.
_COMMON = ("libstdc++.so.6", "libgcc_s.so.1")
# Folders with nothing but shared libraries of the system, such as /usr/lib/x86_64-linux-gnu. A mount is dearer than it
# looks, since every payload copies them all, so these come whole; /usr/lib and /usr/lib64 hold packages of Python too.
_SYSTEM = re.compile(r"(/usr)?/lib/[a-z0-9_]+-linux-(gnu|musl)[a-z0-9_]*")
_CHUNK = 1 << 16


def needed() -> list[str]:
    """Return the shared libraries of this process and of what it may load late, as real paths."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        _write_paths(writer)
    os.close(writer)
    text = b""
    while chunk := os.read(reader, _CHUNK):
        text += chunk
    os.close(reader)
    os.waitpid(pid, 0)
    return [path for path in os.fsdecode(text).split("\0") if path]


def _write_paths(writer: int) -> None:
    """In a child, load what the zygote should not carry, and write the library paths to `writer`. Never returns."""
    try:
        for name in _LATE:
            with contextlib.suppress(ImportError):
                importlib.import_module(name)
        for name in _COMMON:
            with contextlib.suppress(OSError):
                ctypes.CDLL(name)
        os.write(writer, os.fsencode("\0".join(sorted(mapped()))))
    finally:
        os._exit(0)


def mapped() -> set[str]:
    """Return the files that this process has mapped and that are named as libraries."""
    found: set[str] = set()
    with open("/proc/self/maps", encoding="utf-8", errors="surrogateescape") as lines:
        for line in lines:
            path = line.rstrip("\n")[73:]
            if path.startswith("/") and ".so" in os.path.basename(path) and os.path.isfile(path):
                found.add(path)
    return found


def to_bind(libraries: list[str], bound: list[str]) -> list[str]:
    """Return the paths to bind beside those that are bound already.

    A library of the system brings its folder, where the names that link to it stand. One from elsewhere brings only
    itself and those names: its folder may be anybody's.
    """
    wanted: dict[str, None] = {}
    for path in libraries:
        folder = os.path.dirname(path)
        names = [folder] if _SYSTEM.fullmatch(folder) else _names_of(path, folder)
        for name in names:
            if not any(name == there or name.startswith(there + "/") for there in (*bound, *wanted)):
                wanted[name] = None
    return [path for path in wanted if not any(path.startswith(other + "/") for other in wanted)]


def _names_of(path: str, folder: str) -> list[str]:
    """Return a library and the links beside it that lead to it, by whose names it is loaded."""
    found = [path]
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        found += [entry.path for entry in entries if entry.is_symlink() and os.path.realpath(entry.path) == path]
    return found
