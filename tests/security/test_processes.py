"""Code that hides behind its processes and threads: whoever works, sleeps or stays is counted, ended and told."""

import errno
from typing import TYPE_CHECKING

import pytest

from poet_engine.guest import syscalls
from poet_engine.outcome import Blame, Status

if TYPE_CHECKING:
    from tests.security.conftest import Everywhere, Hostile

BURN = "while True: pass"
# Where a child works, only a cgroup sees it before the wall clock does.
CHILDREN_BURN: dict[str, str] = {
    "a child burns, its parent sleeps": f"if not os.fork():\n    {BURN}\ntime.sleep(60)",
    "a grandchild burns": f"if not os.fork():\n    if not os.fork():\n        {BURN}\n    os._exit(0)\ntime.sleep(60)",
    "a child burns, its parent is stopped": f"if not os.fork():\n    os.kill(os.getppid(), 19)\n    {BURN}\n{BURN}",
    "a child burns that init has for a parent": (
        f"import ctypes\nif not ctypes.CDLL(None).syscall(args[0], 0x8011, 0, 0, 0, 0):\n    {BURN}\ntime.sleep(60)"
    ),
    "a child for each little while": (
        "while True:\n    pid = os.fork()\n    if not pid: sum(range(10**5)); os._exit(0)\n    os.waitpid(pid, 0)"
    ),
}


@pytest.mark.parametrize("body", CHILDREN_BURN.values(), ids=CHILDREN_BURN)
def test_work_of_children_is_on_the_budget_of_the_call(
    everywhere: "Everywhere",
    counted: bool,  # noqa: FBT001 - a fixture
    pace: int,
    sees: frozenset[str],
    body: str,
) -> None:
    if not counted:
        pytest.skip("without a cgroup only the payload's own process is counted; docs/threat-model.md says so")

    outcome = everywhere(body, syscalls.NUMBERS["clone"], processes="3")

    assert outcome.stdout == "reached\n"
    assert (outcome.status, outcome.cause, outcome.blame) == (Status.LIMIT, "cpu", Blame.CODE), outcome.describe()
    # where nobody counts while they run, the clock ends them, and then they are counted: docs/sandboxes.md
    assert outcome.usage.cpu_ms < (1000 if "counters" in sees else 6500) * pace


def test_control_children_within_the_budget_work_to_their_end(everywhere: "Everywhere") -> None:
    body = "pid = os.fork()\nif not pid: sum(range(10**5)); os._exit(7)\nreturn os.waitpid(pid, 0)[1] >> 8"

    assert everywhere(body, processes="3").value == 7


THREADS_BURN: dict[str, str] = {
    "one short thread after another": (
        "import threading\nwhile True:\n    one = threading.Thread(target=int); one.start(); one.join()"
    ),
    "the first thread leaves, another burns": (
        f"import ctypes, threading\ndef burn():\n    {BURN}\nthreading.Thread(target=burn).start()\n"
        "ctypes.CDLL(None).syscall(args[0], 0)"
    ),
    "signals that come all the time": (
        "import signal\nsignal.signal(signal.SIGALRM, lambda *_: None)\n"
        f"signal.setitimer(signal.ITIMER_REAL, 1e-6, 1e-6)\n{BURN}"
    ),
    "SIGXCPU is caught": f"import signal\nsignal.signal(signal.SIGXCPU, lambda *_: None)\n{BURN}",
}


@pytest.mark.parametrize("body", THREADS_BURN.values(), ids=THREADS_BURN)
def test_work_of_threads_is_on_the_budget_of_the_call(everywhere: "Everywhere", body: str) -> None:
    outcome = everywhere(body, syscalls.NUMBERS["exit"])

    assert outcome.stdout == "reached\n"
    assert (outcome.status, outcome.cause, outcome.blame) == (Status.LIMIT, "cpu", Blame.CODE), outcome.describe()


SLEEPERS: dict[str, tuple[str, int]] = {
    "children that sleep": ("for _ in range(3):\n    if not os.fork(): time.sleep(60)\ntime.sleep(60)", 3),
    "the first thread leaves, another sleeps": (
        (
            "import ctypes, threading\nthreading.Thread(target=time.sleep, args=(60,)).start()\n"
            "ctypes.CDLL(None).syscall(args[0], 0)"
        ),
        0,
    ),
    "every signal is ignored": (
        (
            "import signal\nfor number in signal.valid_signals() - {9, 19}:\n"
            "    try: signal.signal(number, signal.SIG_IGN)\n    except OSError: pass\ntime.sleep(60)"
        ),
        0,
    ),
    "every signal is blocked": (
        "import signal\nsignal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())\ntime.sleep(60)",
        0,
    ),
    "a parent that waits for a stopped child": (
        "pid = os.fork()\nif not pid: os.kill(os.getpid(), 19)\nos.waitpid(pid, 0)",
        1,
    ),
}


@pytest.mark.parametrize(("body", "left"), SLEEPERS.values(), ids=SLEEPERS)
def test_whoever_waits_is_ended_by_the_clock_with_all_it_has_started(
    everywhere: "Everywhere", body: str, left: int
) -> None:
    outcome = everywhere(body, syscalls.NUMBERS["exit"], processes="3", wall='"400ms"', cpu='"2s"')

    assert outcome.stdout == "reached\n"
    assert (outcome.status, outcome.cause, outcome.blame) == (Status.LIMIT, "wall", Blame.CODE), outcome.describe()
    assert outcome.leftovers == left


