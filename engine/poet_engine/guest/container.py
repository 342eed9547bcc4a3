"""Run the first process of a container, which stands in for the host: it cannot hand descriptors into a container.

It loads what calls will need, forks a payload for each call as a lane does, and relays the traffic between host and
payload, with the counters of the container. Commands come on standard input and answers go to standard output; payloads
have neither, and what they send is wrapped in frames of ours, so that none of it can be taken for a frame of ours. It
decides nothing: when a call is to end is the host's decision. The end of its input is the end of the container.

Requests and answers pass through this process, and every payload is a copy of it: `host_channel` says why a payload
finds nothing of them. A container serves one version of one function all the same.
"""

import contextlib
import dataclasses
import errno
import json
import os
import select
import signal
import socket
import sys
from collections.abc import Callable
from typing import Never

from . import (
    confine,
    container_steps,
    kernel,
    landlock,
    lane,
    payload,
    scratch,
    seccomp,
    seccomp_notify,
    socket_names,
    zygote,
)
from .child import DeniedTries, ServedCall, ServedChild
from .collected_files import harvest_own
from .config import Config
from .container_counters import NOT_COUNTED, Counters, growth, most_tasks
from .container_protocol import COUNTS, ENDED, LARGEST_ORDER, PIECE, PREPARED
from .frames import FrameKind, Reader, pack
from .host_channel import (
    CommandReader,
    FileStreamer,
    FrameRelay,
    FrameWriter,
    bell_on_child,
    pass_record,
    reading,
    take_streams,
    write_all,
)
from .standard_streams import STREAMS

_LARGEST_CONFIG = 1 << 20
_CHUNK = 1 << 16
_MOST_CHUNKS = 16  # of output taken at once: a payload that goes on writing must not keep its answer waiting
_COMMANDS = {
    FrameKind.PREPARE: LARGEST_ORDER,
    FrameKind.CALL: LARGEST_ORDER,
    FrameKind.BYTES: LARGEST_ORDER,
    FrameKind.KILL: 0,
    FrameKind.COUNT: 0,
    FrameKind.FETCH: PIECE.size,
    FrameKind.PAUSE: 0,
}
_FIRST = 1


def main() -> Never:
    """Serve the host's commands from standard input until it ends. Never returns."""
    if os.getpid() != _FIRST:
        sys.exit("this is the first process of a container: anywhere else it would end what it does not own")
    reads, writes = take_streams(sys.argv[1] if len(sys.argv) > 1 else None)
    writer = FrameWriter(writes)
    try:
        config = Config.from_json(_first_command(reads))
        init = _prepare(config, reads, writer)
    except Exception as error:  # noqa: BLE001 - nothing hostile ran yet: whatever failed is the host's to know
        writer.say(FrameKind.BROKEN, repr(error).encode())
        os._exit(1)
    with contextlib.suppress(OSError):  # the host is gone
        init.serve()
    os._exit(0)


def _first_command(reads: int) -> bytes:
    reader = Reader({FrameKind.CONFIGURE: _LARGEST_CONFIG})
    while not (frames := reader.feed(data := os.read(reads, _CHUNK))):
        if not data:
            raise EOFError("the host sent no configuration")
    return frames[0].payload


def _prepare(config: Config, reads: int, writer: FrameWriter) -> "_Init":
    kernel.set_name(b"poet-container")
    statm = os.open("/proc/self/statm", os.O_RDONLY | os.O_CLOEXEC)
    counters = Counters()
    config = dataclasses.replace(
        config, landlock=landlock.abi(), told=container_steps.can_be_told(), cgroup=bool(counters.name)
    )
    zygote.load(config)
    lane.ignore_the_guest()  # after it: signals are for payloads as a new program has them
    kernel.set_dumpable(dumpable=False)
    confine.no_capabilities_to_regain(config, config.uid)  # payloads inherit it; of gVisor alone they had some
    plan = confine.plan(config, config.uid, confine.seccomp_program(config), container_steps.STEPS)
    capabilities = {
        "landlock": config.landlock,
        "told": config.told,
        "counted_by": counters.name,
    }
    writer.say(FrameKind.CAPABILITIES, json.dumps(capabilities).encode())
    return _Init(plan, statm, counters, reads, writer)


