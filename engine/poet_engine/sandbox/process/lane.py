"""One lane as the host sees it: its init, its cgroup, and the payload that waits in it."""

import contextlib
import dataclasses
import os
import select
import signal
import socket
import struct
import time
from typing import TYPE_CHECKING

from poet_engine.guest import kernel
from poet_engine.guest import lane as guest_lane
from poet_engine.guest.frames import HEADER_SIZE, FrameError, Kind, Reader
from poet_engine.sandbox.cgroup import Group
from poet_engine.sandbox.process.memory_files import ResultFile

if TYPE_CHECKING:
    from collections.abc import Callable

_SETUP_TEXT = 1 << 16
_PASS_CREDENTIALS = 1
_HELLO_GRACE = 10.0  # seconds for a lane to build its walls, or to take descriptors


class LaneError(Exception):
    """A lane could not be made ready; the text says what failed."""


@dataclasses.dataclass(frozen=True, slots=True)
class Report:
    """What the lane's init said of a payload's end.

    Attributes:
        status: Its wait status.
        cpu_ms: CPU time of everything that was reaped.
        leftovers: Processes that were still there and were killed.
    """

    status: int
    cpu_ms: float
    leftovers: int


class Armed:
    """A payload that is being prepared, waits, or runs: the host's ends of everything it has.

    Args:
        result: Bytes that its result may have.
    """

    def __init__(self, result: int) -> None:
        self.results = ResultFile(result)
        self.request, self._guest_request = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        self.request.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, _PASS_CREDENTIALS)
        self.request.setblocking(False)
        self.stdout, self._guest_stdout = _pipe()
        self.stderr, self._guest_stderr = _pipe()
        self.status, self._guest_status = _pipe()
        self.listener: int | None = None
        self.pid = 0
        self._pidfd: int | None = None
        self.killed = False
        self.kill_lane: Callable[[], None] = _nothing
        self._reader = Reader({Kind.READY: 0, Kind.SETUP_FAILED: _SETUP_TEXT})
        self._closed = False

    def hand_over(self, control: socket.socket) -> None:
        """Send the guest's ends to the lane's init, which forks the payload."""
        outputs = [self._guest_stdout, self._guest_stderr]
        ends = [self._guest_request.fileno(), *outputs, self.results.fd, self._guest_status]
        kernel.send_with_descriptors(control, b"P", ends)
        self._guest_request.close()
        for fd in (*outputs, self._guest_status):
            os.close(fd)

    def on_readable(self) -> bool:
        """Take what came before release; whether the payload is ready now.

        Raises:
            LaneError: It could not be prepared.
        """
        space = socket.CMSG_SPACE(struct.calcsize("iII")) + socket.CMSG_SPACE(4)
        try:
            data, ancillary, _flags, _address = self.request.recvmsg(
                HEADER_SIZE + _SETUP_TEXT, space, socket.MSG_CMSG_CLOEXEC
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
            if frame.kind is Kind.SETUP_FAILED:
                raise LaneError(frame.payload.decode(errors="replace"))
            self._pidfd = os.pidfd_open(self.pid)
            return True
        return False

    def _take(self, ancillary: list[tuple[int, int, bytes]]) -> None:
        for level, kind, content in ancillary:
            if level != socket.SOL_SOCKET:
                continue
            if kind == socket.SCM_RIGHTS:
                self.listener = struct.unpack("i", content[:4])[0]
            elif kind == socket.SCM_CREDENTIALS:
                self.pid = struct.unpack("iII", content[:12])[0]

    @property
    def stale(self) -> bool:
        """Whether it ended, or spoke out of turn, while nobody called it."""
        return bool(select.select([self.request.fileno(), self.status], [], [], 0)[0])

    def cpu_ms(self) -> float:
        """CPU time of the payload's threads, from its process clock: `MAKE_PROCESS_CPUCLOCK(pid, CPUCLOCK_SCHED)`."""
        try:
            return time.clock_gettime((~self.pid << 3) | 2) * 1e3
        except OSError:
            return 0.0

    def read_report(self) -> Report | None:
        """What init said of the end; None when init itself is gone."""
        try:
            data = os.read(self.status, guest_lane.REPORT.size)
        except OSError:
            return None
        if len(data) != guest_lane.REPORT.size:
            return None
        status, cpu_us, leftovers = guest_lane.REPORT.unpack(data)
        return Report(status, cpu_us / 1e3, leftovers)

    def kill(self) -> None:
        """SIGKILL to the payload; its lane's init does the rest."""
        self.killed = True
        if self._pidfd is None:
            return
        try:
            signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)
        except ProcessLookupError:
            return
        except PermissionError:
            # a user of its own inside a namespace of ours is beyond our signals; its lane's init is not
            self.kill_lane()

    def close(self) -> None:
        """Let go of every descriptor; a payload that still waits sees the end of its socket and leaves."""
        if self._closed:
            return
        self._closed = True
        self.request.close()
        self.results.close()
        for fd in (self.stdout, self.stderr, self.status, self.listener, self._pidfd):
            if fd is not None:
                os.close(fd)

    def abandon(self) -> None:
        """Close both sides: for when the guest's ends were never handed over."""
        self._guest_request.close()
        for fd in (self._guest_stdout, self._guest_stderr, self._guest_status):
            with contextlib.suppress(OSError):
                os.close(fd)
        self.close()


