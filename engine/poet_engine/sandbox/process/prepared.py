"""Prepare, start and follow one payload from the host, until its end."""

import contextlib
import dataclasses
import errno
import json
import math
import os
import select
import signal
import socket
import struct
import time
from collections.abc import Callable

from poet_engine._wake import readable
from poet_engine.guest import kernel
from poet_engine.guest import lane as guest_lane
from poet_engine.guest.container_protocol import LONGEST_AHEAD
from poet_engine.guest.cpu_clock import cpu_seconds
from poet_engine.guest.frames import HEADER_SIZE, FrameError, FrameKind, Reader, pack
from poet_engine.guest.standard_streams import WRITE_ONLY
from poet_engine.sandbox.cgroup import Group, GroupReading
from poet_engine.sandbox.pool.version import SourceKey
from poet_engine.sandbox.process.memory_files import OutputRecord, ResultFile

_SETUP_TEXT = 1 << 16
_PASS_CREDENTIALS = 1
_REST = 0.01  # seconds at most from an answer until a payload that is kept is stopped: calls sooner find it awake
_LEAST_REST = _REST / 2  # an armed timer that leaves as much is good enough: setting one costs as much as two readings
_MARGIN = 0.0005  # seconds before its expiry at which a timer is disarmed rather than relied upon
_PEEK = socket.MSG_PEEK | socket.MSG_DONTWAIT
_INIT_GRACE = 1.0  # seconds for a lane's init to say whether it has stopped a payload
_COMPILED_BYTES = 400  # for each character of a source
_CREDENTIALS = struct.Struct("iII")  # struct ucred
_ANCILLARY = socket.CMSG_SPACE(_CREDENTIALS.size) + socket.CMSG_SPACE(4)


class LaneError(Exception):
    """A lane could not be made ready; the text says what failed."""


@dataclasses.dataclass(frozen=True, slots=True)
class Report:
    """The init's report of a payload's end.

    Attributes:
        status: The payload's wait status.
        cpu_ms: CPU milliseconds of everything that was reaped.
        leftovers: Processes that were still there and were killed.
        names: Whether names of sockets are still there.
    """

    status: int
    cpu_ms: float
    leftovers: int
    names: bool

    @property
    def clean(self) -> bool:
        """Whether nothing was left, so that the lane may be used again."""
        return not self.leftovers and not self.names


