"""What one payload says becomes an answer or the reason to end its run, and decoding it is part of its time."""

import json

from poet_engine.guest.attachments import NOTHING
from poet_engine.guest.frames import FrameKind, pack
from poet_engine.outcome import Status
from poet_engine.policy import Policy
from poet_engine.sandbox.monitor import BudgetMonitor
from poet_engine.sandbox.response import ResponseReader
from poet_engine.sandbox.verdict import Kill, Returned

LIMITS = Policy.load("restricted").limits
LONG = pack(FrameKind.RESULT, json.dumps([{"~": "date", "v": "2024-01-01"}] * 10_000).encode() + b" " * 200_000)
SHORT = pack(FrameKind.RESULT, b'{"a":1}')


class Clock:
    """Seconds that pass with every look."""

    def __init__(self, *, each: float) -> None:
        self.now, self._each = 0.0, each

    def __call__(self) -> float:
        self.now += self._each
        return self.now


def hear(data: bytes, clock: Clock) -> tuple[ResponseReader, Kill | None]:
    watch = BudgetMonitor(LIMITS, released=0.0, wall=1.0)
    hearing = ResponseReader(LIMITS.result, lambda: watch.late(clock()), script=False)
    return hearing, hearing.take(data, NOTHING)


def test_a_result_that_is_decoded_in_time_is_the_answer() -> None:
    hearing, kill = hear(LONG, Clock(each=0.001))
    assert kill is None
    assert isinstance(hearing.answer, Returned)


def test_a_deadline_that_passes_while_a_result_is_decoded_ends_the_run() -> None:
    hearing, kill = hear(LONG, clock := Clock(each=0.4))
    assert hearing.answer is None
    assert kill is not None
    assert (kill.status, kill.cause) == (Status.LIMIT, "wall")
    assert (kill.evidence.value, kill.evidence.limit) == (1200.0, 1000.0)
    assert clock.now < 1.7


def test_a_short_result_is_decoded_without_a_look_at_the_clock() -> None:
    hearing, kill = hear(SHORT, clock := Clock(each=10.0))
    assert kill is None
    assert hearing.answer == Returned({"a": 1})
    assert clock.now == 0.0
