"""Zygotes and inits that are killed from outside: survived, counted, and blamed right."""

import os
import signal
import threading
from collections.abc import Iterator

import psutil
import pytest

from poet_engine.job import Job
from poet_engine.outcome import Blame, Outcome, Status
from poet_engine.policy import Policy
from poet_engine.sandbox.process import ProcessSandbox

pytestmark = pytest.mark.sandbox

_GOOD = Job(source="def f():\n    return 7\n", entry="f")
_LOOP = Job(source="def f():\n    print('reached', flush=True)\n    while True:\n        pass\n", entry="f")


@pytest.fixture
def sandbox() -> Iterator[ProcessSandbox]:
    with ProcessSandbox(Policy.load("restricted")) as opened:
        assert opened.run(_GOOD).value == 7
        yield opened


def _below(depth: int) -> list[psutil.Process]:
    """Our descendants at one depth: 1 what we started, 2 zygotes, 3 inits, 4 payloads."""
    level = [psutil.Process()]
    for _ in range(depth):
        level = [child for parent in level for child in parent.children() if _runs_the_guest(child)]
    return level


def _runs_the_guest(process: psutil.Process) -> bool:
    try:
        return "poet_guest" in " ".join(process.cmdline())
    except psutil.Error:
        return False


def _kill_in_mid_call(sandbox: ProcessSandbox, depth: int) -> Outcome:
    """Run an endless loop and kill everything at one depth once the code is running."""
    done: list[Outcome] = []
    caller = threading.Thread(target=lambda: done.append(sandbox.run(_LOOP)))
    caller.start()
    busy = next(process for process in _until_busy())
    assert busy.is_running()
    for process in _below(depth):
        os.kill(process.pid, signal.SIGKILL)
    caller.join()
    return done[0]


def _until_busy() -> Iterator[psutil.Process]:
    """The payload that burns CPU."""
    while True:
        for process in _below(4):
            try:
                if sum(process.cpu_times()[:2]) > 0.1:
                    yield process
            except psutil.NoSuchProcess:
                continue


@pytest.mark.parametrize(("who", "depth"), [("init", 3), ("zygote", 2)])
def test_a_death_in_mid_call_is_ours_and_the_next_call_works(sandbox: ProcessSandbox, who: str, depth: int) -> None:
    outcome = _kill_in_mid_call(sandbox, depth)
    assert (outcome.status, outcome.cause, outcome.blame) == (Status.INFRA, "lane_lost", Blame.ENGINE), who
    assert outcome.stdout == "reached\n"
    assert sandbox.run(_GOOD).value == 7
    assert sandbox.statistics().lanes_destroyed > 0


def test_a_killed_payload_is_the_codes_own_signal(sandbox: ProcessSandbox) -> None:
    """The control: one level further down it is a crash, since only its wait status is known."""
    outcome = _kill_in_mid_call(sandbox, 4)
    assert (outcome.status, outcome.cause, outcome.blame) == (Status.CRASH, "signal:SIGKILL", Blame.CODE)
    assert sandbox.run(_GOOD).value == 7


def test_deaths_between_calls_cost_no_call(sandbox: ProcessSandbox) -> None:
    for depth in (2, 3, 2):
        doomed = [process for level in range(depth, 5) for process in _below(level)]
        for process in _below(depth):
            os.kill(process.pid, signal.SIGKILL)
        _gone, alive = psutil.wait_procs(doomed, timeout=10)
        assert not alive
        assert [sandbox.run(_GOOD).value for _ in range(3)] == [7, 7, 7]
    assert sandbox.statistics().zygotes_started >= 2