ENDS: dict[str, tuple[str, Status, str]] = {
    "zombies without end": ("while True:\n    if not os.fork(): os._exit(0)", Status.LIMIT, "tasks"),
    "a child kills its parent": (
        "if not os.fork(): os.kill(os.getppid(), 9)\ntime.sleep(60)",
        Status.CRASH,
        "signal:SIGKILL",
    ),
    "another thread ends the process": (
        "import threading\nthreading.Thread(target=os._exit, args=(3,)).start()\ntime.sleep(60)",
        Status.ERROR,
        "nonzero_exit",
    ),
    "a child that init has for a parent stays": (
        "import ctypes\nif not ctypes.CDLL(None).syscall(args[0], 0x8011, 0, 0, 0, 0): time.sleep(60)\nos._exit(0)",
        Status.NO_RESULT,
        "early_exit",
    ),
    "a C stack without end": (
        # the C library's parser calls itself for each bracket; what Python calls is counted, from 3.12 on
        "import ctypes\nctypes.CDLL(None).regcomp(ctypes.create_string_buffer(1024), b'(' * 200000, 1)",
        Status.CRASH,
        "signal:SIGSEGV",
    ),
    "SIGXCPU of its own": ("os.kill(os.getpid(), 24); time.sleep(60)", Status.CRASH, "signal:SIGXCPU"),
    "SIGXFSZ of its own": (
        "import signal\nsignal.signal(25, signal.SIG_DFL)\nos.kill(os.getpid(), 25)",
        Status.CRASH,
        "signal:SIGXFSZ",
    ),
}


@pytest.mark.parametrize(("body", "status", "cause"), ENDS.values(), ids=ENDS)
def test_every_end_is_told_for_what_it_is(everywhere: "Everywhere", body: str, status: Status, cause: str) -> None:
    outcome = everywhere(body, syscalls.NUMBERS["clone"], processes="3", lanes=1)

    assert outcome.stdout == "reached\n"
    assert (outcome.status, outcome.cause, outcome.blame) == (status, cause, Blame.CODE), outcome.describe()
    assert everywhere("return 'next'", processes="3", lanes=1).value == "next"


EPERM, EACCES = errno.EPERM, errno.EACCES
# The deed, and what the kernel says: with the filter, and without it to a process that may raise nothing.
ESCAPES: dict[str, tuple[str, int, object]] = {
    "forget the lane": ("call(libc.prctl(1, 0, 0, 0, 0))", EPERM, "done"),
    "be dumpable": ("call(libc.prctl(4, 1, 0, 0, 0))", EPERM, "done"),
    "adopt orphans": ("call(libc.prctl(36, 1, 0, 0, 0))", EPERM, "done"),
    "a session of its own": ("os.setsid()", EPERM, "done"),
    "a group of its own": ("os.setpgid(0, 0)", EPERM, "done"),
    "a better priority": ("os.setpriority(os.PRIO_PROCESS, 0, -5)", EPERM, EACCES),
    "real time": ("os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))", EPERM, EPERM),
    "other cores": ("os.sched_setaffinity(0, os.sched_getaffinity(0))", EPERM, "done"),
    "more descriptors": (
        "import resource; resource.prlimit(0, resource.RLIMIT_NOFILE, (4096, 4096))",
        EPERM,
        EPERM,
    ),
    "a filter of its own": ("call(libc.prctl(22, 1, 0, 0, 0))", EPERM, "done"),
}
_TRY = (
    "import ctypes\nlibc = ctypes.CDLL(None, use_errno=True)\n"
    "def call(result):\n    if result < 0: raise OSError(ctypes.get_errno(), 'refused')\n"
    "try: {deed}\nexcept OSError as error: return error.errno\nexcept ValueError: return 1\nreturn 'done'"
)


@pytest.mark.parametrize(("deed", "filtered", "_bare"), ESCAPES.values(), ids=ESCAPES)
def test_a_process_cannot_change_what_it_is_to_the_system(
    everywhere: "Everywhere", deed: str, filtered: int, _bare: object
) -> None:
    outcome = everywhere(_TRY.format(deed=deed))

    assert (outcome.stdout, outcome.value) == ("reached\n", filtered)


# Strict mode kills whoever it lets in.
CARRIED_OUT = {name: escape for name, escape in ESCAPES.items() if "prctl(22, 1" not in escape[0]}


@pytest.mark.parametrize(("deed", "_filtered", "bare"), CARRIED_OUT.values(), ids=CARRIED_OUT)
def test_control_without_the_filter_it_changes_what_raises_nothing(
    hostile: "Hostile", deed: str, _filtered: int, bare: object
) -> None:
    """The kernel refuses what would raise something."""
    assert hostile(_TRY.format(deed=deed), without="seccomp").value == bare


QUEUE = (
    "import ctypes\nlibc = ctypes.CDLL(None, use_errno=True)\ntimer, made = ctypes.c_void_p(), 0\n"
    "while made < 1000 and libc.syscall(args[0], 0, None, ctypes.byref(timer)) == 0: made += 1\nreturn made"
)


def test_timers_are_limited(everywhere: "Everywhere", sees: frozenset[str]) -> None:
    """They are memory of the kernel."""
    if "timers" not in sees:
        pytest.skip("gVisor takes no limit on timers: they are memory of its container; docs/sandboxes.md says so")

    made = everywhere(QUEUE, syscalls.NUMBERS["timer_create"]).value

    assert isinstance(made, int)
    assert 200 < made <= 256


def test_control_without_resource_limits_timers_are_not_limited(hostile: "Hostile") -> None:
    assert hostile(QUEUE, syscalls.NUMBERS["timer_create"], without="rlimits").value == 1000
