"""A verdict that the machine caused is not the source's fault, and is not remembered.

A scan worker that was killed made an honest source `rejected/too_large` for as long as the engine lived.
"""

import os
import signal
import sys
import time
from collections.abc import Iterator

import pytest

from poet_engine import Engine
from poet_engine.errors import InfraError
from poet_engine.gate import Gate
from poet_engine.gate.worker_client import WorkerLimits
from poet_engine.outcome import Blame, Status
from poet_engine.policy import Policy

RESTRICTED = Policy.load("restricted")
HONEST = "def f(x: int) -> int:\n    return x + 1\n"
BOMB = "x = " + "-" * 100_000 + "1"  # ends the parser


class Killer:
    """A clock that kills the worker of a gate: the gate reads it when a scan begins, and while it waits for an answer.

    Attributes:
        gate: Whose workers; None for none yet.
        left: How many are still to be killed.
        reading: Whether they are killed only while they read a source, and not while they start and learn.
        killed: The process ids of those that were.
    """

    def __init__(self) -> None:
        self.gate: Gate | None = None
        self.left, self.reading = 0, False
        self.killed: set[int] = set()

    def __call__(self) -> float:
        """The time, after the kill."""
        link = self.gate._slot.link if self.gate is not None else None
        ready = link is not None and (bool(link.known) or not self.reading)
        if link is not None and ready and self.left and link.pid not in self.killed:
            self.left -= 1
            self.killed.add(link.pid)
            os.kill(link.pid, signal.SIGKILL)
        return time.monotonic()


@pytest.fixture
def killer() -> Killer:
    return Killer()


@pytest.fixture
def gate(killer: Killer) -> Iterator[Gate]:
    with Gate(clock=killer) as gate:
        gate.scan("x = 1", RESTRICTED)
        killer.gate = gate
        yield gate


def test_an_honest_source_is_scanned_although_its_worker_was_killed(gate: Gate, killer: Killer) -> None:
    killer.left = 1
    report = gate.scan(HONEST, RESTRICTED)
    assert (len(killer.killed), report.findings, report.cause) == (1, (), None)
    assert gate.scan(HONEST, RESTRICTED) is report


def test_a_source_whose_workers_were_both_killed_is_no_one_s_fault_and_the_next_scan_works(
    gate: Gate, killer: Killer
) -> None:
    killer.left = 2
    with pytest.raises(InfraError, match="ended by SIGKILL, and the source had no part in it"):
        gate.scan(HONEST, RESTRICTED)
    assert len(killer.killed) == 2
    assert gate.scan(HONEST, RESTRICTED).cause is None
    assert gate.statistics().cached == 0


def test_a_stopped_worker_is_no_fault_of_the_source() -> None:
    """Reading a source waits for nothing: a worker that does not answer was stopped, or got no processor."""
    with Gate(limits=WorkerLimits(wall=0.5)) as gate:
        gate.scan("x = 1", RESTRICTED)
        link = gate._slot.link
        assert link is not None
        os.kill(link.pid, signal.SIGSTOP)
        assert gate.scan(HONEST, RESTRICTED).cause is None


def test_a_bomb_is_rejected_at_once_and_costs_one_worker_for_good(gate: Gate) -> None:
    """The worker's own limits are evidence enough: nothing is tried twice, and the verdict is remembered."""
    report = gate.scan(BOMB, RESTRICTED)
    assert report.cause == "too_large"
    assert gate.scan(BOMB, RESTRICTED) is report
    assert gate.statistics().deaths == 1


def test_a_source_that_used_its_budget_up_when_it_was_killed_twice_is_rejected_for_good(killer: Killer) -> None:
    """Nearly all was used that one source may take, which here is no time at all."""
    with Gate(limits=WorkerLimits(cpu=0.0), clock=killer) as gate:
        gate.scan("x = 1", RESTRICTED)
        killer.gate, killer.left, killer.reading = gate, 2, True
        report = gate.scan(HONEST, RESTRICTED)
        assert (len(killer.killed), report.cause, report.findings[0].rule) == (2, "too_large", "POET100")
        assert gate.scan(HONEST, RESTRICTED) is report


def test_undecorating_is_tried_again_too(gate: Gate, killer: Killer) -> None:
    long = HONEST * 2000  # it is still being read when the worker is killed
    killer.left = 1
    assert gate.undecorate(long) == long
    killer.left = 2
    with pytest.raises(InfraError):
        gate.undecorate(long)
    assert gate.undecorate(long) == long


def test_a_worker_that_cannot_start_is_no_fault_of_the_source(monkeypatch: pytest.MonkeyPatch) -> None:
    with Gate() as gate:
        with monkeypatch.context() as broken:
            broken.setattr(sys, "executable", "/nowhere/python")
            with pytest.raises(InfraError, match="cannot be started"):
                gate.scan(HONEST, RESTRICTED)
        assert gate.scan(HONEST, RESTRICTED).cause is None


@pytest.mark.sandbox
def test_a_run_whose_scan_the_machine_ended_blames_the_engine_and_may_be_tried_again(killer: Killer) -> None:
    with Engine.open("restricted", "process") as engine:
        assert engine.run(HONEST, "f", 1).unwrap() == 2
        killer.gate, killer.left = engine._gate, 2
        engine._gate._clock = killer
        outcome = engine.run(HONEST + "# again\n", "f", 1)
        assert (outcome.status, outcome.cause, outcome.blame) == (Status.INFRA, "setup", Blame.ENGINE)
        assert engine.run(HONEST + "# again\n", "f", 1).unwrap() == 2
