"""What a call gives back: values, exceptions, output, usage, and every status that code can reach."""

import datetime as dt
import decimal
import gc
import math
import os
import textwrap
import uuid
import weakref
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from poet_engine.errors import (
    CrashError,
    GuestError,
    InputRefused,
    LimitError,
    NoResultError,
    OutcomeError,
    SerializationError,
    ViolationError,
)
from poet_engine.job import Job
from poet_engine.outcome import Blame, Outcome, Status
from poet_engine.policy import Policy
from poet_engine.sandbox.base import Sandbox
from poet_engine.sandbox.verdict import TABLE

if TYPE_CHECKING:
    from tests.conformance.conftest import Caller, Differs, Open


VALUES: list[object] = [
    *(None, True, 0, -1, 2**64, -(10**5000), 0.1, math.inf, -math.inf, "", "grüße \N{SNOWMAN}", b"\x00\xff", 1 + 2j),
    *([], {}, (), set(), [1, [2, [3]]], {"a": {"b": (1, 2)}}, {1: "one", (2, 3): "pair"}, {"~": "a tag's key"}),
    *({1, 2}, frozenset({"x"}), bytearray(b"abc")),
    *(dt.datetime(2024, 2, 29, 12, tzinfo=dt.UTC), dt.date(2024, 2, 29), dt.time(1, 2, 3), dt.timedelta(-1, 5)),
    *(decimal.Decimal("1.10"), uuid.UUID(int=7)),
]


@pytest.mark.parametrize(
    "value",
    VALUES,
    ids=lambda value: type(value).__name__,
)
def test_a_value_is_the_same_after_the_way_in_and_out(call: "Caller", value: object) -> None:
    outcome = call("return args[0], kwargs['again'], type(args[0]).__name__", value, again=value)

    assert outcome.unwrap() == (value, value, type(value).__name__)


LARGE = [size + more for size in (1 << 16, 1 << 17) for more in (-1, 0, 1)]


@pytest.mark.parametrize("size", LARGE)
@pytest.mark.parametrize("kind", [bytes, bytearray])
def test_large_bytes_are_the_same_after_the_way_in_and_out(
    call: "Caller", kind: type[bytes] | type[bytearray], size: int
) -> None:
    """However they travel: below the size from which they stay out of the frame, and from it on."""
    value = kind(os.urandom(size))

    outcome = call(
        "return args[0], type(kwargs['again'][0]).__name__, args[0] == kwargs['again'][0]", value, again=[value]
    )

    assert outcome.unwrap() == (value, kind.__name__, True)


def test_what_the_code_does_to_a_large_argument_does_not_happen_to_the_callers(call: "Caller") -> None:
    value = bytearray(b"a" * (1 << 17))

    outcome = call("args[0][:1] = b'b'\nargs[0].append(1)\nreturn args[0]", value)

    assert outcome.unwrap() == bytearray(b"b" + b"a" * ((1 << 17) - 1) + b"\1")
    assert value == b"a" * (1 << 17)


@pytest.mark.parametrize("sizes", [[1 << 18], [1 << 17, 1 << 17], [200_000, 200_000], [1 << 20]])
def test_large_results_count_together_with_the_frame(call: "Caller", sizes: list[int]) -> None:
    outcome = call("return [b'x' * size for size in args[0]]", sizes)

    assert (outcome.status, outcome.cause, outcome.blame) == (Status.LIMIT, "result_size", Blame.CODE)
    assert outcome.evidence is not None
    assert isinstance(outcome.evidence.value, int)
    assert outcome.evidence.value > (256 << 10) == outcome.evidence.limit


def test_arguments_larger_than_the_memory_are_refused_before_anything_runs(call: "Caller") -> None:
    with pytest.raises(SerializationError, match=r"limits\.memory is 67108864") as caught:
        call("return 1", 1, rows=[bytes(65 << 20)])

    assert caught.value.where == "argument 'rows'[0]"


def test_arguments_that_leave_no_room_to_work_are_a_limit_of_memory(call: "Caller") -> None:
    """They count in full, once."""
    value = bytes(40 << 20)

    outcome = call("return len(args[0] + args[0])", value)

    assert (outcome.status, outcome.cause, outcome.blame) == (Status.LIMIT, "memory", Blame.CODE)
    assert call("return len(args[0])", value).value == len(value)


def test_not_a_number_travels(call: "Caller") -> None:
    value = call("return args[0]", math.nan).unwrap()

    assert isinstance(value, float)
    assert math.isnan(value)


def test_keywords_arrive_by_name(call: "Caller") -> None:
    assert call("return args, kwargs", 1, b=2, a=3).unwrap() == ((1,), {"b": 2, "a": 3})


