"""One call through the pipeline: who is asked, how often, and who answers."""

import dataclasses

import pytest
from tests.unit.resilience.rig import BAD, FLAKY, GOOD, LOST, OURS, REFUSED, UNTRIED, Gatekeeper, Rig

from poet_engine.outcome import Status
from poet_engine.resilience.attempts import AttemptResult
from poet_engine.resilience.bulkhead import Bulkhead, Capacity
from poet_engine.resilience.call_report import Rung
from poet_engine.resilience.gates import FinishedCall, NotAdmitted
from poet_engine.resilience.pipeline import Attempt
from poet_engine.resilience.rate_limit import Rate, RateLimit
from poet_engine.resilience.retry_budget import MOST
from poet_engine.sandbox.fake import failed


class TestRetry:
    def test_a_fault_that_goes_away_is_answered(self) -> None:
        """Two failures of `retry_on`, then a value; the pauses are jittered backoff."""
        rig = Rig()
        served = rig.call(FLAKY, FLAKY, GOOD)
        assert (served.by, served.answer, served.attempts, served.late) == (Rung.GENERATED, GOOD, 3, False)
        assert rig.paused == [0.025, 0.05]

    @pytest.mark.parametrize("answer", [OURS, LOST, FLAKY])
    def test_our_faults_and_those_of_retry_on_are_tried_again(self, answer: AttemptResult) -> None:
        rig = Rig()
        served = rig.call(answer)
        assert (served.attempts, served.by, served.stopped) == (4, Rung.ORIGINAL, "all 4 attempts failed")

    @pytest.mark.parametrize(
        "answer", [BAD, REFUSED, UNTRIED, AttemptResult(outcome=failed(Status.CANCELLED, "shutdown"))]
    )
    def test_nothing_else_is(self, answer: AttemptResult) -> None:
        assert Rig().call(answer).attempts == 1

    def test_each_attempt_has_what_the_deadline_leaves(self) -> None:
        """An attempt takes 2 s: the third has the rest, and no fourth begins."""
        rig = Rig(retries=None)
        rig.takes = 2.0
        served = rig.call(FLAKY)
        walls = [step.wall for step in rig.seen if step.rung is Rung.GENERATED]
        assert walls == pytest.approx([5.0, 2.975, 0.925])
        assert (served.attempts, served.stopped, served.late) == (3, "there is no time for attempt 4", True)

    def test_without_a_number_it_is_tried_until_the_deadline(self) -> None:
        rig = Rig(retries=None)
        served = rig.call(*[FLAKY] * 9, GOOD)
        assert (served.by, served.attempts) == (Rung.GENERATED, 10)

    def test_an_empty_budget_stops_it(self) -> None:
        """Many calls that fail at once are not multiplied."""
        rig = Rig()
        retries, stopped = 0, list[str | None]()
        for _ in range(400):
            served = rig.call(FLAKY)
            rig.clock.now = 1000.0  # the same moment again: only calls pay for retries
            retries += served.attempts - 1
            stopped.append(served.stopped)
        assert 0.2 * 400 <= retries <= MOST + 0.2 * 400 + 10
        assert "budget" in str(stopped[-1])

    def test_the_original_of_a_host_function_is_tried_again_and_nobody_answers_instead(self) -> None:
        error = ConnectionError("mine")
        rig = Rig(first=Rung.ORIGINAL)
        served = rig.call(AttemptResult(error=error), rung=Rung.ORIGINAL)
        assert (served.by, served.attempts) == (Rung.ORIGINAL, 4)
        assert served.answer is not None
        assert served.answer.error is error

    def test_what_the_failure_asks_for_is_waited(self) -> None:
        error = ConnectionError("slow down")
        vars(error)["retry_after"] = 1.5
        rig = Rig(first=Rung.ORIGINAL)
        served = rig.call(AttemptResult(error=error), AttemptResult(value=1), rung=Rung.ORIGINAL)
        assert (served.attempts, rig.paused) == (2, [1.5])
        vars(error)["retry_after"] = 6
        served = rig.call(AttemptResult(error=error), rung=Rung.ORIGINAL)
        assert (served.attempts, served.stopped) == (1, "there is no time for attempt 2")


