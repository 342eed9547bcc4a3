"""Pass commands, requests, answers and output through a container's first process, and leave nothing of them there.

They belong to one call, and the next payload is a copy of this process. So they pass through buffers that are wiped
before the next fork, and no object is made of them: what an interpreter frees, it does not clear.
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
    """Reads the host's commands.

    Args:
        fd: The descriptor that they come from.
        limits: Kinds that may come → the most bytes that the content of one may have.
    """

    def __init__(self, fd: int, limits: dict[FrameKind, int]) -> None:
        self.fd, self._limits = fd, limits
        self._buffer = memoryview(bytearray(HEADER_SIZE + max(limits.values())))
        self._start, self._end, self._used = 0, 0, 0

    def receive(self) -> bool:
        """Read what has come; return whether there can be more. Contents that `next` returned are invalid then."""
        rest = self._end - self._start
        if self._start:
            self._buffer[:rest] = self._buffer[self._start : self._end]
            self._start, self._end = 0, rest
        size = os.readv(self.fd, [self._buffer[rest:]])
        self._end += size
        self._used = max(self._used, self._end)
        return size > 0

    def next(self) -> tuple[FrameKind, memoryview] | None:
        """Return the next whole command and its content; None when none is whole.

        Raises:
            FrameError: It is longer than its kind may be.
        """
        there = self._end - self._start
        if there < HEADER_SIZE:
            return None
        number, length = HEADER.unpack_from(self._buffer, self._start)
        kind = FrameKind(number)
        if length > self._limits[kind]:
            raise FrameError(f"an order of {length} bytes")
        if there < HEADER_SIZE + length:
            return None
        begin = self._start + HEADER_SIZE
        self._start = begin + length
        return kind, self._buffer[begin : self._start]

    def wipe(self) -> None:
        """Clear everything but what has not been returned yet."""
        self._buffer[: self._start] = bytes(self._start)
        self._buffer[self._end : self._used] = bytes(self._used - self._end)
        self._used = self._end


class FrameRelay:
    """One direction from payloads to the host: bytes are read into a buffer, and then sent as a frame.

    Args:
        fd: The descriptor to write to.
    """

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._buffer = memoryview(bytearray(HEADER_SIZE + PIECE + _MOST_AFTER))
        self._used = 0

    def take(self, fill: Callable[[memoryview], int]) -> int:
        """Have `fill` read bytes into the buffer; return how many it was."""
        size = fill(self._buffer[HEADER_SIZE : HEADER_SIZE + PIECE])
        self._used = max(self._used, HEADER_SIZE + size)
        return size

    def send(self, kind: FrameKind, size: int, after: bytes = b"") -> None:
        """Send the bytes that were taken as a frame, and whole frames of our own after it."""
        HEADER.pack_into(self._buffer, 0, kind, size)
        end = HEADER_SIZE + size
        self._buffer[end : end + len(after)] = after
        self._used = max(self._used, end + len(after))
        write_all(self._fd, self._buffer[: end + len(after)])

    def wipe(self) -> None:
        """Clear the buffer."""
        self._buffer[: self._used] = bytes(self._used)
        self._used = 0


class FrameWriter:
    """Writes frames of our own.

    Args:
        fd: The descriptor to write to.
    """

    def __init__(self, fd: int) -> None:
        self.fd = fd

    def say(self, kind: FrameKind, content: bytes = b"") -> None:
        """Send one frame."""
        self.send(pack(kind, content))

    def send(self, data: bytes) -> None:
        """Send whole frames, packed."""
        write_all(self.fd, memoryview(data))


class FileStreamer:
    """Sends files to the host in small frames: what is read is charged to the container, as the files are.

    The content of a frame is the length of a header, the header (JSON), and contents one after the other; the contents
    of a name that comes again are appended. The last frame's header says what was skipped.

    Args:
        writer: The writer that sends them.
    """

    def __init__(self, writer: FrameWriter) -> None:
        self._writer = writer
        self._files: list[tuple[str, int]] = []
        self._contents = bytearray()

    def take(self, path: str, piece: bytes) -> None:
        """Add a piece of a file."""
        self._files.append((path, len(piece)))
        self._contents += piece
        if len(self._contents) >= PIECE or len(self._files) >= _MOST_NAMES:
            self.send()

    def send(self, *, skipped: dict[str, str] | None = None) -> None:
        """Send what has not been sent yet; with `skipped` it is the last frame."""
        last = {} if skipped is None else {"skipped": skipped}
        header = json.dumps({"files": self._files, **last}).encode()
        self._writer.say(FrameKind.FILES, len(header).to_bytes(4, "big") + header + self._contents)
        self._files.clear()
        self._contents.clear()


def pass_record(fd: int, relay: FrameRelay) -> None:
    """Send the output that a killed payload had printed and not written, out of its record."""
    for index in range(ROOM // AREA):

        def fill(buffer: memoryview, start: int = index * AREA) -> int:
            return used_length(buffer[: os.preadv(fd, [buffer[:AREA]], start)])

        if size := relay.take(fill):
            relay.send((FrameKind.OUT, FrameKind.ERR)[index // 2], size)


def write_all(fd: int, rest: memoryview) -> None:
    """Write all of `rest`, however many calls that takes."""
    while rest:
        rest = rest[os.write(fd, rest) :]


def take_streams(line: str | None) -> tuple[int, int]:
    """Return descriptors to read from and to write to: the container's streams, or a connection to the socket `line`.

    Both get other numbers, so that nothing is left where a program would write by mistake.
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
    """Return a pipe that becomes readable when a child ends."""
    reader, writer = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    return reader


def reading(fd: int, offset: int | None = None, most: int = PIECE) -> Callable[[memoryview], int]:
    """Return a function that reads into a buffer, from a pipe or from an offset of a file."""
    if offset is None:
        return lambda buffer: os.readv(fd, [buffer])
    return lambda buffer: os.preadv(fd, [buffer[:most]], offset)