def test_a_coroutine_function_is_awaited(real: Sandbox) -> None:
    source = "import asyncio\nasync def entry(x):\n    await asyncio.sleep(0)\n    return x + 1\n"

    assert real.run(Job(source=source, entry="entry", args=(1,))).unwrap() == 2


def test_an_exception_tells_type_message_and_the_line_of_the_source(call: "Caller") -> None:
    outcome = call("factor = 0\nreturn args[0] / factor  # the culprit", 1)

    assert (outcome.status, outcome.cause, outcome.blame) == (Status.ERROR, "exception", Blame.CODE)
    assert outcome.error is not None
    assert (outcome.error.type, outcome.error.message) == ("ZeroDivisionError", "division by zero")
    assert 'File "made/up.py", line 5, in entry' in outcome.error.traceback
    assert "return args[0] / factor  # the culprit" in outcome.error.traceback
    assert "payload.py" not in outcome.error.traceback
    with pytest.raises(GuestError, match="division by zero") as raised:
        outcome.unwrap()
    assert raised.value.outcome is outcome


def test_an_exception_of_the_codes_own_class_is_text_on_this_side(call: "Caller") -> None:
    outcome = call("class Odd(Exception):\n    def __str__(self): return 'x' * 10**6\nraise Odd")

    assert outcome.error is not None
    assert outcome.error.type == "Odd"
    assert len(outcome.error.message) <= 1 << 16


def test_an_exception_whose_text_raises_is_still_an_exception(call: "Caller") -> None:
    outcome = call("class Odd(Exception):\n    def __str__(self): raise ValueError\nraise Odd")

    assert (outcome.status, outcome.cause) == (Status.ERROR, "exception")


def test_a_source_that_cannot_be_parsed_is_an_error_with_its_line(real: Sandbox) -> None:
    outcome = real.run(Job(source="def entry(:\n", entry="entry", filename="made/up.py"))

    assert outcome.error is not None
    assert outcome.error.type == "SyntaxError"
    assert "line 1" in outcome.error.message + outcome.error.traceback


def test_a_missing_entry_says_what_there_is(real: Sandbox) -> None:
    outcome = real.run(Job(source="def other():\n    pass\n", entry="entry"))

    assert outcome.error is not None
    assert "'entry'" in outcome.error.message
    assert "other" in outcome.error.message


def test_what_is_printed_is_kept_apart_and_counted(call: "Caller") -> None:
    outcome = call("print('out'); print('err', file=sys.stderr); os.write(1, b'\\xff'); return 1")

    assert outcome.value == 1
    assert sorted(outcome.stdout) == sorted("out\n\N{REPLACEMENT CHARACTER}")
    assert outcome.stderr == "err\n"
    assert outcome.usage.bytes_out == 9
    assert not outcome.stdout_truncated
    assert not outcome.stderr_truncated


def test_what_was_printed_before_an_exception_is_there(call: "Caller") -> None:
    outcome = call("print('before'); raise KeyError('k')")

    assert (outcome.stdout, outcome.status) == ("before\n", Status.ERROR)


def test_output_over_the_cap_ends_the_run_and_is_flagged(call: "Caller") -> None:
    outcome = call("while True: print('x' * 999)")

    assert (outcome.status, outcome.cause) == (Status.LIMIT, "output")
    assert len(outcome.stdout) == 64 << 10
    assert outcome.stdout_truncated
    assert not outcome.stderr_truncated


def test_output_just_under_the_cap_is_whole(call: "Caller") -> None:
    outcome = call("sys.stdout.write('x' * (64 << 10)); return 'done'")

    assert (outcome.value, len(outcome.stdout), outcome.stdout_truncated) == ("done", 64 << 10, False)


REACHABLE: list[tuple[str, str, str, type[OutcomeError]]] = [
    ("raise InputRefused('rate', 'must be positive')", "refused", "input", InputRefused),
    ("raise ValueError('v')", "error", "exception", GuestError),
    ("os._exit(3)", "error", "nonzero_exit", GuestError),
    ("sys.exit('bye')", "error", "nonzero_exit", GuestError),
    ("while True: pass", "limit", "cpu", LimitError),
    ("import time; time.sleep(60)", "limit", "wall", LimitError),
    ("hold = bytearray(1 << 40)", "limit", "memory", LimitError),
    ("while True: os.fork()", "limit", "tasks", LimitError),
    ("print('x' * (1 << 17))", "limit", "output", LimitError),
    ("for n in range(9): open(f'/tmp/{n}', 'wb', 0).write(bytes(1 << 20))", "limit", "disk", LimitError),
    ("for n in range(99): open(f'/tmp/{n}', 'wb').close()", "limit", "inodes", LimitError),
    ("with open('/tmp/f', 'wb', 0) as f:\n    while True: f.write(bytes(1 << 20))", "limit", "file_size", LimitError),
    ("hold = [open('/dev/null') for _ in range(99)]", "limit", "fds", LimitError),
    ("def deeper(): deeper()\ndeeper()", "limit", "recursion", LimitError),
    ("return 'x' * (1 << 19)", "limit", "result_size", LimitError),
    ("os.kill(os.getpid(), 11)", "crash", "signal:SIGSEGV", CrashError),
    ("os.execv('/bin/true', ['true'])", "violation", "seccomp:execve", ViolationError),
    ("import socket; socket.socket()", "violation", "network", ViolationError),
    ("os.setuid(0)", "violation", "priv", ViolationError),
    ("os._exit(0)", "no_result", "early_exit", NoResultError),
    ("return object()", "no_result", "result_undecodable", NoResultError),
]


