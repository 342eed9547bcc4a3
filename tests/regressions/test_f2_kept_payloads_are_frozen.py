"""With `fresh = "none"` a payload waits for its next call: nothing of what it has started runs until then."""

import contextlib
import ctypes
import dataclasses
import math
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Protocol

import psutil
import pytest

from poet_engine._env import Settings
from poet_engine._wake import readable
from poet_engine.guest import kernel
from poet_engine.guest import lane as guest_lane
from poet_engine.job import Job
from poet_engine.outcome import Status
from poet_engine.policy import Policy
from poet_engine.sandbox.docker import scheduling as docker_schedule
from poet_engine.sandbox.docker.container import Container
from poet_engine.sandbox.docker.sandbox import DockerSandbox
from poet_engine.sandbox.pool.scheduling import PoolSize
from poet_engine.sandbox.pool.version import SourceKey
from poet_engine.sandbox.process import ProcessSandbox, prepared
from poet_engine.sandbox.process.prepared import PreparedProcess

_POLICY = """
version = 1
name = "kept"
extends = "restricted"
[limits]
wall = "20s"
cpu = "4s"
processes = 4
threads = 8
[isolation]
fresh = "none"
require = []
"""
_WINDOW = 0.4  # seconds for which nobody calls
_BOUND_MS = 60.0  # CPU milliseconds from an answer to the stop: 10 on each core, and a busy machine's delay
_FROZEN, _RUNNING = 0.08, 0.3  # CPU seconds: of what does nothing in a window, and what else would burn

# What a call leaves behind. Each says so, and burns a core for as long as it is let.
_BURN = "while True: pass"
LEFT_RUNNING: dict[str, str] = {
    "a thread": f"def burn():\n    {_BURN}\nthreading.Thread(target=burn, daemon=True).start()",
    "a child": f"if not os.fork():\n    {_BURN}",
    "a daemon": f"if not os.fork():\n    if os.fork(): os._exit(0)\n    {_BURN}\nos.wait()",
    "an event loop in a thread": (
        "import asyncio\nasync def spin():\n    while True: await asyncio.sleep(0)\n"
        "threading.Thread(target=asyncio.run, args=(spin(),), daemon=True).start()"
    ),
    "a thread that continues itself": (
        "def burn():\n    while True:\n        try: os.kill(os.getpid(), signal.SIGCONT)\n"
        "        except OSError: pass\nthreading.Thread(target=burn, daemon=True).start()"
    ),
    "children that continue each other": (
        "mine = os.getpid()\nfor _ in range(3):\n    if not os.fork():\n        while True:\n"
        "            for pid in range(mine, mine + 8):\n                try: os.kill(pid, signal.SIGCONT)\n"
        "                except OSError: pass"
    ),
    "children without end": (
        "if not os.fork():\n    while True:\n        try:\n            if not os.fork(): os._exit(0)\n"
        "        except OSError: pass\n        try: os.waitpid(-1, os.WNOHANG)\n        except OSError: pass"
    ),
}
FEW = ("a thread", "a daemon")  # where each is a container
# What would run by itself, but is of the kernel: in a lane of its own, since it is for the payload's first thread.
BY_THE_CLOCK: dict[str, str] = {
    "a timer with a handler": (
        f"def burn(*_):\n    {_BURN}\nsignal.signal(signal.SIGALRM, burn)\nsignal.setitimer(signal.ITIMER_REAL, 0.05)"
    ),
    "a timer that continues the process": (
        "import ctypes\nsignal.signal(signal.SIGCONT, lambda *_: None)\n"
        "event = (ctypes.c_int * 16)(0, 0, signal.SIGCONT, 0)\ntimer = ctypes.c_void_p()\n"
        "times = (ctypes.c_long * 4)(0, 250_000_000, 0, 250_000_000)\nlibc = ctypes.CDLL(None)\n"
        "libc.timer_create(1, event, ctypes.byref(timer)) or libc.timer_settime(timer, 0, times, None)\n"
        f"def burn():\n    {_BURN}\nthreading.Thread(target=burn, daemon=True).start()"
    ),
}
_SOURCE = """
import os, signal, threading

calls = 0

def leave():
    global calls
    calls += 1
    if calls == 1:
{body}
    return calls
"""


