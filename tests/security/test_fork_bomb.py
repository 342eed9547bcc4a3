"""Code that multiplies: processes are refused by the system-call filter, threads by whatever counts tasks."""

from typing import TYPE_CHECKING

import pytest

from poet_engine.outcome import Blame, Outcome, Status

if TYPE_CHECKING:
    from tests.security.conftest import Everywhere, Hostile

FORK_BOMB = "while True: os.fork()"
# Children that only wait; the bound keeps the control from becoming the deed. Returns how many lived at once.
FORK_SOME = (
    "import signal\nchildren = []\nfor _ in range(args[0]):\n    pid = os.fork()\n    if not pid: signal.pause()\n"
    "    children.append(pid)\nreturn len(children)"
)
THREAD_BOMB = (
    "import threading\nwait = threading.Event()\nfor n in range(args[0]):\n"
    "    threading.Thread(target=wait.wait, daemon=True).start()\nreturn threading.active_count()"
)
ALLOWED_THREADS = 4  # of the policy in conftest.py


def _is_task_limit(outcome: Outcome) -> bool:
    assert outcome.stdout.startswith("reached\n")
    return (outcome.status, outcome.cause, outcome.blame) == (Status.LIMIT, "tasks", Blame.CODE)


def test_a_fork_bomb_does_not_get_one_child(everywhere: "Everywhere", sees: frozenset[str]) -> None:
    outcome = everywhere(FORK_BOMB)

    assert _is_task_limit(outcome)
    assert outcome.stdout == "reached\n"
    assert outcome.evidence is not None
    if "calls" in sees:
        assert (outcome.evidence.counter, outcome.evidence.value) == ("processes_refused", 1)
        assert outcome.evidence.source == "supervisor"
    else:
        assert outcome.evidence.source == "guest"
    assert outcome.error is not None
    assert (outcome.error.type, "Errno 11" in outcome.error.message) == ("BlockingIOError", True)
    assert outcome.leftovers == 0


def test_a_bomb_that_shrugs_off_every_refusal_burns_its_own_cpu(everywhere: "Everywhere", sees: frozenset[str]) -> None:
    outcome = everywhere("while True:\n    try: os.fork()\n    except OSError: pass")

    assert outcome.stdout == "reached\n"
    assert (outcome.status, outcome.cause) in ((Status.LIMIT, "cpu"), (Status.LIMIT, "wall"))
    assert ("tasks" in outcome.limits_hit) is ("calls" in sees)


@pytest.mark.sandbox
def test_control_with_every_wall_down_the_children_live(hostile: "Hostile") -> None:
    outcome = hostile(FORK_SOME, 40, without="seccomp cgroup rlimits")

    assert (outcome.status, outcome.value) == (Status.OK, 40)


@pytest.mark.sandbox
def test_the_filter_alone_refuses_a_process(hostile: "Hostile") -> None:
    assert _is_task_limit(hostile(FORK_SOME, 40, without="cgroup rlimits"))


@pytest.mark.sandbox
def test_the_cgroup_alone_counts_processes(hostile: "Hostile", counted: bool) -> None:  # noqa: FBT001 - a fixture
    if not counted:
        pytest.skip("there is no cgroup that we may write to")

    outcome = hostile(FORK_SOME, 40, without="seccomp rlimits")

    assert _is_task_limit(outcome)
    assert outcome.evidence is not None
    assert outcome.evidence.counter == "pids.events"
    assert outcome.leftovers == ALLOWED_THREADS


@pytest.mark.sandbox
def test_the_resource_limits_alone_count_processes(hostile: "Hostile") -> None:
    outcome = hostile(FORK_SOME, 40, without="seccomp cgroup")

    assert _is_task_limit(outcome)
    assert outcome.leftovers == ALLOWED_THREADS


def test_a_bomb_where_processes_are_allowed_stays_within_their_number(everywhere: "Everywhere") -> None:
    outcome = everywhere(FORK_SOME, 40, processes="3", threads="0")

    assert _is_task_limit(outcome)
    assert outcome.leftovers == 3
    assert everywhere(FORK_SOME, 3, processes="3", threads="0").value == 3


def test_a_thread_bomb_stays_within_the_number_of_threads(everywhere: "Everywhere", sees: frozenset[str]) -> None:
    outcome = everywhere(THREAD_BOMB, 40)

    assert _is_task_limit(outcome)
    assert outcome.evidence is not None
    assert outcome.evidence.source == ("cgroup" if "counters" in sees else "guest")
    assert outcome.error is not None
    assert outcome.error.type == "RuntimeError"


def test_threads_within_their_number_run(everywhere: "Everywhere") -> None:
    assert everywhere(THREAD_BOMB, ALLOWED_THREADS).value == ALLOWED_THREADS + 1


@pytest.mark.sandbox
def test_control_with_the_counting_walls_down_the_threads_live(hostile: "Hostile") -> None:
    assert hostile(THREAD_BOMB, 40, without="cgroup rlimits").value == 41


DAEMONS: dict[str, str] = {
    "a child": "if not os.fork(): time.sleep(60)\nreturn 'left'",
    "a double fork": "if not os.fork():\n    if not os.fork(): time.sleep(60)\n    os._exit(0)\nreturn 'left'",
    "a child that ignores signals": (
        "import signal\nif not os.fork():\n    for n in range(1, 32):\n"
        "        if n not in (9, 19): signal.signal(n, signal.SIG_IGN)\n"
        "    time.sleep(60)\nreturn 'left'"
    ),
    "zombies": "for _ in range(3):\n    if not os.fork(): os._exit(0)\nreturn 'left'",
    "a stopped child": "if not os.fork(): os.kill(os.getpid(), 19)\nreturn 'left'",
}


# How many processes there are in the lane: init, the call itself, and whatever was left over.
COUNT = (
    "found = 0\nfor pid in range(1, 400):\n    try: os.kill(pid, 0)\n    except PermissionError: pass\n"
    "    except ProcessLookupError: continue\n    found += 1\nreturn found"
)


@pytest.mark.parametrize("body", DAEMONS.values(), ids=DAEMONS)
def test_what_a_call_leaves_running_is_gone_before_the_next_one_in_its_lane(
    everywhere: "Everywhere", body: str
) -> None:
    assert everywhere(body, processes="3", lanes=1).value == "left"
    assert everywhere(COUNT, processes="3", lanes=1).value == 2


def test_control_the_count_sees_what_is_left_over(everywhere: "Everywhere") -> None:
    body = f"if not os.fork(): time.sleep(60)\n{COUNT}"

    assert everywhere(body, processes="3", lanes=1).value == 3