class TestNotIdempotent:
    @pytest.mark.parametrize("answer", [OURS, UNTRIED, AttemptResult(outcome=failed(Status.REJECTED, "scan_ast"))])
    def test_the_original_answers_only_where_the_body_never_started(self, answer: AttemptResult) -> None:
        rig = Rig(idempotent=False, previous=())
        served = rig.call(answer)
        assert (served.by, served.attempts, rig.rungs) == (Rung.ORIGINAL, 1, [Rung.GENERATED, Rung.ORIGINAL])

    @pytest.mark.parametrize("answer", [BAD, FLAKY, LOST, AttemptResult(outcome=failed(Status.CANCELLED, "caller"))])
    def test_nobody_answers_where_it_may_have(self, answer: AttemptResult) -> None:
        rig = Rig(idempotent=False)
        served = rig.call(answer)
        assert (served.by, served.first, served.attempts, rig.rungs) == (None, answer, 1, [Rung.GENERATED])

    def test_a_call_that_was_turned_away_started_nothing(self) -> None:
        rig = Rig(idempotent=False)
        rig.guard.closed = True
        assert (rig.call(GOOD).by, rig.rungs) == (Rung.ORIGINAL, [Rung.ORIGINAL])


class TestLadder:
    def test_a_previous_version_answers_for_a_bad_one(self) -> None:
        """Within what the deadline leaves; the version that is judged is the first."""
        rig = Rig(previous=())
        rig.takes = 1.0
        rig.script[Rung.PREVIOUS] = [GOOD]
        served = rig.call(BAD)
        assert (served.by, served.first, served.answer) == (Rung.PREVIOUS, BAD, GOOD)
        assert rig.seen[1] == Attempt(Rung.PREVIOUS, 4.0)

    def test_the_original_answers_when_both_are_bad(self) -> None:
        rig = Rig(previous=())
        rig.script[Rung.PREVIOUS] = [BAD]
        assert rig.call(BAD).by is Rung.ORIGINAL
        assert rig.rungs == list(Rung)

    @pytest.mark.parametrize("answer", [OURS, UNTRIED])
    def test_an_older_version_is_not_asked_where_it_would_fare_the_same(self, answer: AttemptResult) -> None:
        rig = Rig(previous=(), retries=0)
        rig.call(answer)
        assert rig.rungs == [Rung.GENERATED, Rung.ORIGINAL]

    def test_an_older_version_has_a_breaker_of_its_own(self) -> None:
        """It is told what came of that version, and of no other; when it is open, the original is next."""
        guard = Gatekeeper()
        rig = Rig(previous=(guard,))
        rig.takes = 0.25
        rig.script[Rung.PREVIOUS] = [BAD]
        rig.call(BAD)
        assert guard.told == [FinishedCall(answer=BAD, duration=0.25)]
        guard.closed = True
        rig.seen.clear()
        rig.call(BAD)
        assert rig.rungs == [Rung.GENERATED, Rung.ORIGINAL]

    def test_after_the_deadline_only_the_original_is_asked(self) -> None:
        """It has no wall: nothing can bound it, and it is the last that can answer."""
        rig = Rig(previous=())
        rig.takes = 5.0
        served = rig.call(BAD)
        assert rig.seen[1:] == [Attempt(Rung.ORIGINAL, None)]
        assert (served.by, served.late) == (Rung.ORIGINAL, True)

    def test_a_refusal_is_the_callers(self) -> None:
        rig = Rig(previous=())
        assert (rig.call(REFUSED).by, rig.rungs) == (Rung.GENERATED, [Rung.GENERATED])

    def test_fallbacks_are_bounded(self) -> None:
        """Whoever comes while another original runs is turned away, as there is no seat."""
        rig = Rig()
        assert rig.fallback.enter() is True
        served = rig.call(BAD)
        assert (served.by, served.first, rig.rungs) == (None, BAD, [Rung.GENERATED])
        assert served.turned_away is not None
        assert served.turned_away.reason.startswith("too many fallbacks")
        rig.fallback.leave()
        assert rig.call(BAD).by is Rung.ORIGINAL
        assert rig.fallback.statistics().running == 0


