"""Causes that are easily taken for one another: each run is reported for what it is."""

from collections.abc import Iterator

import pytest

from poet_engine.job import Job
from poet_engine.outcome import Outcome, Status
from poet_engine.policy import Policy
from poet_engine.sandbox import cgroup
from poet_engine.sandbox.process import ProcessSandbox

pytestmark = pytest.mark.sandbox

_POLICY = """
[limits]
wall = "5s"
cpu = "500ms"
memory = "48MiB"
processes = 4
threads = 4
"""


@pytest.fixture(scope="module")
def sandbox() -> Iterator[ProcessSandbox]:
    with ProcessSandbox(Policy.parse(_POLICY)) as opened:
        yield opened


@pytest.fixture
def counted() -> None:
    if cgroup.find() is None:
        pytest.skip("without a cgroup nothing counts what children use")


def _run(sandbox: ProcessSandbox, body: str, wall: float | None = None) -> Outcome:
    indented = body.replace("\n", "\n    ")
    source = f"import os, signal, sys, threading, time\ndef deed():\n    {indented}\n"
    return sandbox.run(Job(source=source, entry="deed", wall=wall))


_CHILD_HOARDS = """
pid = os.fork()
if pid == 0:
    import mmap
    hoard = mmap.mmap(-1, 128 << 20, flags=mmap.MAP_SHARED | mmap.MAP_ANONYMOUS)
    for at in range(0, len(hoard), 4096):
        hoard[at] = 1
    os._exit(0)
_pid, status = os.waitpid(pid, 0)
"""


@pytest.mark.usefixtures("counted")
def test_memory_of_a_child_is_told_beside_the_value_of_its_parent(sandbox: ProcessSandbox) -> None:
    outcome = _run(sandbox, f"{_CHILD_HOARDS}return os.WTERMSIG(status)")
    assert (outcome.status, outcome.value, outcome.limits_hit) == (Status.OK, 9, ("memory",))


@pytest.mark.usefixtures("counted")
def test_memory_of_a_child_explains_the_parents_own_kill(sandbox: ProcessSandbox) -> None:
    outcome = _run(sandbox, f"{_CHILD_HOARDS}os.kill(os.getpid(), 9)")
    assert (outcome.status, outcome.cause, outcome.limits_hit) == (Status.LIMIT, "memory", ("memory",))


def test_a_kill_of_its_own_without_any_budget_touched_is_a_crash(sandbox: ProcessSandbox) -> None:
    """The control of the one above."""
    outcome = _run(sandbox, "os.kill(os.getpid(), 9)")
    assert (outcome.status, outcome.cause, outcome.limits_hit) == (Status.CRASH, "signal:SIGKILL", ())


@pytest.mark.usefixtures("counted")
def test_cpu_of_many_short_processes_adds_up(sandbox: ProcessSandbox) -> None:
    child = "    if pid == 0:\n        sum(range(10**6))\n        os._exit(0)\n"
    outcome = _run(sandbox, f"while True:\n    pid = os.fork()\n{child}    os.waitpid(pid, 0)")
    assert (outcome.status, outcome.cause) == (Status.LIMIT, "cpu")
    assert outcome.usage.cpu_ms < 1000


@pytest.mark.parametrize("deed", ["signal.SIG_IGN", "lambda *_: None"])
def test_a_caught_signal_does_not_buy_time(sandbox: ProcessSandbox, deed: str) -> None:
    outcome = _run(sandbox, f"signal.signal(signal.SIGXCPU, {deed})\nwhile True: pass")
    assert (outcome.status, outcome.cause) == (Status.LIMIT, "cpu")


def test_one_long_call_into_c_is_stopped_as_a_loop_is(sandbox: ProcessSandbox) -> None:
    outcome = _run(sandbox, "return sum(range(10**18))")
    assert (outcome.status, outcome.cause) == (Status.LIMIT, "cpu")


def test_a_catastrophe_of_a_regular_expression_is_cpu(sandbox: ProcessSandbox) -> None:
    outcome = _run(sandbox, "import re\nreturn re.match(r'(a+)+$', 'a' * 60 + 'b')")
    assert (outcome.status, outcome.cause) == (Status.LIMIT, "cpu")


