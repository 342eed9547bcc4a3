"""A lock that is free again in a forked child.

Another thread of the parent may hold a lock at the moment of the fork. The child has a copy of the lock but not of the
thread, so the lock would never be released there.
"""

import functools
import os
import threading
import weakref
from collections.abc import Callable


class ForkedLock:
    """A lock for `with`; in a forked child it is free again.

    Args:
        in_child: Called in a forked child, before anything else runs there: the guarded data may have been in the
            middle of a change, and threads that were to complete it do not exist there.
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
        """Replace the lock by a free one, in the child."""
        self._lock = threading.Lock()
        if self._in_child is not None:
            self._in_child()


_LOCKS: weakref.WeakSet[ForkedLock] = weakref.WeakSet()


@functools.cache
def _watch_forks() -> None:
    # Once, and only when there is a lock: importing this module does not change the process.
    os.register_at_fork(after_in_child=_renew_all)


def _renew_all() -> None:
    for lock in tuple(_LOCKS):
        lock.renew()
