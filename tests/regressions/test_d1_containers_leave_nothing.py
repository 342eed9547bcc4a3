"""D1: when containers were removed, no shim and no control group of theirs is left.

Where a signal, or a forced removal, meets a container that is just ending, Docker forgets it and leaves both.
"""

from collections.abc import Mapping
from pathlib import Path

import psutil
import pytest
from tests.integration.waiting import until

from poet_engine import Policy
from poet_engine._env import Settings
from poet_engine.job import Job
from poet_engine.outcome import Status
from poet_engine.sandbox.docker import DockerSandbox
from poet_engine.sandbox.docker.client import ContainerClient

SOURCES = 40  # each has a container of its own
POLICY = Policy.parse('version = 1\nname = "many"\nextends = "restricted"\n[limits]\nwall = "300ms"\n')
HONEST, ENDLESS = "def f():\n    return {number}\n", "def f():\n    while True:\n        pass  # {number}\n"

pytestmark = [pytest.mark.docker, pytest.mark.root, pytest.mark.timeout(300)]


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The ids of the containers that are made from now on."""
    ids: list[str] = []
    create = ContainerClient.create

    def noted(self: ContainerClient, body: Mapping[str, object], name: str, *, timeout: float | None = None) -> str:
        ids.append(create(self, body, name, timeout=timeout))
        return ids[-1]

    monkeypatch.setattr(ContainerClient, "create", noted)
    return ids


def _command(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


def _left_of(containers: list[str]) -> list[str]:
    """Shims and control groups of these containers, on this machine, which is the daemon's."""
    commands = [_command(process) for process in psutil.process_iter()]
    shims = [one for one in commands if "containerd-shim" in one and any(container in one for container in containers)]
    parents = [group / "docker" for group in (Path("/sys/fs/cgroup"), *Path("/sys/fs/cgroup").iterdir())]
    groups = [parent / container for parent in parents for container in containers]
    return [*shims, *(str(group) for group in groups if group.exists())]


@pytest.mark.parametrize("runtime", ["runc", pytest.param("runsc", marks=pytest.mark.runsc)])
@pytest.mark.parametrize(
    ("source", "statuses"), [(HONEST, {Status.OK}), (ENDLESS, {Status.LIMIT})], ids=["honest", "endless"]
)
def test_nothing_of_removed_containers_is_left(
    made: list[str], runtime: str, source: str, statuses: set[Status]
) -> None:
    with DockerSandbox(POLICY, runtime=runtime, host=Settings.read().docker_host) as sandbox:
        jobs = [Job(source=source.format(number=number), entry="f") for number in range(SOURCES)]
        assert {sandbox.run(job).status for job in jobs} == statuses
        assert _left_of(made), "what is looked for is there while they run"
    assert len(made) >= SOURCES
    assert until(lambda: not _left_of(made), seconds=10), _left_of(made)
