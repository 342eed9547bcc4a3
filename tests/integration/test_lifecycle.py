"""Nothing outlives a call, a closed sandbox, or a host that was killed."""

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from poet_engine._wake import readable
from poet_engine.job import Job
from poet_engine.outcome import Outcome, Status
from poet_engine.policy import Policy
from poet_engine.sandbox import cgroup
from poet_engine.sandbox.pool.scheduling import PoolSize
from poet_engine.sandbox.process import ProcessSandbox

pytestmark = pytest.mark.sandbox

POLICY = Policy.parse(
    """
    version = 1
    name = "lifecycle"
    extends = "restricted"
    [limits]
    wall = "5s"
    cpu = "60ms"
    memory = "32MiB"
    threads = 4
    output = "16KiB"
    disk = "2MiB"
    """
)

LONG = """
version = 1
name = "long"
extends = "restricted"
[limits]
wall = "50s"
cpu = "50s"
"""

# The seven deeds, as short as they can be; the verdicts are what shows that each of them was reached.
DEEDS: dict[str, tuple[str, set[str]]] = {
    "endless loop": ("while True: pass", {"cpu"}),
    "memory bomb": ("hold = []\n    while True: hold.append(bytearray(b'x') * (4 << 20))", {"memory", "cpu"}),
    "fork bomb": ("while True: os.fork()", {"tasks"}),
    "file": ("open('/etc/passwd')", {"exception"}),
    "network": ("import socket; socket.create_connection(('127.0.0.1', 9))", {"network"}),
    "early exit": ("os._exit(0)", {"early_exit"}),
    "flood": ("while True: os.write(1, b'x' * 4096)", {"output"}),
    "temporary files": ("open('/tmp/left', 'w'); open('/dev/shm/left', 'w'); os.abort()", {"signal:SIGABRT"}),
}


def _deed(body: str) -> Job:
    return Job(source=f"import os\ndef deed():\n    {body}\n", entry="deed")


GOOD = Job(source="import os\ndef good():\n    return os.listdir('/tmp') + os.listdir('/dev/shm')\n", entry="good")


def _until(true: Callable[[], bool], seconds: float = 10.0) -> bool:
    """Whether something becomes true in time. The event is never set: it is only there to wait with."""
    pause, deadline = threading.Event(), time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            return False
        pause.wait(0.02)
    return True


def _descendants(pid: int) -> set[psutil.Process]:
    return set(psutil.Process(pid).children(recursive=True))


def _descriptors() -> dict[str, str]:
    """Open descriptors and what they are; the one that lists them is gone when it is asked."""
    found: dict[str, str] = {}
    for link in Path("/proc/self/fd").iterdir():
        try:
            found[link.name] = str(link.readlink())
        except OSError:
            continue
    return found


def _groups(pid: int) -> list[Path]:
    """Every cgroup folder that a host process of this id has made, wherever the hierarchies are mounted."""
    root = Path("/sys/fs/cgroup")
    return [path for path in root.glob("*/**/poet-*") if path.name.startswith(f"poet-{pid}-")] if root.is_dir() else []


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary files of this process go, so that those of others do not count."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_two_hundred_hostile_calls_leave_nothing(temporary: Path) -> None:
    mounts = Path("/proc/self/mountinfo").read_text(encoding="utf-8")
    processes, descriptors, threads = _descendants(os.getpid()), _descriptors(), threading.active_count()
    verdicts: dict[str, set[str]] = {name: set() for name in DEEDS}

    with ProcessSandbox(POLICY, size=PoolSize(least=2, most=4)) as sandbox:
        assert sandbox.run(GOOD).value == []
        assert _descendants(os.getpid()) > processes, "there is something to leave"
        assert bool(_groups(os.getpid())) is (cgroup.find() is not None)
        names = list(DEEDS)
        for number in range(200):
            name = names[number % len(names)]
            outcome = sandbox.run(_deed(DEEDS[name][0]))
            verdicts[name].add(outcome.cause or "none")
        assert sandbox.run(GOOD).unwrap() == []
        assert sandbox.statistics().zygotes_started == 1

    assert verdicts == {name: seen & DEEDS[name][1] for name, seen in verdicts.items()}
    assert all(verdicts.values())
    assert _until(lambda: _descendants(os.getpid()) <= processes)
    assert _until(lambda: not _groups(os.getpid()))
    assert Path("/proc/self/mountinfo").read_text(encoding="utf-8") == mounts
    assert _descriptors() == descriptors
    assert threading.active_count() == threads
    assert list(temporary.iterdir()) == []


def test_while_it_is_open_the_number_of_descriptors_does_not_grow() -> None:
    with ProcessSandbox(POLICY, size=PoolSize(least=1, most=1)) as sandbox:
        for body, _causes in DEEDS.values():
            sandbox.run(_deed(body))
        assert sandbox.run(GOOD).ok
        assert _until(lambda: sandbox.statistics().ready == 1)
        before = len(_descriptors())
        for _ in range(3):
            for body, _causes in DEEDS.values():
                sandbox.run(_deed(body))
        assert sandbox.run(GOOD).ok
        assert _until(lambda: sandbox.statistics().ready == 1)

        assert len(_descriptors()) == before


