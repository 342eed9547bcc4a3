"""Files that the user names, read as text and never executed."""

import contextlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from poet_engine.errors import UsageError

# Far above any policy's own cap on source: this one only keeps a wrong path from filling the memory.
MOST_BYTES = 16 * 1024 * 1024


def read_text(path: Path, *, most: int = MOST_BYTES) -> str:
    """The text of a regular file of at most `most` bytes, in UTF-8, without its byte order mark.

    Raises:
        UsageError: It is missing, no regular file, too large, unreadable or not UTF-8.
    """
    return decode(_read_bytes(path, most), str(path))


def decode(data: bytes, label: str) -> str:
    """`data` as UTF-8; `label` is what the error calls it.

    Raises:
        UsageError: It is not UTF-8.
    """
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"{label} is not UTF-8: {error.reason} at byte {error.start}; save it as UTF-8") from error


@contextlib.contextmanager
def open_regular(path: Path) -> Iterator[BinaryIO]:
    """A regular file, open for reading; what is no regular file might never end, or wait for ever.

    Raises:
        UsageError: It is missing, no regular file, or cannot be opened.
    """
    try:
        # Non-blocking, because opening a FIFO that nobody writes to would wait for ever; it means nothing to a file.
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
    except (OSError, ValueError) as error:  # ValueError: a null byte in the name
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise UsageError(f"cannot read {path}: {reason}") from error
    with contextlib.ExitStack() as stack:
        stack.callback(os.close, descriptor)
        refuse_irregular(descriptor, f"cannot read {path}")
        yield stack.enter_context(os.fdopen(descriptor, "rb", closefd=False))


def refuse_irregular(descriptor: int, complaint: str) -> None:
    """Refuse what is open as `descriptor` when it is no regular file.

    Raises:
        UsageError: The complaint, and what it is.
    """
    kind = stat.S_IFMT(os.fstat(descriptor).st_mode)
    if kind != stat.S_IFREG:
        raise UsageError(f"{complaint}: it is {_KINDS.get(kind, 'no regular file')}")


def _read_bytes(path: Path, most: int) -> bytes:
    with open_regular(path) as file:
        try:
            data = file.read(most + 1)
        except OSError as error:
            raise UsageError(f"cannot read {path}: {error.strerror}") from error
    if len(data) > most:
        raise UsageError(f"{path} is larger than the {most} bytes that are read at most")
    return data


_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a FIFO",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFSOCK: "a socket",
}
