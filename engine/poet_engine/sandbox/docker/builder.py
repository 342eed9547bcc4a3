"""Making containers: from a policy and an engine to one that is being prepared."""

import dataclasses
import threading
from collections.abc import Callable, Mapping

from poet_engine.guest.config import Config
from poet_engine.guest.frames import Kind as FrameKind
from poet_engine.policy import Policy
from poet_engine.sandbox.docker import configuration
from poet_engine.sandbox.docker.container import Container
from poet_engine.sandbox.docker.engine import ContainerEngine
from poet_engine.sandbox.docker.stream import Stream

_BOOT = (
    "import sys; sys.path.insert(0, '/opt/poet'); from poet_guest import container; del sys.path[0]; container.main()"
)
COMMAND = ("-c", _BOOT)
_TOLERANCE = 1 << 20  # what two containers of one kind differ by
_MOST_GROWTH = 4 << 20  # what the first process may hold on to from one payload to the next


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """What is the same for all containers of a policy.

    Attributes:
        image: The image's id.
        runtime: What runs them.
        profile: The seccomp profile as JSON; None for a runtime that takes none.
        labels: Whose they are.
        names: Gives a name that nobody else has.
        uids: Gives a user that nobody else has.
    """

    image: str
    runtime: str
    profile: str | None
    labels: Mapping[str, str]
    names: Callable[[], str]
    uids: Callable[[], int]


class Builder:
    """Makes containers of one policy.

    Args:
        engine: Where.
        policy: What they are to be.
        config: What their first process is told, by its user.
        kind: What else is the same for all of them.
    """

    def __init__(self, engine: ContainerEngine, policy: Policy, config: Callable[[int], Config], kind: Kind) -> None:
        self._engine, self._policy, self._config, self._kind = engine, policy, config, kind
        self._lock = threading.Lock()
        self._baseline: int | None = None

    def __repr__(self) -> str:
        return f"<Builder image={self._kind.image[7:19]} runtime={self._kind.runtime} baseline={self._baseline}>"

    def build(self, config: Callable[[int], Config] | None = None) -> Container:
        """A container that has been started and told what it is; it says when it stands.

        Args:
            config: Another configuration, for one that serves only our own probes.

        Raises:
            DockerError: The engine could not make it.
        """
        uid = self._kind.uids()
        name = self._kind.names()
        with self._lock:
            memory = None if self._baseline is None else self._baseline + self._policy.limits.memory
        body = configuration.body(self._policy, self._asked(uid, memory))
        id_ = self._engine.create(body, name)
        try:
            stream = Stream(self._engine.attach(id_), self._policy.limits.result)
            try:
                self._engine.start(id_)
                stream.send(FrameKind.CONFIGURE, (config or self._config)(uid).to_json())
            except BaseException:
                stream.close()
                raise
        except BaseException:
            self._engine.remove(id_)
            raise
        return Container(id_, name, stream, uid, memory)

    def _asked(self, uid: int, memory: int | None) -> configuration.Asked:
        return configuration.Asked(
            image=self._kind.image,
            command=COMMAND,
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
            DockerError: The engine could not; the next sweep will.
        """
        container.close()
        self._engine.remove(container.id)
