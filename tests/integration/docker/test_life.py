"""Containers live and die at a real engine: streams, states, limits, faults, threads, and what a killed host left."""

import contextlib
import dataclasses
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from poet_engine.dockerd import faults
from poet_engine.errors import DockerError
from poet_engine.sandbox.docker import ownership
from poet_engine.sandbox.docker.client import ContainerClient

if TYPE_CHECKING:
    from tests.integration.docker.conftest import Containers

pytestmark = [pytest.mark.docker, pytest.mark.slow]

MIB = 1 << 20

TALK = """
import sys
for line in sys.stdin: print("heard", line.strip(), flush=True), print("aside", file=sys.stderr, flush=True)
print("the end", flush=True)
sys.exit(7)
"""


def test_a_life(engine: ContainerClient, containers: "Containers", runtime: str) -> None:
    container = containers.make(TALK, runtime)
    state = engine.state(container)
    assert state is not None
    assert (state.running, state.pid) == (False, 0)
    with engine.attach(container) as stream:
        stream.settimeout(60)
        engine.start(container)
        state = engine.state(container)
        assert state is not None
        assert state.running
        assert state.pid > 0
        stream.sendall(b"hello\n")
        heard = containers.frames(stream)
        assert {next(heard), next(heard)} == {(1, b"heard hello\n"), (2, b"aside\n")}
        stream.shutdown(socket.SHUT_WR)  # the end of its standard input
        assert next(heard) == (1, b"the end\n")
        assert list(heard) == []
    state = containers.ended(container)
    assert (state.exit_code, state.oom_killed, state.error) == (7, False, "")
    engine.kill(container)  # over already
    engine.remove(container)
    engine.remove(container)  # gone already
    engine.kill(container)
    assert engine.state(container) is None


def test_a_dropped_stream_is_end_of_file_inside(engine: ContainerClient, containers: "Containers") -> None:
    """That is the lifeline: a container notices by itself that its host is gone."""
    container = containers.make(TALK)
    stream = engine.attach(container)
    engine.start(container)
    stream.close()
    assert containers.ended(container).exit_code == 7


def test_killed_is_over_at_once(engine: ContainerClient, containers: "Containers", runtime: str) -> None:
    container = containers.make("input()", runtime)
    with engine.attach(container) as stream:
        stream.settimeout(60)
        engine.start(container)
        engine.kill(container)
        assert list(containers.frames(stream)) == []
    assert containers.ended(container).exit_code == 128 + signal.SIGKILL


def test_the_state_tells_of_memory_that_ran_out(containers: "Containers") -> None:
    container = containers.make("print('reached', flush=True); bytearray(1 << 30); print('had')")
    assert containers.output(container) == "reached\n"
    state = containers.ended(container)
    assert (state.exit_code, state.oom_killed) == (128 + signal.SIGKILL, True)


def test_memory_can_be_limited_anew_while_it_runs(engine: ContainerClient, containers: "Containers") -> None:
    program = """
import sys
paths = "/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"
for line in sys.stdin:
    for path in paths:
        try: print(open(path).read().strip(), flush=True)
        except FileNotFoundError: pass
"""
    container = containers.make(program)
    with engine.attach(container) as stream:
        stream.settimeout(60)
        engine.start(container)
        told = containers.frames(stream)
        for size in (None, 256 * MIB, 512 * MIB):
            if size is not None:
                engine.set_memory(container, size)
            stream.sendall(b"\n")
            assert next(told) == (1, f"{size or containers.memory}\n".encode())


