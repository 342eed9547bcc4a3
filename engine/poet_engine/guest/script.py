"""Run a whole script as `__main__`: its files are written, and its folder's descriptor is sent to the host.

It is a file among them, as for `python script.py`: what shows source lines reads them from there.
"""

import builtins
import contextlib
import dataclasses
import functools
import importlib.machinery
import io
import json
import os
import re
import signal
import sys
import types
from typing import TYPE_CHECKING

from . import kernel, names, notebook, outermost_frame, project_modules, standard_streams
from .absent_imports import compile_source
from .frames import FrameKind, pack

if TYPE_CHECKING:
    import socket

HEADER_LENGTH = 4  # bytes in which the header's own length stands
FOLDER = "/tmp/poet-script"
_STDIN = "/tmp/.poet-stdin"
_ERRORS = "surrogateescape"  # what an interpreter has in the locale that we name
_LONG = 1 << 63
_MOST_CHAINED = 100  # exceptions that are looked at; those of the code may be chained in a ring
FAILED = 1  # the exit status after an uncaught exception
_ENCODING = re.compile(r"^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)")  # as PEP 263 has it
_NO_ANNOTATIONS = (3, 14)  # from this version on a module has none before it is asked for them
_OURS = (__file__, outermost_frame.__file__)  # where the frames are that run the script's code
_display = sys.excepthook  # the interpreter's own, whatever the script puts in its place


@dataclasses.dataclass(frozen=True)
class ScriptRequest:
    """A script that is ready to run.

    Attributes:
        source: Its text.
        filename: Its name, as it was asked for.
        argv: The arguments after its name.
        absent: The imports that it is to do without; see `absent_imports`.
        live: Whether somebody reads its output while it runs.
        cells: Of a notebook, the number of each cell and the line before it; empty for a script.
    """

    source: str
    filename: str
    argv: list[str]
    absent: dict[str, str] = dataclasses.field(default_factory=dict)
    live: bool = False
    cells: list[tuple[int, int]] = dataclasses.field(default_factory=list)

    @property
    def path(self) -> str:
        """The name of its file, which tracebacks show; one that is no plain name, or a notebook's, stays as it is."""
        return self.filename if self.cells or names.why_odd(self.filename) else f"{FOLDER}/{self.filename}"

    def file_of(self, error: BaseException) -> str:
        """Return the name of the file in which its own part of an exception's traceback begins."""
        own = {notebook.filename_of(number) for number, _start in self.cells} or {self.path}
        trace = error.__traceback__
        while trace is not None and trace.tb_frame.f_code.co_filename not in own:
            trace = trace.tb_next
        return self.path if trace is None else trace.tb_frame.f_code.co_filename


def as_file(source: str) -> bytes:
    """Return a script as the content of a file that is read as this text, whatever encoding its first lines name."""
    for line in source.split("\n", 2)[:2]:
        if found := _ENCODING.match(line):
            with contextlib.suppress(LookupError, ValueError):
                return source.encode(found[1])
    return source.encode(errors="surrogatepass")


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
    project_modules.install(header["project"], header["absent"])
    request = ScriptRequest(
        header["source"],
        header["filename"],
        header["argv"],
        header["absent"],
        live=header["live"],
        cells=[(number, start) for number, start in header["cells"]],
    )
    _write_itself(request)
    return request


def _write_itself(request: ScriptRequest) -> None:
    """Write the script's own file, after all others: where they leave no room, it does without."""
    if request.path == request.filename:
        return
    try:
        os.makedirs(os.path.dirname(request.path), exist_ok=True)
        os.close(_write(request.path, memoryview(as_file(request.source))))
    except FileExistsError:
        return  # it came with the files
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(request.path)


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


