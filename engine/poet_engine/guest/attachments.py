"""Keep big buffers beside the JSON of a value.

What a value holds in one piece (the data of an array, bytes) stays out of its JSON from `THRESHOLD` bytes on. In the
JSON stands `[offset, length]`, a place in one region of bytes that belongs to the message. Each sandbox has its own way
to carry the region; the codec only adds to it and takes from it.
"""

import io
import mmap
import os
from collections.abc import Callable, Container
from typing import Protocol

from .errors import GuestSerializationError, UndecodableError

# Below this a copy through the JSON costs less than the calls that a region takes (docs/values.md has the numbers).
THRESHOLD = 1 << 16
# Bytes that the kernel moves with one call; it stops a page below 2 GiB.
_MOST_AT_ONCE = 1 << 30
_MOVED_AT_ONCE = 1 << 20


class Collected:
    """The region of an outgoing message: pieces that are not copied yet, each with its place.

    Args:
        alignment: Bytes; every piece starts at a multiple of it. Pieces that will be mapped start at a page.
        most: Bytes that they may have together, and the name of that limit; None where the receiver decides.
        pays: Whether the message has to pay for what is expensive to decode; see `decoding_budget`.
        items: How many items the message may have altogether; None for any number.
        classes: The names of the classes whose values may travel as structures, see `structures`.
    """

    def __init__(
        self,
        *,
        alignment: int = 1,
        most: tuple[int, str] | None = None,
        pays: bool = False,
        items: int | None = None,
        classes: "Container[object]" = (),
    ) -> None:
        self.classes = classes
        self._alignment, self._most, self.pays, self._items = alignment, most, pays, items
        self.pieces: list[tuple[int, memoryview]] = []
        self.size = 0
        self.price = 0

    def add(self, data: memoryview, where: str, kind: str) -> list[int]:
        """Add a piece; return its reference. `data` must stay as it is until it is written.

        Raises:
            GuestSerializationError: The region has no room for them.
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
        """Count items that the message is about to have.

        Raises:
            GuestSerializationError: The message has too many.
        """
        if self._items is not None:
            self._items -= items
            if self._items < 0:
                raise GuestSerializationError(where, kind, "it has more items than there is room for")

    def deliver(self, fd: int) -> None:
        """Write the pieces to a file of fixed size, if they fit; if not, the references alone say how much it was."""
        if self.pieces and self.size <= os.fstat(fd).st_size:
            self.write(fd)

    def write(self, fd: int) -> None:
        """Write every piece to its place in a file, and release the pieces."""
        for offset, data in self.pieces:
            write_at(fd, data, offset)
        self.pieces.clear()


def write_at(fd: int, data: memoryview, offset: int) -> None:
    """Write all of `data`, however many calls that takes."""
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
    """Return `length` bytes of a file, copied once where one call does it.

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
    """Return `length` bytes of a file in memory, which gives back each piece that was copied: nothing is there twice.

    Raises:
        UndecodableError: The file ends before that.
    """
    moved = io.BytesIO()  # hands over what it has collected without another copy
    while (there := moved.tell()) < length:
        moved.write(copy_at(fd, offset + there, min(length - there, _MOVED_AT_ONCE)))
        free(fd, moved.tell() - there, offset + there)
    return moved.getvalue()


class Attached(Protocol):
    """The region of a message that came. Both methods raise UndecodableError where it has no such bytes."""

    def take(self, offset: int, length: int, /) -> bytearray | memoryview:
        """Return bytes that may be written to, which nobody else has or changes."""
        ...

    def copy(self, offset: int, length: int, /) -> bytes:
        """Return bytes that cannot change."""
        ...


def place(reference: list[object]) -> tuple[int, int]:
    """Return the offset and length of an untrusted reference.

    Raises:
        UndecodableError: It is not a reference.
    """
    if len(reference) == 2:  # noqa: PLR2004 - offset and length
        offset, length = reference
        if type(offset) is int and type(length) is int and offset >= 0 and length >= THRESHOLD:
            return offset, length
    raise UndecodableError("a bad reference to an attachment")


class Nothing:
    """The region of a message without attachments."""

    def take(self, _offset: int, _length: int) -> bytearray:
        """Refuse the reference."""
        raise UndecodableError("an attachment where none came")

    def copy(self, _offset: int, _length: int) -> bytes:
        """Refuse the reference."""
        raise UndecodableError("an attachment where none came")


NOTHING = Nothing()


class Mapped:
    """A region in a file that nobody else can change.

    `take` returns a piece of a private mapping: a page becomes ours when it is written to. The file is mapped as a
    whole, because each mapping costs a descriptor, and as late as possible, because a mapping counts as memory.

    Args:
        fd: Descriptor of the file.
        free: Gives back the memory of copied pieces, where the file is charged to the call; on a sealed file it fails.
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
        """Return a piece of the mapping, which lives for as long as any of its pieces does.

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
        """Return a copy of a piece."""
        if offset + length > self._size:
            raise UndecodableError("a reference beyond the attachments")
        if self._free is None:
            return copy_at(self._fd, offset, length)
        return move_at(self._fd, offset, length, self._free)
