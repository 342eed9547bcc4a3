"""What Docker's client raises becomes one sentence that says why and how to mend it."""

import errno

import docker.errors
import pytest
import requests

from poet_engine.dockerd import faults
from poet_engine.errors import DockerError
from poet_engine.images import ImageClient

# What the client was seen to raise: made here as it makes it, with the engine's own words.
_SEEN: list[tuple[BaseException, str, str]] = [
    (
        docker.errors.DockerException(
            "Error while fetching server API version: ('Connection aborted.', FileNotFoundError(2, 'No such file'))"
        ),
        faults.NO_DAEMON,
        "start it",
    ),
    (
        docker.errors.DockerException(
            "Error while fetching server API version: ('Connection aborted.', PermissionError(13, 'Permission denied'))"
        ),
        faults.PERMISSION,
        "group 'docker'",
    ),
    (requests.ConnectionError(ConnectionRefusedError(errno.ECONNREFUSED, "refused")), faults.NO_DAEMON, "start it"),
    (requests.ConnectionError("aborted", PermissionError(errno.EACCES, "no")), faults.PERMISSION, "group 'docker'"),
    (requests.ReadTimeout("Read timed out. (read timeout=30)"), faults.TIMEOUT, "overloaded"),
    (
        docker.errors.APIError(
            "400", explanation="client version 1.53 is too new. Maximum supported API version is 1.30"
        ),
        faults.OLD_API,
        "update the Docker daemon",
    ),
    (RuntimeError("ApplyLayer exit status 1: write /usr/x: no space left on device"), faults.DISK_FULL, "prune"),
    (
        RuntimeError(
            'OCI runtime create failed: exec: "/usr/local/bin/python3": stat /usr/local/bin/python3: no such file or '
            "directory: unknown"
        ),
        faults.NO_PYTHON,
        "--from-host",
    ),
    (
        RuntimeError("The command '/usr/local/bin/python3 -I -S -B /opt/poet/strip.py' returned a non-zero code: 3"),
        faults.WRONG_PYTHON,
        "python:3.11-slim",
    ),
    (
        RuntimeError("pull access denied for nope, repository does not exist or may require 'docker login'"),
        faults.NO_REGISTRY,
        "--from-host",
    ),
    (
        RuntimeError('Get "https://example.org/v2/": dial tcp: lookup example.org: no such host'),
        faults.NO_REGISTRY,
        "name",
    ),
    (
        docker.errors.APIError(
            "409", explanation="conflict: unable to delete 12 (must be forced) - image is being used"
        ),
        faults.IN_USE,
        "docker ps -a",
    ),
    (RuntimeError("No such image: sha256:bbbb"), faults.NO_IMAGE, "poet images build"),
    (RuntimeError("Unknown runtime specified nope"), faults.NO_RUNTIME, "daemon.json"),
    (RuntimeError("unknown or invalid runtime name: nope"), faults.NO_RUNTIME, "daemon.json"),
    (
        RuntimeError(
            "failed to create shim task: OCI runtime create failed: unable to retrieve OCI runtime error (open "
            "/run/containerd/x/log.json: no such file or directory): fork/exec /nonexistent/runsc: no such file or "
            "directory: unknown"
        ),
        faults.NO_RUNTIME,
        "apt install runsc",
    ),
    (
        RuntimeError(
            "failed to create shim task: OCI runtime create failed: runc create failed: unable to start container "
            'process: exec: "/nope": stat /nope: no such file or directory: unknown'
        ),
        faults.NOT_STARTED,
        "log",
    ),
    (
        RuntimeError("OCI runtime create failed: container_linux.go:380: error mounting cgroup: permission denied"),
        faults.NO_LIMITS,
        "delegated",
    ),
    (RuntimeError("error setting rlimit type 6: operation not permitted: unknown"), faults.NO_LIMITS, "rootless"),
    (RuntimeError("error setting rlimit type 7: operation not permitted: unknown"), faults.NO_LIMITS, "LimitNOFILE"),
    (RuntimeError("Cannot kill container: c: No such container: c"), faults.GONE, "prune"),
    (RuntimeError("Cannot kill container: c: Container c is not running"), faults.NOT_RUNNING, "exit code"),
    (RuntimeError("removal of container c is already in progress"), faults.BEING_REMOVED, "wait"),
    (
        RuntimeError("unable to remove filesystem for c: unlinkat /var/lib/docker/containers/c: directory not empty"),
        faults.HALF_REMOVED,
        "once more",
    ),
    (BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable"), faults.TIMEOUT, "overloaded"),
    (RuntimeError("something never seen before"), faults.FAILED, "something never seen before"),
]


@pytest.mark.parametrize(("error", "fault", "mend"), _SEEN, ids=lambda value: value if isinstance(value, str) else "")
def test_each_failure_says_what_why_and_how_to_mend_it(error: BaseException, fault: str, mend: str) -> None:
    found = faults.translate(error, "importing x", "unix:///sock")
    assert found.fault == fault
    assert str(found).startswith("importing x at unix:///sock failed: ")
    assert mend in str(found)


def test_a_cause_that_was_put_into_an_argument_is_found() -> None:
    """urllib3 hands the socket's error on as an argument or a reason; a circle of causes ends."""
    inner = PermissionError(errno.EACCES, "no")
    outer = RuntimeError("wrapped", RuntimeError("again", inner))
    inner.__cause__ = outer
    assert faults.translate(outer, "x", "y").fault == faults.PERMISSION


def test_what_the_engine_says_is_cut() -> None:
    assert len(str(faults.translate(RuntimeError("x" * 100_000), "a", "b"))) < 600


@pytest.mark.parametrize("host", ["unix:///nowhere/docker.sock", "tcp://127.0.0.1:1", "nonsense://x"])
def test_where_no_engine_is_the_error_says_so(host: str) -> None:
    with pytest.raises(DockerError, match="no Docker daemon answers there") as caught:
        ImageClient(host, timeout=5)
    assert caught.value.fault == faults.NO_DAEMON
