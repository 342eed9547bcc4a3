"""Making containers: from a policy and an engine to one that is being prepared."""

import contextlib
import dataclasses
import threading
from collections.abc import Callable, Iterator, Mapping

from poet_engine.dockerd import faults
from poet_engine.errors import DockerError
from poet_engine.guest.config import Config
from poet_engine.guest.frames import FrameKind
from poet_engine.policy import Policy
from poet_engine.sandbox.docker import container_spec
from poet_engine.sandbox.docker.container import Container
from poet_engine.sandbox.docker.direct_socket import INSIDE, DirectSocket, NoDirectSocketError
from poet_engine.sandbox.docker.engine import ContainerClient
from poet_engine.sandbox.docker.ownership import Users
from poet_engine.sandbox.docker.stream import Stream

_BOOT = (
    "import sys; sys.path.insert(0, '/opt/poet'); from poet_guest import container; del sys.path[0]; container.main()"
)
COMMAND = ("-c", _BOOT)
_TOLERANCE = 1 << 20  # what two containers of one kind differ by
# Seconds for each request: a storage driver that copies an image for each container takes some with a large one.
_MAKE = 20.0
_CONNECT = 10.0  # until an interpreter has started and called
_MOST_GROWTH = 4 << 20  # what the first process may hold on to from one payload to the next
# Names of containers that may be there although we have done with them, by the engine's address, and how often they are
# still looked for where they are not: of the whole process, since the sandbox that made them may be closed meanwhile.
_doubtful: dict[str, dict[str, int]] = {}
_TRIES = 3
_UNKNOWN_FATE = frozenset((faults.TIMEOUT, faults.NO_DAEMON))  # what was asked for may be done all the same


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ContainerTemplate:
    """What is the same for all containers of a policy.

    Attributes:
        image: The image's id.
        runtime: What runs them.
        profile: The seccomp profile as JSON; None for a runtime that takes none.
        labels: Whose they are.
        line: Whether a socket past the engine may be tried.
        names: Gives a name that nobody else has.
        users: Of which each container has one to itself.
    """

    image: str
    runtime: str
    profile: str | None
    labels: Mapping[str, str]
    line: bool
    names: Callable[[], str]
    users: Users


class ContainerBuilder:
    """Makes containers of one policy.

    Args:
        engine: Where.
        policy: What they are to be.
        config: What their first process is told, by its user.
        kind: What else is the same for all of them.
    """

    def __init__(
        self, engine: ContainerClient, policy: Policy, config: Callable[[int], Config], kind: ContainerTemplate
    ) -> None:
        self._engine, self._policy, self._config, self._kind = engine, policy, config, kind
        self._lock = threading.Lock()
        self._baseline: int | None = None
        self._has_line = kind.line
        self._doubtful = _doubtful.setdefault(engine.host, {})

    def __repr__(self) -> str:
        return (
            f"<ContainerBuilder image={self._kind.image[7:19]} runtime={self._kind.runtime} baseline={self._baseline}>"
        )

    def build(self, config: Callable[[int], Config] | None = None) -> Container:
        """A container that has been started and told what it is; it says when it stands.

        Args:
            config: Another configuration, for one that serves only our own probes.

        Raises:
            DockerError: The engine could not make it.
        """
        uid = self._kind.users.take()
        try:
            container = self._build(uid)
        except BaseException:
            self._kind.users.give_back(uid)  # the others come first
            raise
        container.stream.send(FrameKind.CONFIGURE, (config or self._config)(uid).to_json())
        return container

    def _build(self, uid: int) -> Container:
        if self._has_line:
            try:
                return self._on_line(uid)
            except (NoDirectSocketError, OSError):  # the latter for want of room for its folder
                self._has_line = False
            except DockerError as error:
                if error.fault in _UNKNOWN_FATE:
                    raise
                self._has_line = False  # as when the engine sees other files than we do
        return self._on_streams(uid)

    def _on_line(self, uid: int) -> Container:
        with DirectSocket() as line:
            id_, name, memory = self._create(uid, line.folder)
            with self._removed_on_failure(name):
                self._engine.start(id_, timeout=_MAKE)
                stream = Stream(line.accept(_CONNECT), self._policy.limits.result, enveloped=False)
        return Container(id_, name, stream, uid, memory)

    def _on_streams(self, uid: int) -> Container:
        id_, name, memory = self._create(uid, None)
        with self._removed_on_failure(name):
            stream = Stream(self._engine.attach(id_, timeout=_MAKE), self._policy.limits.result)
            try:
                self._engine.start(id_, timeout=_MAKE)
            except BaseException:
                stream.close()
                raise
        return Container(id_, name, stream, uid, memory)

    @contextlib.contextmanager
    def _removed_on_failure(self, name: str) -> Iterator[None]:
        try:
            yield
        except BaseException:
            with contextlib.suppress(DockerError):  # the first failure is the one to tell
                self._remove(name)
            raise

    def _create(self, uid: int, line: str | None) -> tuple[str, str, int | None]:
        """A container that is not started: its id, its name, and the memory that it may have."""
        name = self._kind.names()
        with self._lock:
            memory = None if self._baseline is None else self._baseline + self._policy.limits.memory
        body = container_spec.body(self._policy, self._asked(uid, memory, line))
        try:
            return self._engine.create(body, name, timeout=_MAKE), name, memory
        except DockerError as error:
            if error.fault in _UNKNOWN_FATE:
                self._doubtful[name] = _TRIES
            raise

    def _asked(self, uid: int, memory: int | None, line: str | None) -> container_spec.ContainerSpec:
        return container_spec.ContainerSpec(
            line=line,
            image=self._kind.image,
            command=COMMAND if line is None else (*COMMAND, f"{INSIDE}/line"),
            uid=uid,
            memory=memory,
            labels=self._kind.labels,
            runtime=self._kind.runtime,
            profile=self._kind.profile,
        )

    def fit_memory(self, container: Container) -> None:
        """Give a container what it holds now that its first payload waits, and the budget on top.

        Where nothing counts it inside, the runtime's own limit has to do. The next container is made so at once.

        Raises:
            DockerError: The engine could not.
        """
        if container.memory is None:
            return
        with self._lock:
            self._baseline = max(self._baseline or 0, container.memory)
        wanted = container.memory + self._policy.limits.memory
        if container.allowed is None or container.allowed < wanted - _TOLERANCE:
            self._engine.set_memory(container.id, wanted)
            container.allowed = wanted

    def outgrown(self, container: Container, prepared: int) -> bool:
        """Whether so much is charged to it that its next payload would not have its budget.

        Args:
            container: With a payload that waits.
            prepared: Bytes that preparing it may have taken.
        """
        if container.memory is None or container.allowed is None:
            return False
        return container.memory + self._policy.limits.memory > container.allowed + _MOST_GROWTH + prepared

    def end(self, container: Container) -> None:
        """Kill and forget it.

        Raises:
            DockerError: The engine could not; `tidy` will, or the sweep of a later start.
        """
        container.close()
        self._remove(container.name)
        self._kind.users.give_back(container.uid)

    def tidy(self) -> None:
        """Remove what could not be removed before, and what the engine may have made after it was given up.

        Raises:
            DockerError: The engine does not answer now either.
        """
        for name, tries in list(self._doubtful.items()):
            if self._engine.state(name) is not None:
                self._remove(name)
            elif tries > 1:
                self._doubtful[name] = tries - 1
            else:
                self._doubtful.pop(name, None)

    def _remove(self, name: str) -> None:
        self._doubtful[name] = 1
        self._engine.remove(name)
        self._doubtful.pop(name, None)
