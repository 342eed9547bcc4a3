"""The one reader of files that a user, a project or a stranger names.

Nothing is waited for, nothing is read without a bound, and what is no regular file is refused by what is open, not by
what the name meant a moment ago. A device is not even opened: some act on that alone. Callers turn these errors into
their own; whatever the operating system says stays an OSError.
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
    """The name leads to something that might never end, or wait for ever; the text says what, such as `a FIFO`."""


class LargeFileError(Exception):
    """The file has more bytes than may be read."""


@contextlib.contextmanager
def open_regular(
    path: Path | str, *, at: int | None = None, follow: bool = True, pipes: bool = False
) -> Iterator[BinaryIO]:
    """A regular file, open for reading.

    Args:
        path: Its path, or its name in the folder `at`.
        at: A folder's descriptor.
        follow: Whether the last step may be a symbolic link.
        pipes: Whether a pipe will do: only for what a user names on his own command line, such as `<(…)`.

    Raises:
        IrregularFileError: It is something else.
        OSError: It is missing or cannot be opened, or the name cannot be one.
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
            os.set_blocking(descriptor, True)  # its writer is waited for; without one it is at its end at once
        yield stack.enter_context(os.fdopen(descriptor, "rb", closefd=False))


def read(path: Path | str, *, most: int, at: int | None = None, follow: bool = True, pipes: bool = False) -> bytes:
    """The whole content of a file; the arguments are those of `open_regular`.

    Args:
        path: Its path, or its name in the folder `at`.
        most: Bytes that it may have. A file that grows meanwhile is read no further than that.
        at: A folder's descriptor.
        follow: Whether the last step may be a symbolic link.
        pipes: Whether a pipe will do.

    Raises:
        IrregularFileError: It is no regular file.
        LargeFileError: It has more bytes.
        OSError: It is missing, or cannot be opened or read.
    """
    with open_regular(path, at=at, follow=follow, pipes=pipes) as file:
        return content(file, most)


def content(file: BinaryIO, most: int) -> bytes:
    """What is left of an open file.

    Raises:
        LargeFileError: It is more than `most` bytes.
        OSError: It cannot be read.
    """
    data: bytes | None = file.read(most + 1)
    if data is None:  # some files of the kernel are regular by name, and have an end only when something happens
        raise BlockingIOError(errno.EAGAIN, "it has no end")
    if len(data) > most:
        raise LargeFileError(f"it has more than {most} bytes")
    return data


def refuse_other(found: os.stat_result, kinds: frozenset[int] = frozenset({stat.S_IFREG})) -> None:
    """Refuse what is none of these kinds of file.

    Raises:
        IrregularFileError: The text says what it is.
    """
    kind = stat.S_IFMT(found.st_mode)
    if kind not in kinds:
        raise IrregularFileError(_KINDS.get(kind, "no regular file"))