def _leaving(body: str) -> Job:
    return Job(source=_SOURCE.format(body="".join(f"        {line}\n" for line in body.splitlines())), entry="leave")


class Kept(Protocol):
    """A sandbox, and what is to be known of it from outside."""

    @property
    def sandbox(self) -> ProcessSandbox | DockerSandbox:
        """That sandbox."""
        ...

    def firsts(self, job: Job | None = None) -> list[int]:
        """The first process of each lane or container, as the machine numbers it; of those that have served a job."""
        ...


class KeptLanes:
    """Lanes of the process sandbox."""

    def __init__(self, sandbox: ProcessSandbox) -> None:
        self.sandbox = sandbox

    def firsts(self, job: Job | None = None) -> list[int]:
        return [lane.pid for lane in self.sandbox._pool._maintainer._lanes if _serves(lane.key, job)]


class KeptContainers:
    """Containers of the Docker sandbox."""

    def __init__(self, sandbox: DockerSandbox) -> None:
        self.sandbox = sandbox

    def firsts(self, job: Job | None = None) -> list[int]:
        containers = [each for each in self.sandbox._maintainer._containers if _serves(each.key, job)]
        states = [self.sandbox._engine.state(container.id) for container in containers]
        return [state.pid for state in states if state is not None and state.pid]


def _serves(key: SourceKey | None, job: Job | None) -> bool:
    return job is None or (key is not None and key.source == job.source)


@contextlib.contextmanager
def _opened(kind: str) -> Iterator[Kept]:
    policy = Policy.parse(_POLICY)
    if kind == "process":
        with ProcessSandbox(policy, size=PoolSize(least=1, most=4)) as lanes:
            yield KeptLanes(lanes)
    else:
        runtime = "runsc" if kind == "docker-runsc" else "runc"
        size = docker_schedule.ContainerPoolSize(spare=0, most=4)
        with DockerSandbox(policy, host=Settings.read().docker_host, runtime=runtime, size=size) as containers:
            yield KeptContainers(containers)


@pytest.fixture(scope="module")
def kept(sandbox_kind: str) -> Iterator[Kept]:
    with _opened(sandbox_kind) as opened:
        yield opened


def _tree(pid: int) -> list[psutil.Process]:
    with contextlib.suppress(psutil.Error):
        first = psutil.Process(pid)
        return [first, *first.children(recursive=True)]
    return []


def _cpu_seconds(kept: Kept, job: Job) -> float:
    """Of all that lives where a job was served, with what each process has reaped."""
    total = 0.0
    for process in [process for pid in kept.firsts(job) for process in _tree(pid)]:
        with contextlib.suppress(psutil.Error):
            total += sum(process.cpu_times()[:4])
    return total


def _burnt(kept: Kept, job: Job) -> float:
    """CPU seconds that pass while nobody calls."""
    pause = threading.Event()
    pause.wait(0.05)  # what the call itself has cost is told a tick later
    before = _cpu_seconds(kept, job)
    pause.wait(_WINDOW)
    return _cpu_seconds(kept, job) - before


@pytest.mark.parametrize("body", [*LEFT_RUNNING.values(), *BY_THE_CLOCK.values()], ids=[*LEFT_RUNNING, *BY_THE_CLOCK])
def test_what_a_call_has_started_does_nothing_while_nobody_calls(kept: Kept, body: str) -> None:
    job = _leaving(body)
    assert kept.sandbox.run(job).value == 1
    assert kept.sandbox.run(job).status is Status.OK, "it goes on"

    assert _burnt(kept, job) < _FROZEN


