"""A caller's way to give up on a call that it is not waiting for by itself."""

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Self

from poet_engine._wake import Waker
from poet_engine.errors import ClosedError


class Cancellation:
    """Set once, from any thread. A context manager: what watches `fd` must not do so after the end of the block."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._set = False
        self._closed = False
        self._listeners: list[Callable[[], None]] = []
        self._bell: Waker | None = None

    def __repr__(self) -> str:
        return f"<Cancellation set={self._set}>"

    @property
    def fd(self) -> int:
        """Readable once the end was asked for. Made when first looked at: hundreds of calls that wait need none.

        Raises:
            ClosedError: The block has ended.
        """
        with self._lock:
            if self._closed:
                raise ClosedError("this cancellation was closed; it serves until the end of its block")
            if self._bell is None:
                self._bell = Waker()
                if self._set:
                    self._bell.ring()
            return self._bell.fileno()

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
            if self._bell is not None:
                self._bell.ring()
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
        """Free the descriptor. Idempotent."""
        with self._lock:
            bell, self._bell, self._closed = self._bell, None, True
        if bell is not None:
            bell.close()

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(self, *_exc_info: object) -> None:
        """Close."""
        self.close()