def test_a_sleeper_is_wall_and_not_cpu(sandbox: ProcessSandbox) -> None:
    outcome = _run(sandbox, "time.sleep(60)", wall=0.3)
    assert (outcome.status, outcome.cause, outcome.limits_hit) == (Status.LIMIT, "wall", ("wall",))
    assert outcome.usage.cpu_ms < 250


def test_half_sleep_half_work_is_wall(sandbox: ProcessSandbox) -> None:
    body = (
        "while True:\n    end = time.monotonic() + 0.01\n    while time.monotonic() < end: pass\n    time.sleep(0.03)"
    )
    outcome = _run(sandbox, body, wall=0.6)
    assert (outcome.status, outcome.cause) == (Status.LIMIT, "wall")


def test_a_deadlock_is_wall(sandbox: ProcessSandbox) -> None:
    outcome = _run(sandbox, "lock = threading.Lock()\nlock.acquire()\nlock.acquire()", wall=0.3)
    assert (outcome.status, outcome.cause) == (Status.LIMIT, "wall")


def test_a_process_that_stops_itself_is_wall(sandbox: ProcessSandbox) -> None:
    outcome = _run(sandbox, "os.kill(os.getpid(), signal.SIGSTOP)", wall=0.3)
    assert (outcome.status, outcome.cause) == (Status.LIMIT, "wall")


def test_a_survived_memory_error_leaves_the_value(sandbox: ProcessSandbox) -> None:
    outcome = _run(sandbox, "try:\n    bytearray(1 << 40)\nexcept MemoryError:\n    return 'survived'")
    assert (outcome.status, outcome.value) == (Status.OK, "survived")


def test_an_exit_code_of_137_is_only_an_exit_code(sandbox: ProcessSandbox) -> None:
    outcome = _run(sandbox, "os._exit(137)")
    assert (outcome.status, outcome.cause, outcome.exit_code) == (Status.ERROR, "nonzero_exit", 137)


def test_a_missing_file_is_an_error_and_no_violation(sandbox: ProcessSandbox) -> None:
    outcome = _run(sandbox, "open('/etc/shadow')")
    assert (outcome.status, outcome.cause) == (Status.ERROR, "exception")
    assert outcome.error is not None
    assert outcome.error.type == "FileNotFoundError"


def test_a_result_and_then_an_endless_thread_is_the_result(sandbox: ProcessSandbox) -> None:
    body = "def spin():\n    while True: pass\nthreading.Thread(target=spin).start()\nreturn 'value'"
    outcome = _run(sandbox, body)
    assert (outcome.status, outcome.value) == (Status.OK, "value")
    assert _run(sandbox, "return 'next'").value == "next"


def test_an_exception_and_then_an_endless_thread_is_the_exception(sandbox: ProcessSandbox) -> None:
    body = "def spin():\n    while True: pass\nthreading.Thread(target=spin).start()\nraise KeyError('x')"
    outcome = _run(sandbox, body)
    assert (outcome.status, outcome.cause) == (Status.ERROR, "exception")


def test_daemons_left_behind_are_counted_and_gone(sandbox: ProcessSandbox) -> None:
    body = "if os.fork() == 0:\n    time.sleep(60)\nraise ValueError('left one')"
    outcome = _run(sandbox, body)
    assert (outcome.cause, outcome.leftovers) == ("exception", 1)
    assert _run(sandbox, "return 'next'").value == "next"


def test_where_cpu_and_wall_end_together_a_loop_is_cpu() -> None:
    policy = Policy.parse('[limits]\nwall = "500ms"\ncpu = "500ms"\n')
    with ProcessSandbox(policy) as tied:
        outcomes = [tied.run(Job(source="def f():\n    while True: pass\n", entry="f")) for _ in range(5)]
    causes = {(outcome.status, outcome.cause) for outcome in outcomes if outcome.usage.cpu_ms >= 475}
    assert causes <= {(Status.LIMIT, "cpu")}
    assert {outcome.cause for outcome in outcomes} <= {"cpu", "wall"}
