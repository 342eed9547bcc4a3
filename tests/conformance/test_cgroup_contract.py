"""What every cgroup driver does, held against whichever one stands on this machine."""

import contextlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

import pytest

from poet_engine.sandbox import cgroup
from poet_engine.sandbox.cgroup import Driver, Group, GroupLimits, GroupReading

MIB = 1 << 20
LIMITS = GroupLimits(memory=48 * MIB, tasks=6, cores=2.0)
SLACK = MIB  # each core of a group has charges in stock, a quarter of this, that a call may be given or left with
PATIENCE = 60.0  # seconds; an emulated machine is slow, and only a failure waits this long

# Obeys one line at a time: a statement, then "done" with the value of `answer`.
OBEDIENT = """
import os, signal, sys, time
held, children, answer = [], [], None
def fork():
    try:
        pid = os.fork()
    except OSError:
        return False
    if pid == 0:
        signal.pause()
    children.append(pid)
    return True
def burn(seconds):
    until = time.process_time() + seconds
    while time.process_time() < until:
        pass
    return time.process_time()
for line in sys.stdin:
    exec(line)
    print("done", answer, flush=True)
"""
# Makes a group, puts a child into it, tells the child's pid, and waits to be killed.
HOST = """
import signal, subprocess, sys
from poet_engine.sandbox import cgroup
driver = cgroup.find()
group = driver.create("lane-1", cgroup.GroupLimits(memory=1 << 26, tasks=6, cores=1.0))
child = subprocess.Popen([sys.executable, "-I", "-S", "-c", "import signal; signal.pause()"], stdout=sys.stdout)
group.attach(child.pid)
print(child.pid, flush=True)
signal.pause()
"""


class Guest:
    """A process that obeys, in a group.

    Args:
        group: Where it is moved before it does anything.
    """

    def __init__(self, group: Group) -> None:
        command = [sys.executable, "-I", "-S", "-c", OBEDIENT]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        group.attach(self.process.pid)

    def __call__(self, statement: str) -> str:
        """The answer after a statement; empty when the process ended over it."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.write(statement + "\n")
            self.process.stdin.flush()
        return self.process.stdout.readline().removeprefix("done ").strip()

    def close(self) -> None:
        self.process.kill()
        with contextlib.suppress(BrokenPipeError):
            self.process.communicate(timeout=PATIENCE)


class Enter(Protocol):
    """Gives a group and a process in it that has started."""

    def __call__(self, limits: GroupLimits = LIMITS) -> tuple[Group, Guest]: ...


@pytest.fixture
def driver(require: Callable[[str, bool, str], None]) -> Iterator[Driver]:
    found = cgroup.find()
    require("cgroup", found is not None, "no cgroup hierarchy with memory and pids is writable here")
    assert found is not None
    yield found
    found.close()


@pytest.fixture
def enter(driver: Driver) -> Iterator[Enter]:
    with contextlib.ExitStack() as stack:

        def make(limits: GroupLimits = LIMITS) -> tuple[Group, Guest]:
            group = driver.create("lane-1", limits)
            guest = Guest(group)
            stack.callback(guest.close)
            stack.callback(_remove, group)  # first, because its children hold the other end of its output
            guest("answer = 1")
            return group, guest

        yield make


def _eventually(holds: Callable[[], bool]) -> bool:
    until = time.monotonic() + PATIENCE
    while not holds():
        if time.monotonic() > until:
            return False
        threading.Event().wait(0.01)
    return True


def _remove(group: Group) -> None:
    assert _eventually(group.remove), f"{group!r} cannot be removed"


def _grown(now: GroupReading, start: GroupReading) -> int:
    return now.memory_peak_bytes - start.memory_bytes


def test_a_process_that_is_moved_is_counted_and_so_are_its_children(enter: Enter) -> None:
    group, guest = enter()
    assert group.tasks() == 1
    assert "lane-1" in Path(f"/proc/{guest.process.pid}/cgroup").read_text(encoding="ascii")
    guest("fork()")
    assert group.tasks() == 2


def test_a_task_too_many_is_refused_and_counted(enter: Enter) -> None:
    group, guest = enter()
    start = group.release()
    assert guest("answer = [fork() for _ in range(8)].count(True)") == "5"
    assert group.tasks() == LIMITS.tasks
    assert group.read().tasks_refused - start.tasks_refused >= 1


def test_memory_within_the_budget_is_given_and_its_peak_told(enter: Enter) -> None:
    group, guest = enter()
    assert group.arm()
    start = group.release()
    guest(f"held.append(b'x' * {24 * MIB})")
    now = group.read()
    assert 24 * MIB - SLACK <= _grown(now, start) < 32 * MIB
    assert now.memory_bytes - start.memory_bytes >= 24 * MIB - SLACK
    assert now.oom_kills == start.oom_kills


def test_memory_beyond_the_budget_kills_and_the_kill_is_counted(enter: Enter) -> None:
    """The budget comes on top of what is charged when the group is armed."""
    group, guest = enter()
    assert group.arm()
    start = group.release()
    assert guest(f"held.append(b'x' * {64 * MIB})") == ""
    assert guest.process.wait(PATIENCE) == -9
    now = group.read()
    assert now.oom_kills - start.oom_kills == 1
    assert _grown(now, start) >= 0.9 * LIMITS.memory


def test_the_peak_of_one_call_is_not_the_next_ones(enter: Enter) -> None:
    group, guest = enter()
    assert group.arm()
    group.release()
    guest(f"held.append(b'x' * {32 * MIB}); held.clear()")
    start = group.release()
    assert start.memory_peak_bytes - start.memory_bytes < 2 * MIB
    guest(f"held.append(b'x' * {12 * MIB})")
    assert 12 * MIB - SLACK <= _grown(group.read(), start) < 20 * MIB


def test_a_peak_higher_than_all_before_is_told_also_when_it_is_over(enter: Enter) -> None:
    group, guest = enter()
    group.arm()
    group.release()
    guest(f"held.append(b'x' * {8 * MIB}); held.clear()")
    start = group.release()
    guest(f"held.append(b'x' * {32 * MIB}); held.clear()")
    assert 32 * MIB - SLACK <= _grown(group.read(), start) < 40 * MIB


def test_a_group_in_which_something_stays_is_not_armed_again(enter: Enter) -> None:
    group, guest = enter()
    assert group.arm()
    guest(f"held.append(b'x' * {16 * MIB})")
    assert not group.arm()
    assert group.arm(24 * MIB), "it may be what was prepared for the next call"


def test_cpu_time_is_that_of_all_its_processes(enter: Enter) -> None:
    group, guest = enter()
    start = group.release()
    claimed = float(guest("answer = burn(0.2)"))
    assert group.read().cpu_ns - start.cpu_ns >= 0.19e9
    assert claimed >= 0.2
    guest(
        """
