"""Code that never ends: it is stopped by the CPU budget, or by the clock when it sleeps."""

from typing import TYPE_CHECKING

import pytest

from poet_engine.outcome import Blame, Status

if TYPE_CHECKING:
    from tests.security.conftest import Everywhere

BUSY: dict[str, str] = {
    "plain": "while True: pass",
    "one call into C": "sum(range(10**18))",
    "a regular expression": "import re; re.match('(a+)+$', 'a' * 64 + 'b')",
    "catching everything": "while True:\n    try:\n        while True: pass\n    except BaseException: pass",
    "ignoring signals": (
        "import signal\nfor n in set(signal.Signals) - {signal.SIGKILL, signal.SIGSTOP}:\n"
        "    signal.signal(n, signal.SIG_IGN)\nwhile True: pass"
    ),
    "in several threads": (
        "import threading\ndef burn():\n    while True: pass\n"
        "for _ in range(3): threading.Thread(target=burn).start()\nburn()"
    ),
    "while it unwinds": "class Sticky:\n    def __del__(self):\n        while True: pass\nSticky()",
    "as the text of an exception": "class Odd(Exception):\n    def __str__(self):\n        while True: pass\nraise Odd",
}


@pytest.mark.parametrize("body", BUSY.values(), ids=BUSY)
def test_a_busy_loop_is_stopped_by_its_cpu_budget(everywhere: "Everywhere", pace: int, body: str) -> None:
    outcome = everywhere(body)

    assert outcome.stdout == "reached\n"
    assert (outcome.status, outcome.cause, outcome.blame) == (Status.LIMIT, "cpu", Blame.CODE)
    assert outcome.evidence is not None
    counted = (outcome.evidence.counter, outcome.evidence.limit, outcome.evidence.source)
    assert counted == ("cpu_ms", 300.0 * pace, "kernel")
    assert isinstance(outcome.evidence.value, float)
    assert 285 * pace <= outcome.evidence.value < 1000 * pace
    assert outcome.limits_hit == ("cpu",)
    assert outcome.signal == "SIGKILL"


def test_control_the_same_loop_goes_on_where_the_budget_is_larger(everywhere: "Everywhere", pace: int) -> None:
    """It burns twice the budget that stopped it above, and ends by itself."""
    body = "end = time.process_time() + args[0]\nwhile time.process_time() < end: pass\nreturn 'burnt'"

    assert everywhere(body, 0.6 * pace, cpu='"3s"').value == "burnt"
    assert everywhere(body, 0.6 * pace).cause == "cpu"


SLEEPING: dict[str, str] = {
    "sleep": "time.sleep(60)",
    "a pipe that nobody writes to": "reading, _ = os.pipe(); os.read(reading, 1)",
    "a lock": "import threading; lock = threading.Lock(); lock.acquire(); lock.acquire()",
    "stopping itself": "import signal; os.kill(os.getpid(), signal.SIGSTOP)",
    "closing everything first": "os.closerange(0, 100); time.sleep(60)",
    "a thread that is waited for": (
        "import threading; threading.Thread(target=time.sleep, args=(60,)).start(); threading._shutdown()"
    ),
}


@pytest.mark.parametrize("body", SLEEPING.values(), ids=SLEEPING)
def test_a_sleeper_is_stopped_by_the_clock(everywhere: "Everywhere", pace: int, body: str) -> None:
    outcome = everywhere(body, wall='"400ms"')

    assert outcome.stdout == "reached\n"
    assert (outcome.status, outcome.cause, outcome.blame) == (Status.LIMIT, "wall", Blame.CODE)
    assert outcome.evidence is not None
    counted = (outcome.evidence.counter, outcome.evidence.limit, outcome.evidence.source)
    assert counted == ("wall_ms", 400.0 * pace, "supervisor")
    assert outcome.usage.cpu_ms < 285 * pace


def test_control_a_sleep_within_the_clock_ends_by_itself(everywhere: "Everywhere", pace: int) -> None:
    assert everywhere("time.sleep(args[0]); return 'slept'", 0.5 * pace).value == "slept"


def test_after_any_of_them_the_sandbox_serves_the_next_call(everywhere: "Everywhere") -> None:
    assert everywhere("while True: pass").cause == "cpu"
    assert everywhere("return 'served'").value == "served"


def test_children_share_the_cpu_budget_of_the_call(everywhere: "Everywhere", sees: frozenset[str]) -> None:
    """Work that is split over many short-lived processes is counted by the cgroup; a limit of the kernel counts one."""
    if "counters" not in sees:
        pytest.skip("without a cgroup only the payload's own process is counted; docs/threat-model.md says so")
    body = (
        "def burn():\n    end = time.process_time() + 0.1\n    while time.process_time() < end: pass\n"
        "while True:\n    pid = os.fork()\n    if not pid: burn(); os._exit(0)\n    os.waitpid(pid, 0)"
    )

    outcome = everywhere(body, processes="2")

    assert outcome.stdout == "reached\n"
    assert (outcome.status, outcome.cause) == (Status.LIMIT, "cpu")
