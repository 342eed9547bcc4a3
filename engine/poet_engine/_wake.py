"""Waiting for descriptors, and waking up a thread that waits for one."""

import contextlib
import os
import select
import threading

_MUCH = 1 << 12
_HAS_EVENTFD = hasattr(os, "eventfd")  # Linux; elsewhere a pipe does


def readable(fd: int, seconds: float) -> bool:
    """Wait until a descriptor is readable or at its end; return False if the seconds pass first.

    Any descriptor works: `select.select` raises for those from 1,024 on, which a busy host has many of.
    """
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    return bool(poll.poll(max(0.0, seconds) * 1000))


class Waker:
    """A descriptor that any thread can make readable, to wake another that waits for it.

    Args:
        eventfd: Whether to use an eventfd, or else a pipe, which takes two descriptors.
    """

    def __init__(self, *, eventfd: bool = _HAS_EVENTFD) -> None:
        # A closed descriptor's number is soon another file's; do not write to that. Reentrant, because a finalizer
        # may call `ring` in a thread that is inside it.
        self._lock = threading.RLock()
        self._closed = False
        if eventfd:
            self._reads = self._writes = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        else:
            self._reads, self._writes = os.pipe()
            os.set_blocking(self._reads, False)
            os.set_blocking(self._writes, False)
        self._word = (1).to_bytes(8, "little") if eventfd else b"\0"

    def __repr__(self) -> str:
        return f"<Waker fd={self._reads} closed={self._closed}>"

    def fileno(self) -> int:
        """Return the descriptor to wait for: readable after `ring`."""
        return self._reads

    def ring(self) -> None:
        """Make the descriptor readable; without effect after `close`."""
        with self._lock, contextlib.suppress(BlockingIOError):  # full: it is readable already
            if not self._closed:
                os.write(self._writes, self._word)

    def hear(self) -> None:
        """Make the descriptor unreadable until the next `ring`."""
        with contextlib.suppress(BlockingIOError):
            os.read(self._reads, _MUCH)

    def close(self) -> None:
        """Close the descriptors. Idempotent."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            for fd in {self._reads, self._writes}:
                os.close(fd)
