"""Run one call in a process that confines itself, waits, runs the code, sends one frame, and ends."""

import _signal  # type: ignore[import-not-found] # it has no stubs
import _thread
import contextlib
import fcntl
import functools
import gc
import importlib
import json
import linecache
import mmap
import opcode
import os
import resource
import signal
import socket
import sys
import traceback
import types
from typing import TYPE_CHECKING, NamedTuple, Never

from . import codec, confine, kernel, notebook, project_modules, randomness, script, structures
from .absent_imports import compile_source
from .attachments import NOTHING, Attached, Collected, Mapped
from .container_protocol import LONGEST_AHEAD
from .errors import GuestSerializationError, UndecodableError
from .frames import NONCE_SIZE, STAYS, Frame, FrameKind, Reader, pack
from .interpreter_exit import ENDING
from .prepared_calls import make_all
from .project_modules import MODULE_NAME
from .standard_streams import STREAMS

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Mapping

_NO_PROJECT = {"module": MODULE_NAME, "files": {}}
# The core of `json.loads`, for what the host writes. The rest of it touches 25 pages, each of which is then copied.
_read = json.JSONDecoder().raw_decode
# Bytes that a request may have. The host is trusted; the bound keeps a bug from becoming a mystery.
_MAX_REQUEST = 1 << 31
# Most requests are small; room for a large one is memory that the kernel has to find and to clear.
_FIRST_READ, _NEXT_READ = 1 << 14, 1 << 20
_MAX_TEXT, _MAX_TRACEBACK = 4096, 32768
_RAISE_VARARGS = opcode.opmap["RAISE_VARARGS"]  # a `raise` statement; its number differs between versions
_SETUP_FAILED_STATUS = 121
_REQUEST = 3  # the descriptor after the standard ones
_RESULTS = 3  # the index of the file for large results among a payload's descriptors
_DONE = pack(FrameKind.RESULT, b"null")  # a script has come to its end
_OUT_OF_MEMORY_FRAME = pack(
    FrameKind.EXCEPTION, b'{"type": "MemoryError", "message": "", "traceback": "", "kind": "memory", "raised": false}'
)
_process_id = os.getpid
# Address space, freed when that runs out, so that there is room to say so. Its pages are never touched.
_BALLAST = 512 * 1024


class InputRefused(Exception):  # noqa: N818 - the name that generated code raises is a published contract
    """A version's refusal of an argument.

    Args:
        argument: The argument's name.
        rule: The rule that it must satisfy, as a phrase.
    """

    def __init__(self, argument: str, rule: str) -> None:
        super().__init__(f"{argument}: {rule}")
        self.argument, self.rule = str(argument), str(rule)


class EntryNotFoundError(LookupError):
    """A source without a function of the requested name at its top level."""

    def __init__(self, entry: str, module: types.ModuleType) -> None:
        functions = [name for name, value in vars(module).items() if isinstance(value, types.FunctionType)]
        there = f"it defines {', '.join(functions)}" if functions else "it defines no function"
        super().__init__(f"the source has no function {entry!r} at its top level; {there}")


def main(plan: confine.ConfinementPlan, descriptors: list[int], sizes: tuple[int, int]) -> Never:
    """Confine this process, and serve a call. Never returns.

    `descriptors` are the request socket, stdout, stderr, the file for large results, and the record of output, which
    the streams have mapped by then.
    """
    status = _SETUP_FAILED_STATUS
    try:
        kernel.set_name(b"poet-call")
        _request, out, err, _results, _record = descriptors
        os.dup2(out, 1)
        os.dup2(err, 2)
        request, results = _at_the_same_numbers(descriptors)
        kernel.close_all_but({0, 1, 2, request, results, *plan.descriptors})
        # named, because it would ask the kernel otherwise
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM, 0, fileno=request)
        try:
            compiled = prepare(plan, sizes, sock, results)
        except Exception as error:  # noqa: BLE001 - nothing hostile ran yet: whatever failed is the host's to know
            sock.sendall(pack(FrameKind.SETUP_FAILED, repr(error).encode()))
            os._exit(status)
        status = serve(sock, results, [bytes(_BALLAST)], compiled, keep=plan.config.keep)
    except BaseException:  # noqa: BLE001 - the host reads the exit status; there is nobody else to tell
        status = 1
    os._exit(status)


