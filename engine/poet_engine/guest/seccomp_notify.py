"""Receive and refuse the system calls that seccomp notifies of (include/uapi/linux/seccomp.h)."""

import contextlib
import dataclasses
import fcntl
import struct

from . import syscalls

# struct seccomp_notif: id, pid, flags, then struct seccomp_data: nr, arch, instruction pointer, six arguments
_NOTIFICATION = struct.Struct("=QIIiIQ6Q")
_RESPONSE = struct.Struct("=QqiI")
_RECEIVE, _SEND = REQUESTS = 0xC0502100, 0xC0182101


@dataclasses.dataclass(frozen=True, slots=True)
class Notification:
    """A system call that waits for an answer."""

    cookie: int
    name: str
    arguments: tuple[int, ...]


def receive(listener: int) -> Notification | None:
    """Return the next notification; None when its caller died meanwhile."""
    buffer = bytearray(_NOTIFICATION.size)
    try:
        fcntl.ioctl(listener, _RECEIVE, buffer)
    except OSError:
        return None
    cookie, _pid, _flags, number, _arch, _pointer, *arguments = _NOTIFICATION.unpack(buffer)
    return Notification(cookie, syscalls.NAMES.get(number, f"number_{number}"), tuple(arguments))


def refuse(listener: int, notification: Notification, errno_: int) -> None:
    """Let the call fail with an error number. A caller that died meanwhile needs no answer."""
    with contextlib.suppress(OSError):
        fcntl.ioctl(listener, _SEND, _RESPONSE.pack(notification.cookie, 0, -errno_, 0))
