"""What `POET_MODE` does to the calls of a decorated function."""

import asyncio
import logging
from typing import TYPE_CHECKING

import pytest

from poet_engine.decorator.modes import CANARY_SHARE
from poet_engine.outcome import Blame, Outcome, Status
from poet_engine.sandbox.fake import failed, ok

if TYPE_CHECKING:
    from tests.unit.decorator.conftest import Workshop

NAIVE = {"drift_detected": False, "score": 0.0}
ONCE = (
    "from poet_engine.decorator import poet\n\n\n@poet(domain='ml_monitoring', idempotent=False)\n"
    "def detect_drift(current, reference):\n    return {'drift_detected': False, 'score': 0.0}\n"
)
ASYNC = ONCE.replace(", idempotent=False", "").replace("def d", "async def d")


def test_off_makes_and_asks_no_version(workshop: "Workshop", caplog: pytest.LogCaptureFixture) -> None:
    """The original answers with all that stands around it; no sandbox is opened and nothing is stored."""
    workshop.serves = "off"
    detect = workshop.load()
    execution = detect.poet.call([1.0], [2.0])
    assert (execution.value, execution.served_by, execution.version) == (NAIVE, "original", "original")
    assert (workshop.engines, list(workshop.folder.glob(".poet/detect_drift"))) == ([], [])
    assert caplog.text.count("POET_MODE is off") == 1
    assert "POET_MODE is off" in str(workshop.events()[0].payload.fallback_reason)


class TestCanary:
    @pytest.mark.parametrize(("dice", "by"), [(0.0, "generated"), (CANARY_SHARE, "original"), (0.99, "original")])
    def test_a_share_of_the_calls_is_the_versions(self, workshop: "Workshop", dice: float, by: str) -> None:
        workshop.serves, workshop.dice = "canary", dice
        detect = workshop.load()
        execution = detect.poet.call([1.0], [2.0])
        assert (execution.served_by, len(workshop.jobs)) == (by, int(by == "generated"))
        assert ("POET_MODE is canary" in str(execution.fallback_reason)) is (by == "original")
        assert len(workshop.events()) == 1

    def test_the_dice_are_thrown_for_each_call(self, workshop: "Workshop") -> None:
        workshop.serves = "canary"
        detect, served = workshop.load(), []
        for workshop.dice in (0.05, 0.5, 0.05):
            served.append(detect.poet.call([1.0], [2.0]).served_by)
        assert served == ["generated", "original", "generated"]


class TestShadow:
    @pytest.mark.parametrize(
        ("answer", "said"),
        [(ok(NAIVE), "returned the same"), (ok({"drift_detected": True}), "returned another value")],
        ids=["same", "other"],
    )
    def test_the_original_answers_and_the_version_is_judged(
        self, workshop: "Workshop", caplog: pytest.LogCaptureFixture, answer: Outcome, said: str
    ) -> None:
        """One event: what the version came to, that the original answered, and whether they agree."""
        caplog.set_level(logging.WARNING)
        workshop.serves, workshop.answer = "shadow", answer
        execution = workshop.load().poet.call([1.0], [2.0])
        assert (execution.value, execution.served_by, execution.version) == (NAIVE, "original", "v1")
        [event] = workshop.events()
        assert (event.payload.status, event.payload.version, event.payload.attempts) == ("success", "v1", 1)
        assert event.payload.fallback_reason == (f"POET_MODE is shadow, so v1 only ran beside the original, and {said}")
        assert caplog.text == ""

    def test_a_version_that_fails_is_judged_too(self, workshop: "Workshop") -> None:
        """Its breaker counts it, and the caller does not notice."""
        workshop.serves = "shadow"
        workshop.answer = failed(Status.LIMIT, "wall", Blame.CODE)
        detect = workshop.load()
        assert [detect([1.0], [2.0]) for _ in range(11)] == [NAIVE] * 11
        reasons = [str(event.payload.fallback_reason) for event in workshop.events()]
        assert "limit/wall" in reasons[0]
        assert "the breaker of" in reasons[-1]
        assert len(workshop.jobs) == 10

    def test_not_even_a_refusal_is_the_callers(self, workshop: "Workshop") -> None:
        workshop.serves = "shadow"
        workshop.answer = failed(Status.REFUSED, "input", Blame.CALLER)
        assert workshop.load()([1.0], [2.0]) == NAIVE
        assert "refused" in str(workshop.events()[0].payload.fallback_reason)

    def test_an_older_version_is_not_asked(self, workshop: "Workshop") -> None:
        workshop.serves = "shadow"
        workshop.answer = failed(Status.CRASH, "signal:SIGSEGV", Blame.CODE)
        detect = workshop.load()
        detect.poet.adopt("def detect_drift(current, reference):\n    return {}\n")
        assert detect.poet.call([1.0], [2.0]).served_by == "original"
        assert len(workshop.jobs) == 1

    def test_a_body_that_may_run_once_is_the_originals(self, workshop: "Workshop") -> None:
        workshop.serves = "shadow"
        execution = workshop.load(ONCE).poet.call([1.0], [2.0])
        assert (execution.served_by, workshop.jobs) == ("original", [])
        assert "idempotent=False" in str(execution.fallback_reason)

    def test_in_async_code(self, workshop: "Workshop") -> None:
        workshop.serves = "shadow"
        execution = asyncio.run(workshop.load(ASYNC).poet.acall([1.0], [2.0]))
        assert (execution.value, execution.served_by, len(workshop.jobs)) == (NAIVE, "original", 1)