@pytest.mark.parametrize("name", LEFT_RUNNING)
def test_control_without_the_freezing_it_burns(
    kept: Kept, sandbox_kind: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if sandbox_kind != "process" and name not in FEW:
        pytest.skip("it is the same code that burns; in a lane it is shown of each")
    job = _leaving(f"{LEFT_RUNNING[name]}\nname = 'control'")
    with monkeypatch.context() as down:
        down.setattr(PreparedProcess, "rest", lambda *_arguments: True)
        down.setattr(Container, "pause", lambda _container: None)
        assert kept.sandbox.run(job).value == 1
    before, pause = _cpu_seconds(kept, job), threading.Event()
    while _cpu_seconds(kept, job) - before < _RUNNING:  # for ever, if it does not
        pause.wait(0.05)

    assert kept.sandbox.run(dataclasses.replace(job, entry="missing")).status is Status.ERROR  # and that ends it


@pytest.mark.sandbox
def test_control_without_the_filter_a_timer_continues_what_was_stopped() -> None:
    job = _leaving(BY_THE_CLOCK["a timer that continues the process"])
    with ProcessSandbox(
        Policy.parse(_POLICY), size=PoolSize(least=1, most=2), without=frozenset({"seccomp"})
    ) as sandbox:
        assert sandbox.run(job).value == 1
        before, pause = _cpu_seconds(KeptLanes(sandbox), job), threading.Event()
        while _cpu_seconds(KeptLanes(sandbox), job) - before < _RUNNING:  # for ever, if it does not
            pause.wait(0.05)


def _lane_cpu_ms(kept: Kept, job: Job) -> float:
    """CPU milliseconds of the one lane that has served a job, to the nanosecond; by ticks where no cgroup counts."""
    if isinstance(kept, KeptLanes):
        for lane in kept.sandbox._pool._maintainer._lanes:
            if _serves(lane.key, job) and lane.group is not None:
                return lane.group.read().cpu_ns / 1e6
    return _cpu_seconds(kept, job) * 1e3


@pytest.mark.sandbox
@pytest.mark.parametrize("body", [*LEFT_RUNNING.values(), *BY_THE_CLOCK.values()], ids=[*LEFT_RUNNING, *BY_THE_CLOCK])
def test_from_its_answer_on_a_payload_has_a_few_milliseconds(body: str) -> None:
    """Until its timer expires, and then as long as the lane's init takes to wake up; on each of its cores."""
    with _opened("process") as kept:
        job = _leaving(body)
        assert kept.sandbox.run(job).value == 1
        before = _lane_cpu_ms(kept, job)
        threading.Event().wait(_WINDOW)

        assert _lane_cpu_ms(kept, job) - before < _BOUND_MS


@pytest.mark.sandbox
def test_a_host_that_is_held_up_holds_up_no_stop() -> None:
    """A host may sort, compress or match for seconds with the interpreter's lock, in which no thread of ours runs."""
    with _opened("process") as kept:
        job = _leaving(LEFT_RUNNING["a thread"])
        assert kept.sandbox.run(job).value == 1
        before = _lane_cpu_ms(kept, job)
        ctypes.PyDLL(None).usleep(int(_WINDOW * 1e6))  # with the lock

        assert _lane_cpu_ms(kept, job) - before < _BOUND_MS


@pytest.mark.sandbox
def test_what_is_used_between_two_calls_is_on_the_second(monkeypatch: pytest.MonkeyPatch) -> None:
    """Here with a time until the stop that is long enough to be told from the calls themselves."""
    monkeypatch.setattr(prepared, "_REST", 600.0)
    with _opened("process") as kept:
        job = _leaving(LEFT_RUNNING["a thread"])
        first = kept.sandbox.run(job)
        before, pause = _lane_cpu_ms(kept, job), threading.Event()
        while _lane_cpu_ms(kept, job) - before < 100:  # for ever, if it does not run
            pause.wait(0.01)
        second = kept.sandbox.run(job)

    assert (first.value, second.value) == (1, 2)
    assert second.usage.cpu_ms is not None
    assert second.usage.cpu_ms >= 100


@pytest.mark.sandbox
def test_a_call_that_comes_while_its_payload_is_stopped_is_served() -> None:
    """Calls at all moments around that of the stop: none is lost, and each is served by the same payload."""
    with _opened("process") as kept:
        job = _leaving(LEFT_RUNNING["a thread"])
        pause = threading.Event()
        for number in range(1, 151):
            assert kept.sandbox.run(job).value == number
            pause.wait(prepared._REST * (0.8 + number % 50 / 100))


@pytest.mark.parametrize(
    ("words", "serves", "stopped"),
    [
        ([guest_lane.ASKED], True, False),
        ([guest_lane.STOPPED, guest_lane.ASKED], True, True),
        ([b"a report of its end"], False, False),
        ([], False, False),
    ],
    ids=["it was not stopped", "it was", "it has ended", "init ends"],
)
def test_a_call_at_the_moment_of_the_stop_asks_init_what_it_did(
    words: list[bytes], *, serves: bool, stopped: bool
) -> None:
    control, init = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    timer = kernel.Timer(1e-6)
    with control, init, ThreadPoolExecutor(1) as answers:
        payload = PreparedProcess(control, lambda: None, 1 << 20, keep=True)
        payload._may_signal, payload._timer = True, timer
        assert payload.rest(None, 0.0)
        payload._expires = time.monotonic()
        assert readable(timer.fd, 10)

        def answer() -> None:
            assert init.recv(1) == guest_lane.ASKED
            for word in words:
                init.send(word)
            if not words:
                init.shutdown(socket.SHUT_RDWR)

        said = answers.submit(answer)
        assert payload.take() is serves
        said.result()
        assert payload._stopped is stopped
        payload.abandon()


def test_a_payload_whose_init_has_gone_is_not_taken() -> None:
    control, init = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with control:
        payload = PreparedProcess(control, lambda: None, 1 << 20, keep=True)
        payload._may_signal, payload._timer = True, kernel.Timer(1e-6)
        assert payload.rest(None, 0.0)
        payload._expires = time.monotonic()
        assert readable(payload._timer.fd, 10)
        init.close()

        assert not payload.take()
        payload.abandon()


@pytest.mark.sandbox
def test_a_call_outlasts_the_timer_of_the_one_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """It disarms the timer in time; or, when its host was held up, is continued as soon as init has stopped it."""
    source = (
        "import time\ncalls = 0\n"
        "def f(seconds):\n    global calls\n    calls += 1\n    time.sleep(seconds)\n    return calls"
    )
    with _opened("process") as kept:
        for number, seconds in enumerate((0.0, 0.05) * 10, start=1):
            outcome = kept.sandbox.run(Job(source=source, entry="f", args=(seconds,)))
            assert outcome.value == number
            assert outcome.usage.wall_ms < seconds * 1e3 + 2_000
        monkeypatch.setattr(PreparedProcess, "until_stop", lambda _prepared: math.inf)
        for number in range(21, 31):
            assert kept.sandbox.run(Job(source=source, entry="f", args=(0.02,))).value == number


_POOL = """
import multiprocessing, time
from concurrent.futures import ThreadPoolExecutor

pool = ThreadPoolExecutor(2)
fork = multiprocessing.get_context("fork")
ours, theirs = fork.Pipe()
calls = 0

def serve():
    while True:
        theirs.send(theirs.recv() * 7)

def work():
    global calls
    if not calls:
        fork.Process(target=serve, daemon=True).start()
    calls += 1
    ours.send(calls)
    return [calls, list(pool.map(abs, [-calls, calls])), ours.recv()]
"""


def test_pools_of_threads_and_processes_work_on_in_the_next_call(kept: Kept) -> None:
    job = Job(source=_POOL, entry="work")

    found = [kept.sandbox.run(job) for _ in range(3)]

    assert [outcome.value for outcome in found] == [[n, [n, n], 7 * n] for n in (1, 2, 3)], found[-1].describe()


def test_a_call_has_its_whole_budget_whatever_is_left_of_another(kept: Kept) -> None:
    """What the thread does while the second call runs is on the second call, and no more than that."""
    job = _leaving(f"{LEFT_RUNNING['a thread']}\nname = 'budget'")
    assert kept.sandbox.run(job).value == 1
    threading.Event().wait(_WINDOW)

    second = kept.sandbox.run(job)

    assert (second.status, second.value) == (Status.OK, 2)
    assert second.usage.cpu_ms is not None
    assert second.usage.cpu_ms < second.usage.wall_ms + _WINDOW * 500


@pytest.mark.parametrize("handler", ["", "signal.signal(signal.SIGALRM, late)"], ids=["nobody handles it", "it raises"])
def test_an_alarm_of_one_call_is_not_heard_in_the_next(kept: Kept, handler: str) -> None:
    """A guard against slowness that was never taken back; its payload ends with its call."""
    source = (
        "import signal\ndef late(*_):\n    raise TimeoutError\n"
        f"def f():\n    {handler or 'pass'}\n    signal.setitimer(signal.ITIMER_REAL, 0.05)\n    return 42\n"
    )
    for _ in range(3):
        assert kept.sandbox.run(Job(source=source, entry="f")).value == 42
        threading.Event().wait(0.1)


_TALKS = """
import os, stat, threading

calls = 0

def ask(number):
    global calls
    calls += 1
    def later():
        os.write(request, b"\\x02\\x00\\x00\\x00\\x0299")
    if number == 0:
        threading.Timer(0.05, later).start()
    return [number, calls]


request = next(fd for fd in range(3, 64) if stat.S_ISSOCK(os.fstat(fd).st_mode))
"""


def test_what_a_thread_of_one_call_says_is_no_answer_to_another(kept: Kept) -> None:
    assert kept.sandbox.run(Job(source=_TALKS, entry="ask", args=(0,))).value == [0, 1]
    threading.Event().wait(0.1)

    answers = [kept.sandbox.run(Job(source=_TALKS, entry="ask", args=(number,))) for number in (1, 2, 3)]

    assert [outcome.value[0] for outcome in answers if isinstance(outcome.value, list)] == [1, 2, 3]


def test_closing_ends_what_is_frozen_at_once(sandbox_kind: str) -> None:
    with _opened(sandbox_kind) as kept:
        for name in FEW:
            assert kept.sandbox.run(_leaving(LEFT_RUNNING[name])).ok
        living = [process for pid in kept.firsts() for process in _tree(pid)]
        assert living
        start = time.monotonic()
        kept.sandbox.close()
        took = time.monotonic() - start

    _gone, alive = psutil.wait_procs(living, timeout=20)
    assert alive == []
    assert took < 5


@pytest.mark.sandbox
def test_a_frozen_lane_outlives_the_retirement_of_its_zygote() -> None:
    with _opened("process") as kept:  # one of its own, since its zygote is retired
        job = _leaving(LEFT_RUNNING["a thread"])
        assert isinstance(kept, KeptLanes)
        assert kept.sandbox.run(job).value == 1
        kept.sandbox._pool._maintainer._fork_servers._current = None  # it makes no more lanes
        assert kept.sandbox.run(_leaving("pass")).value == 1
        assert kept.sandbox.statistics().zygotes_started == 2

        assert kept.sandbox.run(job).value == 2


_HOST = """
import sys, threading
sys.path[:0] = {path!r}
from {module} import FEW, LEFT_RUNNING, _leaving, _opened, _tree
with _opened({kind!r}) as kept:
    for name in FEW:
        assert kept.sandbox.run(_leaving(LEFT_RUNNING[name])).ok
    print(*[process.pid for pid in kept.firsts() for process in _tree(pid)], flush=True)
    threading.Event().wait()
"""


def test_a_killed_host_leaves_nothing_frozen_behind(sandbox_kind: str) -> None:
    code = _HOST.format(path=[str(Path(__file__).parent)], module=Path(__file__).stem, kind=sandbox_kind)
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as host:
        assert host.stdout is not None
        pids = [int(word) for word in host.stdout.readline().split()]
        left: list[psutil.Process] = []
        for pid in pids:
            with contextlib.suppress(psutil.NoSuchProcess):
                left.append(psutil.Process(pid))
        host.kill()

    assert left
    _gone, alive = psutil.wait_procs(left, timeout=30)
    assert [process for process in alive if process.status() != psutil.STATUS_ZOMBIE] == []


def test_a_number_that_is_another_process_by_now_is_not_signalled() -> None:
    """A payload that was reaped leaves its number to whoever comes next; its pidfd tells the two apart."""
    gone = subprocess.Popen(["true"])
    pidfd = os.pidfd_open(gone.pid)
    gone.wait()
    with subprocess.Popen(["sleep", "60"], process_group=0) as other:
        payload = PreparedProcess.__new__(PreparedProcess)
        os.kill(other.pid, signal.SIGSTOP)
        os.waitid(os.P_PID, other.pid, os.WSTOPPED | os.WNOWAIT)
        payload.pid, payload._pidfd, payload._stopped = other.pid, pidfd, True
        payload.thaw()
        state = Path(f"/proc/{other.pid}/stat").read_text().rpartition(")")[2].split()[0]
        payload._pidfd, payload._stopped = os.pidfd_open(other.pid), True
        payload.thaw()  # where it is the payload itself, it goes on
        os.waitid(os.P_PID, other.pid, os.WCONTINUED | os.WNOWAIT)
        other.kill()
    for fd in (pidfd, payload._pidfd):
        os.close(fd)
    assert state == "T"
