"""Hold one payload of a container and its call, as the container's first process sees them."""

import contextlib
import dataclasses
import fcntl
import os
import socket

from .container_counters import ContainerReading
from .cpu_clock import cpu_seconds
from .standard_streams import ROOM, WRITE_ONLY


class ServedChild:
    """A payload, with our ends of its socket, pipes and files in memory."""

    def __init__(self, result: int) -> None:
        self.sock, self.guest_sock = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.setblocking(False)
        self.out, self.guest_out = _pipe()
        self.err, self.guest_err = _pipe()
        self.results = os.memfd_create("results", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        os.ftruncate(self.results, result)
        fcntl.fcntl(self.results, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW)
        self.record = os.memfd_create("record", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        os.ftruncate(self.record, ROOM)
        fcntl.fcntl(self.record, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW)
        self.listener: int | None = None
        self.pid = 0
        self.ready = False
        self.serves = False
        self.start = ContainerReading()
        self.start_cpu = 0.0

    def guest_ends(self) -> list[int]:
        """Return the payload's descriptors in the order in which it expects them."""
        return [self.guest_sock.fileno(), self.guest_out, self.guest_err, self.results, self.record]

    def close_guest_ends(self) -> None:
        """Close our copies of the payload's descriptors, which it has by now."""
        self.guest_sock.close()
        os.close(self.guest_out)
        os.close(self.guest_err)

    def cpu_seconds(self) -> float:
        """Return the CPU seconds of its threads so far; 0 when it is gone."""
        return cpu_seconds(self.pid)

    def close(self) -> None:
        """Close everything but the file for large results, which may still be fetched."""
        self.sock.close()
        for fd in (self.out, self.err, self.record, self.listener):
            if fd is not None:
                os.close(fd)


def _pipe() -> tuple[int, int]:
    ours, theirs = os.pipe2(os.O_CLOEXEC)
    os.set_blocking(ours, False)
    with contextlib.suppress(OSError):  # the kernel of gVisor has no modes of pipes
        os.fchmod(theirs, WRITE_ONLY)
    return ours, theirs


@dataclasses.dataclass
class DeniedTries:
    """Denied calls of one name.

    Attributes:
        arguments: The arguments of the first.
        untold: The number of those that the host has not heard of.
    """

    arguments: tuple[int, ...]
    untold: int = 0


@dataclasses.dataclass
class ServedCall:
    """The call that a payload serves.

    Attributes:
        tolerant: Whether forbidden system calls fail instead of ending it: for our own probes.
        kills: Whether a denied call ends it.
        denied: Its denied calls, by name and by whether an internet socket was asked for.
        attached: Bytes of attachments that are still to come.
        wanted: Names and patterns of a script's files to collect; None for a function.
        most_bytes: Bytes that those files may have together.
        attachments: Descriptor of the file that the attachments go into.
        folder: Descriptor of a script's working folder.
    """

    tolerant: bool = False
    kills: bool = False
    denied: dict[tuple[str, bool], DeniedTries] = dataclasses.field(default_factory=dict)
    attached: int = 0
    wanted: list[str] | None = None
    most_bytes: int = 0
    attachments: int | None = None
    folder: int | None = None

    def close(self) -> None:
        """Close its files."""
        for fd in (self.attachments, self.folder):
            if fd is not None:
                os.close(fd)
        self.attachments = self.folder = None
