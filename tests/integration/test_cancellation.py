"""A caller that gives up: the run ends, nothing is left, and the sandbox goes on."""

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from poet_engine import Engine
from poet_engine._cancellation import Cancellation
from poet_engine.errors import ClosedError
from poet_engine.job import Job
from poet_engine.outcome import Blame, Outcome, Status
from poet_engine.policy import Policy
from poet_engine.sandbox.pool.scheduling import PoolSize
from poet_engine.sandbox.process import ProcessSandbox

Wait = Callable[[], None]

pytestmark = pytest.mark.sandbox

_LOOP = "def f():\n    print('reached', flush=True)\n    while True:\n        pass\n"
_GOOD = "def f():\n    return 7\n"


def _soon(wait: Wait, action: Callable[[], None]) -> threading.Thread:
    """Do something once the code is running."""

    def act() -> None:
        wait()
        action()

    thread = threading.Thread(target=act)
    thread.start()
    return thread


def test_another_thread_ends_a_run(until_code_burns: Wait) -> None:
    with ProcessSandbox(Policy.load("restricted")) as sandbox, Cancellation() as cancellation:
        thread = _soon(until_code_burns, cancellation.cancel)
        outcome = sandbox.run(Job(source=_LOOP, entry="f"), cancellation=cancellation)
        thread.join()
        assert (outcome.status, outcome.cause, outcome.blame) == (Status.CANCELLED, "caller", Blame.CALLER)
        assert outcome.stdout == "reached\n"
        assert outcome.usage.wall_ms < 2000
        assert sandbox.run(Job(source=_GOOD, entry="f")).value == 7


def test_a_wait_for_a_lane_ends_too() -> None:
    with ProcessSandbox(Policy.load("restricted"), size=PoolSize(least=1, most=1)) as sandbox:
        outcomes: list[Outcome] = []
        with Cancellation() as first, Cancellation() as second:
            busy = threading.Thread(
                target=lambda: outcomes.append(sandbox.run(Job(source=_LOOP, entry="f"), cancellation=first)),
            )
            busy.start()
            timer = threading.Timer(0.3, second.cancel)
            timer.start()
            waited = sandbox.run(Job(source=_LOOP, entry="f"), cancellation=second)
            timer.join()
            first.cancel()
            busy.join()
        causes = sorted((outcome.status, outcome.cause) for outcome in (waited, *outcomes))
        assert causes == [(Status.CANCELLED, "caller")] * 2


def test_cancelling_a_task_ends_its_run(tmp_path: Path, until_code_burns: Wait) -> None:
    async def give_up(engine: Engine, wait: Wait) -> None:
        source = (
            "def f():\n    total = 0\n    for number in range(10**12):\n        total += number\n    return total\n"
        )
        task = asyncio.create_task(engine.arun(source, "f"))
        await asyncio.to_thread(wait)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    with Engine.open(journal=tmp_path / "journal.db") as engine:
        asyncio.run(give_up(engine, until_code_burns))
        assert engine.statistics().busy == 0
        assert asyncio.run(engine.arun("def f(x):\n    return x + 1\n", "f", 1)).value == 2


def test_closing_in_mid_call_says_shutdown(until_code_burns: Wait) -> None:
    sandbox = ProcessSandbox(Policy.load("restricted"))
    thread = _soon(until_code_burns, sandbox.close)
    outcome = sandbox.run(Job(source=_LOOP, entry="f"))
    thread.join()
    assert (outcome.status, outcome.cause, outcome.blame) == (Status.CANCELLED, "shutdown", Blame.ENGINE)
    with pytest.raises(ClosedError):
        sandbox.run(Job(source=_GOOD, entry="f"))
