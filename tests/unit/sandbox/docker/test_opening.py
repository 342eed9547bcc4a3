"""A sandbox that cannot be opened says what is wrong with the engine and how to mend it."""

import gc
from typing import TYPE_CHECKING

import pytest

from poet_engine.errors import SandboxUnavailableError
from poet_engine.images import guest_digest, recipe
from poet_engine.images.recipe import Contents
from poet_engine.policy import Policy
from poet_engine.sandbox.docker import DockerSandbox

if TYPE_CHECKING:
    from tests.unit.conftest import ScriptedEngine

RESTRICTED = Policy.load("restricted")
GOOD: dict[str, object] = {
    "ServerVersion": "20.10.24",
    "Runtimes": {"runc": {}},
    "DefaultRuntime": "runc",
    "MemoryLimit": True,
    "SwapLimit": True,
    "PidsLimit": True,
    "CpuCfsQuota": True,
    "CgroupVersion": "2",
    "SecurityOptions": ["name=seccomp,profile=default"],
}


def labels(**changed: str) -> dict[str, str]:
    contents = Contents(name="base", guest=changed.get("guest", guest_digest()), python=changed.get("python", "3.11.7"))
    return recipe.labels(contents, version="1", made_from=changed.get("made_from", "host"))


def refused(
    engine: "ScriptedEngine",
    *,
    info: dict[str, object] | None = None,
    images: list[dict[str, object]] | None = None,
    runtime: str | None = None,
    policy: Policy = RESTRICTED,
) -> str:
    """What is said when it is opened at an engine that says this of itself."""

    def says(asked: str) -> bytes:
        return engine.answer("200 OK", {**GOOD, **(info or {})} if asked.endswith("/info") else images or [])

    engine.says = says
    with pytest.raises(SandboxUnavailableError) as caught:
        DockerSandbox(policy, host=engine.host, runtime=runtime)
    gc.collect()  # a connection that was left open warns now, which fails the test
    return str(caught.value)


def test_an_api_that_is_too_old_names_the_version_that_works(scripted_engine: "ScriptedEngine") -> None:
    scripted_engine.api = "1.24"
    said = refused(scripted_engine)
    assert "1.24" in said
    assert "update the Docker daemon" in said


def test_an_engine_that_has_no_image_names_the_command(scripted_engine: "ScriptedEngine") -> None:
    assert refused(scripted_engine).endswith("build it: poet images build base --from-host")


@pytest.mark.parametrize(
    ("changed", "why", "command"),
    [
        ({"guest": "b" * 64}, "guest code", "poet images build base --from-host"),
        ({"python": "3.1.0"}, "Python 3.1.0", "poet images build base --from-host"),
        (
            {"guest": "b" * 64, "made_from": "python:3.11-slim"},
            "guest code",
            "poet images build base --base python:3.11-slim",
        ),
    ],
)
def test_an_image_that_is_out_of_date_names_what_builds_it_anew(
    scripted_engine: "ScriptedEngine", changed: dict[str, str], why: str, command: str
) -> None:
    image = {"Id": "sha256:1", "RepoTags": ["x:1"], "Labels": labels(**changed), "Size": 1, "Created": 1}
    said = refused(scripted_engine, images=[image])
    assert "is out of date" in said
    assert why in said
    assert said.endswith(command)


@pytest.mark.parametrize(
    ("runtime", "how"),
    [("runsc", "apt install runsc"), ("kata", "register it in /etc/docker/daemon.json")],
)
def test_a_runtime_that_is_not_registered_says_how_to_register_it(
    scripted_engine: "ScriptedEngine", runtime: str, how: str
) -> None:
    said = refused(scripted_engine, runtime=runtime)
    assert said.startswith(f"the Docker daemon has no runtime '{runtime}', only runc; ")
    assert how in said
    assert "/etc/docker/daemon.json" in said


@pytest.mark.parametrize(("lacks", "named"), [("MemoryLimit", "memory"), ("PidsLimit", "pids")])
def test_an_engine_that_cannot_limit_is_refused_before_anything_runs(
    scripted_engine: "ScriptedEngine", lacks: str, named: str
) -> None:
    said = refused(scripted_engine, info={lacks: False})
    assert f"cannot limit {named}: the controllers have to be enabled" in said


def test_rootless_docker_without_controllers_says_where_they_come_from(scripted_engine: "ScriptedEngine") -> None:
    lacking = {"MemoryLimit": False, "PidsLimit": False, "SecurityOptions": ["name=rootless", "name=seccomp"]}
    said = refused(scripted_engine, info=lacking)
    assert "cannot limit memory and pids: it runs rootless" in said
    assert "Delegate=cpu memory pids" in said


def test_a_policy_that_requires_no_limits_gets_past_that(scripted_engine: "ScriptedEngine") -> None:
    said = refused(scripted_engine, info={"MemoryLimit": False}, policy=Policy.load("lab"))
    assert "poet images build" in said


def test_an_engine_that_takes_the_question_and_says_nothing_is_named(scripted_engine: "ScriptedEngine") -> None:
    """It hung up: an engine that hangs is the same, some seconds later."""
    scripted_engine.says = lambda _: b""
    with pytest.raises(SandboxUnavailableError, match="no Docker daemon answers there"):
        DockerSandbox(RESTRICTED, host=scripted_engine.host)
    assert scripted_engine.asked[-1] == "GET /v1.41/info"


def test_where_none_is_the_sockets_of_rootless_docker_and_docker_desktop_are_named() -> None:
    with pytest.raises(SandboxUnavailableError) as caught:
        DockerSandbox(RESTRICTED, host="unix:///nowhere/docker.sock")
    said = str(caught.value)
    for hint in ("apt install docker.io", "Docker Desktop", ".docker/run/docker.sock", "$XDG_RUNTIME_DIR/docker.sock"):
        assert hint in said


def test_a_policy_with_a_network_says_what_to_leave_out(scripted_engine: "ScriptedEngine") -> None:
    policy = Policy.parse('[network]\nallow = ["example.org:443"]\n')
    assert "leave [network] allow" in refused(scripted_engine, policy=policy)
