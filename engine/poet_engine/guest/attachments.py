"""Big buffers beside the JSON of a value.

What a value holds in one piece (the data of an array, bytes) stays out of its JSON from `THRESHOLD` on: there stands
`[offset, length]`, a place in one region of bytes that belongs to the message. How the region travels is each
sandbox's affair; the codec only adds to it and takes from it.
"""

import io
import mmap
import os
from collections.abc import Callable
from typing import Protocol

from .errors import GuestSerializationError, UndecodableError

# Below this a copy through the JSON costs less than the calls that a region takes (docs/values.md has the numbers).
THRESHOLD = 1 << 16
# What the kernel moves with one call; it stops a page below 2 GiB.
_MOST_AT_ONCE = 1 << 30
_MOVED_AT_ONCE = 1 << 20


class Collected:
    """The region of an outgoing message: pieces that nobody has copied yet, each with its place.

    Args:
        alignment: Every piece starts at a multiple of it. Pieces that will be mapped start at a page.
        most: Bytes that they may be together, and what to call that limit; None where the receiver judges.
        pays: Whether the message has to pay for what is expensive to make of it; see `account`.
        items: How many items the message may have altogether; None where any number.
    """

    def __init__(
        self,
        *,
        alignment: int = 1,
        most: tuple[int, str] | None = None,
        pays: bool = False,
        items: int | None = None,
    ) -> None:
        self._alignment, self._most, self.pays, self._items = alignment, most, pays, items
        self.pieces: list[tuple[int, memoryview]] = []
        self.size = 0
        self.price = 0

    def add(self, data: memoryview, where: str, kind: str) -> list[int]:
        """The reference that stands for the bytes of `data`, which must stay as they are until they are written.

        Raises:
            GuestSerializationError: There is no room for them.
        """
        offset = -(-self.size // self._alignment) * self._alignment
        end = offset + len(data)
        if self._most is not None and end > self._most[0]:
            most, name = self._most
            why = f"large arguments come to {end} bytes with it, and {name} is {most}"
            raise GuestSerializationError(where, kind, why, mend=f"Pass less at once, or raise {name}")
        self.pieces.append((offset, data))
        self.size = end
        return [offset, len(data)]

    def count(self, items: int, where: str, kind: str) -> None:
        """See items that the message is about to have.

        Raises:
            GuestSerializationError: They are too many.
        """
        if self._items is not None:
            self._items -= items
            if self._items < 0:
                raise GuestSerializationError(where, kind, "it has more items than there is room for")

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


def copy_at(fd: int, offset: int, length: int) -> bytes:
    """So many bytes of a file, copied once where one call does it.

    Raises:
        UndecodableError: The file ends before that.
    """
    pieces: list[bytes] = []
    while length:
        pieces.append(os.pread(fd, min(length, _MOST_AT_ONCE), offset))
        if not pieces[-1]:
            raise UndecodableError("an attachment that ends too early")
        length, offset = length - len(pieces[-1]), offset + len(pieces[-1])
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


# Gives back the memory of so many bytes of a file in memory, from an offset on: descriptor, length, offset.
Free = Callable[[int, int, int], object]


def move_at(fd: int, offset: int, length: int, free: Free) -> bytes:
    """The same out of a file in memory, which gives back each piece that was copied: nothing is there twice.

    Raises:
        UndecodableError: The file ends before that.
    """
    moved = io.BytesIO()  # hands over what it has collected without another copy
    while (there := moved.tell()) < length:
        moved.write(copy_at(fd, offset + there, min(length - there, _MOVED_AT_ONCE)))
        free(fd, moved.tell() - there, offset + there)
    return moved.getvalue()


class Attached(Protocol):
    """The region of a message that came. Both ways out of it raise UndecodableError where it has no such bytes."""

    def take(self, offset: int, length: int, /) -> bytearray | memoryview:
        """Bytes that may be written to, which nobody else has or changes."""
        ...

    def copy(self, offset: int, length: int, /) -> bytes:
        """Bytes that cannot change."""
        ...


def place(reference: list[object]) -> tuple[int, int]:
    """Offset and length of a reference, which is only as good as whoever wrote the message.

    Raises:
        UndecodableError: It is none.
    """
    if len(reference) == 2:  # noqa: PLR2004 - offset and length
        offset, length = reference
        if type(offset) is int and type(length) is int and offset >= 0 and length >= THRESHOLD:
            return offset, length
    raise UndecodableError("a bad reference to an attachment")


class Nothing:
    """Where nothing came."""

    def take(self, _offset: int, _length: int) -> bytearray:
        """Refuse."""
        raise UndecodableError("an attachment where none came")

    def copy(self, _offset: int, _length: int) -> bytes:
        """Refuse."""
        raise UndecodableError("an attachment where none came")


NOTHING = Nothing()


class Mapped:
    """A region in a file that nobody else can change.

    What is taken of it is a private mapping: a page becomes ours when it is written to. The file is mapped as a whole,
    because each mapping costs a descriptor, and not before it must be, because a mapping counts as memory.

    Args:
        fd: The file.
        free: Gives back what was copied of it, where the file is charged to the call; where it is sealed, that fails.
    """

    def __init__(self, fd: int, free: Free | None = None) -> None:
        self._fd = fd
        self._size = os.fstat(fd).st_size
        self._view: memoryview | None = None
        self._free = free
        try:
            if free is not None:
                free(fd, 1, self._size)
        except OSError:
            self._free = None

    def take(self, offset: int, length: int) -> memoryview:
        """A piece of the mapping, which lives for as long as any of its pieces does.

        Raises:
            OSError: The budget of memory has no room for it.
            UndecodableError: The region has no such bytes.
        """
        if self._view is None:
            self._view = memoryview(mmap.mmap(self._fd, self._size, flags=mmap.MAP_PRIVATE))
        if offset + length > self._size:
            raise UndecodableError("a reference beyond the attachments")
        return self._view[offset : offset + length]

    def copy(self, offset: int, length: int) -> bytes:
        """A copy of a piece."""
        if offset + length > self._size:
            raise UndecodableError("a reference beyond the attachments")
        if self._free is None:
            return copy_at(self._fd, offset, length)
        return move_at(self._fd, offset, length, self._free)
