"""Manage containers through the Docker daemon's API. Every failure leaves here as a DockerError."""

import dataclasses
import json
import socket
from collections.abc import Mapping
from typing import Self

from poet_engine.dockerd import DEFAULT_HOST, DaemonConnection, faults
from poet_engine.errors import DockerError

LABEL_OWNER = "org.poet-engine.owner"  # on every container of ours
_TIMEOUT_S = 10.0
_REMOVALS = 3  # of one container, before the daemon's error is raised
_ENDING_S = 2.0  # for a container whose stream was cut to end by itself, and for the daemon to notice
_ATTACHED = {"stream": "1", "stdin": "1", "stdout": "1", "stderr": "1"}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ContainerState:
    """The state of a container, as the daemon reports it.

    Attributes:
        running: Whether its first process lives.
        exit_code: Exit code of its first process: 0 while it runs, 137 after SIGKILL, whoever sent it.
        oom_killed: Whether the OOM killer ended the first process; false when it ended a child.
        error: Why it could not be started.
        pid: Pid of its first process on the daemon's machine; 0 when it does not run.
    """

    running: bool
    exit_code: int
    oom_killed: bool
    error: str
    pid: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Owned:
    """A container that has our label.

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
    """The properties of a Docker daemon.

    Attributes:
        version: Its version, such as `20.10.24`.
        api: The version of the API that is used.
        runtimes: Names of the registered runtimes.
        default_runtime: The runtime of a container that names none.
        limits: The limits that it can set, of `memory`, `swap`, `pids` and `cpu`. It drops others with a warning.
        cgroup_version: 1 or 2; 0 where the daemon does not report it.
        rootless: Whether it runs as an ordinary user.
        userns: Whether the users of containers are mapped to others outside.
        desktop: Whether it is Docker Desktop, whose containers run in a virtual machine.
        security_options: Names such as `seccomp`, `apparmor` and `cgroupns`.
        processors: The number of processors of its machine.
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
    """A client for containers at one daemon; a context manager. Several threads may use it at once.

    Every method takes `timeout`: seconds for connecting to the daemon and again for its answer, after which the
    DockerError has the fault `timeout`. The request may be carried out all the same.

    Args:
        host: The daemon's address, such as `unix:///var/run/docker.sock`.
        timeout: Seconds, where a call gives no timeout.

    Raises:
        DockerError: No daemon answers there, or not to this user, or it is too old.
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
        """Close the connection; sockets that `attach` returned stay open."""
        self._connection.close()

    def create(self, body: Mapping[str, object], name: str, *, timeout: float | None = None) -> str:
        """Create a container; return its id.

        Args:
            body: Its configuration, from `container_spec.body`.
            name: A name that no other container has.
            timeout: Seconds to connect, and again to answer.

        Raises:
            DockerError: The image or the runtime is missing, or the daemon cannot do it.
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
        """Attach to the streams of a container that is not started yet: what it writes before that would be lost.

        What is written goes to its standard input. What is read are Docker's frames: a byte for the stream (1 stdout, 2
        stderr), three zeros, the length in four bytes (big endian), and the data. It ends with the container.

        Returns:
            A blocking socket, which the caller owns and closes; closing it is end-of-file to the container.

        Raises:
            DockerError: The container does not exist.
        """
        return self._connection.hijack(
            f"/containers/{container}/attach", _ATTACHED, doing=f"attaching to {_short(container)}", timeout=timeout
        )

    def start(self, container: str, *, timeout: float | None = None) -> None:
        """Start a container.

        Raises:
            DockerError: The container is gone, or its runtime could not start it.
        """
        self._post(container, "start", f"starting {_short(container)}", timeout)

    def kill(self, container: str, *, timeout: float | None = None) -> None:
        """Kill everything in a container; one that has ended already is no error.

        Raises:
            DockerError: The daemon did not do it.
        """
        try:
            self._post(container, "kill", f"killing {_short(container)}", timeout)
        except DockerError as error:
            if error.fault not in {faults.GONE, faults.NOT_RUNNING}:
                raise

    def remove(self, container: str, *, timeout: float | None = None) -> None:
        """Remove a container, running or not, with its volumes; one that is gone, or going, is no error.

        It is removed when the daemon has seen it end, by itself or else killed. Where a removal or a signal meets a
        container that is just ending, Docker forgets it and leaves its shim and its control groups.

        Raises:
            DockerError: The daemon did not do it.
        """
        if not self._ended(container, timeout):
            self.kill(container, timeout=timeout)
            self._ended(container, timeout)
        for left in reversed(range(_REMOVALS)):
            try:
                self._remove(container, timeout)
            except DockerError as error:
                if error.fault in {faults.GONE, faults.BEING_REMOVED}:
                    return
                # The daemon may write the state of a container into its folder while it removes that very folder.
                if error.fault != faults.HALF_REMOVED or not left:
                    raise
            else:
                return

    def _ended(self, container: str, timeout: float | None) -> bool:
        """Wait a little until the daemon says that a container does not run; return whether it said so."""
        doing = f"waiting for the end of {_short(container)}"
        try:
            self._post(container, "wait", doing, min(_ENDING_S, timeout or _TIMEOUT_S))
        except DockerError as error:
            if error.fault not in {faults.GONE, faults.BEING_REMOVED, faults.TIMEOUT}:
                raise
            return error.fault != faults.TIMEOUT
        return True

    def _remove(self, container: str, timeout: float | None) -> None:
        self._connection.ask(
            "DELETE",
            f"/containers/{container}",
            doing=f"removing {_short(container)}",
            parameters={"force": "1", "v": "1"},
            timeout=timeout,
        )

    def state(self, container: str, *, timeout: float | None = None) -> ContainerState | None:
        """Return a container's state; None when it is gone.

        Raises:
            DockerError: The daemon did not answer.
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
        """Limit a container to `size` bytes, memory and swap together.

        Raises:
            DockerError: The container is gone, or has more than that in use.
        """
        limits = {"Memory": size, "MemorySwap": size}
        self._post(container, "update", f"limiting the memory of {_short(container)}", timeout, limits)

    def owned(self, *, timeout: float | None = None) -> list[Owned]:
        """Return all containers with our label, whoever made them, but for those that are being removed.

        Of those, Docker 20.10 sometimes goes on listing one that is long gone.

        Raises:
            DockerError: The daemon did not answer.
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
        """Check that the daemon accepts connections and answers: one that is ending still answers on open connections.

        Raises:
            DockerError: No daemon accepts a connection, or it does not answer.
        """
        self._connection.knock(timeout=self._connection.timeout if timeout is None else timeout)
        self._connection.ask("GET", "/version", doing="asking whether the daemon answers", timeout=timeout)

    def info(self, *, timeout: float | None = None) -> EngineInfo:
        """Return the daemon's properties.

        Raises:
            DockerError: The daemon did not answer.
        """
        found = self._connection.ask("GET", "/info", doing="asking what the daemon is", timeout=timeout)
        return read_info(_mapping(found), self._connection.api)

    def _post(
        self, container: str, what: str, doing: str, timeout: float | None, body: Mapping[str, object] | None = None
    ) -> None:
        self._connection.ask("POST", f"/containers/{container}/{what}", doing=doing, body=body, timeout=timeout)


