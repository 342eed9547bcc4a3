"""Frame the messages between host and payload, without any input or output of its own.

A frame is one byte of kind, four bytes of length (big-endian), and so many bytes. The length is checked before a byte
of the content is kept, so a lying header costs nothing.
"""

import dataclasses
import enum
import struct

HEADER = struct.Struct(">BI")
HEADER_SIZE = HEADER.size
NONCE_SIZE = 8
STAYS = b"\1"  # after a repeated nonce: the payload waits for its next call, and does not end


class FrameKind(enum.IntEnum):
    """The kinds of frames, as numbered on the wire."""

    REQUEST = 1
    RESULT = 2
    EXCEPTION = 3
    REFUSED = 4
    READY = 5
    SETUP_FAILED = 6
    SCRIPT = 7
    FOLDER = 8
    COMPILE = 9
    NONCE = 10  # of one call to a payload that is kept; its answer repeats it, so that no older word passes for one

    # between the host and the first process of a container, see `container`: what the host sends,
    CONFIGURE = 16
    PREPARE = 17
    CALL = 18
    BYTES = 19
    KILL = 20
    COUNT = 21
    FETCH = 22
    PAUSE = 23
    # and what it receives
    CAPABILITIES = 32
    BROKEN = 33
    PREPARED = 34
    ANSWER = 35
    OUT = 36
    ERR = 37
    NOTIFIED = 38
    COUNTS = 39
    FETCHED = 40
    FILES = 41
    ENDED = 42


@dataclasses.dataclass(frozen=True)
class Frame:
    """One whole message: its kind and its content."""

    kind: FrameKind
    payload: bytes


class FrameError(ValueError):
    """Bytes that are no frame."""


class FrameTooLargeError(FrameError):
    """A header that announces more bytes than its kind may have.

    Args:
        length: The bytes it announced.
        limit: The bytes that were allowed.
    """

    def __init__(self, length: int, limit: int) -> None:
        super().__init__(f"a frame of {length} bytes was announced, {limit} are allowed")
        self.length, self.limit = length, limit


def pack(kind: FrameKind, payload: bytes = b"") -> bytes:
    """Return the bytes of one frame."""
    return HEADER.pack(kind, len(payload)) + payload


class Reader:
    """Splits a stream of bytes into frames.

    Args:
        limits: Kinds that may come → the most bytes that the content of one may have.
    """

    def __init__(self, limits: dict[FrameKind, int]) -> None:
        self._limits = limits
        self._buffer = bytearray()

    @property
    def pending(self) -> int:
        """Bytes that came and belong to no whole frame yet."""
        return len(self._buffer)

    def feed(self, data: bytes) -> list[Frame]:
        """Take bytes; return the frames that are whole now.

        Raises:
            FrameTooLargeError: A header announces more than its kind may have.
            FrameError: A header has a kind that does not exist or may not come here.
        """
        self._buffer += data
        frames: list[Frame] = []
        while len(self._buffer) >= HEADER_SIZE:
            number, length = HEADER.unpack_from(self._buffer)
            kind = self._kind(number)
            if length > self._limits[kind]:
                raise FrameTooLargeError(length, self._limits[kind])
            end = HEADER_SIZE + length
            if len(self._buffer) < end:
                break
            frames.append(Frame(kind, bytes(self._buffer[HEADER_SIZE:end])))
            del self._buffer[:end]
        return frames

    def _kind(self, number: int) -> FrameKind:
        for kind in self._limits:
            if kind == number:
                return kind
        raise FrameError(f"frame kind {number} may not come here")
