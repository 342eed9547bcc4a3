"""Bounded reading of files that a user, a project or a stranger names.

It never waits, never reads without a bound, and refuses anything but a regular file by what is open, not by what the
name meant a moment ago. A device is not even opened: some act on that alone. Callers translate these errors into their
own; errors of the operating system stay an OSError.
"""

import contextlib
import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

# Non-blocking: opening a FIFO that nobody writes to would wait for ever. It means nothing to a regular file.
_FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY
_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a FIFO",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFSOCK: "a socket",
}


class IrregularFileError(Exception):
    """Raised for a name that leads to anything that might never end, or block; the text says what, such as `a FIFO`."""


class LargeFileError(Exception):
    """Raised for a file with more bytes than may be read."""


@contextlib.contextmanager
def open_regular(
    path: Path | str, *, at: int | None = None, follow: bool = True, pipes: bool = False
) -> Iterator[BinaryIO]:
    """Open a regular file for reading, and close it at the end.

    Args:
        path: Its path, or its name in the folder `at`.
        at: A folder's descriptor.
        follow: Whether the last step may be a symbolic link.
        pipes: Whether a pipe is allowed: only for names on the user's own command line, such as `<(…)`.

    Raises:
        IrregularFileError: It is no regular file.
        OSError: It is missing or cannot be opened, or the name is not possible.
    """
    kinds = frozenset({stat.S_IFREG, stat.S_IFIFO} if pipes else {stat.S_IFREG})
    try:
        found = os.stat(path, dir_fd=at, follow_symlinks=follow)
        if stat.S_ISLNK(found.st_mode):
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path))  # as the kernel says it
        refuse_other(found, kinds)
        descriptor = os.open(path, _FLAGS if follow else _FLAGS | os.O_NOFOLLOW, dir_fd=at)
    except ValueError as error:  # a null byte in the name
        raise OSError(errno.EINVAL, str(error), str(path)) from error
    with contextlib.ExitStack() as stack:
        stack.callback(os.close, descriptor)
        refuse_other(os.fstat(descriptor), kinds)
        if stat.S_ISFIFO(os.fstat(descriptor).st_mode):
            os.set_blocking(descriptor, True)  # reading waits for a writer; without one it ends at once
        yield stack.enter_context(os.fdopen(descriptor, "rb", closefd=False))


def read(path: Path | str, *, most: int, at: int | None = None, follow: bool = True, pipes: bool = False) -> bytes:
    """Return the whole content of a file; the arguments are those of `open_regular`.

    Args:
        path: Its path, or its name in the folder `at`.
        most: The most bytes that it may have. A file that grows meanwhile is read no further than that.
        at: A folder's descriptor.
        follow: Whether the last step may be a symbolic link.
        pipes: Whether a pipe is allowed.

    Raises:
        IrregularFileError: It is no regular file.
        LargeFileError: It has more bytes than `most`.
        OSError: It is missing, or cannot be opened or read.
    """
    with open_regular(path, at=at, follow=follow, pipes=pipes) as file:
        return content(file, most)


def content(file: BinaryIO, most: int) -> bytes:
    """Return the rest of an open file.

    Raises:
        LargeFileError: The rest is more than `most` bytes.
        OSError: It cannot be read.
    """
    data: bytes | None = file.read(most + 1)
    if data is None:  # some files of the kernel count as regular, and end only at some event
        raise BlockingIOError(errno.EAGAIN, "it has no end")
    if len(data) > most:
        raise LargeFileError(f"it has more than {most} bytes")
    return data


def refuse_other(found: os.stat_result, kinds: frozenset[int] = frozenset({stat.S_IFREG})) -> None:
    """Refuse a file that is of none of these kinds.

    Raises:
        IrregularFileError: It is of another kind, which the text names.
    """
    kind = stat.S_IFMT(found.st_mode)
    if kind not in kinds:
        raise IrregularFileError(_KINDS.get(kind, "no regular file"))