def _at_the_same_numbers(descriptors: list[int]) -> tuple[int, int]:
    """Give request socket and results file the same numbers in every sandbox, whatever its first process has open."""
    if descriptors[0] == _REQUEST:
        return descriptors[0], descriptors[_RESULTS]
    results = fcntl.fcntl(descriptors[_RESULTS], fcntl.F_DUPFD_CLOEXEC, _REQUEST + 1)
    os.dup2(descriptors[0], _REQUEST, inheritable=False)
    return _REQUEST, results


def prepare(
    plan: confine.ConfinementPlan, sizes: tuple[int, int], sock: socket.socket, results: int
) -> "_CompiledSource | None":
    """Apply the plan's steps, pay the costs of a first call, and report ready; return what was compiled ahead."""
    make_all(plan.calls)
    kernel.close_all_but({0, 1, 2, sock.fileno(), results})
    # as in every program; the processes before take none. Without the enums of `signal`, whose pages would be copied
    _signal.signal(_signal.SIGINT, _signal.default_int_handler)
    randomness.renew()
    gc.enable()
    warm_up(1)
    confine.memory_budget(plan.config, sizes)
    listener = confine.system_calls(plan)
    compiled = _compile_ahead(sock)
    kernel.send_with_descriptors(sock, pack(FrameKind.READY), [] if listener is None else [listener])
    if listener is not None:
        os.close(listener)
    return compiled


_WARM_UP = """
def warm(x, y):
    total = [value * 2 for value in x]
    return {"total": sum(total), "text": f"{y}", "pair": (1, 2.5)}
"""
_FAILS = """
def warm(x, y):
    raise ValueError("warm")
"""


def _warm_request(source: str) -> bytes:
    fields = {"source": source, "entry": "warm", "filename": "<warm>", "args": [[1, 2], "y"], "kwargs": {}}
    return pack(FrameKind.REQUEST, json.dumps(fields).encode())


_WARM_REQUEST = _warm_request(_WARM_UP)
_FAILING_REQUEST = _warm_request(_FAILS)


_NO_FILE = -1  # the answer of the warm-up is too small to need one


def warm_up(times: int) -> None:
    """Run a call of our own, so that the copy-on-write faults of the interpreter are paid before the clock starts."""
    for _ in range(times):
        answer(Reader({FrameKind.REQUEST: _MAX_REQUEST}).feed(_WARM_REQUEST)[0].payload, results=_NO_FILE)
        STREAMS.flush()
    sys.modules.pop(MODULE_NAME, None)
    linecache.cache.pop("<warm>", None)


def rehearse(times: int) -> None:
    """Go through a payload's whole life, in the process that all are forked from.

    What runs there for the first time would write to memory that is then copied for each of them: code that is made
    faster, and names that are looked up in types.
    """
    ahead = pack(FrameKind.COMPILE, json.dumps([_WARM_UP, "<warm>"]).encode())
    for _ in range(times):
        ours, theirs = socket.socketpair()
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM, 0, fileno=theirs.detach())
        with ours, sock:
            ours.sendall(ahead)
            randomness.renew()
            warm_up(1)
            compiled = _compile_ahead(sock)
            kernel.send_with_descriptors(sock, pack(FrameKind.READY), [])
            ours.sendall(_WARM_REQUEST)
            serve(sock, _NO_FILE, [], compiled, keep=False)
            ours.sendall(_FAILING_REQUEST)
            serve(sock, _NO_FILE, [], keep=False)
    sys.modules.pop(MODULE_NAME, None)


def serve(
    sock: socket.socket, results: int, ballast: list[bytes], compiled: "_CompiledSource | None" = None, *, keep: bool
) -> int:
    """Wait for a request, answer it, and return the exit status; with `keep`, go on until an answer is no result."""
    loaded: _LoadedEntry | None = None
    status: int | None = None
    running = _Running(_process_id(), ballast)
    while True:
        requests, attached = _receive(sock)
        if not requests:
            return 0  # the host let go of a payload that it did not need
        nonce = requests.pop(0).payload if requests[0].kind is FrameKind.NONCE else b""
        if requests[0].kind is FrameKind.SCRIPT:
            return _serve_script(sock, requests, ballast, results)
        try:
            content = requests[0].payload
            frame, loaded = answer(content, attached, results, loaded=loaded, compiled=compiled, running=running)
        except MemoryError:  # there is no room for more, even after the ballast has gone
            frame = _OUT_OF_MEMORY_FRAME
        except SystemExit as error:
            frame = b""
            status = _exit_status(error)
        if status is not None:  # the program asked for its end, and has no answer; what it held is let go of by now
            ENDING.come(status, 0, bytes)
        STREAMS.flush()
        stays = keep and frame[0] == FrameKind.RESULT and not kernel.has_timer()
        sock.sendall(pack(FrameKind.NONCE, nonce + STAYS * stays) + frame if nonce else frame)
        if not stays:
            return 0