class TestAdmission:
    def test_an_open_breaker_leads_to_the_fallback_at_once(self) -> None:
        rig = Rig(previous=())
        rig.script[Rung.PREVIOUS] = [GOOD]
        rig.guard.closed = True
        served = rig.call(GOOD)
        assert (served.by, served.attempts) == (Rung.PREVIOUS, 0)
        assert served.turned_away == NotAdmitted("breaker", "it is open", 30.0)

    def test_an_open_breaker_of_a_host_function_leaves_nobody(self) -> None:
        rig = Rig(first=Rung.ORIGINAL)
        rig.guard.closed = True
        assert (rig.call().by, rig.seen) == (None, [])

    def test_outer_passes_are_settled_when_an_inner_guard_is_closed(self) -> None:
        """Told that there was no attempt, from which nothing can be learnt."""
        outer, inner = Gatekeeper(), Gatekeeper(closed=True)
        rig = Rig(guards=(outer, inner))
        rig.call(GOOD)
        assert (outer.out, [went.answer for went in outer.told]) == (0, [None])

    def test_a_breaker_is_told_when_the_whole_call_is_over(self) -> None:
        """With the last attempt, how long that took, and what the original made of the same input."""
        rig = Rig()
        rig.takes = 0.5
        rig.script[Rung.ORIGINAL] = [AttemptResult(error=KeyError("mine"))]
        rig.call(BAD)
        assert rig.guard.told == [FinishedCall(answer=BAD, transient=False, duration=0.5, original_raised="KeyError")]

    def test_a_breaker_is_told_whether_the_attempt_had_its_time(self) -> None:
        """A first attempt has; one after a pause of seconds has not, unless its policy gives it less anyway."""
        rig = Rig()
        rig.takes = 3.0
        rig.call(FLAKY, BAD)
        rig.takes = 0.0
        rig.call(BAD)
        rig.plan = dataclasses.replace(rig.plan, wall=1.0)
        rig.takes = 3.0
        rig.call(FLAKY, BAD)
        assert [went.clipped for went in rig.guard.told] == [True, False, False]

    def test_a_rate_that_is_used_up(self) -> None:
        rig = Rig()
        rig.plan = dataclasses.replace(rig.plan, rate=RateLimit(Rate(1, 60.0), rig.clock))
        assert rig.call(GOOD).by is Rung.GENERATED
        served = rig.call(GOOD)
        assert served.by is Rung.ORIGINAL
        assert served.turned_away is not None
        assert served.turned_away.by == "rate_limit"
        assert served.turned_away.retry_after == pytest.approx(60.0)

    def test_a_full_bulkhead(self) -> None:
        full = Bulkhead(Capacity(running=1, waiting=0))
        full.enter()
        served = Rig(bulkhead=full).call(GOOD)
        assert served.turned_away == NotAdmitted("bulkhead", "1 calls run and 0 wait already")
        assert full.statistics().running == 1

    def test_the_place_is_given_back_before_the_original_runs(self) -> None:
        bulkhead = Bulkhead(Capacity(running=1, waiting=0))
        rig = Rig(bulkhead=bulkhead)
        running: list[int] = []
        answer = rig.attempt

        def watch(step: Attempt) -> AttemptResult:
            running.append(bulkhead.statistics().running)
            return answer(step)

        rig.attempt = watch  # type: ignore[method-assign]  # the rig's own, with a look at the bulkhead before it
        rig.call(BAD)
        assert running == [1, 0]
