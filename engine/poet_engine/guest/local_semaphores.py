"""Semaphores of `multiprocessing` for a policy without processes: they count within this process.

Those of the C library wait on futexes that processes could share. The filter refuses these where there is one process
only, since lanes could meet on a page that all of them map. What a single process can see of a semaphore is the same.
"""

import contextlib
import importlib
import threading

_RECURSIVE_MUTEX = 0


class LocalSemLock:
    """A semaphore with the methods of `_multiprocessing.SemLock`.

    Args:
        kind: 0 for a mutex that its thread may take again, 1 for a semaphore.
        value: The value at the beginning.
        maxvalue: The highest value.
        name: A name for other processes, of which there are none.
        unlink: Whether that name is to go at once.
    """

    SEM_VALUE_MAX = 0x7FFFFFFF

    def __init__(self, kind: int, value: int, maxvalue: int, name: str, unlink: bool) -> None:  # noqa: FBT001 - C's
        del name, unlink
        if not 0 <= value <= maxvalue:
            raise ValueError("invalid value")
        self.kind, self.maxvalue, self.name = kind, maxvalue, None
        self.handle = id(self)
        self._value, self._held, self._owner = value, 0, 0
        self._changed = threading.Condition()

    def acquire(self, block: bool = True, timeout: float | None = None) -> bool:  # noqa: FBT001, FBT002 - as in C
        """Take one; return whether it was there within `timeout` seconds."""
        if self.kind == _RECURSIVE_MUTEX and self._is_mine():
            self._held += 1
            return True
        patience = (None if timeout is None else max(0.0, timeout)) if block else 0.0
        with self._changed:
            if not self._changed.wait_for(lambda: self._value > 0, patience):
                return False
            self._value -= 1
            self._held += 1
            self._owner = threading.get_ident()
        return True

    def release(self) -> None:
        """Give one back.

        Raises:
            AssertionError: A mutex is another thread's.
            ValueError: It was given back too often.
        """
        with self._changed:
            if self.kind == _RECURSIVE_MUTEX:
                if not self._is_mine():
                    raise AssertionError("attempt to release recursive lock not owned by thread")
                if self._held > 1:
                    self._held -= 1
                    return
            elif self._value >= self.maxvalue:
                raise ValueError("semaphore or lock released too many times")
            self._held -= 1
            self._value += 1
            self._changed.notify()

    def __enter__(self) -> bool:
        """Take one."""
        return self.acquire()

    def __exit__(self, *_error: object) -> None:
        """Give it back."""
        self.release()

    def _count(self) -> int:
        return self._held

    def _is_mine(self) -> bool:
        return self._held > 0 and self._owner == threading.get_ident()

    def _get_value(self) -> int:
        return self._value

    def _is_zero(self) -> bool:
        return self._value == 0

    def _after_fork(self) -> None:
        self._held = 0


def replace() -> None:
    """Put them where `multiprocessing` looks for its own."""
    with contextlib.suppress(ImportError):  # an interpreter without shared semaphores
        vars(importlib.import_module("_multiprocessing"))["SemLock"] = LocalSemLock
