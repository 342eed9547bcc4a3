"""What a violation changes in the way of a call: it is told at once, and the call waits until that outlives a kill."""

import asyncio
import threading

import pytest
from tests.unit.resilience.rig import BAD, GOOD, Gatekeeper, Rig, begun

from poet_engine.outcome import Status
from poet_engine.resilience.attempts import AttemptResult
from poet_engine.resilience.call_report import Rung
from poet_engine.resilience.drivers import Pauses, aperform
from poet_engine.resilience.gates import FinishedCall
from poet_engine.resilience.pipeline import Attempt
from poet_engine.sandbox.fake import failed

VIOLATION = AttemptResult(outcome=failed(Status.VIOLATION, "network"))
LATE = "settled"


class Watched(Rig):
    """Notes when the guards are told and when the call waits, beside who answers."""

    def __init__(self, guard: Gatekeeper, **changes: object) -> None:
        super().__init__(settle=lambda: self.story.append(LATE), **changes)
        self.watched = guard
        self.story: list[object] = []

    def attempt(self, step: Attempt) -> AttemptResult:
        self.story += [*self.watched.told, step.rung]
        return super().attempt(step)


@pytest.mark.parametrize("original", [AttemptResult(value="original"), AttemptResult(error=KeyError("mine"))])
def test_it_is_told_before_anybody_answers_instead(original: AttemptResult) -> None:
    """An original may take for ever, and its own exception excuses nothing. The call waits when all is done."""
    rig = Watched(Gatekeeper())
    rig.watched = rig.guard
    rig.script[Rung.ORIGINAL] = [original]
    assert rig.call(VIOLATION).answer is original
    assert rig.story == [Rung.GENERATED, FinishedCall(VIOLATION), Rung.ORIGINAL, LATE]
    assert rig.guard.out == 0


def test_that_of_an_older_version_is_too() -> None:
    older = Gatekeeper()
    rig = Watched(older, previous=(older,))
    rig.script[Rung.PREVIOUS] = [VIOLATION]
    assert rig.call(BAD).by is Rung.ORIGINAL
    assert rig.story == [Rung.GENERATED, Rung.PREVIOUS, FinishedCall(VIOLATION), Rung.ORIGINAL, LATE]
    assert (older.out, rig.guard.out) == (0, 0)


@pytest.mark.parametrize("answer", [GOOD, BAD])
def test_no_other_call_waits(answer: AttemptResult) -> None:
    rig = Watched(Gatekeeper())
    rig.call(answer)
    assert LATE not in rig.story


def test_an_event_loop_is_not_blocked_by_the_wait() -> None:
    """It is another task of the loop that ends it."""
    ended = threading.Event()
    waited: list[bool] = []
    rig = Rig(settle=lambda: waited.append(ended.wait(20.0)))
    rig.script[Rung.GENERATED] = [VIOLATION]

    async def attempt(step: Attempt) -> AttemptResult:
        return rig.attempt(step)

    async def end() -> None:
        ended.set()

    async def program() -> None:
        steps = rig.pipeline.steps(rig.plan, begun())
        await asyncio.gather(aperform(steps, attempt, Pauses(rig.pause, rig.clock.aadvance)), end())

    asyncio.run(program())
    assert waited == [True]
