"""The first process of a container: it stands in for the host, which cannot hand descriptors into a container.

It loads what calls will need, forks a payload for each call as a lane does, and passes on what the two say to each
other, with the counters of the container. Orders come on standard input and answers go to standard output; payloads
have neither, and what they say is wrapped in frames of ours, so that nothing they send can be taken for our word. It
decides nothing: when a call is to end is the host's to say. The end of its input is the end of the container.

A container serves one version of one function, so the requests may pass through here.
"""

import contextlib
import dataclasses
import errno
import fcntl
import json
import os
import select
import signal
import socket
import sys
import time
from typing import Never

from . import confine, kernel, landlock, lane, notify, payload, scratch, seccomp, zygote
from .config import Config
from .counters import Counters, Reading
from .frames import Frame, Kind, Reader, pack
from .harvest import harvest
from .reports import ARMED, COUNTS, ENDED, LARGEST_ORDER, PIECE

_LARGEST_CONFIG = 1 << 20
_CHUNK = 1 << 16
_MOST_CHUNKS = 16  # of output taken at once: a payload that goes on writing must not keep its answer waiting
_ORDERS = {
    Kind.ARM: LARGEST_ORDER,
    Kind.CALL: LARGEST_ORDER,
    Kind.BYTES: LARGEST_ORDER,
    Kind.KILL: 0,
    Kind.COUNT: 0,
    Kind.FETCH: PIECE.size,
}
_FIRST = 1
_NOT_COUNTED = -1


def main() -> Never:
    """Serve what comes on standard input until it ends. Never returns."""
    if os.getpid() != _FIRST:
        sys.exit("this is the first process of a container: anywhere else it would end what it does not own")
    reads, writes = _take_streams(sys.argv[1] if len(sys.argv) > 1 else None)
    told = _Teller(writes)
    try:
        config = Config.from_json(_first_order(reads))
        init = _prepare(config, reads, told)
    except Exception as error:  # noqa: BLE001 - nothing hostile ran yet: whatever failed is the host's to know
        told.say(Kind.BROKEN, repr(error).encode())
        os._exit(1)
    with contextlib.suppress(OSError):  # the host is gone
        init.serve()
    os._exit(0)


def _take_streams(line: str | None) -> tuple[int, int]:
    """The container's streams under other numbers, or a connection to `line`, a socket of the host.

    Nothing is left where a program would write by mistake.
    """
    if line is None:
        reads, writes = os.dup(0), os.dup(1)
    else:
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        sock.connect(line)
        reads = writes = sock.detach()
    null = os.open("/dev/null", os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(2, 1)
    os.close(null)
    return reads, writes


def _first_order(reads: int) -> bytes:
    reader = Reader({Kind.CONFIGURE: _LARGEST_CONFIG})
    while not (frames := reader.feed(data := os.read(reads, _CHUNK))):
        if not data:
            raise EOFError("the host sent no configuration")
    return frames[0].payload


def _prepare(config: Config, reads: int, told: "_Teller") -> "_Init":
    lane.ignore_the_guest()
    kernel.set_name(b"poet-container")
    statm = os.open("/proc/self/statm", os.O_RDONLY | os.O_CLOEXEC)
    counters = Counters()
    config = dataclasses.replace(config, landlock=landlock.abi(), told=_can_be_told(), cgroup=bool(counters.name))
    zygote.load(config)
    kernel.set_dumpable(dumpable=False)
    plan = confine.plan(config, config.uid, confine.seccomp_program(config))
    standing = {
        "landlock": config.landlock,
        "told": config.told,
        "counted_by": counters.name,
    }
    told.say(Kind.STANDING, json.dumps(standing).encode())
    return _Init(plan, statm, counters, reads, told)


def _can_be_told() -> bool:
    """Whether a filter can have a listener, tried in a process of its own: a filter cannot be taken off."""
    pid = kernel.fork()
    if pid == 0:
        try:
            kernel.forbid_new_privileges()
            kernel.SeccompFilter(seccomp.program(processes=True)).install()
            os._exit(0)
        except OSError:
            os._exit(1)
    _pid, status = os.waitpid(pid, 0)
    return status == 0


class _Teller:
    """What is told to the host."""

    def __init__(self, fd: int) -> None:
        self._fd = fd

    def say(self, kind: Kind, content: bytes = b"") -> None:
        """One frame."""
        self.send(pack(kind, content))

    def send(self, data: bytes) -> None:
        """Whole frames, packed."""
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(self._fd, rest) :]


