"""Compile the files of an image: its root is read-only, so a container would compile them at every start.

A fresh interpreter does it, one file after the other in a fixed order and with a fixed hash seed: what `marshal` writes
depends on which strings the process has seen before. The compiled files say that they need no check against their
source, whose time of change no archive keeps.
"""

import contextlib
import struct
import subprocess
import sys
from collections.abc import Sequence
from typing import Self

from poet_engine.errors import ImageError
from poet_engine.images.tree import CompiledFile

# Reads pairs of names, and writes for each the length and the bytes of the compiled form, 0 for what does not compile:
# distributions ship templates and tests of broken syntax.
_PROGRAM = """
import importlib.util, marshal, struct, sys, warnings
warnings.simplefilter("ignore")
names = sys.stdin.buffer.read().split(b"\\0")
out = sys.stdout.buffer
for path, shown in zip(names[::2], names[1::2]):
    with open(path, "rb") as file:
        source = file.read()
    try:
        code = compile(source, shown.decode(errors="surrogateescape"), "exec", dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError):
        out.write(struct.pack("=I", 0))
        continue
    form = importlib.util.MAGIC_NUMBER + struct.pack("<I", 1) + importlib.util.source_hash(source) + marshal.dumps(code)
    out.write(struct.pack("=I", len(form)) + form)
out.flush()
"""
_LENGTH = struct.Struct("=I")
_STOP_S = 5.0


class Compiler:
    """The interpreter that compiles; a context manager. Call it with the same entries in the same order.

    Args:
        entries: Every file that it will be called with.
        interpreter: The Python whose byte code is wanted.
    """

    def __init__(self, entries: Sequence[CompiledFile], interpreter: str = sys.executable) -> None:
        self._request = b"\0".join(
            name.encode(errors="surrogateescape") for entry in entries for name in (str(entry.source), entry.shown)
        )
        self._process = subprocess.Popen(
            [interpreter, "-P", "-s", "-S", "-B", "-c", _PROGRAM],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={"PYTHONHASHSEED": "0", "LANG": "C.UTF-8"},
            cwd="/",
        )

    def __repr__(self) -> str:
        return f"<Compiler pid={self._process.pid}>"

    def __enter__(self) -> Self:
        if self._process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):  # it has died: reading from it says so
                self._process.stdin.write(self._request)
            with contextlib.suppress(BrokenPipeError):
                self._process.stdin.close()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._process.wait(_STOP_S)

    def __call__(self, entry: CompiledFile) -> bytes | None:
        """Return the compiled form of the next entry; None when it does not compile.

        Raises:
            ImageError: The interpreter ended.
        """
        (length,) = _LENGTH.unpack(self._read(_LENGTH.size, entry))
        return self._read(length, entry) if length else None

    def _read(self, size: int, entry: CompiledFile) -> bytes:
        read = self._process.stdout.read(size) if self._process.stdout is not None else b""
        if len(read) < size:
            raise ImageError(
                f"the interpreter that compiles the image's files ended at {entry.source}; see whether memory is left, "
                "and whether the file can be read"
            )
        return read
