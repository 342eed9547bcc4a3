"""What the adapter asks of an engine, what it makes of the answers, and that no call outlasts its deadline."""

import gc
import json
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar

import pytest

from poet_engine.dockerd import faults
from poet_engine.errors import DockerError
from poet_engine.sandbox.docker.client import ContainerClient, ContainerState, EngineInfo, Owned, read_info

if TYPE_CHECKING:
    from tests.unit.conftest import ScriptedEngine

CALLS: dict[str, Callable[[ContainerClient, float], object]] = {
    "create": lambda engine, wait: engine.create({"Image": "x"}, "n", timeout=wait),
    "attach": lambda engine, wait: engine.attach("c", timeout=wait),
    "start": lambda engine, wait: engine.start("c", timeout=wait),
    "kill": lambda engine, wait: engine.kill("c", timeout=wait),
    "remove": lambda engine, wait: engine.remove("c", timeout=wait),
    "state": lambda engine, wait: engine.state("c", timeout=wait),
    "set_memory": lambda engine, wait: engine.set_memory("c", 1 << 30, timeout=wait),
    "owned": lambda engine, wait: engine.owned(timeout=wait),
    "info": lambda engine, wait: engine.info(timeout=wait),
}
EACH = pytest.mark.parametrize("call", CALLS)


@EACH
def test_an_engine_that_hangs_costs_a_caller_its_deadline_and_no_more(
    scripted_engine: "ScriptedEngine", call: str
) -> None:
    """It took the request, and says nothing: pytest's own timeout would end a call without a deadline."""
    reached = threading.Event()
    scripted_engine.says = lambda _: reached.set()
    with ContainerClient(scripted_engine.host, timeout=30) as engine, pytest.raises(DockerError) as caught:
        CALLS[call](engine, 0.2)
    assert caught.value.fault == faults.TIMEOUT
    assert reached.wait(30)
    gc.collect()  # a connection that was left open warns now, which fails the test


@EACH
def test_an_engine_that_dies_in_the_middle_is_said_to_be_gone(scripted_engine: "ScriptedEngine", call: str) -> None:
    scripted_engine.says = lambda _: b""
    with ContainerClient(scripted_engine.host, timeout=30) as engine, pytest.raises(DockerError) as caught:
        CALLS[call](engine, 30)
    assert caught.value.fault == faults.NO_DAEMON


def test_the_first_deadline_is_that_of_connecting(scripted_engine: "ScriptedEngine") -> None:
    scripted_engine.api = ""  # no answer to the first question either
    with pytest.raises(DockerError) as caught:
        ContainerClient(scripted_engine.host, timeout=0.2)
    assert caught.value.fault == faults.TIMEOUT


GONE = ("404 Not Found", "No such container: c")
STOPPED = ("409 Conflict", "Cannot kill container: c: Container c is not running")
GOING = ("409 Conflict", "removal of container c is already in progress")
BOOM = ("500 Internal Server Error", "boom")


@pytest.mark.parametrize(
    ("call", "said", "fault"),
    [
        ("kill", GONE, None),
        ("kill", STOPPED, None),
        ("kill", BOOM, faults.FAILED),
        ("remove", GONE, None),
        ("remove", GOING, None),
        ("remove", BOOM, faults.FAILED),
        ("state", GONE, None),
        ("state", BOOM, faults.FAILED),
        ("start", GONE, faults.GONE),
        ("attach", GONE, faults.GONE),
        ("set_memory", GONE, faults.GONE),
    ],
)
def test_what_is_over_already_is_no_failure_of_ending_it(
    scripted_engine: "ScriptedEngine", call: str, said: tuple[str, str], fault: str | None
) -> None:
    scripted_engine.says = lambda _: scripted_engine.answer(said[0], {"message": said[1]})
    with ContainerClient(scripted_engine.host, timeout=30) as engine:
        if fault is None:
            assert CALLS[call](engine, 30) is None
        else:
            with pytest.raises(DockerError) as caught:
                CALLS[call](engine, 30)
            assert caught.value.fault == fault


def test_the_state_is_what_the_engine_says(scripted_engine: "ScriptedEngine") -> None:
    told = {"Running": False, "ExitCode": 137, "OOMKilled": True, "Error": "", "Pid": 0, "Status": "exited"}
    scripted_engine.says = lambda _: scripted_engine.answer("200 OK", {"Id": "c", "State": told})
    with ContainerClient(scripted_engine.host, timeout=30) as engine:
        expected = ContainerState(running=False, exit_code=137, oom_killed=True, error="", pid=0)
        assert engine.state("c") == expected


def test_memory_and_swap_are_limited_together(scripted_engine: "ScriptedEngine") -> None:
    scripted_engine.says = lambda _: scripted_engine.answer("200 OK", {"Warnings": None})
    with ContainerClient(scripted_engine.host, timeout=30) as engine:
        engine.set_memory("c", 123)
    assert scripted_engine.asked[-1] == "POST /v1.41/containers/c/update"
    assert json.loads(scripted_engine.bodies[-1]) == {"Memory": 123, "MemorySwap": 123}