def read_info(answer: Mapping[str, object], api: str) -> EngineInfo:
    """Read Docker's answer to `GET /info`; what it leaves out counts as missing."""
    options = frozenset(_option(found) for found in _sequence(answer.get("SecurityOptions")))
    can = {"memory": "MemoryLimit", "swap": "SwapLimit", "pids": "PidsLimit", "cpu": "CpuCfsQuota"}
    version = answer.get("CgroupVersion")
    return EngineInfo(
        version=str(answer.get("ServerVersion", "")),
        api=api,
        runtimes=frozenset(_mapping(answer.get("Runtimes"))),
        default_runtime=str(answer.get("DefaultRuntime", "")),
        limits=frozenset(name for name, key in can.items() if answer.get(key) is True),
        cgroup_version=int(version) if isinstance(version, str) and version.isdecimal() else 0,
        rootless="rootless" in options,
        userns="userns" in options,
        desktop=answer.get("OperatingSystem") == "Docker Desktop",
        security_options=options,
        processors=_whole(answer.get("NCPU")),
        memory=_whole(answer.get("MemTotal")),
    )


def _owned(entry: Mapping[str, object]) -> Owned:
    names = [str(name).removeprefix("/") for name in _sequence(entry.get("Names"))]
    return Owned(
        id=str(entry.get("Id", "")),
        name=names[0] if names else "",
        labels={name: str(value) for name, value in _mapping(entry.get("Labels")).items()},
        running=entry.get("State") in {"running", "paused", "restarting"},
    )


def _option(answer: object) -> str:
    """Return `seccomp` of `name=seccomp,profile=default`."""
    return str(answer).partition(",")[0].removeprefix("name=")


def _mapping(value: object) -> Mapping[str, object]:
    return {str(name): found for name, found in value.items()} if isinstance(value, dict) else {}


def _sequence(value: object) -> list[object]:
    return list(value) if isinstance(value, list) else []


def _whole(value: object) -> int:
    return value if isinstance(value, int) else 0


def _short(container: str) -> str:
    return f"the container {container[:12]}"
