"""Carry frames over a container's streams: take Docker's envelopes off, split frames, and queue what is to be sent."""

import collections
import contextlib
import socket
import struct
from collections.abc import Iterator

from poet_engine.guest import container_protocol
from poet_engine.guest.frames import Frame, FrameKind, Reader, pack

_ENVELOPE = struct.Struct(">BxxxI")  # stream, length: Docker's framing of what is not a terminal
_STDOUT, _STDERR = 1, 2
_LARGEST_ENVELOPE = 1 << 20
_TEXT = 1 << 16
_FILES_OVERHEAD = 8 << 20  # names, and why files were left out
_CHUNK = 1 << 18
_LAST_WORDS = 4096
# bytes of a payload's traffic that are taken from its socket or a pipe at once
_PIECE = 1 << 16


class StreamError(Exception):
    """Bytes that no container of ours sends, or the end of its streams; the text says which."""


class Envelopes:
    """Takes Docker's envelopes off. Sans-IO; an envelope's length is checked before any of it is kept."""

    def __init__(self) -> None:
        self._header = bytearray()
        self._stream, self._left = 0, 0
        self.last_words = b""  # the end of what was written to standard error: by our own first process only

    def feed(self, data: bytes) -> bytes:
        """Return what the bytes hold of standard output.

        Raises:
            StreamError: The bytes are not in envelopes.
        """
        out = bytearray()
        view = memoryview(data)
        while view:
            if not self._left:
                taken = view[: _ENVELOPE.size - len(self._header)]
                self._header += taken
                view = view[len(taken) :]
                if len(self._header) == _ENVELOPE.size:
                    self._open()
                continue
            part = view[: self._left]
            view, self._left = view[len(part) :], self._left - len(part)
            if self._stream == _STDOUT:
                out += part
            else:
                self.last_words = (self.last_words + part)[-_LAST_WORDS:]
        return bytes(out)

    def _open(self) -> None:
        self._stream, self._left = _ENVELOPE.unpack(self._header)
        self._header.clear()
        if self._stream not in (_STDOUT, _STDERR) or self._left > _LARGEST_ENVELOPE:
            raise StreamError(f"an envelope for stream {self._stream} with {self._left} bytes")


def _reader(result: int) -> Reader:
    return Reader(
        {
            FrameKind.CAPABILITIES: _TEXT,
            FrameKind.BROKEN: _TEXT,
            FrameKind.PREPARED: container_protocol.PREPARED.size,
            FrameKind.ANSWER: _PIECE,
            FrameKind.OUT: _PIECE,
            FrameKind.ERR: _PIECE,
            FrameKind.NOTIFIED: _TEXT,
            FrameKind.COUNTS: container_protocol.COUNTS.size,
            FrameKind.FETCHED: _PIECE,
            FrameKind.FILES: result + _FILES_OVERHEAD,
            FrameKind.ENDED: container_protocol.ENDED.size,
        }
    )


class Stream:
    """Frames to and from the first process of a container.

    Args:
        sock: The attached stream, or a direct socket; closed with this.
        result: Bytes that a result may have.
        enveloped: Whether Docker's envelopes are around what comes.
    """

    def __init__(self, sock: socket.socket, result: int, *, enveloped: bool = True) -> None:
        sock.setblocking(False)
        self._sock, self._enveloped = sock, enveloped
        self._envelopes, self._reader = Envelopes(), _reader(result)
        self._sending: memoryview = memoryview(b"")
        self._queue: collections.deque[Iterator[bytes]] = collections.deque()

    def __repr__(self) -> str:
        return f"<Stream fd={self._sock.fileno()} sending={self.sending}>"

    def fileno(self) -> int:
        """Return the descriptor to wait for."""
        return self._sock.fileno()

    @property
    def sending(self) -> bool:
        """Whether something waits to be sent: `flush` when the stream takes more."""
        return bool(self._sending) or bool(self._queue)

    @property
    def last_words(self) -> str:
        """The end of what the first process wrote to standard error, as when it could not even start."""
        return self._envelopes.last_words.decode(errors="replace").strip()

    def send(self, kind: FrameKind, content: bytes = b"") -> None:
        """Queue a frame, and send what the stream takes."""
        self.send_all(iter((pack(kind, content),)))

    def send_all(self, frames: Iterator[bytes]) -> None:
        """Queue packed frames that are made when it is their turn, and send what the stream takes."""
        self._queue.append(frames)
        self.flush()

    def drop_unsent(self) -> None:
        """Drop what waits, but for the rest of a frame whose beginning was sent."""
        self._queue.clear()

    def flush(self) -> None:
        """Send as much as the stream takes now. That the other side is gone is reported by `receive`."""
        try:
            while self._sending or self._next():
                self._sending = self._sending[self._sock.send(self._sending) :]
        except BlockingIOError:
            return
        except OSError:
            self._queue.clear()
            self._sending = memoryview(b"")

    def _next(self) -> bool:
        while self._queue:
            frame = next(self._queue[0], None)
            if frame is not None:
                self._sending = memoryview(frame)
                return True
            self._queue.popleft()
        return False

    def receive(self) -> list[Frame]:
        """Return the frames that are whole now.

        Raises:
            StreamError: The container has ended, or sends no envelopes.
            FrameError: It sends bytes that are no frames.
        """
        try:
            data = self._sock.recv(_CHUNK)
        except BlockingIOError:
            return []
        except OSError:
            data = b""
        if not data:
            raise StreamError("the container's streams have ended")
        return self._reader.feed(self._envelopes.feed(data) if self._enveloped else data)

    def hang_up(self) -> None:
        """End it for both sides, and keep the descriptor: whoever waits on it sees the end."""
        with contextlib.suppress(OSError):
            self._sock.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close it: the end of its input is the end of the container."""
        self.hang_up()
        self._sock.close()
