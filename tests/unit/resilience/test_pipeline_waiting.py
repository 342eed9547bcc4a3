"""Calls that wait for a place, and calls that are given up: nothing that they held is lost. Threads and tasks alike."""

import asyncio
import threading
from collections.abc import Callable

import pytest
from tests.unit.resilience.rig import BAD, FLAKY, GOOD, OURS, Rig, begun

from poet_engine.resilience.attempts import AttemptResult
from poet_engine.resilience.bulkhead import Bulkhead, BulkheadWaiter, Capacity
from poet_engine.resilience.call_report import CallReport, Rung
from poet_engine.resilience.drivers import Pauses, aperform, perform
from poet_engine.resilience.gates import NotAdmitted
from poet_engine.resilience.pipeline import Attempt


def in_thread(call: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=call)
    thread.start()
    return thread


class Watched(Bulkhead):
    """Tells when somebody has sat down."""

    def __init__(self, capacity: Capacity) -> None:
        super().__init__(capacity)
        self.seated = threading.Event()

    def enter(self) -> bool | BulkheadWaiter:
        entry = super().enter()
        if isinstance(entry, BulkheadWaiter):
            self.seated.set()
        return entry


class TestWaiting:
    def test_a_thread_and_a_task_wait_in_the_same_queue(self) -> None:
        """First the thread came, then the task: so they are served."""
        bulkhead = Watched(Capacity(running=1, waiting=2))
        bulkhead.enter()
        order: list[str] = []

        def rig(name: str) -> Rig:
            made = Rig(bulkhead=bulkhead, timeout=60.0)
            made.script[Rung.GENERATED] = [GOOD]
            base = made.attempt

            def attempt(step: Attempt) -> AttemptResult:
                order.append(name)
                return base(step)

            made.attempt = attempt  # type: ignore[method-assign]  # the rig's own, with a note of the order
            return made

        thread = in_thread(lambda: rig("thread").call())
        assert bulkhead.seated.wait(10)

        async def task() -> CallReport:
            of = rig("task")

            async def attempt(step: Attempt) -> AttemptResult:
                return of.attempt(step)

            call = asyncio.ensure_future(
                aperform(of.pipeline.steps(of.plan, begun()), attempt, Pauses(of.pause, of.clock.aadvance))
            )
            await asyncio.sleep(0)  # the task goes as far as it can: to its seat
            assert bulkhead.statistics().waiting == 2
            bulkhead.leave()
            return await call

        served = asyncio.run(task())
        thread.join(10)
        assert order == ["thread", "task"]
        assert (served.by, bulkhead.statistics().running) == (Rung.GENERATED, 0)

    def test_a_wait_ends_with_the_deadline(self) -> None:
        """Nobody leaves: the call is turned away, says how long it waited, and its seat is free."""
        bulkhead = Bulkhead(Capacity(running=1, waiting=1))
        bulkhead.enter()
        rig = Rig(bulkhead=bulkhead)
        steps = rig.pipeline.steps(rig.plan, begun())
        wait = next(steps)
        rig.clock.advance(5.0)
        after = steps.send(None)
        assert after == Attempt(Rung.ORIGINAL, None)
        with pytest.raises(StopIteration) as end:
            steps.send(AttemptResult(value=1))
        served: CallReport = end.value.value
        assert getattr(wait, "seconds", None) == 5.0
        assert served.turned_away == NotAdmitted("bulkhead", "no place became free within 5 s")
        assert (served.queue_wait, bulkhead.statistics().waiting) == (5.0, 0)


class TestGivingUp:
    """Wherever a call is cancelled, it holds nothing afterwards."""

    def test_in_an_attempt(self) -> None:
        bulkhead = Bulkhead(Capacity(running=1, waiting=0))
        rig = Rig(bulkhead=bulkhead)

        def interrupted(_step: Attempt) -> AttemptResult:
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            perform(rig.pipeline.steps(rig.plan, begun()), interrupted, Pauses(rig.pause, rig.clock.aadvance))
        assert (bulkhead.statistics().running, rig.guard.out, rig.guard.given_back) == (0, 0, 1)

    def test_in_a_fallback(self) -> None:
        rig = Rig()
        steps = rig.pipeline.steps(rig.plan, begun())
        next(steps)
        assert steps.send(BAD) == Attempt(Rung.ORIGINAL, None)
        steps.close()
        assert (rig.fallback.statistics().running, rig.guard.out) == (0, 0)

    @pytest.mark.parametrize("granted", [False, True])
    def test_in_the_queue(self, *, granted: bool) -> None:
        """Also when the place comes at that very moment."""
        bulkhead = Bulkhead(Capacity(running=1, waiting=1))
        bulkhead.enter()
        rig = Rig(bulkhead=bulkhead)
        steps = rig.pipeline.steps(rig.plan, begun())
        next(steps)
        if granted:
            bulkhead.leave()
        steps.close()
        now = bulkhead.statistics()
        assert (now.running, now.waiting, rig.guard.out) == (0 if granted else 1, 0, 0)

    def test_a_task_that_is_cancelled_in_the_queue(self) -> None:
        bulkhead = Bulkhead(Capacity(running=1, waiting=1))
        bulkhead.enter()
        rig = Rig(bulkhead=bulkhead, timeout=60.0)

        async def attempt(step: Attempt) -> AttemptResult:
            return rig.attempt(step)

        async def cancelled() -> None:
            steps = rig.pipeline.steps(rig.plan, begun())
            task = asyncio.ensure_future(aperform(steps, attempt, Pauses(rig.pause, rig.clock.aadvance)))
            await asyncio.sleep(0)  # the task goes as far as it can: to its seat
            assert bulkhead.statistics().waiting == 1
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

        asyncio.run(cancelled())
        assert (bulkhead.statistics().waiting, rig.guard.out, rig.seen) == (0, 0, [])


def test_a_task_takes_the_same_steps_as_a_thread() -> None:
    """The same script, performed by asyncio: the same answers, attempts and pauses."""
    here, there = Rig(), Rig()
    script = [FLAKY, OURS, GOOD]
    there.script[Rung.GENERATED] = list(script)
    paused: list[float] = []

    async def attempt(step: Attempt) -> AttemptResult:
        return there.attempt(step)

    async def pause(seconds: float) -> None:
        paused.append(seconds)
        there.clock.advance(seconds)

    served = asyncio.run(aperform(there.pipeline.steps(there.plan, begun()), attempt, Pauses(there.pause, pause)))
    assert served == here.call(*script)
    assert (there.seen, paused) == (here.seen, here.paused)
