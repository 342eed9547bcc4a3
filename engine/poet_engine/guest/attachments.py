"""Big buffers beside the JSON of a value.

What a value holds in one piece (the data of an array, bytes) stays out of its JSON from `THRESHOLD` on: there stands
`[offset, length]`, a place in one region of bytes that belongs to the message. How the region travels is each
sandbox's affair; the codec only adds to it and takes from it.
"""

import mmap
import os
from collections.abc import Sequence
from typing import Protocol

from .travel import UndecodableError, UntravellableError

# Below this a copy through the JSON costs less than the calls that a region takes (docs/values.md has the numbers).
THRESHOLD = 1 << 16
# What the kernel moves with one call; it stops a page below 2 GiB.
_MOST_AT_ONCE = 1 << 30


class Collected:
    """The region of an outgoing message: pieces that nobody has copied yet, each with its place.

    Args:
        alignment: Every piece starts at a multiple of it. Pieces that will be mapped start at a page.
        most: Bytes that they may be together, and what to call that limit; None where the receiver judges.
    """

    def __init__(self, *, alignment: int = 1, most: tuple[int, str] | None = None) -> None:
        self._alignment, self._most = alignment, most
        self.pieces: list[tuple[int, memoryview]] = []
        self.size = 0

    def add(self, data: memoryview, where: str, kind: str) -> list[int]:
        """The reference that stands for the bytes of `data`, which must stay as they are until they are written.

        Raises:
            UntravellableError: There is no room for them.
        """
        offset = -(-self.size // self._alignment) * self._alignment
        end = offset + len(data)
        if self._most is not None and end > self._most[0]:
            most, name = self._most
            why = f"large arguments come to {end} bytes with it, and {name} is {most}"
            raise UntravellableError(where, kind, why, mend=f"Pass less at once, or raise {name}")
        self.pieces.append((offset, data))
        self.size = end
        return [offset, len(data)]

    def deliver(self, fd: int) -> None:
        """Put the pieces into a file of fixed size, if they fit: if not, the references alone say how much it was."""
        if self.pieces and self.size <= os.fstat(fd).st_size:
            self.write(fd)

    def write(self, fd: int) -> None:
        """Put every piece in its place in a file; the pieces are let go of."""
        for offset, data in self.pieces:
            write_at(fd, data, offset)
        self.pieces.clear()


def write_at(fd: int, data: memoryview, offset: int) -> None:
    """All of `data`, however many calls that takes."""
    while data:
        written = os.pwrite(fd, data[:_MOST_AT_ONCE], offset)
        data, offset = data[written:], offset + written


def read_at(fd: int, into: memoryview, offset: int) -> None:
    """Fill `into`, however many calls that takes.

    Raises:
        UndecodableError: The file ends before that.
    """
    while into:
        came = os.preadv(fd, [into[:_MOST_AT_ONCE]], offset)
        if not came:
            raise UndecodableError("an attachment that ends too early")
        into, offset = into[came:], offset + came


class Attached(Protocol):
    """The region of a message that came."""

    def take(self, offset: int, length: int) -> bytearray | memoryview:
        """Bytes that may be written to, which nobody else has or changes.

        Raises:
            UndecodableError: The region has none there.
        """
        ...


def taken(reference: Sequence[object], attached: Attached | None) -> bytearray | memoryview:
    """The bytes that a reference stands for; it is only as good as whoever wrote the message.

    Raises:
        UndecodableError: It is no reference, or the region has nothing there.
    """
    if attached is None:
        raise UndecodableError("an attachment where none came")
    if len(reference) != 2 or not all(type(number) is int for number in reference):  # noqa: PLR2004 - offset and length
        raise UndecodableError("a bad reference to an attachment")
    offset, length = reference
    if not isinstance(offset, int) or not isinstance(length, int) or offset < 0 or length < THRESHOLD:
        raise UndecodableError("a bad reference to an attachment")
    return attached.take(offset, length)


class Mapped:
    """A region in a file that nobody can change: its bytes become ours, page by page, where they are written to.

    Args:
        fd: The file; closed here.

    Raises:
        OSError: The budget of memory has no room for it.
    """

    def __init__(self, fd: int) -> None:
        try:
            self._size = os.fstat(fd).st_size
            self._view = memoryview(mmap.mmap(fd, self._size, flags=mmap.MAP_PRIVATE))
        finally:
            os.close(fd)

    def take(self, offset: int, length: int) -> memoryview:
        """A piece of the mapping, which lives for as long as any of its pieces does."""
        if offset + length > self._size:
            raise UndecodableError("a reference beyond the attachments")
        return self._view[offset : offset + length]