pid = os.fork()
if pid == 0: burn(0.2); os._exit(0)
answer = os.waitpid(pid, 0)
""".strip()
        .replace("\n", "\\n")
        .join(("exec('", "')"))
    )
    assert group.read().cpu_ns - start.cpu_ns >= 0.38e9


def test_it_gets_no_more_than_its_share_of_the_cores(enter: Enter) -> None:
    """A fifth of a core: what needs 0.2 s of CPU time lasts at least eight of the kernel's periods of 0.1 s."""
    _group, guest = enter(GroupLimits(memory=LIMITS.memory, tasks=6, cores=0.2))
    before = float(guest("answer = time.monotonic()"))
    guest("burn(0.2)")
    assert float(guest("answer = time.monotonic()")) - before >= 0.7


def test_removing_it_ends_everything_in_it(driver: Driver) -> None:
    group = driver.create("lane-1", LIMITS)
    guest = Guest(group)
    guest("fork(), fork()")
    _remove(group)
    assert guest.process.wait(PATIENCE) == -9
    assert guest.process.stdout is not None
    assert guest.process.stdout.read() == ""  # the end comes when the last child has let go of it
    guest.close()
    assert driver.create("lane-1", LIMITS).tasks() == 0


def test_removing_it_twice_is_removing_it_once(driver: Driver) -> None:
    group = driver.create("lane-1", LIMITS)
    assert group.remove()
    assert group.remove()


def test_no_descriptor_stays_behind(driver: Driver) -> None:
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - a count, not paths
    groups = [driver.create(f"lane-{number}", LIMITS) for number in range(4)]
    assert len(os.listdir("/proc/self/fd")) > before  # noqa: PTH208 - a count, not paths
    assert all([group.remove() for group in groups])  # noqa: C419 - every one is removed
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208 - a count, not paths


def test_what_a_killed_host_process_left_is_swept_up(driver: Driver) -> None:
    with (
        subprocess.Popen([sys.executable, "-c", HOST], stdout=subprocess.PIPE, text=True) as host,
        contextlib.ExitStack() as end,
    ):
        end.callback(host.kill)  # whatever fails below, nobody waits for it
        assert host.stdout is not None
        child = int(host.stdout.readline())
        assert driver.sweep() == 0
        assert Path(f"/proc/{child}").exists()
        host.kill()
        host.wait(PATIENCE)
        swept = []

        def gone() -> bool:
            swept.append(driver.sweep())  # a group whose tasks are dying is left to the next time
            return not swept[-1] and sum(swept) >= 2  # the lane and the folder of the process, in each hierarchy

        assert _eventually(gone)
        assert host.stdout.read() == ""


def test_the_sweep_leaves_the_living_alone(driver: Driver, enter: Enter) -> None:
    group, guest = enter()
    assert driver.sweep() == 0
    other = cgroup.find()
    assert other is not None
    assert other.sweep() == 0
    other.close()
    assert group.tasks() == 1
    assert guest("answer = 7") == "7"


def test_looking_for_a_driver_leaves_nothing_behind(driver: Driver) -> None:
    """Beside what other sandboxes of this process have."""
    pattern = f"poet-{os.getpid()}-*"
    before = set(Path("/sys/fs/cgroup").rglob(pattern))
    group = driver.create("lane-1", LIMITS)
    guest = Guest(group)
    guest("answer = 1")
    membership = Path(f"/proc/{guest.process.pid}/cgroup").read_text(encoding="ascii")
    guest.close()
    _remove(group)
    owner = next(part for part in membership.replace("\n", "/").split("/") if part.startswith("poet-"))
    driver.close()
    assert cgroup.find() is not None
    left = set(Path("/sys/fs/cgroup").rglob(pattern))
    assert left <= before
    assert owner not in {folder.name for folder in left}