class PreparedProcess:
    """The host's ends of a payload that is being prepared, waits, or runs.

    Args:
        control: The host's end of the lane's own socket, on which its init reports the payload's end.
        kill_lane: Ends the lane with everything in it.
        result: Bytes that its result may have.
        probable: The version that will probably be called: it compiles that before it is ready, and serves no other.
        keep: Whether it may serve one call after the other.
        request: The host's end of its request's socket, if the lane's init has made that.
    """

    def __init__(
        self,
        control: socket.socket,
        kill_lane: Callable[[], None],
        result: int,
        probable: SourceKey | None = None,
        *,
        keep: bool = False,
        request: socket.socket | None = None,
    ) -> None:
        self.control, self._kill_lane = control, kill_lane
        self.results, self.record = ResultFile(result), OutputRecord()
        self._timer = kernel.Timer(_REST) if keep else None
        self._guest_request: socket.socket | None = None
        if request is None:
            request, self._guest_request = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        self.request = request
        self._next_request: socket.socket | None = None
        self.request.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, _PASS_CREDENTIALS)
        self.request.setblocking(False)
        self.compiles = probable if probable is not None and self._send_ahead(probable) else None
        self.stdout, self._guest_stdout = _pipe()
        self.stderr, self._guest_stderr = _pipe()
        self.listener: int | None = None
        self.pid = 0
        self.poll = select.poll()
        self._start: GroupReading | None = None
        self._start_cpu_ms: float | None = None
        self._last: GroupReading | None = None  # when its last call ended
        self._last_cpu_ms: float | None = None
        self._pidfd: int | None = None
        self.killed = False
        self._may_signal = False
        self._expires = 0.0  # when its timer does, in seconds of the monotonic clock; 0 while none is armed
        self._unsure = False  # whether init may have stopped it, as far as we know
        self._stopped = False
        self._reader = Reader({FrameKind.READY: 0, FrameKind.SETUP_FAILED: _SETUP_TEXT})
        self._closed = False

    def hand_over(self) -> None:
        """Send the guest's ends to the lane's init, which forks the payload."""
        ends = [] if self._guest_request is None else [self._guest_request.fileno()]
        ends += [self._guest_stdout, self._guest_stderr, self.results.fd, self.record.fd]
        if self._timer is not None:
            ends.append(self._timer.fd)
        kernel.send_with_descriptors(self.control, b"P", ends)
        if self._guest_request is not None:
            self._guest_request.close()
        os.close(self._guest_stdout)
        os.close(self._guest_stderr)

    def on_readable(self) -> bool:
        """Take what came before release; return whether the payload is ready now.

        Raises:
            LaneError: The payload could not be prepared.
        """
        try:
            data, ancillary, _flags, _address = self.request.recvmsg(
                HEADER_SIZE + _SETUP_TEXT, _ANCILLARY, socket.MSG_CMSG_CLOEXEC
            )
        except BlockingIOError:
            return False
        except OSError as error:
            raise LaneError(f"the payload's socket broke: {error}") from None
        if not data:
            raise LaneError("the payload ended before it was ready")
        self._take(ancillary)
        try:
            frames = self._reader.feed(data)
        except FrameError as error:
            raise LaneError(f"the payload sent no frame: {error}") from None
        for frame in frames:
            if frame.kind is FrameKind.SETUP_FAILED:
                raise LaneError(frame.payload.decode(errors="replace"))
            self._pidfd = os.pidfd_open(self.pid)
            self._may_signal = self._timer is not None and _takes_signals(self._pidfd)
            self._watch()
            return True
        return False

    def _send_ahead(self, version: SourceKey) -> bool:
        """Put the source into the socket, to be compiled ahead; a very long one is left to the call."""
        content = pack(FrameKind.COMPILE, json.dumps(version).encode())
        return len(content) <= LONGEST_AHEAD and self.request.send(content) == len(content)

    def leave(self) -> None:
        """Have a waiting payload end, when nobody needs what it was prepared for."""
        self.request.shutdown(socket.SHUT_RDWR)

    def _take(self, ancillary: list[tuple[int, int, bytes]]) -> None:
        for level, kind, content in ancillary:
            if level != socket.SOL_SOCKET:
                continue
            if kind == socket.SCM_RIGHTS:
                self.listener = struct.unpack("i", content[:4])[0]
            elif kind == socket.SCM_CREDENTIALS:
                self.pid = _CREDENTIALS.unpack(content[: _CREDENTIALS.size])[0]

    def _watch(self) -> None:
        """Register the descriptors that the call's supervisor will wait for, off the path of the call.

        The socket of the answer comes first: what was printed before a frame was sent is then seen together with it.
        """
        for fd in (self.request.fileno(), self.stdout, self.stderr, self.control.fileno(), self.listener):
            if fd is not None:
                self.poll.register(fd, select.POLLIN)

    @property
    def prepared_bytes(self) -> int:
        """The most bytes that compiling ahead may have left in its memory: about 200 a character were measured."""
        return 0 if self.compiles is None else _COMPILED_BYTES * len(self.compiles.source)

    def snapshot(self, group: Group | None) -> None:
        """Read the counters, off the path of the call. The payload waits and does nothing until it is released."""
        if group is not None:
            self._start = group.release(self._last)
        else:
            self._start_cpu_ms = self.cpu_ms() if self._last_cpu_ms is None else self._last_cpu_ms

    def start(self, group: Group | None) -> tuple[GroupReading | None, float]:
        """Return the counters at the start (None where nothing counts) and the CPU milliseconds so far.

        They are what setting up has cost. A payload that serves again goes on from the end of its last call.
        """
        if self._start is None and self._start_cpu_ms is None:
            self.snapshot(group)
        start, cpu_ms = self._start, self._start_cpu_ms
        self._start, self._start_cpu_ms = None, None
        return start, cpu_ms or 0.0

    def rest(self, last: GroupReading | None, cpu_ms: float) -> bool:
        """Have the payload stopped shortly, with all that it has started, until its next call.

        The lane's init does that, by the kernel's clock: what holds this process up holds up no stop. Nothing of the
        payload continues by itself: its filter refuses every way to ask for that.

        Args:
            last: The counters when its call ended, None where nothing counts; the next one pays for what comes after.
            cpu_ms: Its CPU milliseconds at that time, where nothing counts.

        Returns:
            Whether that was possible: what we may not signal we could not continue.
        """
        if self._timer is None or not self._may_signal:
            return False
        self._last, self._last_cpu_ms = last, cpu_ms
        if self._expires - time.monotonic() >= _LEAST_REST:
            return True
        if not self._settle():
            return False
        if not self._stopped:
            self._expires = time.monotonic() + _REST
            self._timer.arm()
        return True

    def take(self) -> bool:
        """Take it for a call: see to it that it is awake, or known to be stopped.

        Its timer may stay armed, since most calls end before it expires; one that does not has it disarmed in time.

        Returns:
            Whether it can serve: it has not ended, and has sent nothing, while nobody called it.
        """
        known = not self._expires or self.until_stop() > 0.0 or self._settle()
        return known and not self.poll.poll(0)

    def until_stop(self) -> float:
        """Return the seconds until its timer must be disarmed if a call goes on; infinite when none is armed."""
        return self._expires - _MARGIN - time.monotonic() if self._expires else math.inf

    def stay_awake(self) -> None:
        """Disarm its timer in the middle of a call. If it has expired all the same, the stop will be `continued`."""
        self._expires = 0.0
        self._unsure = self._timer is not None and not self._timer.disarm()

    def continued(self) -> bool:
        """Continue it when init has just stopped it in a call; return whether the lane's socket told that."""
        if not (self._expires or self._unsure):
            return False
        with contextlib.suppress(OSError):  # init is gone
            self._stopped = self.control.recv(guest_lane.REPORT.size, _PEEK) == guest_lane.STOPPED
        if not self._stopped:
            return False
        self.control.recv(1)
        self._expires, self._unsure = 0.0, False
        self.thaw()
        return True

    def let_end(self) -> None:
        """Keep it awake for its end, since it serves no other call."""
        if self._settle():
            self.thaw()

    def _settle(self) -> bool:
        """Disarm its timer, and learn whether init has stopped it; return whether that is known."""
        if self._expires:
            self.stay_awake()
        if not self._unsure:
            return True
        self._unsure = False
        try:
            return self._learn_of_stop()
        except OSError:
            return False  # the lane's init is gone

    def _learn_of_stop(self) -> bool:
        word, asked = self._word_of_init(0), False
        if not word:  # the timer has expired in this moment: whether init was first, only init can tell
            asked = bool(self.control.send(guest_lane.ASKED))
            word = self._word_of_init(_INIT_GRACE)
        self._stopped = word == guest_lane.STOPPED
        if asked and self._stopped:
            word = self._word_of_init(_INIT_GRACE)
        return word == (guest_lane.ASKED if asked else guest_lane.STOPPED)

    def _word_of_init(self, seconds: float) -> bytes:
        """Return the next message of the lane's init; empty when none comes within that time."""
        if not readable(self.control.fileno(), seconds):
            return b""
        return self.control.recv(guest_lane.REPORT.size)

    def thaw(self) -> None:
        """Continue the payload, if it was stopped."""
        if self._stopped:
            self._stopped = False
            with contextlib.suppress(ProcessLookupError):  # it has ended, which its call will see
                self._signal_group(signal.SIGCONT)

    def _signal_group(self, number: signal.Signals) -> None:
        """Send a signal to the payload's process group.

        Raises:
            ProcessLookupError: The payload was reaped; its number may be another process's by now.
            PermissionError: The payload is beyond our signals.
        """
        if self._pidfd is None:
            raise ProcessLookupError
        signal.pidfd_send_signal(self._pidfd, 0)  # there is no such call for a group
        os.killpg(self.pid, number)

    def cpu_ms(self) -> float:
        """Return the CPU milliseconds of the payload's threads; 0 when it is gone."""
        return cpu_seconds(self.pid) * 1e3

    def read_report(self) -> Report | None:
        """Return the init's report of the end; None when init itself is gone."""
        try:
            data, _pid, self._next_request = receive_from_init(
                self.control, guest_lane.REPORT.size, socket.MSG_DONTWAIT
            )
        except OSError:
            return None
        if len(data) != guest_lane.REPORT.size:
            return None
        status, cpu_us, leftovers, names = guest_lane.REPORT.unpack(data)
        return Report(status, cpu_us / 1e3, leftovers, names)

    def take_next_request(self) -> socket.socket | None:
        """Return the host's end of the next payload's socket, which may have come with the report of this one."""
        request, self._next_request = self._next_request, None
        return request

    def kill(self) -> None:
        """Send SIGKILL to the payload; its lane's init ends the rest."""
        self.killed = True
        if self._pidfd is None:
            return
        try:
            signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)
        except ProcessLookupError:
            return
        except PermissionError:
            # a user of its own inside a namespace of ours is beyond our signals; its lane's init is not
            self._kill_lane()

    def close(self) -> None:
        """Close every descriptor; a payload that still waits sees the end of its socket and leaves."""
        if self._closed:
            return
        self._closed = True
        self.request.close()
        if self._next_request is not None:
            self._next_request.close()
        self.results.close()
        self.record.close()
        if self._timer is not None:
            self._timer.close()
        for fd in (self.stdout, self.stderr, self.listener, self._pidfd):
            if fd is not None:
                os.close(fd)

    def abandon(self) -> None:
        """Close both sides: for when the guest's ends were never handed over."""
        if self._guest_request is not None:
            self._guest_request.close()
        for fd in (self._guest_stdout, self._guest_stderr):
            with contextlib.suppress(OSError):
                os.close(fd)
        self.close()


def receive_from_init(control: socket.socket, size: int, flags: int = 0) -> tuple[bytes, int, socket.socket | None]:
    """Receive a message of a lane's init.

    Returns:
        The message, the sender's process id (0 when there was no sender), and the socket that came along.

    Raises:
        OSError: There is no message, or no room for a further descriptor.
    """
    data, ancillary, told, _address = control.recvmsg(size, _ANCILLARY, flags | socket.MSG_CMSG_CLOEXEC)
    if told & socket.MSG_CTRUNC:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
    pid, request = 0, None
    for level, kind, content in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_CREDENTIALS):
            pid = _CREDENTIALS.unpack(content[: _CREDENTIALS.size])[0]
        elif (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            request = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM, 0, fileno=struct.unpack("i", content[:4])[0])
    return data, pid, request


def _takes_signals(pidfd: int) -> bool:
    """Return whether a process is there, and one that we may signal."""
    try:
        signal.pidfd_send_signal(pidfd, 0)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def _pipe() -> tuple[int, int]:
    ours, theirs = os.pipe2(os.O_CLOEXEC)
    os.set_blocking(ours, False)
    os.fchmod(theirs, WRITE_ONLY)
    return ours, theirs