@pytest.mark.parametrize(
    ("body", "status", "cause", "error"), REACHABLE, ids=[f"{row[1]}/{row[2]}" for row in REACHABLE]
)
def test_each_status_and_cause_is_reached_with_evidence_and_blame(
    call: "Caller", differs: "Differs", *, body: str, status: str, cause: str, error: type[OutcomeError]
) -> None:
    outcome = call(f"print('reached', flush=True)\n{body}")

    assert outcome.stdout.startswith("reached\n")
    if cause == "inodes" and differs("inodes"):
        assert outcome.ok
        return
    if cause == "network" and differs("denied calls"):
        status, cause, error = "error", "exception", GuestError
    elif status == "violation" and differs("named system calls"):
        cause = "seccomp:unknown"
    assert (str(outcome.status), outcome.cause) == (status, cause)
    assert outcome.evidence is not None
    published = {(row.status, row.cause): row.blame for row in TABLE}
    family = {Status.CRASH: "signal:NAME", Status.VIOLATION: "seccomp:SYSCALL"}.get(outcome.status, cause)
    assert outcome.blame is published.get((outcome.status, cause), published.get((outcome.status, family)))
    assert (cause in outcome.limits_hit) is (status == "limit")
    with pytest.raises(error):
        outcome.unwrap()


def test_a_refusal_names_argument_and_rule(call: "Caller") -> None:
    outcome = call("raise InputRefused('rate', 'must be positive')")

    assert outcome.blame is Blame.CALLER
    assert outcome.evidence is not None
    assert (outcome.evidence.counter, outcome.evidence.value) == ("rate", "must be positive")


def test_exceptions_that_only_sound_like_a_budget_are_errors(call: "Caller") -> None:
    """Naming a budget in a `raise` is not using it up."""
    for body in (
        "raise MemoryError('no more')",
        "raise RecursionError",
        "raise OSError(28, 'full')",
        "raise OSError(11, '')",
    ):
        outcome = call(body)
        assert (outcome.status, outcome.cause) == (Status.ERROR, "exception"), body


def test_a_budget_that_was_touched_and_survived_is_told_beside_the_value(call: "Caller", differs: "Differs") -> None:
    outcome = call("try: os.fork()\nexcept OSError as error: return error.errno")

    told = () if differs("refused tasks") else ("tasks",)
    assert (outcome.status, outcome.value, outcome.limits_hit) == (Status.OK, 11, told)


def test_a_shorter_wall_of_the_job_counts(real: Sandbox) -> None:
    """It bounds the wait for a lane as well; the first call is there for a container that serves this version."""
    source = "import time\ndef entry():\n    time.sleep(60)\ndef first():\n    pass\n"
    assert real.run(Job(source=source, entry="first")).ok

    outcome = real.run(Job(source=source, entry="entry", wall=0.5))

    assert (outcome.status, outcome.cause) == (Status.LIMIT, "wall")
    assert outcome.evidence is not None
    assert outcome.evidence.limit == 500.0


def test_usage_says_what_the_call_used(call: "Caller") -> None:
    outcome = call(
        "import time\nend = time.process_time() + 0.1\nwhile time.process_time() < end: pass\n"
        "time.sleep(0.1)\nprint('x')"
    )

    assert outcome.usage.cpu_ms >= 100
    assert outcome.usage.wall_ms >= 100
    assert outcome.usage.bytes_out == 2


def test_the_peak_of_one_call_is_not_the_next_ones(call: "Caller", differs: "Differs") -> None:
    big = call("hold = bytearray(b'x') * (32 << 20)\nreturn len(hold)")
    small = call("return 1")

    if differs("memory"):
        assert big.usage.memory_peak_bytes is None
        return
    if big.usage.memory_peak_bytes is None or small.usage.memory_peak_bytes is None:
        pytest.skip("nothing counts memory here")
    assert big.usage.memory_peak_bytes > 30 << 20
    assert small.usage.memory_peak_bytes < 16 << 20


