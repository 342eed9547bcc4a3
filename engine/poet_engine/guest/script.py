"""Run a whole script as `__main__`: its files are written, and its folder's descriptor is sent to the host."""

import contextlib
import dataclasses
import io
import json
import os
import sys
import types
from typing import TYPE_CHECKING

from . import kernel
from .frames import FrameKind, pack

if TYPE_CHECKING:
    import socket

HEADER_LENGTH = 4  # bytes in which the header's own length stands
FOLDER = "/tmp/poet-script"
_STDIN = "/tmp/.poet-stdin"
_ERRORS = "surrogateescape"  # what an interpreter has in the locale that we name
_LONG = 1 << 63


@dataclasses.dataclass(frozen=True)
class ScriptRequest:
    """A script that is ready to run: its source, file name and arguments."""

    source: str
    filename: str
    argv: list[str]


def prepare(sock: "socket.socket", content: bytes) -> ScriptRequest:
    """Write the script's files. Before any of its code exists here, its folder's descriptor goes to the host."""
    start = HEADER_LENGTH + int.from_bytes(content[:HEADER_LENGTH], "big")
    header = json.loads(content[HEADER_LENGTH:start])
    # whoever runs the engine may be another user, who is to read what the script leaves; nobody else sees these mounts
    os.umask(0o022)
    os.mkdir(FOLDER)
    folder = os.open(FOLDER, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    kernel.send_with_descriptors(sock, pack(FrameKind.FOLDER), [folder])
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
    return ScriptRequest(header["source"], header["filename"], header["argv"])


def _write(name: str, content: memoryview) -> int:
    fd = os.open(name, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
    while content:
        content = content[os.write(fd, content) :]
    return fd


def _connect_stdin(content: memoryview) -> None:
    """Connect standard input to a nameless file, not a pipe: a script that never reads it keeps nobody waiting."""
    fd = _write(_STDIN, content)
    os.unlink(_STDIN)
    os.lseek(fd, 0, os.SEEK_SET)
    os.dup2(fd, 0)
    os.close(fd)


def run(request: ScriptRequest) -> None:
    """Run a script as `python script.py` would, to its last line.

    Raises:
        BaseException: The exception that the script did not catch; SystemExit when it asked to end.
    """
    module = types.ModuleType("__main__")
    module.__file__ = request.filename
    sys.modules["__main__"] = module
    sys.argv[:] = [request.filename, *request.argv]
    sys.path.insert(0, FOLDER)
    sys.stdin = _standard_input()
    vars(sys)["__stdin__"] = sys.stdin
    kernel.buffer_c_output(buffered=True)  # as in CPython, which writes it at the end
    try:
        exec(compile(request.source, request.filename, "exec", dont_inherit=True), module.__dict__)  # noqa: S102 - this is what the isolation is for
    finally:
        _flush_as_it_ends()


def _standard_input() -> io.TextIOWrapper:
    """Return the stream that an interpreter makes of descriptor 0: line ends stay as they are."""
    buffer = open(0, "rb", closefd=False)  # noqa: SIM115 - it stays open for as long as the script runs
    vars(buffer.raw)["name"] = "<stdin>"
    stream = io.TextIOWrapper(buffer, encoding="utf-8", errors=_ERRORS, newline="\n")
    vars(stream)["mode"] = "r"
    return stream


def _flush_as_it_ends() -> None:
    """Flush as CPython does when a script has come to its end, before it waits for threads."""
    for name in ("stderr", "stdout"):
        with contextlib.suppress(BaseException):
            getattr(sys, name).flush()


def exit_status(error: SystemExit) -> int:
    """Return the status that CPython would exit with; a code that is no number is written to standard error."""
    code: object = error.code
    if code is None:
        return 0
    if isinstance(code, int):
        number = int.__index__(code)  # of a class of the code's own as well
        return number & 0xFF if -_LONG <= number < _LONG else 0xFF  # what is no C long becomes -1
    write_last_words(code)
    return 1


def write_last_words(code: object) -> None:
    """Write the reason that an ending program gives to standard error."""
    with contextlib.suppress(BaseException):
        sys.stderr.write(str(code) + "\n")


def remember(error: BaseException, filename: str) -> None:
    """Keep an uncaught exception where CPython keeps it, with all that it holds, until the modules are cleared."""
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename != filename:
        trace = trace.tb_next
    sys.last_type, sys.last_value, sys.last_traceback = type(error), error, trace
    if sys.version_info >= (3, 12):
        sys.last_exc = error
