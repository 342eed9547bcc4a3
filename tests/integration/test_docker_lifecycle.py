"""Nothing of the Docker sandbox outlives a call, a close or its host, with a real engine; and whose fault an end is.

It is in one piece because nearly all of it asks the same of different ends: what containers, threads and descriptors
are left, by the same few functions.
"""

import asyncio
import contextlib
import gc
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.integration.waiting import until

from poet_engine import Engine
from poet_engine._cancellation import Cancellation
from poet_engine._env import Settings
from poet_engine.dockerd import DEFAULT_HOST
from poet_engine.errors import SandboxUnavailableError
from poet_engine.job import Job
from poet_engine.outcome import Blame, Outcome, Status
from poet_engine.policy import Policy
from poet_engine.sandbox.docker import DockerSandbox
from poet_engine.sandbox.docker.client import LABEL_OWNER, ContainerClient, Owned

if TYPE_CHECKING:
    from tests.integration.conftest import OwnDaemon

pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.timeout(300), pytest.mark.usefixtures("base_image")]

POLICY = Policy.parse('version = 1\nname = "life"\nextends = "restricted"\n[limits]\nwall = "60s"\ncpu = "50s"\n')
QUICK = Job(source="def f():\n    return 7\n", entry="f")
LOOP = Job(source="def f():\n    return sum(range(10**18))\n", entry="f")
_DEADLINE = 60.0


def host() -> str:
    return Settings.read().docker_host or DEFAULT_HOST


@pytest.fixture
def without_a_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All that is said to a container goes through the engine, as with gVisor and Docker Desktop."""
    folder = tmp_path / ("too-long-for-a-socket-" * 5)
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))


@pytest.fixture
def engine() -> Iterator[ContainerClient]:
    with ContainerClient(host(), timeout=60) as found:
        yield found
    gc.collect()  # what is still open warns now, which fails the test


def owned(engine: ContainerClient, pid: int | None = None) -> list[Owned]:
    """A process' containers."""
    owner = str(os.getpid() if pid is None else pid)
    return [found for found in engine.owned() if found.labels[LABEL_OWNER] == owner]


def nothing_is_left(engine: ContainerClient, pid: int | None = None) -> bool:
    return until(lambda: not owned(engine, pid))


def descriptors() -> set[str]:
    found = set()
    for link in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):  # the one that lists them is gone when it is asked
            found.add(f"{link.name} {link.readlink()}")
    return found


def said(outcome: Outcome) -> tuple[str, str | None, str | None]:
    return outcome.status.value, outcome.cause, outcome.blame and outcome.blame.value


class InFlight:
    """A call in a thread of its own."""

    def __init__(self, sandbox: DockerSandbox, job: Job, cancellation: Cancellation | None = None) -> None:
        self._outcomes: list[Outcome] = []
        self._thread = threading.Thread(
            target=lambda: self._outcomes.append(sandbox.run(job, cancellation=cancellation))
        )
        busy = sandbox.statistics().busy
        self._thread.start()
        assert until(lambda: sandbox.statistics().busy > busy)

    def outcome(self, seconds: float = _DEADLINE) -> Outcome:
        self._thread.join(seconds)
        return self._outcomes[0]


def serving(engine: ContainerClient, sandbox: DockerSandbox) -> list[str]:
    """The ids of all containers of this process, once it has called one and another one is spare."""
    assert sandbox.run(QUICK).value == 7
    assert until(lambda: sandbox.statistics().ready == 2)
    return [found.id for found in owned(engine)]