def test_threads_are_counted_where_something_counts_tasks(
    open_real: "Open", policy: Policy, differs: "Differs", sandbox_kind: str
) -> None:
    """Four that run at once, for longer than one look at the counters takes, where no earlier call had more."""
    body = """
        import threading, time
        threads = [threading.Thread(target=time.sleep, args=(0.5,)) for _ in range(4)]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
    """
    lines = textwrap.indent(textwrap.dedent(body).strip(), "    ")
    with open_real(policy) as sandbox:
        outcome = sandbox.run(Job(source=f"def entry():\n{lines}\n", entry="entry"))

    assert outcome.status is Status.OK, outcome.describe()
    if differs("refused tasks"):
        assert outcome.usage.tasks_peak is None
        return
    if outcome.usage.tasks_peak is None:
        pytest.skip("no cgroup counts tasks here")
    # The run's own init and the payload are beside them. What starts a container has as many threads for a moment, and
    # the kernel's peak cannot be forgotten: there it is what was seen, which may be before the threads and after them.
    assert outcome.usage.tasks_peak >= (6 if sandbox_kind == "process" else 2)


def test_random_numbers_differ_between_calls(call: "Caller") -> None:
    body = (
        "import random, tempfile, uuid\n"
        "return random.random(), next(tempfile._get_candidate_names()), str(uuid.uuid4())"
    )

    drawn = [call(body).unwrap() for _ in range(6)]

    assert all(len({str(draw[at]) for draw in drawn if isinstance(draw, tuple)}) == 6 for at in range(3))


def test_a_call_does_not_see_the_files_of_the_one_before(call: "Caller") -> None:
    body = (
        "seen = os.listdir('/tmp') + os.listdir('/dev/shm')\n"
        "for folder in ('/tmp', '/dev/shm'): open(folder + '/left', 'w').close()\n"
        "return seen"
    )

    assert [call(body).unwrap() for _ in range(6)] == [[]] * 6


def test_a_call_does_not_see_what_the_one_before_changed_in_the_interpreter(call: "Caller") -> None:
    body = "import math\nseen = getattr(math, 'mark', None)\nmath.mark = 1\nsys.setrecursionlimit(50)\nreturn seen"

    assert [call(body).unwrap() for _ in range(6)] == [None] * 6


def test_the_environment_is_the_sandboxs_own(call: "Caller") -> None:
    """Nothing that is set here is set there, whatever it is called."""
    names = call("return sorted(os.environ)").unwrap()

    assert isinstance(names, list)
    assert "PATH" in names
    assert set(names) - {"LC_CTYPE"} <= {
        *("HOME", "LANG", "MALLOC_ARENA_MAX", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS"),
        *("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "PATH", "TZ"),
    }


def test_no_descriptor_of_the_host_is_inherited(call: "Caller") -> None:
    """Standard input, both outputs, the request's socket and the file for large results, however high its number."""
    hold = os.open("/dev/null", os.O_RDONLY)
    os.set_inheritable(hold, True)
    body = (
        "found = []\nfor fd in (*range(4096), *range(61440, 65536)):\n"
        "    try: os.fstat(fd)\n    except OSError: continue\n    found.append(fd)\n"
        "import stat\nlast = os.fstat(found.pop())\n"
        "return found, stat.S_ISCHR(os.fstat(0).st_mode), os.read(0, 10), stat.S_ISREG(last.st_mode), last.st_size"
    )
    try:
        assert call(body).unwrap() == ([0, 1, 2, 3], True, b"", True, 256 << 10)
    finally:
        os.close(hold)


def test_hostile_and_good_calls_side_by_side_do_not_disturb_each_other(real: Sandbox) -> None:
    source = (
        "import os\ndef good(n):\n    return n * n\n"
        "def bad(n):\n    os.write(2, b'x' * 1000)\n    os.kill(os.getpid(), 9)\n"
    )

    def run(number: int) -> Outcome:
        return real.run(Job(source=source, entry="bad" if number % 3 == 0 else "good", args=(number,)))

    with ThreadPoolExecutor(6) as threads:
        outcomes = list(threads.map(run, range(48)))

    assert [outcome.value for number, outcome in enumerate(outcomes) if number % 3] == [
        number * number for number in range(48) if number % 3
    ]
    assert {(outcome.cause, outcome.stderr) for outcome in outcomes[::3]} == {("signal:SIGKILL", "x" * 1000)}


def test_a_value_goes_with_its_last_reference(real: Sandbox) -> None:
    """And does not wait, with megabytes, until garbage is collected."""
    outcome: Outcome | None = real.run(Job(source="def f():\n    return {1, 2}\n", entry="f"))
    assert outcome is not None
    assert isinstance(outcome.value, set)
    value = weakref.ref(outcome.value)
    gc.disable()
    try:
        outcome = None
        assert value() is None
    finally:
        gc.enable()