def _receive(sock: socket.socket) -> tuple[list[Frame], int | None]:
    """Receive a request and the file with its attachments; no request when the host closes its side."""
    reader = Reader({FrameKind.NONCE: NONCE_SIZE, FrameKind.REQUEST: _MAX_REQUEST, FrameKind.SCRIPT: _MAX_REQUEST})
    size, attached = _FIRST_READ, None
    frames: list[Frame] = []
    while True:
        data, descriptors = kernel.receive_with_descriptors(sock, size, 1)
        attached = descriptors[0] if descriptors else attached
        if (frames := frames + reader.feed(data)) and frames[-1].kind is not FrameKind.NONCE:
            return frames, attached
        if not data:
            return [], attached
        size = _NEXT_READ


def _serve_script(sock: socket.socket, requests: list[Frame], ballast: list[bytes], results: int) -> Never:
    """Run a whole script and answer. `requests` is emptied: the script's files are written by then."""
    request, payload = script.ScriptRequest("", "", []), os.getpid()
    status, frame, failed = 0, _DONE, []
    try:
        request = script.prepare(sock, requests.pop().payload)
        value = script.run(request)
        if request.cells and _process_id() == payload:  # not a child: the file of results is the payload's
            frame = _value_of_notebook(value, results)
        del value  # what it holds is let go of with the modules
    except BaseException as error:  # noqa: BLE001 - whatever the code raised is its answer
        ballast.clear()
        failed.append(error)
    script.flush_as_it_ends()
    if failed:  # not where it was caught: what goes wrong with its report would be chained to it
        status, frame = _uncaught(failed.pop(), request)
    else:
        script.forget_file()
    ENDING.come(status, payload, functools.partial(sock.sendall, frame))


def _uncaught(error: BaseException, request: script.ScriptRequest) -> tuple[int, bytes]:
    """Do what CPython does with an exception that a script did not catch; return the exit status and the frame."""
    if isinstance(error, SystemExit):
        status = script.exit_status(error)
        return status, b"" if status else _DONE
    file = request.file_of(error)
    status = script.report(error, file)
    script.forget_file()
    if not status:
        return status, _DONE  # its own hook has asked for that
    if not request.cells:
        _remember_lines(request.source, request.path)
    # a status that its hook has chosen says more than the exception, which the host then shows beside it
    exits = status if status in (script.FAILED, -signal.SIGINT) else 0
    return status, _describe(error, file, shown="" if request.cells else request.filename, exits=exits)


def _value_of_notebook(value: object, results: int) -> bytes:
    """Return the frame with the value of a notebook, or with its text where it cannot travel."""
    try:
        return _result({"value": value}, results)
    except GuestSerializationError:
        return _result({"text": notebook.text_of(value)}, results)


def _exit_status(error: SystemExit) -> int:
    if error.code is None:
        return 0
    if isinstance(error.code, int):
        return error.code & 0xFF
    script.write_last_words(error.code)
    return 1


class _Running(NamedTuple):
    """The process that answers, and what it lets go of before it describes an error."""

    payload: int
    ballast: list[bytes]

    def end_if_child(self, error: BaseException | None, filename: str) -> None:
        """End this process where the code has forked it: the program goes on in it, and only the payload answers."""
        if _process_id() != self.payload:
            ENDING.come(0 if error is None else script.report(error, filename), self.payload, bytes)


class _LoadedEntry(NamedTuple):
    """A source and its module, which has run."""

    source: str
    module: types.ModuleType
    project: "Mapping[str, object]"


class _CompiledSource(NamedTuple):
    """A source that was compiled before it was called; none of it has run."""

    source: str
    filename: str
    code: types.CodeType


def _compile_ahead(sock: socket.socket) -> _CompiledSource | None:
    """Compile the source that the host has sent already, if any: it knows before the fork what call is likely."""
    reader = Reader({FrameKind.COMPILE: LONGEST_AHEAD})
    try:
        while not (frames := reader.feed(sock.recv(LONGEST_AHEAD, socket.MSG_DONTWAIT))):
            continue
    except BlockingIOError:
        return None
    (source, filename), _end = _read(frames[0].payload.decode())
    STREAMS.expect(source)
    return _CompiledSource(source, filename, compile(source, filename, "exec", dont_inherit=True))


