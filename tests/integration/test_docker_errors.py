"""What a user is told when Docker cannot be used, shown with real daemons in that state."""

import io
import os
import platform
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import poet_engine
from poet_engine.errors import SandboxUnavailableError
from poet_engine.images import ImageClient, recipe
from poet_engine.images.recipe import Contents
from poet_engine.policy import Policy
from poet_engine.sandbox.docker import DockerSandbox

if TYPE_CHECKING:
    from tests.integration.conftest import OwnDaemon

pytestmark = [pytest.mark.docker, pytest.mark.root, pytest.mark.slow, pytest.mark.timeout(300)]

_AS_NOBODY = """
import os, sys
from poet_engine.errors import SandboxUnavailableError
from poet_engine.policy import Policy
from poet_engine.sandbox.docker import DockerSandbox
import docker, requests
os.setgroups([]), os.setresgid(65534, 65534, 65534), os.setresuid(65534, 65534, 65534)
try:
    DockerSandbox(Policy.load("restricted"), host=sys.argv[1])
except SandboxUnavailableError as error:
    print(error)
"""


def refused(daemon: "OwnDaemon", policy: str = "restricted", runtime: str | None = None) -> str:
    with pytest.raises(SandboxUnavailableError) as caught:
        DockerSandbox(Policy.load(policy), host=daemon.host, runtime=runtime)
    return str(caught.value)


def test_a_daemon_that_does_not_run(own_daemon: "OwnDaemon") -> None:
    own_daemon.stop()
    said = refused(own_daemon)
    assert own_daemon.host in said
    assert "no Docker daemon answers there" in said
    assert "systemctl start docker" in said


def test_a_socket_that_the_user_may_not_use(own_daemon: "OwnDaemon") -> None:
    (own_daemon.folder / "docker.sock").chmod(0o600)
    where = str(Path(poet_engine.__file__).parents[1])
    environment = {**os.environ, "PYTHONPATH": where}  # noqa: TID251 - the program's is ours
    done = subprocess.run(
        [sys.executable, "-c", _AS_NOBODY, own_daemon.host],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "this user may not use the daemon's socket" in done.stdout
    assert "add the user to the group 'docker'" in done.stdout
    assert "rootless Docker" in done.stdout


def test_an_image_that_was_never_built(own_daemon: "OwnDaemon") -> None:
    assert refused(own_daemon, "data").endswith("build it: poet images build data --from-host")


def test_an_image_with_other_guest_code(own_daemon: "OwnDaemon") -> None:
    stale = Contents(
        name="data",
        guest="0" * 64,
        python=platform.python_version(),
        modules=frozenset({"numpy", "scipy", "pandas", "sklearn"}),
        distributions={"numpy": "1"},
    )
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        tar.addfile(tarfile.TarInfo("empty"))
    with ImageClient(own_daemon.host) as engine:
        changes = recipe.changes(stale, version="0", made_from="host")
        engine.import_archive(iter([archive.getvalue()]), recipe.tag(stale), changes)
        image = next(image for image in engine.images() if image.contents == stale)
        try:
            said = refused(own_daemon, "data")
        finally:
            engine.remove(image)
    assert "is out of date" in said
    assert said.endswith("build it anew: poet images build data --from-host")


def test_a_runtime_that_is_not_registered(own_daemon: "OwnDaemon") -> None:
    said = refused(own_daemon, runtime="runsc-of-mine")
    assert "has no runtime 'runsc-of-mine', only " in said
    assert "/etc/docker/daemon.json" in said
