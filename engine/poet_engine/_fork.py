"""A lock that survives a fork.

Another thread of the parent may hold a lock at the moment of the fork. The child has a copy of the lock and not of the
thread, so nobody would ever let go of it there.
"""

import functools
import os
import threading
import weakref
from collections.abc import Callable


class ForkedLock:
    """A lock for `with`; in a forked child it is free again.

    Args:
        in_child: Called in a forked child, before anything else runs there: what the lock guards may have been in the
            middle of a change, and threads that were to undo something are not there to do it.
    """

    __slots__ = ("__weakref__", "_in_child", "_lock")

    def __init__(self, in_child: Callable[[], None] | None = None) -> None:
        self._lock = threading.Lock()
        self._in_child = in_child
        _watch_forks()
        _LOCKS.add(self)

    def __repr__(self) -> str:
        return f"<ForkedLock {'held' if self._lock.locked() else 'free'}>"

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *_exc_info: object) -> None:
        self._lock.release()

    def renew(self) -> None:
        """Start free, in the child."""
        self._lock = threading.Lock()
        if self._in_child is not None:
            self._in_child()


_LOCKS: weakref.WeakSet[ForkedLock] = weakref.WeakSet()


@functools.cache
def _watch_forks() -> None:
    # Once, and only when there is a lock: importing this module leaves the process as it was.
    os.register_at_fork(after_in_child=_renew_all)


def _renew_all() -> None:
    for lock in tuple(_LOCKS):
        lock.renew()
