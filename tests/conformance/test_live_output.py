"""Output while the code runs, in every sandbox that runs code."""

import dataclasses
import threading
import time
from typing import TYPE_CHECKING

from poet_engine.job import Job, Script
from poet_engine.outcome import Status
from poet_engine.policy import Policy
from poet_engine.sandbox.base import Sandbox

if TYPE_CHECKING:
    from tests.conformance.conftest import Open

WALL = 2.0  # seconds, which are also the most that a call waits for its container
SOON = 0.1  # seconds after which a line that was flushed has been seen
PRINTING = """
import sys, time

def main():
    print("first")
    print("to err", file=sys.stderr)
    print("half", end="", flush=True)
    time.sleep(0.5)
    print(" and half")
    sys.stdout.buffer.write("grüße \\N{SNOWMAN}".encode() + b"\\xff")
    return 7

if __name__ == "__main__":
    main()
"""
PRINTED = "first\nhalf and half\ngrüße \N{SNOWMAN}\N{REPLACEMENT CHARACTER}"


class Told:
    """Keeps what a callback is given, and when."""

    def __init__(self) -> None:
        self.pieces: list[tuple[str, str]] = []
        self.times: list[float] = []

    def __call__(self, stream: str, text: str) -> None:
        self.pieces.append((stream, text))
        self.times.append(time.clock_gettime(0))

    def text(self, stream: str) -> str:
        return "".join(text for name, text in self.pieces if name == stream)


def test_a_function_is_heard_while_it_runs(real: Sandbox) -> None:
    told = Told()
    outcome = real.run(Job(source=PRINTING, entry="main", on_output=told))
    end = time.clock_gettime(time.CLOCK_REALTIME)
    assert (outcome.status, outcome.value) == (Status.OK, 7)
    assert (outcome.stdout, outcome.stderr) == (PRINTED, "to err\n")
    assert (told.text("stdout"), told.text("stderr")) == (PRINTED, "to err\n")
    assert told.times[0] < end - 0.4  # the first line came before the code slept


def test_a_script_is_heard_while_it_runs(real: Sandbox) -> None:
    told = Told()
    outcome = real.run_script(Script(source=PRINTING, on_output=told))
    end = time.clock_gettime(time.CLOCK_REALTIME)
    assert (outcome.status, outcome.stdout) == (Status.OK, PRINTED)
    assert (told.text("stdout"), told.text("stderr")) == (PRINTED, "to err\n")
    assert told.times[0] < end - 0.4


def test_a_line_is_seen_soon_after_it_was_printed(real: Sandbox, pace: int) -> None:
    """By the clock of the day, which gVisor shares; the fastest of several, as a busy machine is slow at times."""
    body = "    for _ in range(5):\n        print(time.time())\n        time.sleep(0.05)\n"
    source = f"import time\ndef f():\n{body}"
    told = Told()
    outcome = real.run(Job(source=source, entry="f", on_output=told))
    assert outcome.ok
    delays = [
        seen - float(line)
        for (_stream, text), seen in zip(told.pieces, told.times, strict=True)
        for line in text.splitlines()
    ]
    assert len(delays) == 5
    assert min(delays) < SOON * pace


def test_it_is_capped_as_the_outcome_is(real: Sandbox) -> None:
    told = Told()
    source = "import sys\ndef f():\n    sys.stderr.write('e' * 1000)\n    while True:\n        print('x' * 999)\n"
    outcome = real.run(Job(source=source, entry="f", on_output=told))
    assert (str(outcome.status), outcome.cause, outcome.stdout_truncated) == ("limit", "output", True)
    assert (told.text("stdout"), told.text("stderr")) == (outcome.stdout, outcome.stderr)
    assert len(outcome.stdout) + len(outcome.stderr) == 64 << 10


def test_what_a_killed_call_had_printed_is_told(real: Sandbox) -> None:
    told = Told()
    source = "def f():\n    print('line')\n    print('part', end='')\n    while True: pass\n"
    outcome = real.run(Job(source=source, entry="f", wall=WALL, on_output=told))
    assert (str(outcome.status), outcome.stdout) == ("limit", "line\npart")
    assert told.text("stdout") == outcome.stdout


def test_a_callback_that_waits_delays_neither_the_kill_nor_the_counting(real: Sandbox, pace: int) -> None:
    may_go_on = threading.Event()
    told = Told()

    def slow(stream: str, text: str) -> None:
        may_go_on.wait((WALL + 1.5) * pace)
        told(stream, text)

    source = "def f():\n    print('begun')\n    while True: pass\n"
    outcome = real.run(Job(source=source, entry="f", wall=WALL, on_output=slow))
    assert (str(outcome.status), outcome.stdout) == ("limit", "begun\n")
    assert outcome.usage.wall_ms < (WALL + 1) * 1000 * pace
    assert told.text("stdout") == "begun\n"


def test_a_callback_that_raises_changes_no_outcome(real: Sandbox) -> None:
    def broken(_stream: str, _text: str) -> None:
        raise ValueError("the caller's own")

    outcome = real.run(Job(source=PRINTING, entry="main", on_output=broken))
    assert (outcome.status, outcome.value, outcome.stdout) == (Status.OK, 7, PRINTED)


def test_standard_output_is_in_lines_only_while_somebody_reads_along(open_real: "Open", policy: Policy) -> None:
    """A payload that is kept serves callers of both kinds."""
    source = "import sys\ndef f():\n    print('x')\n    return sys.stdout.line_buffering, sys.stdout.isatty()\n"
    job = Job(source=source, entry="f")
    kept = Policy.parse('[isolation]\nfresh = "none"\n')
    for one in (policy, kept):
        with open_real(one) as sandbox:
            for on_output in (None, Told(), Told(), None):
                outcome = sandbox.run(dataclasses.replace(job, on_output=on_output))
                assert (outcome.value, outcome.stdout) == ((on_output is not None, False), "x\n")