class _Payload:
    """A payload and our ends of everything it has."""

    def __init__(self, result: int) -> None:
        self.sock, self.guest_sock = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.setblocking(False)
        self.out, self.guest_out = _pipe()
        self.err, self.guest_err = _pipe()
        self.results = os.memfd_create("results", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        os.ftruncate(self.results, result)
        fcntl.fcntl(self.results, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW)
        self.listener: int | None = None
        self.pid = 0
        self.ready = False
        self.serves = False
        self.start = Reading()
        self.start_cpu = 0.0

    def guest_ends(self) -> list[int]:
        """In the order in which a payload wants them."""
        return [self.guest_sock.fileno(), self.guest_out, self.guest_err, self.results]

    def close_guest_ends(self) -> None:
        self.guest_sock.close()
        os.close(self.guest_out)
        os.close(self.guest_err)

    def cpu_seconds(self) -> float:
        """Of its threads, from its process clock: `MAKE_PROCESS_CPUCLOCK(pid, CPUCLOCK_SCHED)`."""
        try:
            return time.clock_gettime((~self.pid << 3) | 2)
        except OSError:
            return 0.0

    def close(self) -> None:
        self.sock.close()
        for fd in (self.out, self.err, self.listener):
            if fd is not None:
                os.close(fd)


def _pipe() -> tuple[int, int]:
    ours, theirs = os.pipe2(os.O_CLOEXEC)
    os.set_blocking(ours, False)
    return ours, theirs


@dataclasses.dataclass
class _Call:
    """The call that a payload serves.

    Attributes:
        tolerant: Whether forbidden system calls fail instead of ending it: for our own probes.
        attached: Bytes of attachments that are still to come.
        wanted: Files of a script that are brought out; None for a function.
        most_bytes: Bytes of them.
        attachments: The file that they go into.
        folder: The working folder of a script.
    """

    tolerant: bool = False
    attached: int = 0
    wanted: list[str] | None = None
    most_bytes: int = 0
    attachments: int | None = None
    folder: int | None = None

    def close(self) -> None:
        for fd in (self.attachments, self.folder):
            if fd is not None:
                os.close(fd)
        self.attachments = self.folder = None


class _Init:
    """Follows the host's orders, one payload at a time."""

    def __init__(self, plan: confine.Plan, statm: int, counters: Counters, reads: int, told: _Teller) -> None:
        self._plan, self._statm, self._counters, self._reads, self._told = plan, statm, counters, reads, told
        self._scratch = scratch.Scratch()
        self._reader = Reader(dict(_ORDERS))
        self._payload: _Payload | None = None
        self._results: int | None = None
        self._call = _Call()
        self._pending = memoryview(b"")
        self._bell = _bell_on_child()
        self._poll = select.poll()
        self._poll.register(reads, select.POLLIN)
        self._poll.register(self._bell, select.POLLIN)
        self._orders = {
            Kind.ARM: self._arm,
            Kind.CALL: self._begin,
            Kind.BYTES: self._take_bytes,
            Kind.KILL: lambda _content: self._kill(),
            Kind.COUNT: lambda _content: self._told.send(self._counts()),
            Kind.FETCH: self._fetch,
        }

    def serve(self) -> None:
        """Until the host lets go."""
        while True:
            events = dict(self._poll.poll())
            if self._payload is not None:
                self._heed_payload(self._payload, events)
            if self._bell in events:
                self._on_child()
            if self._reads in events:
                data = os.read(self._reads, LARGEST_ORDER)
                if not data:
                    return
                for frame in self._reader.feed(data):
                    self._follow(frame)

    def _follow(self, order: Frame) -> None:
        self._orders[order.kind](order.payload)

    def _heed_payload(self, served: _Payload, events: dict[int, int]) -> None:
        """Output first: what was printed before an answer is told before it."""
        if served.out in events or served.err in events:
            self._tell_output(served)
        if served.listener is not None and served.listener in events:
            self._on_notification(served.listener, events[served.listener])
        event = events.get(served.sock.fileno(), 0)
        if event & select.POLLOUT:
            self._send_pending(served)
        if event & ~select.POLLOUT:
            self._on_answer(served) if served.ready else self._on_preparing(served)

    def _arm(self, ahead: bytes) -> None:
        """Fork the next payload; `ahead` is a frame with what it will probably be asked for."""
        if self._results is not None:
            os.close(self._results)
        self._call = _Call()
        self._pending = memoryview(b"")
        armed = self._payload = _Payload(self._plan.config.result)
        self._results = armed.results
        if ahead:
            armed.sock.send(ahead)
        sizes = confine.mapped_sizes(self._statm)
        armed.pid = kernel.fork()
        if armed.pid == 0:
            payload.main(self._plan, armed.guest_ends(), sizes)
        armed.close_guest_ends()
        self._poll.register(armed.sock, select.POLLIN)

    def _on_preparing(self, armed: _Payload) -> None:
        data, descriptors = kernel.receive_with_descriptors(armed.sock, _CHUNK, 1)
        if not data:
            self._poll.unregister(armed.sock)  # how it ended is told when it is reaped
            return
        for frame in Reader({Kind.READY: 0, Kind.SETUP_FAILED: _CHUNK}).feed(data):
            if frame.kind is Kind.SETUP_FAILED:
                self._told.say(Kind.BROKEN, frame.payload)
                return
            armed.listener = descriptors[0] if descriptors else None
            armed.ready = True
            for fd in (armed.out, armed.err, armed.listener):
                if fd is not None:
                    self._poll.register(fd, select.POLLIN)
            self._snapshot(armed)
            memory = armed.start.memory
            self._told.say(Kind.ARMED, ARMED.pack(_NOT_COUNTED if memory is None else memory))

    def _snapshot(self, armed: _Payload) -> None:
        """The payload waits and does nothing until it is released."""
        armed.start, armed.start_cpu = self._counters.read(), armed.cpu_seconds()

    def _begin(self, content: bytes) -> None:
        self._call.close()
        self._call = _Call(**json.loads(content))
        if self._payload is not None and self._payload.serves:
            self._snapshot(self._payload)  # it is kept for one call after the other
        elif self._payload is not None:
            self._payload.serves = True
        if self._call.attached:
            self._call.attachments = os.memfd_create("arguments", os.MFD_CLOEXEC)

    def _take_bytes(self, content: bytes) -> None:
        """Attachments first, then the request."""
        call = self._call
        if call.attached and call.attachments is not None:
            part = content[: call.attached]
            call.attached -= len(part)
            rest = memoryview(part)
            while rest:
                rest = rest[os.write(call.attachments, rest) :]
            content = content[len(part) :]
        if content and self._payload is not None:
            self._pending = memoryview(bytes(self._pending) + content) if self._pending else memoryview(content)
            self._send_pending(self._payload)

    def _send_pending(self, served: _Payload) -> None:
        """To the payload, as much as it takes now. Meanwhile no more is read from the host."""
        try:
            if self._pending and self._call.attachments is not None:
                sent = kernel.send_with_descriptors(served.sock, self._pending, [self._call.attachments])
                os.close(self._call.attachments)
                self._call.attachments = None
            else:
                sent = served.sock.send(self._pending)
            self._pending = self._pending[sent:]
        except BlockingIOError:
            pass
        except OSError:
            self._pending = self._pending[:0]  # it is gone; its wait status will say how
        with contextlib.suppress(KeyError):
            self._poll.modify(served.sock, select.POLLIN | (select.POLLOUT if self._pending else 0))
        if self._pending:
            with contextlib.suppress(KeyError):
                self._poll.unregister(self._reads)
        else:
            self._poll.register(self._reads, select.POLLIN)

    def _on_answer(self, served: _Payload) -> None:
        try:
            data = self._receive(served.sock)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._poll.unregister(served.sock)
            return
        self._tell_output(served)
        self._told.send(pack(Kind.ANSWER, data) + self._counts())

    def _receive(self, sock: socket.socket) -> bytes:
        """What `recv` would give; a script's first message, sent before any of its code exists, brings its folder."""
        if self._call.wanted is None or self._call.folder is not None:
            return sock.recv(_CHUNK)  # a descriptor that comes along is closed by the kernel
        data, descriptors = kernel.receive_with_descriptors(sock, len(_GREETING), 1)
        self._call.folder = descriptors.pop(0) if descriptors else os.open("/dev/null", os.O_RDONLY)
        for fd in descriptors:
            os.close(fd)
        return sock.recv(_CHUNK) if data == _GREETING else data

    def _tell_output(self, served: _Payload) -> None:
        for fd, kind in ((served.out, Kind.OUT), (served.err, Kind.ERR)):
            for _ in range(_MOST_CHUNKS):
                try:
                    data = os.read(fd, _CHUNK)
                except OSError:
                    break
                if not data:
                    with contextlib.suppress(KeyError):
                        self._poll.unregister(fd)
                    break
                self._told.say(kind, data)

    def _on_notification(self, listener: int, event: int) -> None:
        asked = notify.receive(listener) if event & select.POLLIN else None
        if asked is None:
            if not event & select.POLLIN:
                self._poll.unregister(listener)
            return
        forbidden = not seccomp.asks_for_process(asked.name, asked.arguments)
        self._told.say(Kind.ASKED, json.dumps([asked.name, asked.arguments]).encode())
        if not forbidden:
            notify.refuse(listener, asked, errno.EAGAIN)
        elif self._call.tolerant:
            notify.refuse(listener, asked, errno.EPERM)
        else:
            self._kill()

    def _kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(-1, signal.SIGKILL)

    def _counts(self, reaped_cpu: float | None = None) -> bytes:
        """The growth since release, packed as a frame."""
        served = self._payload
        if served is None:
            return pack(Kind.COUNTS, COUNTS.pack(0, _NOT_COUNTED, 0, 0))
        now, start = self._counters.read(), served.start
        if now.cpu_us is not None and start.cpu_us is not None:
            cpu_us = now.cpu_us - start.cpu_us
        else:
            cpu_us = round(((reaped_cpu or served.cpu_seconds()) - served.start_cpu) * 1e6)
        counts = COUNTS.pack(
            max(0, cpu_us),
            _growth(start, now),
            now.oom_kills - start.oom_kills,
            now.tasks_refused - start.tasks_refused,
        )
        return pack(Kind.COUNTS, counts)

    def _on_child(self) -> None:
        """Reap; when it was the payload, end what it left, and tell."""
        with contextlib.suppress(BlockingIOError):
            os.read(self._bell, _CHUNK)
        while True:
            try:
                pid, status, usage = os.wait4(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if self._payload is not None and pid == self._payload.pid:
                self._conclude(self._payload, status, usage.ru_utime + usage.ru_stime)

    def _conclude(self, ended: _Payload, status: int, cpu: float) -> None:
        if not ended.ready:
            self._told.say(Kind.BROKEN, f"the payload ended before it was ready (wait status {status})".encode())
            self._forget(ended)
            return
        used = lane.kill_and_reap()
        self._tell_output(ended)
        while (data := _last_words(ended.sock)) and not self._call.wanted:
            self._told.say(Kind.ANSWER, data)
        counts = self._counts(cpu + sum(used))
        if self._call.wanted is not None:
            self._tell_files()
        self._call.close()
        clean = self._scratch.clear()
        self._told.send(counts + pack(Kind.ENDED, ENDED.pack(status, len(used), clean)))
        self._forget(ended)

    def _tell_files(self) -> None:
        """What the script left; nothing that could change it is alive."""
        call = self._call
        if call.folder is None or not call.wanted:
            return
        found = harvest(call.folder, call.wanted, call.most_bytes, own=True)
        sizes = [[name, len(content)] for name, content in found.files.items()]
        header = json.dumps({"files": sizes, "skipped": found.skipped}).encode()
        self._told.say(Kind.FILES, b"".join([len(header).to_bytes(4, "big"), header, *found.files.values()]))

    def _forget(self, ended: _Payload) -> None:
        for fd in (ended.sock, ended.out, ended.err, ended.listener):
            if fd is not None:
                with contextlib.suppress(KeyError):
                    self._poll.unregister(fd)
        ended.close()
        self._payload = None
        self._pending = memoryview(b"")
        self._poll.register(self._reads, select.POLLIN)

    def _fetch(self, content: bytes) -> None:
        """A piece of what the payload put beside its answer; fewer bytes where it has no more."""
        offset, length = PIECE.unpack(content)
        while length > 0 and self._results is not None:
            piece = os.pread(self._results, min(length, _CHUNK), offset)
            if not piece:
                break
            self._told.say(Kind.FETCHED, piece)
            offset, length = offset + len(piece), length - len(piece)
        self._told.say(Kind.FETCHED)


_GREETING = pack(Kind.FOLDER)


def _growth(start: Reading, now: Reading) -> int:
    """Bytes at the most, as far as it can be known: a peak that an earlier payload reached hides a lower one."""
    if now.memory is None or start.memory is None:
        return _NOT_COUNTED  # what gVisor says of a process's own size is too low, by what it shares with us and more
    peak = now.memory
    if now.memory_peak is not None and start.memory_peak is not None and now.memory_peak > start.memory_peak:
        peak = max(peak, now.memory_peak)
    return max(0, peak - start.memory)


def _bell_on_child() -> int:
    """A pipe that becomes readable when a child ends."""
    reader, writer = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    return reader


def _last_words(sock: socket.socket) -> bytes:
    try:
        return sock.recv(_CHUNK)
    except OSError:
        return b""
