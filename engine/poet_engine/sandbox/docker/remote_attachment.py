"""Fetch a result's attachments out of the container, piece by piece, as they are decoded."""

import select
from collections.abc import Callable

from poet_engine.guest import container_protocol
from poet_engine.guest.errors import UndecodableError
from poet_engine.guest.frames import Frame, FrameError, FrameKind
from poet_engine.sandbox.docker.stream import Stream, StreamError


class RemoteAttachment:
    """The region of an answer, in a file that the first process of the container holds.

    Args:
        stream: The stream to the container.
        take: Takes the frames that come in between.
        size: Bytes of the region.
        patience: Seconds for which nothing may come.
    """

    def __init__(self, stream: Stream, take: Callable[[Frame], None], *, size: int, patience: float) -> None:
        self._stream, self._take_other, self._size, self._patience = stream, take, size, patience
        self.lost = False  # whether the container ended or fell silent, which is no fault of the payload's

    def take(self, offset: int, length: int) -> bytearray:
        """Fetch a copy of a piece.

        Raises:
            UndecodableError: The region has no such bytes, or they did not come in time.
        """
        if offset + length > self._size:
            raise UndecodableError("a reference beyond the attachments")
        piece = bytearray()
        self._stream.send(FrameKind.FETCH, container_protocol.PIECE.pack(offset, length))
        while self._more(piece):
            continue
        if len(piece) != length:
            raise UndecodableError("a reference beyond the attachments")
        return piece

    def copy(self, offset: int, length: int) -> bytes:
        """Fetch a copy of a piece as bytes, which cannot change."""
        return bytes(self.take(offset, length))

    def _more(self, piece: bytearray) -> bool:
        """Take the next frames; return whether more of the piece is to come."""
        poll = select.poll()
        poll.register(self._stream.fileno(), select.POLLIN)
        if not poll.poll(self._patience * 1000):
            self.lost = True
            raise UndecodableError("an attachment that did not come in time")
        try:
            frames = self._stream.receive()
        except (StreamError, FrameError) as error:
            self.lost = True
            raise UndecodableError(f"an attachment that did not come: {error}") from None
        more = True
        for frame in frames:
            if frame.kind is not FrameKind.FETCHED:
                self._take_other(frame)
            elif frame.payload:
                piece += frame.payload
            else:
                more = False
        return more
