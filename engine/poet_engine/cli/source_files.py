"""Files that the user names, read as text and never executed."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from poet_engine import _files
from poet_engine.errors import UsageError

# Far above any policy's own cap on source: this one only keeps a wrong path from filling the memory.
MOST_BYTES = 16 * 1024 * 1024


def read_text(path: Path, *, most: int = MOST_BYTES, pipes: bool = False) -> str:
    """Return the text of a regular file of at most `most` bytes, in UTF-8, without its byte order mark.

    Args:
        path: As the user named it.
        most: Bytes that it may have.
        pipes: Whether a pipe will do, such as the shell's `<(…)`: it is read until its writer closes it.

    Raises:
        UsageError: It is missing, no such file, too large, unreadable or not UTF-8.
    """
    return decode(_read_bytes(path, most, pipes=pipes), str(path))


def decode(data: bytes, label: str) -> str:
    """Decode `data` as UTF-8; `label` is what the error calls it.

    Raises:
        UsageError: It is not UTF-8.
    """
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"{label} is not UTF-8: {error.reason} at byte {error.start}; save it as UTF-8") from error


@contextlib.contextmanager
def open_regular(path: Path, *, pipes: bool = False) -> Iterator[BinaryIO]:
    """Open a regular file for reading; what is no regular file might never end, or wait for ever.

    Args:
        path: As the user named it.
        pipes: Whether a pipe will do.

    Raises:
        UsageError: It is missing, no regular file, or cannot be opened.
    """
    with contextlib.ExitStack() as stack:
        try:
            file = stack.enter_context(_files.open_regular(path, pipes=pipes))
        except OSError as error:
            raise UsageError(f"cannot read {path}: {error.strerror}") from error
        except _files.IrregularFileError as error:
            raise UsageError(f"cannot read {path}: it is {error}") from error
        yield file


def _read_bytes(path: Path, most: int, *, pipes: bool) -> bytes:
    with open_regular(path, pipes=pipes) as file:
        try:
            return _files.content(file, most)
        except OSError as error:
            raise UsageError(f"cannot read {path}: {error.strerror}") from error
        except _files.LargeFileError as error:
            raise UsageError(f"{path} is larger than the {most} bytes that are read at most") from error
