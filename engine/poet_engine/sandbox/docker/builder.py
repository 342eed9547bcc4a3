"""Build containers for a policy, tune their memory, and remove them."""

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
from poet_engine.sandbox.docker.client import ContainerClient
from poet_engine.sandbox.docker.container import Container
from poet_engine.sandbox.docker.direct_socket import INSIDE, DirectSocket, NoDirectSocketError
from poet_engine.sandbox.docker.ownership import Users
from poet_engine.sandbox.docker.stream import Stream

_BOOT = (
    "import sys; sys.path.insert(0, '/opt/poet'); from poet_guest import container; del sys.path[0]; container.main()"
)
COMMAND = ("-c", _BOOT)
_TOLERANCE = 1 << 20  # bytes by which two containers of one kind differ
# Seconds for each request: a storage driver that copies an image for each container takes some with a large one.
_MAKE = 20.0
_CONNECT = 10.0  # seconds until an interpreter has started and connected
_MOST_GROWTH = 4 << 20  # what the first process may hold on to from one payload to the next
# Names of containers that may exist although we have given them up, by the daemon's address, and how often they are
# still looked for where they do not: of the whole process, since the sandbox that made them may be closed meanwhile.
_doubtful: dict[str, dict[str, int]] = {}
_TRIES = 3
_UNKNOWN_FATE = frozenset((faults.TIMEOUT, faults.NO_DAEMON))  # the request may be carried out all the same


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ContainerTemplate:
    """The properties that all containers of a policy share.

    Attributes:
        image: The image's id.
        runtime: The runtime's name.
        profile: The seccomp profile as JSON; None for a runtime that takes none.
        labels: The labels that name their owner.
        line: Whether a direct socket may be tried.
        names: Returns a name that no other container has.
        users: The users, of which each container has one to itself.
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
        engine: The client of the daemon.
        policy: The policy of the calls.
        config: Returns the configuration of their first process, by its user.
        kind: The properties that they share.

    Attributes:
        untidy: Whether a container could not be removed and nobody has tried again with success; see `tidy`.
    """

    def __init__(
        self, engine: ContainerClient, policy: Policy, config: Callable[[int], Config], kind: ContainerTemplate
    ) -> None:
        self._engine, self._policy, self._config, self._kind = engine, policy, config, kind
        self._lock = threading.Lock()
        self._baseline: int | None = None
        self._has_line = kind.line
        self._doubtful = _doubtful.setdefault(engine.host, {})
        self.untidy = False

    def __repr__(self) -> str:
        return (
            f"<ContainerBuilder image={self._kind.image[7:19]} runtime={self._kind.runtime} baseline={self._baseline}>"
        )

    def build(self, config: Callable[[int], Config] | None = None) -> Container:
        """Create and start a container and send its configuration; it reports when it is ready.

        Args:
            config: Returns another configuration, for a container that serves only our own probes.

        Raises:
            DockerError: The daemon could not make it.
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
            except (NoDirectSocketError, OSError):  # the latter when its folder cannot be made
                self._has_line = False
            except DockerError as error:
                if error.fault in _UNKNOWN_FATE:
                    raise
                self._has_line = False  # as when the daemon sees other files than we do
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
            with contextlib.suppress(DockerError):  # the first failure is the one to raise
                self._remove(name)
            raise

    def _create(self, uid: int, line: str | None) -> tuple[str, str, int | None]:
        """Create a container without starting it; return its id, its name, and the bytes of memory that it may have."""
        name = self._kind.names()
        with self._lock:
            memory = None if self._baseline is None else self._baseline + self._policy.limits.memory
        body = container_spec.body(self._policy, self._spec(uid, memory, line))
        try:
            return self._engine.create(body, name, timeout=_MAKE), name, memory
        except DockerError as error:
            if error.fault in _UNKNOWN_FATE:
                self._doubtful[name] = _TRIES
            raise

    def _spec(self, uid: int, memory: int | None, line: str | None) -> container_spec.ContainerSpec:
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
        """Limit a container to what it holds now that its first payload waits, and the budget on top.

        Where nothing counts it inside, the runtime's own limit has to do. The next container gets this limit at its
        start.

        Raises:
            DockerError: The daemon could not set it.
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
        """Return whether so much is charged to it that its next payload would not have its budget.

        Args:
            container: A container with a payload that waits.
            prepared: Bytes that preparing it may have taken.
        """
        if container.memory is None or container.allowed is None:
            return False
        return container.memory + self._policy.limits.memory > container.allowed + _MOST_GROWTH + prepared

    def end(self, container: Container) -> None:
        """Kill and remove a container.

        Raises:
            DockerError: The daemon could not; `tidy` will, or the sweep of a later start.
        """
        container.close()
        self._remove(container.name)
        self._kind.users.give_back(container.uid)

    def tidy(self) -> None:
        """Remove what could not be removed before, and what the daemon may have made after a request timed out.

        Raises:
            DockerError: The daemon does not answer now either.
        """
        for name, tries in list(self._doubtful.items()):
            if self._engine.state(name) is not None:
                self._remove(name)
            elif tries > 1:
                self._doubtful[name] = tries - 1
            else:
                self._doubtful.pop(name, None)
        self.untidy = False

    def _remove(self, name: str) -> None:
        self._doubtful[name] = 1
        try:
            self._engine.remove(name)
        except DockerError:
            self.untidy = True
            raise
        self._doubtful.pop(name, None)
