"""Control one lane from the host: its init, its cgroup, and the payload that waits in it."""

import contextlib
import os
import signal
import socket

from poet_engine._wake import readable
from poet_engine.guest import lane as guest_lane
from poet_engine.sandbox.cgroup import Group
from poet_engine.sandbox.pool.version import SourceKey
from poet_engine.sandbox.process.prepared import LaneError, PreparedProcess, receive_from_init

_PASS_CREDENTIALS = 1
_HELLO_GRACE = 10.0  # seconds for a lane to take descriptors


class Lane:
    """A lane: forked by the zygote, moved into its cgroup, then prepared with one payload after another.

    Args:
        number: Its number, for names.
        uid: The user that its payloads become.
        result: Bytes that a result may have.
        keep: Whether a payload may serve one call after the other.
    """

    def __init__(self, number: int, uid: int, result: int, *, keep: bool = False) -> None:
        self.number, self.uid, self._result, self._keep = number, uid, result, keep
        self.control, self._guest_control = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.control.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, _PASS_CREDENTIALS)
        self.control.settimeout(_HELLO_GRACE)
        self.group: Group | None = None
        self.prepared: PreparedProcess | None = None
        self.calls = 0
        self.pid = 0
        self.key: SourceKey | None = None  # the version that its payload serves or is prepared for; None for any
        self.ready_since = 0.0  # when its payload was ready, in seconds of the pool's clock
        self._init: int | None = None
        self._first_request: socket.socket | None = None  # our end of the first payload's socket, if init has made it

    def __repr__(self) -> str:
        state = "idle" if self.prepared is None else f"payload {self.prepared.pid}"
        return f"<Lane {self.number} uid={self.uid} calls={self.calls} {state}>"

    def take_guest_end(self) -> socket.socket:
        """Return the end that goes to the zygote."""
        return self._guest_control

    def hello(self) -> None:
        """Receive init's greeting.

        Raises:
            LaneError: The isolation could not be built.
        """
        data, self.pid, self._first_request = receive_from_init(self.control, 4096)
        if data != guest_lane.HELLO:
            text = data.removeprefix(guest_lane.FAILED).decode(errors="replace")
            raise LaneError(text or "the lane's init ended while it was being isolated")
        self._init = os.pidfd_open(self.pid)

    def enter(self, group: Group) -> None:
        """Move init into its cgroup, before it forks anything."""
        self.group = group
        group.attach(self.pid)

    def dies_within(self, seconds: float) -> bool:
        """Return whether init is gone, or ends within `seconds`: an ending namespace may lose its payload first."""
        return self._init is None or readable(self._init, seconds)

    def prepare(self, probable: SourceKey | None = None) -> PreparedProcess:
        """Have init fork the next payload, prepared for the version that will probably be called."""
        request, self._first_request = self._first_request, None
        if self.prepared is not None:
            request = self.prepared.take_next_request()
            self.prepared.close()
            self.prepared = None
        prepared = PreparedProcess(self.control, self.kill, self._result, probable, keep=self._keep, request=request)
        try:
            prepared.hand_over()
        except OSError as error:
            prepared.abandon()
            raise LaneError(f"the lane's init is gone: {error}") from None
        self.prepared = prepared
        self.key = None
        return prepared

    def kill(self) -> None:
        """Send SIGKILL to init, and so to everything in the lane."""
        if self._init is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                signal.pidfd_send_signal(self._init, signal.SIGKILL)

    def close(self) -> Group | None:
        """End the lane with everything in it; return the cgroup that is to be removed, if it had one."""
        if self.prepared is not None:
            self.prepared.close()
            self.prepared = None
        self.kill()
        if self._init is not None:
            os.close(self._init)
            self._init = None
        if self._first_request is not None:
            self._first_request.close()
        self.control.close()
        self._guest_control.close()
        group, self.group = self.group, None
        return group
