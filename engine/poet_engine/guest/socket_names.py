"""Keep the names of Unix sockets inside one call, where its processes may listen and connect.

A name without a file belongs to a network namespace, and one with a file to whoever sees the file. So three things are
seen to: the request's socket comes from the namespace that its payload is in, since one made outside could take names
and ask for names there; what listens in a folder of the host is covered; and no call begins while a name of the one
before is there.
"""

import contextlib
import os
import select
import time
from collections.abc import Collection, Iterable

TABLE = "net/unix"  # below a process in /proc
_FIELDS = 7  # of a line of the table, before the name
# Sockets that are on their way to each other, in each other, are found by the kernel some milliseconds later, which
# then takes their names away. The kernel of gVisor never does.
_PATIENCE = 0.2  # seconds
_STEP = 2  # milliseconds
_CHUNK = 1 << 16


def found_in(folders: Iterable[str], hidden: Collection[str]) -> list[str]:
    """Return the paths of what is no file, folder or link: a socket can be connected to through a read-only mount.

    Args:
        folders: Files and folders to look at, with everything in them.
        hidden: Folders to leave out.
    """
    found: list[str] = []
    waiting = list(folders)
    while waiting:
        with contextlib.suppress(OSError), os.scandir(waiting.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    waiting += [] if entry.path in hidden else [entry.path]
                elif not entry.is_symlink() and not entry.is_file(follow_symlinks=False):
                    found.append(entry.path)
    return found


class SocketNames:
    """The names of sockets in a network namespace, where only payloads and their first process are.

    Args:
        table: Descriptor of the kernel's table of Unix sockets, opened in that namespace.
    """

    def __init__(self, table: int) -> None:
        self._table = table
        self._at_first = self._now()

    def stay(self) -> bool:
        """Return whether any name is left that was not there at first, once the kernel has had time to clear up."""
        patience = time.monotonic() + _PATIENCE
        while not self._now() <= self._at_first:
            if time.monotonic() > patience:
                return True
            select.poll().poll(_STEP)  # of nothing
        return False

    def _now(self) -> set[bytes]:
        text = b""
        while chunk := os.pread(self._table, _CHUNK, len(text)):
            text += chunk
        lines = (line.split(maxsplit=_FIELDS) for line in text.splitlines()[1:])
        return {fields[_FIELDS] for fields in lines if len(fields) > _FIELDS}