class _Init:
    """Carries out the host's commands, one payload at a time."""

    def __init__(
        self, plan: confine.ConfinementPlan, statm: int, counters: Counters, reads: int, writer: FrameWriter
    ) -> None:
        self._plan, self._statm, self._counters, self._reads, self._writer = plan, statm, counters, reads, writer
        self._commands = CommandReader(reads, _COMMANDS)
        self._answers, self._pieces = FrameRelay(writer.fd), FrameRelay(writer.fd)
        self._scratch = scratch.Scratch()
        self._names = _names_of_sockets(plan.config)
        self._payload: ServedChild | None = None
        self._results: int | None = None
        self._call = ServedCall()
        self._pending = memoryview(b"")
        self._child_signal = bell_on_child()
        self._poll = select.poll()
        self._poll.register(reads, select.POLLIN)
        self._poll.register(self._child_signal, select.POLLIN)
        self._actions: dict[FrameKind, Callable[[memoryview], None]] = {
            FrameKind.PREPARE: self._arm,
            FrameKind.CALL: self._begin,
            FrameKind.BYTES: self._take_bytes,
            FrameKind.KILL: lambda _content: self._kill(),
            FrameKind.COUNT: lambda _content: self._writer.send(self._counts()),
            FrameKind.FETCH: self._fetch,
            FrameKind.PAUSE: lambda _content: lane.signal_all(signal.SIGSTOP),
        }

    def serve(self) -> None:
        """Carry out commands until the host closes its side."""
        while True:
            events = dict(self._poll.poll())
            if self._payload is not None:
                self._on_payload_events(self._payload, events)
            if self._child_signal in events:
                self._on_child()
            if self._reads in events and not self._commands.receive():
                return
            self._follow()

    def _follow(self) -> None:
        """Carry out the commands that have come, as long as their bytes find room in the payload's socket."""
        while not self._pending and (command := self._commands.next()) is not None:
            kind, content = command
            self._actions[kind](content)

    def _on_payload_events(self, served: ServedChild, events: dict[int, int]) -> None:
        """Handle a payload's events; output first, so that it is sent before the answer that followed it."""
        if served.out in events or served.err in events:
            self._relay_output(served)
        if served.listener is not None and served.listener in events:
            self._pass_on_waiting_answer(served)
            self._on_notification(served.listener, events[served.listener])
        event = events.get(served.sock.fileno(), 0)
        if event & select.POLLOUT:
            self._send_pending(served)
        if event & ~select.POLLOUT:
            if served.ready:
                self._on_answer(served)
            else:
                self._on_preparing(served)

    def _arm(self, ahead: memoryview) -> None:
        """Fork the next payload; `ahead` is a frame with the source that it will probably be called with."""
        if self._results is not None:
            os.close(self._results)
        self._call = ServedCall()
        self._pending = memoryview(b"")
        child = self._payload = ServedChild(self._plan.config.result)
        self._results = child.results
        if ahead:
            child.sock.send(ahead)
        for passed in (self._commands, self._answers, self._pieces):
            passed.wipe()
        STREAMS.record_in(child.record)
        sizes = confine.mapped_sizes(self._statm)
        child.pid = kernel.fork()
        if child.pid == 0:
            payload.main(self._plan, child.guest_ends(), sizes)
        child.close_guest_ends()
        self._poll.register(child.sock, select.POLLIN)

    def _on_preparing(self, child: ServedChild) -> None:
        data, descriptors = kernel.receive_with_descriptors(child.sock, _CHUNK, 1)
        if not data:
            self._poll.unregister(child.sock)  # how it ended is reported when it is reaped
            return
        for frame in Reader({FrameKind.READY: 0, FrameKind.SETUP_FAILED: _CHUNK}).feed(data):
            if frame.kind is FrameKind.SETUP_FAILED:
                self._writer.say(FrameKind.BROKEN, frame.payload)
                return
            child.listener = descriptors[0] if descriptors else None
            child.ready = True
            for fd in (child.out, child.err, child.listener):
                if fd is not None:
                    self._poll.register(fd, select.POLLIN)
            self._snapshot(child)
            memory = child.start.memory
            self._writer.say(FrameKind.PREPARED, PREPARED.pack(NOT_COUNTED if memory is None else memory))

    def _snapshot(self, child: ServedChild) -> None:
        """Read the counters at the call's start: the payload waits and does nothing until it is released."""
        child.start, child.start_cpu = self._counters.read(), child.cpu_seconds()

    def _begin(self, content: memoryview) -> None:
        self._call.close()
        self._call = ServedCall(**json.loads(bytes(content)))  # names of files at the most
        if self._payload is not None and self._payload.serves:
            self._snapshot(self._payload)  # it is kept for one call after the other, and stopped between them
            lane.signal_all(signal.SIGCONT)
        elif self._payload is not None:
            self._payload.serves = True
        if self._call.attached:
            self._call.attachments = os.memfd_create("arguments", os.MFD_CLOEXEC)

    def _take_bytes(self, content: memoryview) -> None:
        """Take a piece of the call: its attachments first, then its request."""
        call = self._call
        if call.attached and call.attachments is not None:
            part = content[: call.attached]
            call.attached -= len(part)
            write_all(call.attachments, part)
            content = content[len(part) :]
        if content and self._payload is not None:
            self._pending = content
            self._send_pending(self._payload)

    def _send_pending(self, served: ServedChild) -> None:
        """Send the payload as much as its socket takes now. Meanwhile no more is read from the host."""
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
        self._listen_to_the_host(listen=not self._pending)

    def _listen_to_the_host(self, *, listen: bool) -> None:
        """Start or stop reading commands: none are read while bytes wait for room in the payload's socket."""
        if listen:
            self._poll.register(self._reads, select.POLLIN)
        else:
            with contextlib.suppress(KeyError):
                self._poll.unregister(self._reads)

    def _on_answer(self, served: ServedChild) -> bool:
        """Pass on a piece of what the payload sends; return whether there was any."""
        try:
            if self._call.wanted is not None and self._call.folder is None:
                self._take_folder(served.sock)
            size = self._answers.take(served.sock.recv_into)  # a descriptor that comes along is closed by the kernel
        except BlockingIOError:
            return False
        except OSError:
            size = 0
        if not size:
            with contextlib.suppress(KeyError):
                self._poll.unregister(served.sock)
            return False
        self._relay_output(served)
        self._tell_denied()
        self._answers.send(FrameKind.ANSWER, size, self._counts())
        return True

    def _pass_on_waiting_answer(self, served: ServedChild) -> None:
        """Pass on what a payload sent before the call that we are notified of: its value ends the run, if it is whole.

        At most as much as its socket holds: another thread may go on sending.
        """
        for _ in range(_MOST_CHUNKS):
            if not self._on_answer(served):
                return

    def _take_folder(self, sock: socket.socket) -> None:
        """Receive a script's folder, which comes with its first message, sent before any of its code exists."""
        _greeting, descriptors = kernel.receive_with_descriptors(sock, len(_GREETING), 1)
        self._call.folder = descriptors.pop(0) if descriptors else os.open("/dev/null", os.O_RDONLY)
        for fd in descriptors:
            os.close(fd)

    def _relay_output(self, served: ServedChild) -> None:
        for fd, kind in ((served.out, FrameKind.OUT), (served.err, FrameKind.ERR)):
            for _ in range(_MOST_CHUNKS):
                try:
                    size = self._pieces.take(reading(fd))
                except OSError:
                    break
                if not size:
                    with contextlib.suppress(KeyError):
                        self._poll.unregister(fd)
                    break
                self._pieces.send(kind, size)

    def _on_notification(self, listener: int, event: int) -> None:
        notification = seccomp_notify.receive(listener) if event & select.POLLIN else None
        if notification is None:
            if not event & select.POLLIN:
                self._poll.unregister(listener)
            return
        if notification.name in seccomp.DENIALS and not self._call.tolerant:
            self._deny(listener, notification)
            return
        forbidden = not seccomp.asks_for_process(notification.name, notification.arguments)
        self._writer.say(FrameKind.NOTIFIED, json.dumps([notification.name, notification.arguments]).encode())
        if not forbidden:
            seccomp_notify.refuse(listener, notification, errno.EAGAIN)
        elif self._call.tolerant:
            seccomp_notify.refuse(listener, notification, errno.EPERM)
        else:
            self._kill()

    def _deny(self, listener: int, notification: seccomp_notify.Notification) -> None:
        """Deny a call that honest code tries, or end the run where the policy says so; the answer is always an error.

        The host hears of the first of a kind at once, and of how many there were with the answer or the end: code that
        tries without end costs the host nothing, and this process's work is on the budget of its container.
        """
        name, arguments = notification.name, notification.arguments
        key = name, seccomp.is_internet_socket(name, arguments)
        if key in self._call.denied:
            self._call.denied[key].untold += 1
        else:
            self._call.denied[key] = DeniedTries(arguments)
            self._say_denied(name, arguments, 1)
        if self._call.kills:
            self._kill()
        else:
            seccomp_notify.refuse(listener, notification, seccomp.DENIALS[name])

    def _say_denied(self, name: str, arguments: tuple[int, ...], times: int) -> None:
        self._writer.say(FrameKind.NOTIFIED, json.dumps([name, arguments, times]).encode())

    def _tell_denied(self) -> None:
        """Report the denied calls that the host has not heard of."""
        for (name, _internet), tries in self._call.denied.items():
            if tries.untold:
                self._say_denied(name, tries.arguments, tries.untold)
                tries.untold = 0

    def _kill(self) -> None:
        """Kill the payload alone: the rest is ended and counted once it is reaped; before, it might reap that."""
        if self._payload is not None and self._payload.pid:
            os.kill(self._payload.pid, signal.SIGKILL)

    def _counts(self, reaped_cpu: float | None = None) -> bytes:
        """Return the growth since release, packed as a frame."""
        served = self._payload
        if served is None:
            return pack(FrameKind.COUNTS, COUNTS.pack(0, NOT_COUNTED, 0, 0, NOT_COUNTED))
        now, start = self._counters.read(), served.start
        if now.cpu_us is not None and start.cpu_us is not None:
            cpu_us = now.cpu_us - start.cpu_us
        else:
            cpu_us = round(((reaped_cpu or served.cpu_seconds()) - served.start_cpu) * 1e6)
        counts = COUNTS.pack(
            max(0, cpu_us),
            growth(start, now),
            now.oom_kills - start.oom_kills,
            now.tasks_refused - start.tasks_refused,
            most_tasks(start, now),
        )
        return pack(FrameKind.COUNTS, counts)

    def _on_child(self) -> None:
        """Reap ended children; when one was the payload, end what it left, and report its end."""
        with contextlib.suppress(BlockingIOError):
            os.read(self._child_signal, _CHUNK)
        while True:
            try:
                pid, status, usage = os.wait4(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if self._payload is not None and pid == self._payload.pid:
                self._conclude(self._payload, status, usage.ru_utime + usage.ru_stime)

    def _conclude(self, ended: ServedChild, status: int, cpu: float) -> None:
        if not ended.ready:
            self._writer.say(FrameKind.BROKEN, f"the payload ended before it was ready (wait status {status})".encode())
            self._forget(ended)
            return
        used = lane.kill_and_reap()
        self._relay_output(ended)
        if os.WIFSIGNALED(status):
            pass_record(ended.record, self._pieces)
        begun = self._call.wanted is None or self._call.folder is not None  # else the folder's message may be there
        while begun and (size := self._answers.take(_read_rest(ended.sock))):
            self._answers.send(FrameKind.ANSWER, size)
        self._tell_denied()
        counts = self._counts(cpu + sum(used))
        if self._call.folder is not None and self._call.wanted:
            self._send_files(self._call.folder, self._call.wanted)
        self._call.close()
        clean = self._scratch.clear() and not (self._names is not None and self._names.stay())
        self._writer.send(counts + pack(FrameKind.ENDED, ENDED.pack(status, len(used), clean)))
        self._forget(ended)

    def _send_files(self, folder: int, wanted: list[str]) -> None:
        """Send the files that the script left, from a child, so that this process never holds their content.

        Nothing that could change them is alive. The first frame reports the script's end: collecting files is not its
        time.
        """
        FileStreamer(self._writer).send()
        pid = kernel.fork()
        if pid == 0:
            try:
                self._collect_files(folder, wanted)
            finally:
                os._exit(0)
        os.waitpid(pid, 0)

    def _collect_files(self, folder: int, wanted: list[str]) -> None:
        streamer = FileStreamer(self._writer)
        streamer.send(skipped=harvest_own(folder, wanted, self._call.most_bytes, streamer.take))

    def _forget(self, ended: ServedChild) -> None:
        for fd in (ended.sock, ended.out, ended.err, ended.listener):
            if fd is not None:
                with contextlib.suppress(KeyError):
                    self._poll.unregister(fd)
        ended.close()
        self._payload = None
        self._pending = memoryview(b"")
        self._poll.register(self._reads, select.POLLIN)

    def _fetch(self, content: memoryview) -> None:
        """Send a piece of the payload's results file; fewer bytes where it has no more."""
        offset, length = PIECE.unpack(content)
        while length > 0 and self._results is not None:
            size = self._pieces.take(reading(self._results, offset, length))
            if not size:
                break
            self._pieces.send(FrameKind.FETCHED, size)
            offset, length = offset + size, length - size
        self._writer.say(FrameKind.FETCHED)


def _names_of_sockets(config: Config) -> socket_names.SocketNames | None:
    """Return the names of sockets in this container; None where no code can make any."""
    if not config.names_sockets:
        return None
    return socket_names.SocketNames(os.open(f"/proc/self/{socket_names.TABLE}", os.O_RDONLY | os.O_CLOEXEC))


_GREETING = pack(FrameKind.FOLDER)


def _read_rest(sock: socket.socket) -> Callable[[memoryview], int]:
    """Return a reader of what is left in a socket whose other side is gone."""

    def fill(room: memoryview) -> int:
        try:
            return sock.recv_into(room)
        except OSError:
            return 0

    return fill