class TestFaults:
    """The engine's own words, where they can be provoked."""

    def test_no_image(self, containers: "Containers") -> None:
        assert (
            self._fault(lambda: containers.make("0", Image="sha256:" + "b" * 64), "poet images build")
            == faults.NO_IMAGE
        )

    def test_no_runtime(self, containers: "Containers") -> None:
        assert self._fault(lambda: containers.make("0", "nope"), "daemon.json") == faults.NO_RUNTIME

    def test_a_name_that_is_taken(self, engine: ContainerClient, containers: "Containers") -> None:
        container = containers.make("0")
        name = next(found.name for found in engine.owned() if found.id == container)
        assert self._fault(lambda: engine.create({"Image": containers.image.id}, name), name) == faults.IN_USE

    def test_no_such_program(self, engine: ContainerClient, containers: "Containers") -> None:
        container = containers.make("0", Entrypoint=["/nope"])
        assert self._fault(lambda: engine.start(container), "/nope") == faults.NOT_STARTED
        state = engine.state(container)
        assert state is not None
        assert "/nope" in state.error

    def test_limits_that_the_engine_cannot_set(self, engine: ContainerClient, containers: "Containers") -> None:
        far = {"Ulimits": [{"Name": "nofile", "Soft": 1 << 40, "Hard": 1 << 40}]}
        container = containers.make("0", HostConfig=far, NetworkDisabled=True)
        assert self._fault(lambda: engine.start(container), "error setting rlimit") == faults.NO_LIMITS

    @pytest.mark.parametrize("call", ["start", "attach", "set_memory"])
    def test_no_such_container(self, engine: ContainerClient, call: str) -> None:
        calls: dict[str, Callable[[], object]] = {
            "start": lambda: engine.start("c" * 64),
            "attach": lambda: engine.attach("c" * 64),
            "set_memory": lambda: engine.set_memory("c" * 64, 256 * MIB),
        }
        assert self._fault(calls[call], "not there any more") == faults.GONE

    @staticmethod
    def _fault(deed: Callable[[], object], mends: str) -> str:
        with pytest.raises(DockerError) as caught:
            deed()
        assert mends in str(caught.value)
        return caught.value.fault


def test_several_threads_have_containers_at_once(engine: ContainerClient, containers: "Containers") -> None:
    made = [containers.make(TALK) for _ in range(6)]
    said: dict[str, str] = {}

    def live(container: str) -> None:
        with engine.attach(container) as stream:
            stream.settimeout(60)
            engine.start(container)
            stream.sendall(container.encode() + b"\n")
            stream.shutdown(socket.SHUT_WR)
            said[container] = b"".join(data for number, data in containers.frames(stream) if number == 1).decode()
        engine.remove(container)

    threads = [threading.Thread(target=live, args=(container,)) for container in made]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert said == {container: f"heard {container}\nthe end\n" for container in made}


def test_the_engine_says_what_it_is(engine: ContainerClient) -> None:
    info = engine.info()
    assert "runc" in info.runtimes
    assert info.cgroup_version in (1, 2)
    assert info.version[0].isdecimal()
    assert {"memory", "pids", "cpu"} <= info.limits
    assert info.processors >= 1


KILLED = """
import os, signal, sys
from poet_engine.sandbox.docker import ownership
from poet_engine.sandbox.docker.client import ContainerClient
engine = ContainerClient(sys.argv[1])
labels = ownership.current("0").labels()
for started in (True, False):
    body = {"Image": sys.argv[2], "Cmd": ["-c", "import signal; signal.pause()"], "Labels": labels}
    container = engine.create(body, ownership.name(os.urandom))
    if started: engine.start(container)
    print(container, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_a_killed_host_left_is_swept_and_nothing_else(engine: ContainerClient, containers: "Containers") -> None:
    here = ownership.current("0")
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, engine.host, containers.image.id], capture_output=True, text=True, check=False
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    left = killed.stdout.split()
    with contextlib.ExitStack() as stack:
        for container in left:
            stack.callback(engine.remove, container)
        mine = containers.make("0", labels=here.labels())
        far = containers.make("0", labels=dataclasses.replace(here, pid=1 << 40, boot="another machine").labels())
        listed = {found.id: found for found in engine.owned()}
        assert [listed[container].running for container in left] == [True, False]

        swept = ownership.sweep(engine, here)

        assert {listed[container].name for container in left} <= {*swept.removed}
        assert swept.failed == {}
        remaining = {found.id for found in engine.owned()}
        assert {mine, far} <= remaining
        assert not remaining & {*left}
