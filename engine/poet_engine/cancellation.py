"""A caller's way to give up on a call that it is not waiting for by itself."""

import contextlib
import os
import threading
from collections.abc import Callable, Iterator
from typing import Self


class Cancellation:
    """Set once, from any thread. A context manager: what watches `fd` must not do so after the end of the block."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._set = False
        self._closed = False
        self._listeners: list[Callable[[], None]] = []
        self.fd, self._writer = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)

    def __repr__(self) -> str:
        return f"<Cancellation set={self._set}>"

    @property
    def requested(self) -> bool:
        """Whether the call is to end."""
        return self._set

    def cancel(self) -> None:
        """Ask for the end. Idempotent, and without effect after the block."""
        with self._lock:
            if self._set or self._closed:
                return
            self._set = True
            with contextlib.suppress(OSError):
                os.write(self._writer, b"x")
            listeners = list(self._listeners)
        for listener in listeners:
            listener()

    @contextlib.contextmanager
    def telling(self, listener: Callable[[], None]) -> Iterator[None]:
        """Call `listener` when the end is asked for, for as long as the block runs."""
        self._listeners.append(listener)
        try:
            yield
        finally:
            self._listeners.remove(listener)

    def close(self) -> None:
        """Free the descriptors."""
        with self._lock:
            if not self._closed:
                self._closed = True
                os.close(self.fd)
                os.close(self._writer)

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(self, *_exc_info: object) -> None:
        """Close."""
        self.close()
