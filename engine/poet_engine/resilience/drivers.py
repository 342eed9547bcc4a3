"""The drivers of the pipeline: one loop for threads, one for asyncio. Neither decides anything."""

import asyncio
import contextlib
import dataclasses
import threading
from collections.abc import Awaitable, Callable

from poet_engine.resilience.attempts import AttemptResult
from poet_engine.resilience.bulkhead import BulkheadWaiter
from poet_engine.resilience.call_report import CallReport
from poet_engine.resilience.pipeline import Attempt, Settle, Step, Steps, Wait
from poet_engine.resilience.retry import Pause


@dataclasses.dataclass(frozen=True, slots=True)
class Pauses:
    """The ways to let time pass, in seconds.

    Attributes:
        here: Blocks this thread.
        in_task: Suspends this task.
    """

    here: Callable[[float], object]
    in_task: Callable[[float], Awaitable[object]]


def perform(steps: Steps, attempt: Callable[[Attempt], AttemptResult], pauses: Pauses) -> CallReport:
    """Take a call through its steps in this thread. What `attempt` raises ends the call and is raised here."""
    with contextlib.closing(steps):
        try:
            step = next(steps)
            while True:
                step = steps.send(_do(step, attempt, pauses))
        except StopIteration as end:
            return _value(end)


def _value(end: StopIteration) -> CallReport:
    # Neither this value nor an answer is kept in a variable of the loops: the traceback of an error that an attempt
    # raised leads to their frames, and they would keep the error, with all that it holds, until the next garbage
    # collection.
    report: CallReport = end.value
    return report


def _do(step: Step, attempt: Callable[[Attempt], AttemptResult], pauses: Pauses) -> AttemptResult | None:
    match step:
        case Attempt():
            return attempt(step)
        case Pause(seconds=seconds):
            pauses.here(seconds)
        case Wait(seat=seat, seconds=seconds):
            event = threading.Event()
            seat.when_granted(event.set)
            event.wait(seconds)
        case Settle(wait=wait):
            wait()
    return None


async def aperform(steps: Steps, attempt: Callable[[Attempt], Awaitable[AttemptResult]], pauses: Pauses) -> CallReport:
    """Take a call through its steps in a task. Cancelling the task ends the call, and gives back what it held."""
    with contextlib.closing(steps):
        try:
            step = next(steps)
            while True:
                step = steps.send(await _ado(step, attempt, pauses))
        except StopIteration as end:
            return _value(end)


async def _ado(
    step: Step, attempt: Callable[[Attempt], Awaitable[AttemptResult]], pauses: Pauses
) -> AttemptResult | None:
    match step:
        case Attempt():
            return await attempt(step)
        case Pause(seconds=seconds):
            await pauses.in_task(seconds)
        case Wait(seat=seat, seconds=seconds):
            await _granted(seat, seconds)
        case Settle(wait=wait):
            await asyncio.to_thread(wait)
    return None


async def _granted(seat: BulkheadWaiter, seconds: float) -> None:
    loop = asyncio.get_running_loop()
    granted = asyncio.Event()

    def wake() -> None:
        # The place may come from a thread whose call ends after this loop was closed; the place is not lost then,
        # since closing the steps of a waiting call leaves it.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(granted.set)

    seat.when_granted(wake)
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(granted.wait(), seconds)