class TestNothingIsLeft:
    def test_after_a_clean_end(self, engine: ContainerClient) -> None:
        assert owned(engine) == []
        before, threads = descriptors(), threading.active_count()
        with DockerSandbox(POLICY, host=host()) as sandbox:
            assert len(serving(engine, sandbox)) == 2, "there is something to leave"
        assert owned(engine) == []
        assert (descriptors(), threading.active_count()) == (before, threads)
        sandbox.close()

    def test_while_it_is_open_neither_descriptors_nor_containers_grow(self, engine: ContainerClient) -> None:
        bodies = ["return 1", "raise ValueError", "import os; os._exit(0)", "print('x' * 9999)"]
        with DockerSandbox(POLICY, host=host()) as sandbox:
            jobs = [Job(source=f"def f():\n    {body}\n", entry="f") for body in bodies]

            def all_of_them() -> tuple[int, int]:
                for job in jobs:
                    sandbox.run(job)
                assert until(lambda: sandbox.statistics().ready == len(jobs) + 1)
                return len(descriptors()), len(owned(engine))

            before, containers = all_of_them()
            for _ in range(5):
                now = all_of_them()
                assert now[1] == containers
                assert now[0] <= before + 4, "each of four workers keeps a connection once it had to make one"
        assert nothing_is_left(engine)

    def test_after_an_exception(self, engine: ContainerClient) -> None:
        def fail() -> None:
            with DockerSandbox(POLICY, host=host()) as sandbox:
                serving(engine, sandbox)
                raise RuntimeError("mine")

        with pytest.raises(RuntimeError, match="mine"):
            fail()
        assert owned(engine) == []

    def test_of_a_call_that_ctrl_c_interrupts(self, engine: ContainerClient) -> None:
        def interrupt(_number: int, _frame: object) -> None:
            raise KeyboardInterrupt

        replaced = signal.signal(signal.SIGALRM, interrupt)
        try:
            with DockerSandbox(POLICY, host=host()) as sandbox:
                before = serving(engine, sandbox)
                signal.setitimer(signal.ITIMER_REAL, 0.5)
                with pytest.raises(KeyboardInterrupt):
                    sandbox.run(LOOP)
                assert sandbox.statistics().busy == 0
                assert until(lambda: len({found.id for found in owned(engine)} & {*before}) == 1)
                assert sandbox.run(QUICK).value == 7
        finally:
            signal.signal(signal.SIGALRM, replaced)
        assert owned(engine) == []

    def test_of_a_call_that_another_thread_cancels(self, engine: ContainerClient) -> None:
        with DockerSandbox(POLICY, host=host()) as sandbox, Cancellation() as cancellation:
            before = serving(engine, sandbox)
            call = InFlight(sandbox, LOOP, cancellation)
            cancellation.cancel()
            assert said(call.outcome()) == ("cancelled", "caller", "caller")
            assert until(lambda: sandbox.statistics().busy == 0)
            assert sandbox.run(QUICK).value == 7
            assert {*before} <= {found.id for found in owned(engine)}, "the payload was ended, the container serves on"
        assert owned(engine) == []

    def test_of_a_task_of_asyncio_that_is_cancelled(self, engine: ContainerClient, tmp_path: Path) -> None:
        async def give_up(engine: Engine) -> None:
            task = asyncio.create_task(engine.arun(LOOP.source, LOOP.entry))
            assert await asyncio.to_thread(until, lambda: engine.statistics().busy == 1)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

        with Engine.open(POLICY, "docker", journal=tmp_path / "journal.db") as opened:
            asyncio.run(give_up(opened))
            assert opened.statistics().busy == 0
            assert opened.run(QUICK.source, QUICK.entry).value == 7
        assert owned(engine) == []

    def test_of_a_call_in_whose_middle_it_is_closed(self, engine: ContainerClient) -> None:
        sandbox = DockerSandbox(POLICY, host=host())
        serving(engine, sandbox)
        call = InFlight(sandbox, LOOP)
        sandbox.close()
        assert said(call.outcome()) == ("cancelled", "shutdown", "engine")
        assert owned(engine) == []

    def test_of_one_that_is_closed_before_it_stands(self, engine: ContainerClient) -> None:
        assert owned(engine) == []
        before, threads = descriptors(), threading.active_count()
        DockerSandbox(POLICY, host=host()).close()
        assert nothing_is_left(engine)
        assert (descriptors(), threading.active_count()) == (before, threads)

    def test_of_one_that_nobody_closed_but_a_warning(self, engine: ContainerClient) -> None:
        assert owned(engine) == []
        before, threads = descriptors(), threading.active_count()
        with pytest.warns(ResourceWarning, match="a docker sandbox was never closed"):  # noqa: PT031 - both are it
            sandbox = DockerSandbox(POLICY, host=host())
            serving(engine, sandbox)
            del sandbox
            gc.collect()
        assert owned(engine) == []
        assert (descriptors(), threading.active_count()) == (before, threads)


_HOST = """
import os, signal, sys, threading
from poet_engine.errors import ClosedError
from poet_engine.job import Job
from poet_engine.policy import Policy
from poet_engine.sandbox.docker import DockerSandbox
def opened():
    return DockerSandbox(Policy.parse('[limits]\\nwall = "60s"\\ncpu = "50s"\\n'), host=sys.argv[1])
def job(body, **how):
    return Job(source=f"def f():\\n    {body}\\n", entry="f", **how)
print("started", flush=True)
"""


