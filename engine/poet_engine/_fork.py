"""Hooks that put living objects right in a forked child, and a lock that is free again there.

Another thread of the parent may hold a lock at the moment of the fork. The child has a copy of the lock but not of the
thread, so the lock would never be released there.
"""

import functools
import os
import threading
import weakref
from collections.abc import Callable
from typing import TypeVar

_Living = TypeVar("_Living")


def on_fork(
    living: "weakref.WeakSet[_Living]",
    in_child: Callable[[_Living], None],
    *,
    before: Callable[[_Living], None] | None = None,
    in_parent: Callable[[_Living], None] | None = None,
) -> None:
    """Have something done with each of these objects at every fork from now on. Nothing where there are no forks.

    Args:
        living: The objects, those that are added later included.
        in_child: Called in the child.
        before: Called in the parent, before the fork.
        in_parent: Called in the parent, after it.
    """

    def each(act: Callable[[_Living], None]) -> None:
        for one in tuple(living):
            act(one)

    register = getattr(os, "register_at_fork", None)  # systems without forks have none
    if register is None:
        return
    register(after_in_child=functools.partial(each, in_child))
    if before is not None:
        register(before=functools.partial(each, before))
    if in_parent is not None:
        register(after_in_parent=functools.partial(each, in_parent))


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
    # Once, and only when there is a lock: importing this module leaves the process as it was.
    on_fork(_LOCKS, ForkedLock.renew)
