"""Containers at a Docker engine, through its API. Every failure leaves here as a DockerError."""

import dataclasses
import json
import socket
from collections.abc import Mapping
from typing import Self

from poet_engine.dockerd import DEFAULT_HOST, DaemonConnection, faults
from poet_engine.errors import DockerError

LABEL_OWNER = "org.poet-engine.owner"  # on every container of ours
_TIMEOUT_S = 10.0
_REMOVALS = 3  # of one container, before the engine's error is told
_ATTACHED = {"stream": "1", "stdin": "1", "stdout": "1", "stderr": "1"}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ContainerState:
    """What the engine knows of a container.

    Attributes:
        running: Whether its first process lives.
        exit_code: Of its first process: 0 while it runs, 137 after SIGKILL, whoever sent it.
        oom_killed: Whether the kernel killed for want of memory; false when it was a child that it killed.
        error: Why it could not be started.
        pid: Of its first process, as the engine's machine counts; 0 when it does not run.
    """

    running: bool
    exit_code: int
    oom_killed: bool
    error: str
    pid: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Owned:
    """One of the containers that have our label.

    Attributes:
        id: Its id.
        name: Its name, without the slash that Docker puts before it.
        labels: All of them.
        running: Whether it runs; false also for one that was never started.
    """

    id: str
    name: str
    labels: Mapping[str, str]
    running: bool


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class EngineInfo:
    """What an engine is, and what it can do.

    Attributes:
        version: Such as `20.10.24`.
        api: The version of the API that is spoken.
        runtimes: Names of the registered runtimes.
        default_runtime: The one that a container gets which names none.
        limits: What it can limit: of `memory`, `swap`, `pids` and `cpu`. The others it drops with a warning.
        cgroup_version: 1 or 2; 0 where it did not say.
        rootless: Whether it runs as an ordinary user.
        userns: Whether the users of containers are mapped to others outside.
        desktop: Whether it is Docker Desktop, whose containers run in a virtual machine.
        security_options: Names such as `seccomp`, `apparmor` and `cgroupns`.
        processors: How many its machine has.
        memory: Bytes that its machine has.
    """

    version: str
    api: str
    runtimes: frozenset[str]
    default_runtime: str
    limits: frozenset[str]
    cgroup_version: int
    rootless: bool
    userns: bool
    desktop: bool
    security_options: frozenset[str]
    processors: int
    memory: int