@contextlib.contextmanager
def program(code: str) -> Iterator[subprocess.Popen[str]]:
    """A host that runs it, and has said that it started."""
    command = [sys.executable, "-W", "ignore", "-c", _HOST + code, host()]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "started\n"
            yield process
        finally:
            process.kill()


def said_next(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


class TestHosts:
    def test_an_interpreter_that_ends_without_closing_removes_its_containers(self, engine: ContainerClient) -> None:
        with program("sandbox = opened()\nprint(sandbox.run(job('return 7')).value, flush=True)\ninput()\n") as process:
            assert said_next(process) == "7"
            assert owned(engine, process.pid)
            process.communicate("\n", timeout=_DEADLINE)
            assert process.returncode == 0
            assert owned(engine, process.pid) == []

    def test_a_fork_may_not_use_it_and_keeps_no_container_alive(self, engine: ContainerClient) -> None:
        """The container that is just being made has a stream as well, and the child closes that too."""
        code = """
sandbox = opened()
sandbox.run(job('return 7'))
child = os.fork()
if child == 0:
    try:
        sandbox.run(job('return 7'))
    except ClosedError as error:
        os.write(1, f"{error}\\n".encode())  # in one piece
    sandbox.close()
    signal.alarm(120)
    signal.pause()
os.write(1, f"{child}\\n".encode())
signal.pause()
"""
        with program(code) as process:
            told = sorted([said_next(process), said_next(process)])
            child = int(told[0])
            try:
                assert told[1].startswith("this sandbox belongs to the process that opened it, and this is a fork")
                assert any(found.running for found in owned(engine, process.pid))
                process.kill()
                process.wait()
                assert until(lambda: not any(found.running for found in owned(engine, process.pid)))
                os.kill(child, 0)  # it lives, and holds whatever it holds
            finally:
                os.kill(child, signal.SIGKILL)
        with DockerSandbox(POLICY, host=host()):
            assert nothing_is_left(engine, process.pid)

    def test_killed_at_any_moment_their_containers_end_and_the_next_start_sweeps(self, engine: ContainerClient) -> None:
        code = """
while True:
    with opened() as sandbox:
        bodies = ["return 1", "while True: pass", "while True: print('x' * 9999)", "import time; time.sleep(50)"]
        calls = [threading.Thread(target=sandbox.run, args=(job(body, wall=0.3),)) for body in bodies]
        for call in calls: call.start()
        for call in calls: call.join()
"""
        killed = []
        for point in range(12):
            with program(code) as process:
                threading.Event().wait(0.1 + point * 0.3)
                process.send_signal(signal.SIGKILL)
                process.wait()
            killed.append(process.pid)
        for pid in killed:
            assert until(lambda pid=pid: not any(found.running for found in owned(engine, pid)))  # type: ignore[misc]  # a lambda's default has no type
        assert any(owned(engine, pid) for pid in killed), "there is something to sweep"
        with DockerSandbox(POLICY, host=host()) as sandbox:
            assert sandbox.run(QUICK).value == 7
            for pid in killed:
                assert nothing_is_left(engine, pid)


class TestEndedFromOutside:
    @pytest.mark.parametrize("how", [ContainerClient.kill, ContainerClient.remove], ids=["kill", "rm -f"])
    def test_in_mid_call_it_is_nobodys_fault_but_ours(
        self, engine: ContainerClient, how: Callable[[ContainerClient, str], None]
    ) -> None:
        with DockerSandbox(POLICY, host=host()) as sandbox:
            serving(engine, sandbox)
            call = InFlight(sandbox, LOOP)
            for container in owned(engine):
                how(engine, container.id)
            outcome = call.outcome()
            assert said(outcome) == ("infra", "lane_lost", "engine")
            assert outcome.evidence is not None
            assert "from outside" in str(outcome.evidence.value)
            assert sandbox.run(QUICK).value == 7
        assert nothing_is_left(engine)

    @pytest.mark.parametrize("how", [ContainerClient.kill, ContainerClient.remove], ids=["kill", "rm -f"])
    def test_an_idle_one_is_not_given_to_a_caller(
        self, engine: ContainerClient, how: Callable[[ContainerClient, str], None]
    ) -> None:
        with DockerSandbox(POLICY, host=host()) as sandbox:
            for container in serving(engine, sandbox):
                how(engine, container)
            assert sandbox.run(QUICK).value == 7
            assert sandbox.statistics().lanes_made >= 3
        assert nothing_is_left(engine)

    def test_an_idle_one_is_replaced_before_anybody_asks(self, engine: ContainerClient) -> None:
        with DockerSandbox(POLICY, host=host()) as sandbox:
            before = serving(engine, sandbox)
            for container in before:
                engine.kill(container)
            assert until(lambda: not {found.id for found in owned(engine)} & {*before})
            assert until(lambda: sandbox.statistics().ready == 1)
            assert sandbox.run(QUICK).value == 7
            found = sandbox.statistics()
            assert found.lanes_destroyed == 2
        assert nothing_is_left(engine)


class TestOutOfMemory:
    def test_of_a_child_it_is_memory_and_the_sandbox_serves_on(self, engine: ContainerClient) -> None:
        policy = Policy.parse('[limits]\nmemory = "48MiB"\nprocesses = 8\nwall = "30s"\ncpu = "20s"\n')
        # each may map what the budget is: of both together the kernel takes one, and where that is the child, the code
        # that waits for it says so
        eats = (
            "import os, signal\ndef f():\n    if os.fork() == 0:\n        hold = bytearray(b'x') * (44 << 20)\n"
            "        signal.pause()\n    hold = bytearray(b'x') * (44 << 20)\n    os.wait()\n"
            "    raise MemoryError('a child was killed')\n"
        )
        with DockerSandbox(policy, host=host(), runtime="runc") as sandbox:
            outcome = sandbox.run(Job(source=eats, entry="f"))
            assert (outcome.status, outcome.cause, outcome.blame) == (Status.LIMIT, "memory", Blame.CODE), outcome
            assert sandbox.run(QUICK).value == 7
        assert nothing_is_left(engine)

    @pytest.mark.runsc
    def test_of_the_whole_container_it_is_memory_as_well(self, engine: ContainerClient) -> None:
        """The kernel of gVisor is one process: where the machine's kernel takes it, the container is gone."""
        policy = Policy.parse('[limits]\nmemory = "64MiB"\nprocesses = 30\nwall = "60s"\ncpu = "50s"\n')
        eats = (
            "import os, signal\ndef f():\n    for _ in range(24):\n        if os.fork() == 0:\n"
            "            hold = bytearray(b'x') * (50 << 20)\n            signal.pause()\n    signal.pause()\n"
        )
        with DockerSandbox(policy, host=host(), runtime="runsc") as sandbox:
            outcome = sandbox.run(Job(source=eats, entry="f"))
            assert (outcome.status, outcome.cause, outcome.blame) == (Status.LIMIT, "memory", Blame.CODE), outcome
            assert outcome.evidence is not None
            assert sandbox.run(QUICK).value == 7
        assert nothing_is_left(engine)


@pytest.mark.root
class TestTheDaemon:
    def test_started_anew_in_mid_call_it_is_to_blame_and_new_containers_are_made(self, own_daemon: "OwnDaemon") -> None:
        with DockerSandbox(POLICY, host=own_daemon.host) as sandbox:
            with ContainerClient(own_daemon.host) as engine:
                serving(engine, sandbox)
                call = InFlight(sandbox, LOOP)
            own_daemon.stop()
            outcome = call.outcome()
            assert said(outcome) == ("infra", "docker_daemon", "engine"), outcome
            away = sandbox.run(QUICK)
            assert said(away) == ("infra", "docker_daemon", "engine"), away
            own_daemon.start()
            assert until(lambda: sandbox.run(QUICK).ok)
        with ContainerClient(own_daemon.host) as engine:
            assert nothing_is_left(engine)

    @pytest.mark.usefixtures("without_a_line")
    def test_killed_in_mid_call_it_is_to_blame_and_ends_its_containers_when_it_is_back(
        self, own_daemon: "OwnDaemon"
    ) -> None:
        with DockerSandbox(POLICY, host=own_daemon.host) as sandbox:
            with ContainerClient(own_daemon.host) as engine:
                serving(engine, sandbox)
                call = InFlight(sandbox, LOOP)
            own_daemon.kill()
            assert said(call.outcome()) == ("infra", "docker_daemon", "engine")
            own_daemon.start()
            assert until(lambda: sandbox.run(QUICK).ok)
        with ContainerClient(own_daemon.host) as engine:
            assert nothing_is_left(engine)

    def test_killed_in_mid_call_it_is_not_missed_where_it_carries_no_calls(self, own_daemon: "OwnDaemon") -> None:
        naps = Job(source="import time\ndef f():\n    time.sleep(2)\n    return 5\n", entry="f")
        with DockerSandbox(POLICY, host=own_daemon.host) as sandbox:
            with ContainerClient(own_daemon.host) as engine:
                serving(engine, sandbox)
                call = InFlight(sandbox, naps)
            own_daemon.kill()
            assert call.outcome().value == 5
            assert sandbox.run(QUICK).value == 7
            own_daemon.start()
            assert until(lambda: sandbox.run(QUICK).ok)
        with ContainerClient(own_daemon.host) as engine:
            assert nothing_is_left(engine)

    def test_one_that_hangs_is_missed_only_when_a_container_has_to_be_made(self, own_daemon: "OwnDaemon") -> None:
        sandbox = DockerSandbox(POLICY, host=own_daemon.host)
        with ContainerClient(own_daemon.host) as engine:
            serving(engine, sandbox)
        with own_daemon.halted():
            assert sandbox.run(QUICK).value == 7
            assert sandbox.run(Job(source="def f():\n    return 8\n", entry="f")).value == 8
            began = time.monotonic()
            outcome = sandbox.run(Job(source="def f():\n    return 9\n", entry="f", wall=1.0))
            assert said(outcome) == ("infra", "docker_daemon", "engine"), outcome
            assert time.monotonic() - began < 1.0 + 9.0
            began = time.monotonic()
            sandbox.close()
            assert time.monotonic() - began < 10.0
        with ContainerClient(own_daemon.host) as engine:
            assert until(lambda: not any(found.running for found in owned(engine)))

    @pytest.mark.usefixtures("without_a_line")
    def test_one_that_hangs_costs_callers_their_deadline_and_is_to_blame(self, own_daemon: "OwnDaemon") -> None:
        sandbox = DockerSandbox(POLICY, host=own_daemon.host)
        with ContainerClient(own_daemon.host) as engine:
            serving(engine, sandbox)
        jobs = {
            "in a container that serves it": Job(source=QUICK.source, entry="f", wall=1.0),
            "in the spare one": Job(source="def f():\n    return 8\n", entry="f", wall=1.0),
            "without a container": Job(source="def f():\n    return 9\n", entry="f", wall=1.0),
        }
        with own_daemon.halted():
            for name, job in jobs.items():
                began = time.monotonic()
                outcome = sandbox.run(job)
                assert said(outcome) == ("infra", "docker_daemon", "engine"), (name, outcome)
                assert time.monotonic() - began < 1.0 + 9.0, name
            began = time.monotonic()
            with pytest.raises(SandboxUnavailableError, match="the daemon did not answer in time"):
                DockerSandbox(POLICY, host=own_daemon.host)
            assert time.monotonic() - began < 15.0
            began = time.monotonic()
            sandbox.close()
            assert time.monotonic() - began < 10.0
        with ContainerClient(own_daemon.host) as engine:
            assert until(lambda: not any(found.running for found in owned(engine)))

    def test_one_that_is_slow_serves_whoever_has_time(self, own_daemon: "OwnDaemon") -> None:
        with DockerSandbox(POLICY, host=own_daemon.host) as sandbox:
            ended = threading.Event()

            def stutter() -> None:
                while not ended.wait(0.2):
                    with own_daemon.halted():
                        ended.wait(0.3)

            thread = threading.Thread(target=stutter)
            thread.start()
            try:
                assert [sandbox.run(QUICK).value for _ in range(5)] == [7] * 5
            finally:
                ended.set()
                thread.join()
        with ContainerClient(own_daemon.host) as engine:
            assert nothing_is_left(engine)

    def test_a_full_disk_stops_new_containers_only_and_until_there_is_room(self, own_daemon: "OwnDaemon") -> None:
        other = Job(source="def f():\n    return 8\n", entry="f")
        filler = own_daemon.folder / "filler"
        with DockerSandbox(POLICY, host=own_daemon.host) as sandbox:
            with ContainerClient(own_daemon.host) as engine:
                serving(engine, sandbox)
            try:
                with filler.open("wb") as file, contextlib.suppress(OSError):
                    while True:
                        file.write(bytes(1 << 20))
                        file.flush()
                assert sandbox.run(QUICK).value == 7
                assert sandbox.run(other).value == 8, "the spare one"
                full = sandbox.run(Job(source="def f():\n    return 9\n", entry="f"))
                assert said(full) == ("infra", "setup", "engine")
                assert full.evidence is not None
                assert "the disk that holds the daemon's images is full" in str(full.evidence.value)
            finally:
                filler.unlink()
            assert until(lambda: sandbox.run(Job(source="def f():\n    return 9\n", entry="f")).value == 9)
        with ContainerClient(own_daemon.host) as engine:
            assert nothing_is_left(engine)
