"""What passes through the first process of a container: the host's orders, and what payloads say.

It belongs to one call, and the next payload is a copy of this process. So it passes through places in memory that are
wiped before the next fork, and no object is made of it: what an interpreter frees, it does not clear.
"""

import json
import os
import signal
import socket
from collections.abc import Callable

from .frames import HEADER, HEADER_SIZE, FrameError, FrameKind, pack
from .standard_streams import AREA, ROOM, used_length

PIECE = 1 << 16  # bytes that are passed on at once
_MOST_AFTER = 256  # bytes of our own that go along
_MOST_NAMES = 256  # of files, in one frame


class CommandReader:
    """The host's orders.

    Args:
        fd: Where they come from.
        limits: The kinds that may come, each with the most bytes that its content may have.
    """

    def __init__(self, fd: int, limits: dict[FrameKind, int]) -> None:
        self.fd, self._limits = fd, limits
        self._room = memoryview(bytearray(HEADER_SIZE + max(limits.values())))
        self._start, self._end, self._used = 0, 0, 0

    def receive(self) -> bool:
        """Take what has come; whether there will be more. Contents that `next` gave are gone then."""
        rest = self._end - self._start
        if self._start:
            self._room[:rest] = self._room[self._start : self._end]
            self._start, self._end = 0, rest
        size = os.readv(self.fd, [self._room[rest:]])
        self._end += size
        self._used = max(self._used, self._end)
        return size > 0

    def next(self) -> tuple[FrameKind, memoryview] | None:
        """The next order that is whole.

        Raises:
            FrameError: It is none.
        """
        there = self._end - self._start
        if there < HEADER_SIZE:
            return None
        number, length = HEADER.unpack_from(self._room, self._start)
        kind = FrameKind(number)
        if length > self._limits[kind]:
            raise FrameError(f"an order of {length} bytes")
        if there < HEADER_SIZE + length:
            return None
        begin = self._start + HEADER_SIZE
        self._start = begin + length
        return kind, self._room[begin : self._start]

    def wipe(self) -> None:
        """Clear everything but what has not been looked at yet."""
        self._room[: self._start] = bytes(self._start)
        self._room[self._end : self._used] = bytes(self._used - self._end)
        self._used = self._end


class FrameRelay:
    """One way from payloads to the host: what is taken, and then sent.

    Args:
        fd: Where to.
    """

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._room = memoryview(bytearray(HEADER_SIZE + PIECE + _MOST_AFTER))
        self._used = 0

    def take(self, fill: Callable[[memoryview], int]) -> int:
        """Have `fill` put something there; how many bytes it was."""
        size = fill(self._room[HEADER_SIZE : HEADER_SIZE + PIECE])
        self._used = max(self._used, HEADER_SIZE + size)
        return size

    def send(self, kind: FrameKind, size: int, after: bytes = b"") -> None:
        """Send as a frame what was taken, and whole frames of our own after it."""
        HEADER.pack_into(self._room, 0, kind, size)
        end = HEADER_SIZE + size
        self._room[end : end + len(after)] = after
        self._used = max(self._used, end + len(after))
        write_all(self._fd, self._room[: end + len(after)])

    def wipe(self) -> None:
        """Clear it."""
        self._room[: self._used] = bytes(self._used)
        self._used = 0


class FrameWriter:
    """What we say ourselves.

    Args:
        fd: Where to.
    """

    def __init__(self, fd: int) -> None:
        self.fd = fd

    def say(self, kind: FrameKind, content: bytes = b"") -> None:
        """One frame."""
        self.send(pack(kind, content))

    def send(self, data: bytes) -> None:
        """Whole frames, packed."""
        write_all(self.fd, memoryview(data))


class FileStreamer:
    """Files on their way out, as frames that hold little: what is read is charged to the container, as the files are.

    A frame is the length of a header, the header (JSON), and contents one after the other; a name that comes again goes
    on. The last frame's header says what was skipped.

    Args:
        told: Where to.
    """

    def __init__(self, told: FrameWriter) -> None:
        self._told = told
        self._files: list[tuple[str, int]] = []
        self._contents = bytearray()

    def take(self, path: str, piece: bytes) -> None:
        """A piece of a file."""
        self._files.append((path, len(piece)))
        self._contents += piece
        if len(self._contents) >= PIECE or len(self._files) >= _MOST_NAMES:
            self.send()

    def send(self, *, skipped: dict[str, str] | None = None) -> None:
        """What has not been sent yet; with `skipped` that is all."""
        last = {} if skipped is None else {"skipped": skipped}
        header = json.dumps({"files": self._files, **last}).encode()
        self._told.say(FrameKind.FILES, len(header).to_bytes(4, "big") + header + self._contents)
        self._files.clear()
        self._contents.clear()


def pass_record(fd: int, passage: FrameRelay) -> None:
    """Tell what a payload that was killed had printed and not written, out of its record."""
    for index in range(ROOM // AREA):

        def fill(room: memoryview, start: int = index * AREA) -> int:
            return used_length(room[: os.preadv(fd, [room[:AREA]], start)])

        if size := passage.take(fill):
            passage.send((FrameKind.OUT, FrameKind.ERR)[index // 2], size)


def write_all(fd: int, rest: memoryview) -> None:
    """However many calls that takes."""
    while rest:
        rest = rest[os.write(fd, rest) :]


def take_streams(line: str | None) -> tuple[int, int]:
    """The container's streams under other numbers, or a connection to `line`, a socket of the host.

    Nothing is left where a program would write by mistake.
    """
    if line is None:
        reads, writes = os.dup(0), os.dup(1)
    else:
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        sock.connect(line)
        reads = writes = sock.detach()
    null = os.open("/dev/null", os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(2, 1)
    os.close(null)
    return reads, writes


def bell_on_child() -> int:
    """A pipe that becomes readable when a child ends."""
    reader, writer = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    return reader


def reading(fd: int, offset: int | None = None, most: int = PIECE) -> Callable[[memoryview], int]:
    """What fills a place from a pipe, or from an offset of a file."""
    if offset is None:
        return lambda room: os.readv(fd, [room])
    return lambda room: os.preadv(fd, [room[:most]], offset)
