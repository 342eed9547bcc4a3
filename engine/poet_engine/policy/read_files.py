"""The files that a policy was read from, and whether they are still the same.

Whoever looks at a file on the way to a policy notes its path first, also where there is none. The stamp is taken before
the file is read, so that a change in between is one that is seen.
"""

import contextlib
import contextvars
import os
import stat
from collections.abc import Iterator
from pathlib import Path

# What a name leads to, and the link that it may be; None where it leads nowhere.
Stamp = tuple[int, ...] | None
_SETTLED_NS = 2_000_000_000  # a file may change twice within one tick of its clock, and the second change shows nothing


class ReadFiles:
    """The files that were looked at while something was read."""

    def __init__(self) -> None:
        self._stamps: dict[str, Stamp] = {}
        self._more = False

    def __repr__(self) -> str:
        return f"<ReadFiles {len(self._stamps)}>"

    def add(self, path: str) -> None:
        """Take the stamp of a path, unless there is one already."""
        if path not in self._stamps:
            self._stamps[path] = _stamp(path)

    def add_more(self) -> None:
        """Say that what was read depends on more than files."""
        self._more = True

    def settled(self, now: float) -> bool:
        """Whether every later change will be seen. `now` is in seconds since the epoch."""
        newest = max((max(stamp[-2:]) for stamp in self._stamps.values() if stamp is not None), default=0)
        return not self._more and newest < now * 1e9 - _SETTLED_NS

    def unchanged(self) -> bool:
        """Whether every path still leads to the same content, of the same owner and mode."""
        return list(map(_stamp, self._stamps)) == list(self._stamps.values())


_noting: contextvars.ContextVar[ReadFiles | None] = contextvars.ContextVar(
    "poet_engine.policy.read_files", default=None
)


@contextlib.contextmanager
def noting() -> Iterator[ReadFiles]:
    """Collect everything that is noted inside, in this thread or task."""
    found = ReadFiles()
    token = _noting.set(found)
    try:
        yield found
    finally:
        _noting.reset(token)


def note(path: Path) -> None:
    """Note a file, or a folder whose owner and mode count, before it is looked at."""
    found = _noting.get()
    if found is None:
        return
    try:
        found.add(str(path.absolute()))
    except FileNotFoundError:  # it is relative to a folder that was removed
        found.add_more()


def note_more() -> None:
    """Note that what is read depends on more than files, so that it has to be read anew each time."""
    found = _noting.get()
    if found is not None:
        found.add_more()


def _stamp(path: str) -> Stamp:
    try:
        link = os.lstat(path)
        found = Path(path).stat() if stat.S_ISLNK(link.st_mode) else link
    except (OSError, ValueError):
        return None
    of_link = (link.st_ino, link.st_uid) if found is not link else ()
    owner = (found.st_dev, found.st_ino, found.st_mode, found.st_uid, found.st_gid)
    if stat.S_ISDIR(found.st_mode):  # files come and go in it
        return (*of_link, *owner, 0, 0)
    return (*of_link, *owner, found.st_nlink, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
