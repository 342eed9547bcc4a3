"""A whole script: its files are laid out, its folder is shown to the host, and it runs as `__main__`."""

import atexit
import dataclasses
import json
import os
import sys
import types
from typing import TYPE_CHECKING

from . import kernel
from .frames import Kind, pack

if TYPE_CHECKING:
    import socket

HEADER_LENGTH = 4  # bytes in which the header's own length stands
FOLDER = "/tmp/poet-script"
_STDIN = "/tmp/.poet-stdin"


@dataclasses.dataclass(frozen=True)
class Asked:
    """A script that is ready to run."""

    source: str
    filename: str
    argv: list[str]


def prepare(sock: "socket.socket", content: bytes) -> Asked:
    """Lay everything out. The folder's descriptor goes to the host first, before any code of the script exists here."""
    start = HEADER_LENGTH + int.from_bytes(content[:HEADER_LENGTH], "big")
    header = json.loads(content[HEADER_LENGTH:start])
    # whoever runs the engine may be another user, who is to read what the script leaves; nobody else sees these mounts
    os.umask(0o022)
    os.mkdir(FOLDER)
    folder = os.open(FOLDER, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    kernel.send_with_descriptors(sock, pack(Kind.FOLDER), [folder])
    os.close(folder)
    os.chdir(FOLDER)
    rest = memoryview(content)[start:]
    for name, length in header["files"]:
        if parent := os.path.dirname(name):
            os.makedirs(parent, exist_ok=True)
        os.close(_write(name, rest[:length]))
        rest = rest[length:]
    if rest:
        _connect_stdin(rest)
    return Asked(header["source"], header["filename"], header["argv"])


def _write(name: str, content: memoryview) -> int:
    fd = os.open(name, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
    while content:
        content = content[os.write(fd, content) :]
    return fd


def _connect_stdin(content: memoryview) -> None:
    """A file without a name and not a pipe: a script that never reads it keeps nobody waiting."""
    fd = _write(_STDIN, content)
    os.unlink(_STDIN)
    os.lseek(fd, 0, os.SEEK_SET)
    os.dup2(fd, 0)
    os.close(fd)


def run(asked: Asked) -> None:
    """Run it as `python script.py` would, to the end of its last thread and its exit functions.

    Raises:
        BaseException: What the script did not catch; SystemExit when it asked to end.
    """
    module = types.ModuleType("__main__")
    module.__file__ = asked.filename
    sys.modules["__main__"] = module
    sys.argv[:] = [asked.filename, *asked.argv]
    sys.path.insert(0, FOLDER)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - it stays open for as long as the script runs
    try:
        exec(compile(asked.source, asked.filename, "exec", dont_inherit=True), module.__dict__)  # noqa: S102 - this is what the walls are for
    finally:
        _come_to_an_end()


def _come_to_an_end() -> None:
    """What an interpreter does at its end, and a payload, which ends by `os._exit`, would leave undone."""
    threading = sys.modules.get("threading")
    if threading is not None:
        threading._shutdown()  # noqa: SLF001 - joins threads and ends the executors, as no public function does
    atexit._run_exitfuncs()  # noqa: SLF001 - the same