def test_closing_in_the_middle_of_a_call_ends_the_call() -> None:
    processes = _descendants(os.getpid())
    outcomes: list[Outcome] = []
    sandbox = ProcessSandbox(Policy.parse(LONG))
    sleeping = Job(source="import time\ndef deed():\n    time.sleep(50)\n", entry="deed")
    caller = threading.Thread(target=lambda: outcomes.append(sandbox.run(sleeping)))
    caller.start()
    assert _until(lambda: sandbox.statistics().busy == 1)

    sandbox.close()
    caller.join(10)

    assert [(outcome.status, outcome.cause) for outcome in outcomes] == [(Status.CANCELLED, "shutdown")]
    assert _until(lambda: _descendants(os.getpid()) <= processes)


def test_an_interrupt_of_the_caller_ends_the_code_too() -> None:
    """Ctrl-C in a call is an exception in the caller's thread; the payload must not run on behind its back."""
    seen: list[psutil.Process] = []
    before_the_call: dict[psutil.Process, float] = {}

    def interrupt(_number: int, _frame: object) -> None:
        family = _descendants(os.getpid())
        seen.extend(process for process in family if _cpu_seconds(process) > before_the_call.get(process, 0) + 0.1)
        raise KeyboardInterrupt

    replaced = signal.signal(signal.SIGALRM, interrupt)
    busy = Job(source="def deed():\n    while True: pass\n", entry="deed")
    try:
        with ProcessSandbox(Policy.parse(LONG)) as sandbox:
            sandbox.run(GOOD)
            assert _until(lambda: sandbox.statistics().ready == sandbox.statistics().lanes)
            before_the_call |= {process: _cpu_seconds(process) for process in _descendants(os.getpid())}
            signal.setitimer(signal.ITIMER_REAL, 1.0)
            with pytest.raises(KeyboardInterrupt):
                sandbox.run(busy)
            assert sandbox.statistics().busy == 0
            assert sandbox.run(GOOD).value == []
            assert seen, "the code was running when the interrupt came"
            assert _until(lambda: not any(process.is_running() for process in seen))
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, replaced)


def _cpu_seconds(process: psutil.Process) -> float:
    try:
        return float(process.cpu_times().user)
    except psutil.Error:
        return 0.0


def test_a_sandbox_that_was_forgotten_warns_and_is_closed() -> None:
    processes = _descendants(os.getpid())
    sandbox = ProcessSandbox(POLICY)
    sandbox.run(GOOD)

    with pytest.warns(ResourceWarning, match="never closed"):
        del sandbox

    assert _until(lambda: _descendants(os.getpid()) <= processes)


_HOST = """
import sys
from poet_engine.job import Job
from poet_engine.policy import Policy
from poet_engine.sandbox import cgroup
from poet_engine.sandbox.process import ProcessSandbox
sandbox = ProcessSandbox(Policy.parse(sys.argv[1]))
sandbox.run(Job(source="def good():\\n    return 1\\n", entry="good"))
print("ready", flush=True)
source = "import os\\ndef deed():\\n    os.fork()\\n    os.fork()\\n    while True: pass\\n"
sandbox.run(Job(source=source, entry="deed"))
"""


@pytest.fixture
def host() -> Iterator["subprocess.Popen[str]"]:
    """A process of its own in the middle of a call whose code has children and burns CPU time."""
    with subprocess.Popen(
        [sys.executable, "-c", _HOST, LONG + "processes = 8"], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        assert _until(lambda: sum(_cpu_seconds(one) > 0.1 for one in _descendants(process.pid)) >= 4, 30)
        yield process
        process.kill()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_nothing_survives_a_host_that_was_killed_in_mid_call(host: "subprocess.Popen[str]", number: int) -> None:
    family = _descendants(host.pid)
    watched = [os.pidfd_open(process.pid) for process in family]
    assert len(watched) >= 6, "the zygote, two of its own, a lane and the code with its children"

    host.send_signal(number)
    host.wait(10)

    try:
        assert _ended_within(watched, 10)
    finally:
        for fd in watched:
            os.close(fd)
    with ProcessSandbox(POLICY) as next_one:
        assert next_one.run(GOOD).ok
        assert _until(lambda: not _groups(host.pid) or _sweep_again())


def _ended_within(descriptors: list[int], seconds: float) -> bool:
    """Whether every process has ended in time. A pidfd is readable from its process's end on."""
    left, deadline = set(descriptors), time.monotonic() + seconds
    while left and (remaining := deadline - time.monotonic()) > 0:
        left = {descriptor for descriptor in left if not readable(descriptor, remaining / len(left))}
    return not left


def _sweep_again() -> bool:
    """Start another sandbox, because the kernel may have held a group for the first one a moment longer."""
    with ProcessSandbox(POLICY):
        return False
