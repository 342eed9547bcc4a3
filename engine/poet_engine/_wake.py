"""Waiting on descriptors, and one that a thread makes readable to wake another that waits."""

import contextlib
import os
import select
import threading

_MUCH = 1 << 12
_HAS_EVENTFD = hasattr(os, "eventfd")  # Linux; elsewhere a pipe does


def readable(fd: int, seconds: float) -> bool:
    """Wait until a descriptor has something to read or has ended; False when the seconds pass first.

    Any number will do: `select.select` raises for those from 1,024 on, which a busy host has many of.
    """
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    return bool(poll.poll(max(0.0, seconds) * 1000))


class Waker:
    """Rings from any thread until it is heard.

    Args:
        eventfd: Whether it is made of one, or else of a pipe, which takes two descriptors.
    """

    def __init__(self, *, eventfd: bool = _HAS_EVENTFD) -> None:
        # A number that was closed is soon another file's, and nobody must write to that. Reentrant, because a finalizer
        # may ring in a thread that is just ringing.
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
        """To wait for: readable once it rang."""
        return self._reads

    def ring(self) -> None:
        """Wake who waits; without effect once it was closed."""
        with self._lock, contextlib.suppress(BlockingIOError):  # full: it has been ringing for long
            if not self._closed:
                os.write(self._writes, self._word)

    def hear(self) -> None:
        """Silence it until it rings again."""
        with contextlib.suppress(BlockingIOError):
            os.read(self._reads, _MUCH)

    def close(self) -> None:
        """Free it. Idempotent."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            for fd in {self._reads, self._writes}:
                os.close(fd)