def answer(
    request: bytes,
    attached: int | None = None,
    results: int | None = None,
    *,
    loaded: _LoadedEntry | None = None,
    compiled: _CompiledSource | None = None,
    running: _Running | None = None,
) -> tuple[bytes, _LoadedEntry | None]:
    """Answer a request; return the frame and what is loaded then. SystemExit passes through: ending is not answering.

    Args:
        request: The content of a request frame.
        attached: Descriptor of the file with its attachments; closed here.
        results: Descriptor of the file for the result's attachments.
        loaded: The source that an earlier request has loaded; used again if it is the same.
        compiled: The source that was compiled ahead; used if it is the same.
        running: The process that answers; None where no code but ours runs.
    """
    fields, _end = _read(request.decode())
    filename = fields["filename"]
    STREAMS.show_lines(at_once="live" in fields)
    try:
        arguments, keywords = _arguments(fields["args"], fields["kwargs"], attached)
        project = fields.get("project", _NO_PROJECT)
        if loaded is None or loaded.source != fields["source"] or loaded.project != project:
            absent = fields.get("absent", {})
            project_modules.install(project["files"], absent)
            module = _load(fields["source"], filename, compiled, absent, project["module"])
            loaded = _LoadedEntry(fields["source"], module, project)
        value = _call(loaded.module, fields["entry"], arguments, keywords, structured=fields.get("structured", False))
        if running is not None:
            running.end_if_child(None, filename)
        return _result(value, results, fields.get("classes", ())), loaded
    except SystemExit:
        raise
    except BaseException as error:  # noqa: BLE001 - whatever the code raised is its answer
        if running is not None:
            running.ballast.clear()
            running.end_if_child(error, filename)
        return _answer_of(error, filename), loaded


def _arguments(
    args: list[object], kwargs: dict[str, object], attached: int | None
) -> tuple[list[object], dict[str, object]]:
    """Decode the arguments, apart from the call: by then nothing but the arguments holds what they came in."""
    try:
        region: Attached = NOTHING if attached is None else Mapped(attached, kernel.free_pages)
        positional = [codec.from_wire(item, region) for item in args]
        return positional, {name: codec.from_wire(item, region) for name, item in kwargs.items()}
    finally:
        if attached is not None:
            os.close(attached)


def _result(value: object, results: int | None, classes: "Container[object]" = ()) -> bytes:
    parts = None if results is None else Collected(pays=True, classes=classes)
    content = codec.dumps(value, "the result", parts)
    if parts is not None and results is not None:
        content = codec.deliver(content, parts, results)
    return pack(FrameKind.RESULT, content)


def _answer_of(error: BaseException, filename: str) -> bytes:
    if isinstance(error, InputRefused):
        body = {"argument": error.argument[:_MAX_TEXT], "rule": error.rule[:_MAX_TEXT]}
        return pack(FrameKind.REFUSED, json.dumps(body).encode())
    if isinstance(error, GuestSerializationError | UndecodableError):
        text = error.told_inside() if isinstance(error, GuestSerializationError) else str(error)
        return pack(
            FrameKind.EXCEPTION, _body(type(error).__name__, text[:_MAX_TEXT], "", "untravellable", raised=True)
        )
    return _describe(error, filename)


def _remember_lines(source: str, filename: str) -> None:
    """Keep a source's lines where tracebacks, warnings and `inspect` look for them, since it may be in no file."""
    linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)


def _load(
    source: str, filename: str, compiled: _CompiledSource | None, absent: "Mapping[str, str]", name: str
) -> types.ModuleType:
    package = name.rpartition(".")[0]
    if compiled is not None and compiled[:2] == (source, filename) and not absent:
        code = compiled.code
    else:
        STREAMS.expect(source)
        code = compile_source(source, filename, absent, package)
    parent = importlib.import_module(package) if package else None
    if name in sys.modules and name != MODULE_NAME and project_modules.is_own(sys.modules[name]):
        module = sys.modules[name]  # its package has imported it, as it would in CPython
        module.__dict__["InputRefused"] = InputRefused
        return module
    module = types.ModuleType(name)
    module.__file__ = filename
    if parent is not None:
        module.__package__ = package
        setattr(parent, name.rpartition(".")[2], module)
    module.__dict__["InputRefused"] = InputRefused
    _remember_lines(source, filename)
    sys.modules[name] = module  # dataclasses and pickling by name look their module up
    exec(code, module.__dict__)  # noqa: S102 - this is what the isolation is for
    return module


