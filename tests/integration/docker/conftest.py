"""Containers of tests, at the engine that DOCKER_HOST names."""

import gc
import os
import socket
import struct
from collections.abc import Iterator

import pytest

from poet_engine import _resources, images
from poet_engine._env import Settings
from poet_engine.dockerd import DEFAULT_HOST
from poet_engine.images import Image, ImageBuilder, ImageClient
from poet_engine.policy import Policy
from poet_engine.sandbox.docker import container_spec, ownership
from poet_engine.sandbox.docker.client import LABEL_OWNER, ContainerClient, ContainerState
from poet_engine.sandbox.docker.container_spec import ContainerSpec

_POLICY = Policy.parse(
    'version = 1\nname = "small"\nextends = "restricted"\n'
    '[limits]\ncores = 0.5\nprocesses = 1\nthreads = 3\nopen_files = 40\ndisk = "4MiB"\ninodes = 64\n'
)
_MEMORY = 384 << 20


class Containers:
    """Makes containers of programs, as a small policy says, and removes them.

    Args:
        engine: Where.
        image: Of what.
    """

    memory = _MEMORY

    def __init__(self, engine: ContainerClient, image: Image) -> None:
        self.engine, self.image = engine, image
        self._made: list[str] = []
        self._uids = iter(ownership.uids(engine.info(), ownership.current("0")))
        self._profile = (_resources.folder("sandbox_images") / "seccomp.json").read_text(encoding="utf-8")

    def make(self, program: str, runtime: str = "runc", labels: dict[str, str] | None = None, **changed: object) -> str:
        """A container that is not started; `changed` are fields of Docker's in place of ours."""
        asked = ContainerSpec(
            image=self.image.id,
            command=["-c", program],
            uid=next(self._uids),
            memory=_MEMORY,
            labels={LABEL_OWNER: "test"} if labels is None else labels,
            runtime=runtime,
            profile=self._profile,
        )
        body = container_spec.body(_POLICY, asked)
        self._made.append(self.engine.create({**body, **changed}, ownership.name(os.urandom)))
        return self._made[-1]

    def output(self, container: str) -> str:
        """Start it, and return all that it says."""
        with self.engine.attach(container) as stream:
            stream.settimeout(60)
            self.engine.start(container)
            return b"".join(data for _, data in self.frames(stream)).decode()

    @staticmethod
    def frames(stream: socket.socket) -> Iterator[tuple[int, bytes]]:
        """Docker's frames, until the container ends."""
        with stream.makefile("rb") as reader:
            while header := reader.read(8):
                number, length = struct.unpack(">BxxxL", header)
                yield number, reader.read(length)

    def ended(self, container: str) -> ContainerState:
        """Its state once it is over: the streams end a moment before the engine knows."""
        while (state := self.engine.state(container)) is not None and state.running:
            pass
        assert state is not None
        return state

    def close(self) -> None:
        for container in self._made:
            self.engine.remove(container)


@pytest.fixture(scope="module")
def image() -> Image:
    with ImageClient(Settings.read().docker_host or DEFAULT_HOST) as engine:
        return ImageBuilder(engine, "0", lambda _doing, _share: None).from_host(images.find("base"))


@pytest.fixture(scope="module")
def engine() -> Iterator[ContainerClient]:
    with ContainerClient(Settings.read().docker_host or DEFAULT_HOST, timeout=60) as found:
        yield found
    gc.collect()  # what is still open warns now, which fails the test


@pytest.fixture
def containers(engine: ContainerClient, image: Image) -> Iterator[Containers]:
    found = Containers(engine, image)
    yield found
    found.close()


@pytest.fixture(scope="module", params=["runc", pytest.param("runsc", marks=pytest.mark.runsc)])
def runtime(request: pytest.FixtureRequest) -> str:
    return str(request.param)
