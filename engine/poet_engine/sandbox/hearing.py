"""Hearing a payload out: its bytes become frames, one answer, or the reason to end the run."""

from collections.abc import Callable

from poet_engine.guest.attachments import Attached
from poet_engine.guest.frames import Frame, FrameError, FrameTooLargeError, Reader
from poet_engine.guest.travel import DeadlinePassedError
from poet_engine.outcome import Evidence, Status
from poet_engine.sandbox import wire
from poet_engine.sandbox.verdict import Answer, Garbled, Kill


class Hearing:
    """What one payload has said so far, whatever the sandbox.

    Args:
        result: Bytes that a result may have, its attachments included.
        late: The reason to end the run when its time is over, else None; asked while a result is decoded.
        script: Whether a script's run loop speaks, and not a function's.
    """

    __slots__ = ("_frames", "_late", "_limit", "_reader", "answer")

    def __init__(self, result: int, late: Callable[[], Kill | None], *, script: bool) -> None:
        self._limit, self._late = result, late
        self._reader: Reader = wire.script_reader() if script else wire.reader(result)
        self._frames: list[Frame] = []
        self.answer: Answer | None = None

    def take(self, data: bytes, attached: Attached) -> Kill | None:
        """Hear more.

        Args:
            data: Bytes, cut anywhere.
            attached: What the payload has put beside its answer.

        Returns:
            The reason to end the run, if these bytes are one.
        """
        try:
            self._frames += self._reader.feed(data)
            if self._frames:
                self.answer = wire.read(self._frames, self._reader.pending, attached, self._limit, late=self._is_late)
        except DeadlinePassedError:
            return self._late()
        except FrameTooLargeError as error:
            return Kill(Status.LIMIT, "result_size", Evidence("result_bytes", error.length, error.limit))
        except FrameError as error:
            return garbled(str(error))
        return garbled(self.answer.reason) if isinstance(self.answer, Garbled) else None

    def _is_late(self) -> bool:
        return self._late() is not None


def garbled(reason: str) -> Kill:
    """The reason to end a run whose answer cannot be read."""
    return Kill(Status.NO_RESULT, "result_undecodable", Evidence("frame", reason))