def test_listed_containers_are_read_even_if_much_is_missing(scripted_engine: "ScriptedEngine") -> None:
    listed = [
        {"Id": "a", "Names": ["/poet-1"], "Labels": {"x": "y"}, "State": "paused"},
        {"Id": "b", "Names": None},
        {"Id": "c", "Names": [], "Labels": {"x": "y"}, "State": "removing"},
    ]
    scripted_engine.says = lambda _: scripted_engine.answer("200 OK", listed)
    with ContainerClient(scripted_engine.host, timeout=30) as engine:
        assert engine.owned() == [
            Owned(id="a", name="poet-1", labels={"x": "y"}, running=True),
            Owned(id="b", name="", labels={}, running=False),
        ]


def test_what_an_engine_is() -> None:
    told = {
        "ServerVersion": "27.1",
        "Runtimes": {"runc": {}, "runsc": {"path": "/usr/bin/runsc"}},
        "DefaultRuntime": "runc",
        "MemoryLimit": True,
        "SwapLimit": False,
        "PidsLimit": True,
        "CgroupVersion": "2",
        "SecurityOptions": ["name=seccomp,profile=builtin", "name=rootless", "name=cgroupns"],
        "OperatingSystem": "Docker Desktop",
        "NCPU": 8,
        "MemTotal": 1 << 34,
    }
    assert read_info(told, "1.46") == EngineInfo(
        version="27.1",
        api="1.46",
        runtimes=frozenset({"runc", "runsc"}),
        default_runtime="runc",
        limits=frozenset({"memory", "pids"}),
        cgroup_version=2,
        rootless=True,
        userns=False,
        desktop=True,
        security_options=frozenset({"seccomp", "rootless", "cgroupns"}),
        processors=8,
        memory=1 << 34,
    )


def test_an_engine_that_says_nothing_of_itself_can_do_nothing() -> None:
    found = read_info({"CgroupVersion": "two", "Runtimes": None, "NCPU": "8"}, "1.40")
    assert (found.limits, found.runtimes, found.cgroup_version, found.processors) == (frozenset(), frozenset(), 0, 0)


def test_a_container_is_removed_when_it_was_seen_to_end(scripted_engine: "ScriptedEngine") -> None:
    """A signal, or a forced removal, that meets its end leaves its shim and its control groups behind."""
    with ContainerClient(scripted_engine.host, timeout=30) as engine:
        engine.remove("c")
    at = f"/v{scripted_engine.api}/containers/c"
    assert scripted_engine.asked[-2:] == [f"POST {at}/wait", f"DELETE {at}?force=1&v=1"]


def test_a_container_whose_end_is_not_seen_is_removed_all_the_same(
    scripted_engine: "ScriptedEngine", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("poet_engine.sandbox.docker.client._ENDING_S", 0.05)
    ended = scripted_engine.answer("204 No Content")
    scripted_engine.says = lambda asked: None if asked.endswith("/wait") else ended
    with ContainerClient(scripted_engine.host, timeout=30) as engine:
        engine.remove("c")
    asked = [one.rpartition("/")[2] for one in scripted_engine.asked[-4:]]
    assert asked == ["wait", "kill", "wait", "c?force=1&v=1"]


class TestHalfRemoved:
    """The engine wrote into the folder of a container while it removed it, and says that the folder is not empty."""

    SAID: ClassVar = {
        "message": "unable to remove filesystem for c: unlinkat /var/lib/docker/containers/c: directory not empty"
    }

    @pytest.mark.parametrize("failures", [1, 2])
    def test_the_container_is_removed_once_more(self, scripted_engine: "ScriptedEngine", failures: int) -> None:
        answers = [scripted_engine.answer("500 Internal Server Error", self.SAID)] * failures
        answers.append(scripted_engine.answer("204 No Content"))
        ended = scripted_engine.answer("204 No Content")
        scripted_engine.says = lambda asked: answers.pop(0) if asked.startswith("DELETE") else ended
        with ContainerClient(scripted_engine.host, timeout=30) as engine:
            engine.remove("c")
        assert answers == []

    def test_it_is_said_when_that_does_not_help(self, scripted_engine: "ScriptedEngine") -> None:
        said, ended = scripted_engine.answer("500 Error", self.SAID), scripted_engine.answer("204 No Content")
        scripted_engine.says = lambda asked: said if asked.startswith("DELETE") else ended
        with ContainerClient(scripted_engine.host, timeout=30) as engine, pytest.raises(DockerError) as caught:
            engine.remove("c")
        assert caught.value.fault == faults.HALF_REMOVED
        assert len([asked for asked in scripted_engine.asked if asked.startswith("DELETE")]) == 3
