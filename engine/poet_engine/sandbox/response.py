"""Read the response of a payload: its bytes become frames, one answer, or the reason to end the run."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from poet_engine.guest.attachments import Attached
from poet_engine.guest.errors import DeadlinePassedError
from poet_engine.guest.frames import STAYS, Frame, FrameError, FrameKind, FrameTooLargeError, Reader
from poet_engine.outcome import Evidence, Status
from poet_engine.sandbox import wire
from poet_engine.sandbox.host_work import LARGE, Neighbours, neighbours
from poet_engine.sandbox.verdict import Answer, Garbled, Kill

if TYPE_CHECKING:
    from poet_engine.guest.structures import Classes

_MOST_STRAYS = 8  # frames of others that a kept payload may send before its answer


class ResponseReader:
    """Reads the response of one payload, whatever the sandbox.

    Args:
        result: Bytes that a result may have, its attachments included.
        late: Returns the reason to end the run when its time is over, else None; called while a result is decoded.
        script: Whether the response is that of a script's run loop, and not of a function's.
        has_value: Whether a script has a value: it is a notebook.
        nonce: The call's nonce, which the answer of a kept payload begins with: what a thread of an earlier call sends
            before or after it is no part of the answer, and only costs the payload its place. Empty for a payload that
            serves one call, of which every byte counts.
        beside: The runs that a large result must not keep from the interpreter; None for all of this process.

    Attributes:
        answer: The answer, when it is there.
        classes: What structures in the result are rebuilt as; None where there may be none.
    """

    __slots__ = (
        "_awaited",
        "_beside",
        "_frames",
        "_kept",
        "_late",
        "_limit",
        "_promised",
        "_reader",
        "_strays",
        "answer",
        "classes",
    )

    def __init__(
        self,
        result: int,
        late: Callable[[], Kill | None],
        *,
        script: bool,
        has_value: bool = False,
        nonce: bytes = b"",
        beside: Neighbours | None = None,
    ) -> None:
        self.classes: Classes | None = None
        self._limit, self._late, self._beside = result, late, beside or neighbours()
        self._awaited, self._kept, self._strays = nonce, bool(nonce), 0
        self._reader: Reader = (
            wire.script_reader(result if has_value else None) if script else wire.reader(result, kept=self._kept)
        )
        self._frames: list[Frame] = []
        self.answer: Answer | None = None
        self._promised = False  # that it stays

    @property
    def stays(self) -> bool:
        """Whether the payload waits for its next call, and has sent nothing but its answer."""
        return self._promised and bool(self._frames) and not self._strays and not self._reader.pending

    def take(self, data: bytes, attached: Attached) -> Kill | None:
        """Take further bytes of the response.

        Args:
            data: Bytes, cut anywhere.
            attached: The attachments of the answer.

        Returns:
            The reason to end the run, if these bytes are one.
        """
        try:
            frames = self._reader.feed(data)
            self._frames += self._of_this_call(frames) if self._kept else frames
            if self._strays > _MOST_STRAYS:
                return garbled(f"{self._strays} frames that are no answer to this call")
            if self._frames:
                if len(self._frames[0].payload) < LARGE:
                    self.answer = self._decode(attached)
                else:
                    with self._beside.turn(self._is_late):
                        self.answer = self._decode(attached)
        except DeadlinePassedError:
            return self._late()
        except FrameTooLargeError as error:
            return Kill(Status.LIMIT, "result_size", Evidence("result_bytes", error.length, error.limit))
        except FrameError as error:
            return garbled(str(error))
        return garbled(self.answer.reason) if isinstance(self.answer, Garbled) else None

    def close(self) -> None:
        """Let go of the run, in whose cycle of references a large answer would wait for the collector."""
        self._late = _never

    def _decode(self, attached: Attached) -> Answer | None:
        pending = 0 if self._kept else self._reader.pending
        return wire.read(self._frames, pending, attached, self._limit, late=self._is_late, classes=self.classes)

    def _of_this_call(self, frames: list[Frame]) -> list[Frame]:
        """Return the one frame after the call's nonce; count the others as strays."""
        found: list[Frame] = []
        for frame in frames:
            if self._awaited and frame.kind is FrameKind.NONCE and frame.payload.startswith(self._awaited):
                self._promised = frame.payload == self._awaited + STAYS
                self._awaited = b""
            elif self._awaited or self._frames or found:
                self._strays += 1
            else:
                found.append(frame)
        return found

    def _is_late(self) -> bool:
        self._beside.give_way()
        return self._late() is not None


def _never() -> None:
    """Return no reason to end a run."""


def garbled(reason: str) -> Kill:
    """Return the reason to end a run whose answer cannot be read."""
    return Kill(Status.NO_RESULT, "result_undecodable", Evidence("frame", reason))
