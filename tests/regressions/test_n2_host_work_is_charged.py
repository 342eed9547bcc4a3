"""N2: what code has the host do for it cost the code nothing, and as much of the host as it liked.

The host's processor time for what a run sends is on the run's CPU budget; of tiny pieces more is taken at once.
"""

import time
from collections.abc import Callable

import pytest

from poet_engine import Engine
from poet_engine.outcome import Outcome, Status

AnyCodePolicy = Callable[[str, str], str]
SOURCE = """
import os, socket

def send(content, size):
    view = memoryview(bytes([2]) + len(content).to_bytes(4, "big") + content)
    while view:
        view = view[os.write(3, view[:size]):]
    os._exit(0)

def by_byte(number):
    send(b'"' + b"x" * number + b'"', 1)

def print_by_byte(number):
    for _ in range(number):
        os.write(1, b"x")

def integers(number):
    send(b"[" + b"1," * number + b"1]", 1 << 20)

def sockets(number):
    for _ in range(number):
        try:
            socket.socket()
        except OSError:
            pass
"""
_SLACK = 'wall = "60s"\ncpu = "60s"\nmemory = "512MiB"\nresult = "8MiB"\noutput = "8MiB"'


def _timed(engine: Engine, entry: str, number: int) -> tuple[Outcome, float, float]:
    """The outcome, and the seconds that this thread worked and waited."""
    began, worked = time.monotonic(), time.thread_time()
    outcome = engine.run(SOURCE, entry, number)
    return outcome, time.thread_time() - worked, time.monotonic() - began


@pytest.mark.parametrize("entry", ["by_byte", "print_by_byte"])
def test_tiny_pieces_cost_the_host_a_part_of_the_time_only(
    open_engine: Callable[[str], Engine], any_code_policy: AnyCodePolicy, entry: str
) -> None:
    engine = open_engine(any_code_policy("restricted", _SLACK))
    outcome, worked, passed = _timed(engine, entry, 200_000)
    assert outcome.ok, outcome.describe()
    assert worked < 0.2 * passed + 0.05


@pytest.mark.parametrize(("entry", "number"), [("by_byte", 100_000), ("integers", 4_000_000), ("sockets", 5_000)])
def test_what_the_host_does_for_a_run_is_on_its_budget(
    open_engine: Callable[[str], Engine], any_code_policy: AnyCodePolicy, entry: str, number: int
) -> None:
    engine = open_engine(any_code_policy("restricted", _SLACK))
    outcome, worked, _passed = _timed(engine, entry, number)
    assert outcome.ok, outcome.describe()
    assert outcome.usage.cpu_ms > 0.8 * worked * 1e3


def test_a_result_that_costs_the_host_more_than_the_budget_is_not_decoded(
    open_engine: Callable[[str], Engine], any_code_policy: AnyCodePolicy
) -> None:
    tight = 'wall = "60s"\ncpu = "60ms"\nmemory = "512MiB"\nresult = "8MiB"'
    outcome, worked, _passed = _timed(open_engine(any_code_policy("restricted", tight)), "integers", 4_000_000)
    assert (outcome.status, outcome.cause) == (Status.LIMIT, "cpu"), outcome.describe()
    assert worked < 1.0
