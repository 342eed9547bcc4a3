"""Cancellation of a call from another thread."""

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Self

from poet_engine._wake import Waker
from poet_engine.errors import ClosedError


class Cancellation:
    """A flag that is set once, from any thread. A context manager: `fd` must not be watched after its block."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._set = False
        self._closed = False
        self._listeners: list[Callable[[], None]] = []
        self._waker: Waker | None = None

    def __repr__(self) -> str:
        return f"<Cancellation set={self._set}>"

    @property
    def fd(self) -> int:
        """A descriptor that is readable once cancelled; created at its first use, as most waiting calls need none.

        Raises:
            ClosedError: The block has ended.
        """
        with self._lock:
            if self._closed:
                raise ClosedError("this cancellation was closed; it serves until the end of its block")
            if self._waker is None:
                self._waker = Waker()
                if self._set:
                    self._waker.ring()
            return self._waker.fileno()

    @property
    def requested(self) -> bool:
        """Whether the call was cancelled."""
        return self._set

    def cancel(self) -> None:
        """Cancel the call. Idempotent, and without effect after the block."""
        with self._lock:
            if self._set or self._closed:
                return
            self._set = True
            if self._waker is not None:
                self._waker.ring()
            listeners = list(self._listeners)
        for listener in listeners:
            listener()

    @contextlib.contextmanager
    def telling(self, listener: Callable[[], None]) -> Iterator[None]:
        """Call `listener` when the call is cancelled during the block."""
        self._listeners.append(listener)
        try:
            yield
        finally:
            self._listeners.remove(listener)

    def close(self) -> None:
        """Free the descriptor. Idempotent."""
        with self._lock:
            waker, self._waker, self._closed = self._waker, None, True
        if waker is not None:
            waker.close()

    def __enter__(self) -> Self:
        """Return the cancellation."""
        return self

    def __exit__(self, *_exc_info: object) -> None:
        """Close it."""
        self.close()