class ContainerClient:
    """Containers at one engine; a context manager. Several threads may use it at once.

    Every method takes `timeout`: seconds for connecting to the engine and again for its answer, after which the
    DockerError has the fault `timeout`. What was asked for may be done all the same.

    Args:
        host: Its address, such as `unix:///var/run/docker.sock`.
        timeout: Where a call says nothing else.

    Raises:
        DockerError: None answers there, or not to this user, or it is too old.
    """

    def __init__(self, host: str = DEFAULT_HOST, *, timeout: float = _TIMEOUT_S) -> None:
        self.host = host
        self._connection = DaemonConnection(host, timeout=timeout)

    def __repr__(self) -> str:
        return f"<ContainerClient {self.host}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection; sockets that `attach` gave stay open."""
        self._connection.close()

    def create(self, body: Mapping[str, object], name: str, *, timeout: float | None = None) -> str:
        """Make a container, and return its id.

        Args:
            body: What `configuration.body` says.
            name: A name that no other container has.
            timeout: As above.

        Raises:
            DockerError: The image or the runtime is not there, or the engine cannot do what is asked.
        """
        made = self._connection.ask(
            "POST",
            "/containers/create",
            doing="making a container",
            parameters={"name": name},
            body=body,
            timeout=timeout,
        )
        return str(_mapping(made).get("Id", ""))

    def attach(self, container: str, *, timeout: float | None = None) -> socket.socket:
        """The streams of a container that is not started yet: what it says before that would be lost.

        What is written goes to its standard input. What is read are Docker's frames: a byte for the stream (1 stdout,
        2 stderr), three zeros, the length in four bytes (big endian), and the data. It ends with the container.

        Returns:
            A blocking socket, which the caller owns and closes; closing it is end-of-file to the container.

        Raises:
            DockerError: There is no such container.
        """
        return self._connection.hijack(
            f"/containers/{container}/attach", _ATTACHED, doing=f"attaching to {_short(container)}", timeout=timeout
        )

    def start(self, container: str, *, timeout: float | None = None) -> None:
        """Start it.

        Raises:
            DockerError: It is gone, or its runtime could not start it.
        """
        self._post(container, "start", f"starting {_short(container)}", timeout)

    def kill(self, container: str, *, timeout: float | None = None) -> None:
        """End it with everything in it; fine when it is over already.

        Raises:
            DockerError: The engine did not do it.
        """
        try:
            self._post(container, "kill", f"killing {_short(container)}", timeout)
        except DockerError as error:
            if error.fault not in {faults.GONE, faults.NOT_RUNNING}:
                raise

    def remove(self, container: str, *, timeout: float | None = None) -> None:
        """Remove it, running or not, with its volumes; fine when it is gone already, or going.

        Raises:
            DockerError: The engine did not do it.
        """
        for left in reversed(range(_REMOVALS)):
            try:
                self._remove(container, timeout)
            except DockerError as error:
                if error.fault in {faults.GONE, faults.BEING_REMOVED}:
                    return
                # The engine may write the state of a container into its folder while it removes that very folder.
                if error.fault != faults.HALF_REMOVED or not left:
                    raise
            else:
                return

    def _remove(self, container: str, timeout: float | None) -> None:
        self._connection.ask(
            "DELETE",
            f"/containers/{container}",
            doing=f"removing {_short(container)}",
            parameters={"force": "1", "v": "1"},
            timeout=timeout,
        )

    def state(self, container: str, *, timeout: float | None = None) -> ContainerState | None:
        """How it is; None when it is gone.

        Raises:
            DockerError: The engine did not say.
        """
        doing = f"asking how {_short(container)} is"
        try:
            found = self._connection.ask("GET", f"/containers/{container}/json", doing=doing, timeout=timeout)
        except DockerError as error:
            if error.fault == faults.GONE:
                return None
            raise
        state = _mapping(_mapping(found).get("State"))
        return ContainerState(
            running=state.get("Running") is True,
            exit_code=_whole(state.get("ExitCode")),
            oom_killed=state.get("OOMKilled") is True,
            error=str(state.get("Error") or ""),
            pid=_whole(state.get("Pid")),
        )

    def set_memory(self, container: str, size: int, *, timeout: float | None = None) -> None:
        """Limit a container to so many bytes, memory and swap together.

        Raises:
            DockerError: It is gone, or has more than that in use.
        """
        limits = {"Memory": size, "MemorySwap": size}
        self._post(container, "update", f"limiting the memory of {_short(container)}", timeout, limits)

    def owned(self, *, timeout: float | None = None) -> list[Owned]:
        """All containers with our label, whoever made them, but for those that are being removed.

        Of those Docker 20.10 sometimes goes on listing one that is long gone.

        Raises:
            DockerError: The engine did not say.
        """
        found = self._connection.ask(
            "GET",
            "/containers/json",
            doing="listing containers",
            parameters={"all": "1", "filters": json.dumps({"label": [LABEL_OWNER]})},
            timeout=timeout,
        )
        entries = [_mapping(entry) for entry in _sequence(found)]
        return [_owned(entry) for entry in entries if entry.get("State") != "removing"]

    def ping(self, *, timeout: float | None = None) -> None:
        """See whether the engine lives and lets anybody in: one that is ending still answers on connections it has.

        Raises:
            DockerError: It does not.
        """
        self._connection.knock(timeout=self._connection.timeout if timeout is None else timeout)
        self._connection.ask("GET", "/version", doing="asking whether the engine lives", timeout=timeout)

    def info(self, *, timeout: float | None = None) -> EngineInfo:
        """What the engine is.

        Raises:
            DockerError: The engine did not say.
        """
        found = self._connection.ask("GET", "/info", doing="asking what the engine is", timeout=timeout)
        return read_info(_mapping(found), self._connection.api)

    def _post(
        self, container: str, what: str, doing: str, timeout: float | None, body: Mapping[str, object] | None = None
    ) -> None:
        self._connection.ask("POST", f"/containers/{container}/{what}", doing=doing, body=body, timeout=timeout)


def read_info(told: Mapping[str, object], api: str) -> EngineInfo:
    """Docker's answer to `GET /info`; what it does not say counts as not there."""
    options = frozenset(_option(found) for found in _sequence(told.get("SecurityOptions")))
    can = {"memory": "MemoryLimit", "swap": "SwapLimit", "pids": "PidsLimit", "cpu": "CpuCfsQuota"}
    version = told.get("CgroupVersion")
    return EngineInfo(
        version=str(told.get("ServerVersion", "")),
        api=api,
        runtimes=frozenset(_mapping(told.get("Runtimes"))),
        default_runtime=str(told.get("DefaultRuntime", "")),
        limits=frozenset(name for name, key in can.items() if told.get(key) is True),
        cgroup_version=int(version) if isinstance(version, str) and version.isdecimal() else 0,
        rootless="rootless" in options,
        userns="userns" in options,
        desktop=told.get("OperatingSystem") == "Docker Desktop",
        security_options=options,
        processors=_whole(told.get("NCPU")),
        memory=_whole(told.get("MemTotal")),
    )


def _owned(entry: Mapping[str, object]) -> Owned:
    names = [str(name).removeprefix("/") for name in _sequence(entry.get("Names"))]
    return Owned(
        id=str(entry.get("Id", "")),
        name=names[0] if names else "",
        labels={name: str(value) for name, value in _mapping(entry.get("Labels")).items()},
        running=entry.get("State") in {"running", "paused", "restarting"},
    )


def _option(told: object) -> str:
    """`seccomp` of `name=seccomp,profile=default`."""
    return str(told).partition(",")[0].removeprefix("name=")


def _mapping(value: object) -> Mapping[str, object]:
    return {str(name): found for name, found in value.items()} if isinstance(value, dict) else {}


def _sequence(value: object) -> list[object]:
    return list(value) if isinstance(value, list) else []


def _whole(value: object) -> int:
    return value if isinstance(value, int) else 0


def _short(container: str) -> str:
    return f"the container {container[:12]}"