def _nothing() -> None:
    """A payload that was never handed over has no lane to kill."""


def _pipe() -> tuple[int, int]:
    ours, theirs = os.pipe2(os.O_CLOEXEC)
    os.set_blocking(ours, False)
    return ours, theirs


class Lane:
    """A lane: made by the zygote, moved into its cgroup, then armed with one payload after another.

    Args:
        number: Which one it is, for names.
        uid: The user that its payloads become.
        result: Bytes that a result may have.
    """

    def __init__(self, number: int, uid: int, result: int) -> None:
        self.number, self.uid, self._result = number, uid, result
        self.control, self._guest_control = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.control.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, _PASS_CREDENTIALS)
        self.control.settimeout(_HELLO_GRACE)
        self.group: Group | None = None
        self.armed: Armed | None = None
        self.calls = 0
        self.key: str | None = None  # what its payload has served, where payloads are kept between calls
        self._init: int | None = None

    def __repr__(self) -> str:
        state = "idle" if self.armed is None else f"payload {self.armed.pid}"
        return f"<Lane {self.number} uid={self.uid} calls={self.calls} {state}>"

    def take_guest_end(self) -> socket.socket:
        """The end that goes to the zygote."""
        return self._guest_control

    def hello(self, group: Group | None) -> None:
        """Take init's greeting, and move it into its cgroup before it forks anything.

        Raises:
            LaneError: The walls could not be built.
        """
        data, ancillary, _flags, _address = self.control.recvmsg(4096, socket.CMSG_SPACE(struct.calcsize("iII")))
        if data != guest_lane.HELLO:
            text = data.removeprefix(guest_lane.FAILED).decode(errors="replace")
            raise LaneError(text or "the lane's init ended while it built its walls")
        pid = next(
            struct.unpack("iII", content[:12])[0]
            for level, kind, content in ancillary
            if (level, kind) == (socket.SOL_SOCKET, socket.SCM_CREDENTIALS)
        )
        self._init = os.pidfd_open(pid)
        if group is not None:
            group.attach(pid)
            self.group = group

    def dies_within(self, seconds: float) -> bool:
        """Whether init is gone, or goes within a moment: an ending namespace may lose its payload first."""
        return self._init is None or bool(select.select([self._init], [], [], seconds)[0])

    def arm(self) -> Armed:
        """Ask init for the next payload."""
        if self.armed is not None:
            self.armed.close()
            self.armed = None
        armed = Armed(self._result)
        try:
            armed.hand_over(self.control)
        except OSError as error:
            armed.abandon()
            raise LaneError(f"the lane's init is gone: {error}") from None
        armed.kill_lane = self.kill
        self.armed = armed
        self.key = None
        return armed

    def kill(self) -> None:
        """SIGKILL to init, and so to everything in the lane."""
        if self._init is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                signal.pidfd_send_signal(self._init, signal.SIGKILL)

    def close(self) -> Group | None:
        """End the lane with everything in it; the cgroup that is to be removed, if it had one."""
        if self.armed is not None:
            self.armed.close()
            self.armed = None
        self.kill()
        if self._init is not None:
            os.close(self._init)
            self._init = None
        self.control.close()
        self._guest_control.close()
        group, self.group = self.group, None
        return group
