"""Zygotes and inits that are killed from outside: survived, counted, and blamed right."""

import dataclasses
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from poet_engine._cancellation import Cancellation
from poet_engine.job import Job
from poet_engine.outcome import Blame, Outcome, Status
from poet_engine.policy import Policy
from poet_engine.sandbox.pool.scheduling import PoolSize
from poet_engine.sandbox.pool.worker_pool import STALL_S
from poet_engine.sandbox.process import ProcessSandbox

_CANNOT_START = "#!/bin/sh\necho 'python3: error while loading shared libraries: libpython3.so' >&2\nexit 127\n"

Guests = Callable[[int], list[psutil.Process]]
Wait = Callable[[], None]

pytestmark = pytest.mark.sandbox

_GOOD = Job(source="def f():\n    return 7\n", entry="f")
_LOOP = Job(source="def f():\n    print('reached', flush=True)\n    while True:\n        pass\n", entry="f")


@pytest.fixture
def sandbox() -> Iterator[ProcessSandbox]:
    with ProcessSandbox(Policy.load("restricted")) as opened:
        assert opened.run(_GOOD).value == 7
        yield opened


def _kill_in_mid_call(sandbox: ProcessSandbox, doomed: Callable[[], list[psutil.Process]], wait: Wait) -> Outcome:
    """Run an endless loop and kill what `doomed` names once the code is running."""
    done: list[Outcome] = []
    caller = threading.Thread(target=lambda: done.append(sandbox.run(_LOOP)))
    caller.start()
    wait()
    killed = doomed()
    with_theirs = [*killed, *(child for process in killed for child in process.children(recursive=True))]
    for process in killed:
        os.kill(process.pid, signal.SIGKILL)
    caller.join()
    _gone, alive = psutil.wait_procs(with_theirs, timeout=10)  # a call in that moment would meet the same death
    assert not alive
    return done[0]


@pytest.mark.parametrize(("who", "depth"), [("init", 3), ("zygote", 2)])
def test_a_death_in_mid_call_is_ours_and_the_next_call_works(
    sandbox: ProcessSandbox,
    who: str,
    depth: int,
    guests: Guests,
    until_code_burns: Wait,
) -> None:
    outcome = _kill_in_mid_call(sandbox, lambda: guests(depth), until_code_burns)
    assert (outcome.status, outcome.cause, outcome.blame) == (Status.INFRA, "lane_lost", Blame.ENGINE), who
    assert outcome.stdout == "reached\n"
    assert sandbox.run(_GOOD).value == 7
    assert sandbox.statistics().lanes_destroyed > 0


def test_a_killed_payload_is_the_codes_own_signal(
    sandbox: ProcessSandbox,
    guests: Guests,
    until_code_burns: Wait,
) -> None:
    """The control: one level further down it is a crash, since only its wait status is known."""
    outcome = _kill_in_mid_call(sandbox, lambda: guests(4), until_code_burns)
    assert (outcome.status, outcome.cause, outcome.blame) == (Status.CRASH, "signal:SIGKILL", Blame.CODE)
    assert sandbox.run(_GOOD).value == 7


def test_deaths_between_calls_cost_no_call(sandbox: ProcessSandbox, guests: Guests) -> None:
    for depth in (2, 3, 2):
        doomed = [process for level in range(depth, 5) for process in guests(level)]
        for process in guests(depth):
            os.kill(process.pid, signal.SIGKILL)
        _gone, alive = psutil.wait_procs(doomed, timeout=10)
        assert not alive
        assert [sandbox.run(_GOOD).value for _ in range(3)] == [7, 7, 7]
    assert sandbox.statistics().zygotes_started >= 2


def test_an_interpreter_that_cannot_start_is_told_with_its_last_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As one that needs LD_LIBRARY_PATH: the zygote does not get the host's environment."""
    python = tmp_path / "python3"
    python.write_text(_CANNOT_START, encoding="ascii")
    python.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(python))
    with ProcessSandbox(Policy.load("restricted")) as sandbox:
        outcome = sandbox.run(_GOOD)

    assert (outcome.status, outcome.cause, outcome.blame) == (Status.INFRA, "setup", Blame.ENGINE)
    assert outcome.evidence is not None
    assert "LD_LIBRARY_PATH" in str(outcome.evidence.value)
    assert "libpython3.so" in str(outcome.evidence.value)


def test_a_zygote_that_hangs_is_told_apart_from_lanes_that_are_in_use(guests: Guests, until_code_burns: Wait) -> None:
    """It is stopped while the only lane serves: a second caller waits for a lane that nobody makes."""
    policy = Policy.parse('version = 1\nname = "slow"\nextends = "restricted"\n[limits]\nwall = "30s"\ncpu = "30s"\n')
    with ProcessSandbox(policy, size=PoolSize(least=1, most=4)) as sandbox, Cancellation() as cancellation:
        assert sandbox.run(_GOOD).value == 7
        done: list[Outcome] = []
        caller = threading.Thread(target=lambda: done.append(sandbox.run(_LOOP, cancellation=cancellation)))
        caller.start()
        until_code_burns()
        zygotes = guests(2)
        for zygote in zygotes:
            zygote.suspend()
        late = sandbox.run(dataclasses.replace(_GOOD, wall=STALL_S + 0.5))
        for zygote in zygotes:
            zygote.resume()
        cancellation.cancel()
        caller.join()
    assert zygotes
    assert (late.status, late.cause, late.blame) == (Status.INFRA, "queue_stalled", Blame.ENGINE)
    assert [one.status for one in done] == [Status.CANCELLED]