def run(request: ScriptRequest) -> object:
    """Run a script as `python script.py` would, to its last line; return the value of a notebook.

    There is no `finally` here: CPython 3.11 goes round for ever in one that is too far down a function when no memory
    at all is left.

    Raises:
        BaseException: The exception that the script did not catch; SystemExit when it asked to end.
    """
    module = sys.modules["__main__"] = types.ModuleType("__main__")
    path = request.path
    if sys.version_info < _NO_ANNOTATIONS:
        vars(module)["__annotations__"] = {}
    vars(module)["__builtins__"] = builtins
    if not request.cells:
        vars(module)["__loader__"] = importlib.machinery.SourceFileLoader("__main__", path)
        vars(module).update(__file__=path, __cached__=None)
    sys.argv[:] = [request.filename, *request.argv]
    sys.orig_argv[:] = [sys.executable, *sys.argv]
    sys.path.insert(0, os.path.dirname(path) if path != request.filename else FOLDER)
    sys.stdin = _standard_input()
    vars(sys)["__stdin__"] = sys.stdin
    standard_streams.STREAMS.show_lines(at_once=request.live)
    kernel.buffer_c_output(buffered=not request.live)  # as in CPython, which writes it at the end
    if request.cells:
        return notebook.run(request.source, request.cells, request.absent, module.__dict__)
    # this is what the isolation is for
    outermost_frame.call(functools.partial(exec, compile_source(request.source, path, request.absent), module.__dict__))
    return None


def _standard_input() -> io.TextIOWrapper:
    """Return the stream that an interpreter makes of descriptor 0: line ends stay as they are."""
    buffer = open(0, "rb", closefd=False)  # noqa: SIM115 - it stays open for as long as the script runs
    vars(buffer.raw)["name"] = "<stdin>"
    stream = io.TextIOWrapper(buffer, encoding="utf-8", errors=_ERRORS, newline="\n")
    vars(stream)["mode"] = "r"
    return stream


def flush_as_it_ends() -> None:
    """Flush as CPython does when a script has come to its end, before it reports an error and waits for threads."""
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


def report(error: BaseException, path: str) -> int:
    """Report an uncaught exception as CPython does, by `sys.excepthook`; return the exit status.

    Args:
        error: The exception; the part of its traceback that is the script's stays.
        path: The script's file.

    Returns:
        The exit status; a negative one is a signal that the process is to end by.
    """
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename != path:
        trace = trace.tb_next
    trace = _without_ours(trace)
    BaseException.with_traceback(error, trace)  # its class may have attributes of its own
    _leave_out_ours(error)
    sys.last_type, sys.last_value, sys.last_traceback = type(error), error, trace
    if sys.version_info >= (3, 12):
        sys.last_exc = error
    status = _hooked(error, trace)
    if status == FAILED and type(error) is KeyboardInterrupt:
        return -signal.SIGINT  # whoever started it is to know that it was interrupted
    return status


def _leave_out_ours(error: BaseException) -> None:
    """Take our frames from what an exception is chained to.

    Without memory for a traceback CPython raises a second MemoryError, which is about our frames as likely as not.
    """
    last = error
    for _ in range(_MOST_CHAINED):
        before = last.__context__
        if before is None:
            return
        trace = _without_ours(before.__traceback__)
        BaseException.with_traceback(before, trace)
        if type(before) is type(error) is MemoryError and trace is None:
            last.__context__ = before.__context__
        else:
            last = before


def _without_ours(trace: types.TracebackType | None) -> types.TracebackType | None:
    """Return a traceback without the frames that run the script's code, and without those that stand behind `print`."""
    while trace is not None and trace.tb_frame.f_code.co_filename in _OURS:
        trace = trace.tb_next
    before = trace
    while before is not None:
        while (after := before.tb_next) is not None and after.tb_frame.f_code.co_filename == standard_streams.__file__:
            before.tb_next = after.tb_next
        before = before.tb_next
    return trace


def _hooked(error: BaseException, trace: types.TracebackType | None) -> int:
    """Call the script's `sys.excepthook`; a failing or missing one has the interpreter's own take its place."""
    try:
        hook = sys.excepthook
    except AttributeError:
        write_last_words("sys.excepthook is missing")
        _display(type(error), error, trace)
        return FAILED
    try:
        outermost_frame.call(functools.partial(hook, type(error), error, trace))
    except SystemExit as asked:
        return exit_status(asked)
    except BaseException as second:  # noqa: BLE001 - whatever the script's own hook raises is shown
        write_last_words("Error in sys.excepthook:")
        BaseException.with_traceback(second, _without_ours(second.__traceback__))
        _display(type(second), second, second.__traceback__)
        write_last_words("\nOriginal exception was:")
        _display(type(error), error, trace)
    return FAILED


def forget_file() -> None:
    """Take the names of the script's file from its module, as CPython does when its last line has run."""
    with contextlib.suppress(Exception):
        for name in ("__file__", "__cached__"):
            vars(sys.modules["__main__"]).pop(name, None)