def _call(
    module: types.ModuleType, entry: str, arguments: list[object], keywords: dict[str, object], *, structured: bool
) -> object:
    found = module.__dict__.get(entry)
    if not callable(found):
        raise EntryNotFoundError(entry, module)
    if structured:
        arguments, keywords = structures.rebuilt_arguments(found, arguments, keywords)
    function: Callable[[*tuple[object, ...]], object] = functools.partial(found, **keywords)
    value = function(*arguments)
    return _awaited(value) if isinstance(value, types.CoroutineType) else value


def _awaited(coroutine: "types.CoroutineType[object, object, object]") -> object:
    """Run a coroutine to its end. asyncio is loaded only for one: it is a large thing to have in every payload."""
    asyncio = importlib.import_module("asyncio")
    return asyncio.run(coroutine)


def _describe(error: BaseException, filename: str, *, shown: str = "", exits: int = 0) -> bytes:
    """Describe an exception as text. Its `__str__` is the code's own and may do anything within the budgets.

    Args:
        error: The exception.
        filename: The code's file; frames before its first one are ours, and are left out.
        shown: The name of the file in the text, if it is another.
        exits: The status that the process is to end with; a negative one is a signal.
    """
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename != filename:
        trace = trace.tb_next
    raised = _was_raised_by_statement(error)
    try:
        text = str(error)[:_MAX_TEXT]
        formatted = "".join(traceback.format_exception(type(error), error, trace, limit=-20))
        if shown and shown != filename:
            formatted = formatted.replace(f'File "{filename}"', f'File "{shown}"')
        formatted = formatted[-_MAX_TRACEBACK:]
    except Exception as second:  # noqa: BLE001 - an exception whose text cannot be had is still an exception
        text, formatted = f"(its text could not be had: {type(second).__name__})", ""
    name, kind = type(error).__name__[:200], _kind(error, text)
    return pack(FrameKind.EXCEPTION, _body(name, text, formatted, kind, raised=raised, exits=exits))


def _body(name: str, text: str, formatted: str, kind: str, *, raised: bool, exits: int = 0) -> bytes:
    fields = {"type": name, "message": text, "traceback": formatted, "kind": kind, "raised": raised, "exits": exits}
    return json.dumps(fields).encode()


def _was_raised_by_statement(error: BaseException) -> bool:
    """Return whether a `raise` statement raised it, rather than the interpreter at the end of a budget."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return False
    code = trace.tb_frame.f_code.co_code
    return code[trace.tb_lasti] == _RAISE_VARARGS if 0 <= trace.tb_lasti < len(code) else False


def _kind(error: BaseException, text: str) -> str:
    """Return the budget that an exception is about, as the name of a resource, or `exception`."""
    if isinstance(error, MemoryError):
        return "memory"
    if isinstance(error, RecursionError):
        return "recursion"
    if isinstance(error, OSError):
        return _os_kind(error.errno)
    if isinstance(error, RuntimeError) and text == "can't start new thread":
        return _why_no_thread()
    return "exception"


def _why_no_thread() -> str:
    """Return `memory` or `tasks`: a thread needs its stack too, and the interpreter says the same of both.

    The stack is address space, which counts when it is mapped and not when it is used.
    """
    size = _thread.stack_size() or resource.getrlimit(resource.RLIMIT_STACK)[0]
    if size <= 0:  # unlimited: the C library takes a few MiB
        return "tasks"
    try:
        mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS).close()
    except (OSError, ValueError, OverflowError):
        return "memory"
    return "tasks"


def _os_kind(number: int | None) -> str:
    names = {11: "tasks", 12: "memory", 23: "fds", 24: "fds", 27: "file_size"}  # EAGAIN ENOMEM ENFILE EMFILE EFBIG
    if number == 28:  # noqa: PLR2004 - ENOSPC
        return _room_that_ran_out()
    return names.get(number or 0, "exception")


def _room_that_ran_out() -> str:
    """Return `inodes` or `disk`. A container has two writable file systems, and either may have been meant."""
    found = set()
    for folder in ("/tmp", "/dev/shm"):
        with contextlib.suppress(OSError):
            room = os.statvfs(folder)
            if room.f_files and not room.f_ffree:  # gVisor counts none
                found.add("inodes")
            elif not room.f_bfree:
                found.add("disk")
    return "inodes" if found == {"inodes"} else "disk"


def warm_imports() -> None:
    """Load what an error's description loads lazily, since a file may be missing by then."""
    try:
        int("warm")
    except ValueError as error:
        _describe(error, __file__)
