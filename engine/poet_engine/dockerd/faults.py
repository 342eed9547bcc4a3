"""Translate failures of Docker's client and daemon into DockerErrors with a cause and a remedy, by one table."""

import dataclasses
import errno
import re
from collections.abc import Iterator

from poet_engine.errors import DockerError

NO_DAEMON, PERMISSION, OLD_API, TIMEOUT = "no_daemon", "permission", "old_api", "timeout"
DISK_FULL, NO_PYTHON, WRONG_PYTHON, NO_REGISTRY = "disk_full", "no_python", "wrong_python", "no_registry"
NO_IMAGE, NO_RUNTIME, NO_LIMITS, NOT_STARTED = "no_image", "no_runtime", "no_limits", "not_started"
IN_USE, GONE, NOT_RUNNING, FAILED = "in_use", "gone", "not_running", "failed"
BEING_REMOVED, HALF_REMOVED = "being_removed", "half_removed"


@dataclasses.dataclass(frozen=True, slots=True)
class _FaultRule:
    """One row: an error number or a pattern of the message → the kind of fault, its reason, its remedy."""

    fault: str
    errnos: tuple[int, ...]
    says: re.Pattern[str] | None
    why: str
    mend: str


def _rule(fault: str, says: str, why: str, mend: str, *errnos: int) -> _FaultRule:
    return _FaultRule(fault, errnos, re.compile(says, re.IGNORECASE) if says else None, why, mend)


# The first row that fits counts. Patterns are parts of messages of dockerd (20.10 to 28) and Docker's client.
_TABLE = (
    _rule(
        PERMISSION,
        r"permission denied.*(socket|connect)|PermissionError",
        "this user may not use the daemon's socket",
        "add the user to the group 'docker' and log in again (who is in it is as good as root on this machine), run "
        "rootless Docker and set DOCKER_HOST to its socket, or use sandbox='process'",
    ),
    _rule(
        DISK_FULL,
        r"no space left on device|disk quota exceeded",
        "the disk that holds the daemon's images is full",
        "make room (poet images prune removes images that no longer serve; docker system df says what takes how much) "
        "and try again",
    ),
    _rule(
        OLD_API,
        r"client version [\d.]+ is too (old|new)|API versions? below|not supported by this version|"
        r"minimum supported API",
        "the daemon and Docker's Python client have no version of the API in common",
        "update the Docker daemon (20.10 and later work), or the client: pip install --upgrade docker",
    ),
    _rule(
        NO_PYTHON,
        r"python3?\"?: (executable file not found|no such file|not found)|stat \S*python3?: no such file",
        "the base image has no Python at the place where the official Python images have it",
        "give a base image with Python: --base python:3.11-slim, or make the image of this machine's own: --from-host",
    ),
    _rule(
        WRONG_PYTHON,
        r"strip\.py.*returned a non-zero code: 3",
        "the base image has another minor version of Python than the gate scans for",
        "give one with the version of this machine's Python, as python:3.11-slim for 3.11, or use --from-host",
    ),
    _rule(
        NO_IMAGE,
        r"no such image: sha256:",
        "the image is not there any more",
        "build it (poet images build), and open the sandbox again",
    ),
    _rule(
        NO_RUNTIME,
        r"unknown runtime specified|(unknown or )?invalid runtime name|fork/exec \S+: no such file|"
        r"failed to find runtime|binary \S+: executable file not found",
        "the daemon has no such runtime, or the program that it is registered with is not there",
        "gVisor's is installed (Debian: apt install runsc) and then registered in /etc/docker/daemon.json by "
        '{"runtimes": {"runsc": {"path": "/usr/bin/runsc", "runtimeArgs": ["--network=none"]}}}, and the engine is '
        "reads that after: systemctl reload docker; docker info lists the runtimes",
    ),
    _rule(
        NO_LIMITS,
        r"error setting rlimit type 7\b",
        "the policy's limits.open_files is more than the daemon's own limit of open files leaves for the code",
        "give a smaller limits.open_files, or raise the daemon's (LimitNOFILE of docker.service) and start it again",
    ),
    _rule(
        NO_LIMITS,
        r"cgroup|your kernel does not support (cpu|pids|memory|swap)|cpu cfs (period|quota|scheduler)|"
        r"error setting rlimit",
        "the daemon cannot limit what containers take",
        "rootless Docker needs cgroup v2, systemd, and the controllers cpu, memory and pids delegated to the user "
        "(docker info: no line 'No ... support' among its warnings); or use the machine's own daemon, or "
        "sandbox='process'",
    ),
    _rule(
        NO_REGISTRY,
        r"pull access denied|manifest (for .* )?(unknown|not found)|registry|lookup .* no such host|no such image|"
        r"server misbehaving|TLS handshake|net/http: request canceled",
        "the base image is neither here nor to be had from a registry",
        "see whether its name is right and the registry can be reached, or use --from-host, which needs none",
    ),
    _rule(
        NOT_RUNNING,
        r"container \S+ is not running",
        "the container does not run (any more)",
        "look why it ended: docker ps -a shows its exit code",
    ),
    _rule(
        BEING_REMOVED,
        r"removal of container \S+ is already in progress|marked for removal",
        "somebody removes the container at this moment",
        "wait until it is gone: docker ps -a",
    ),
    _rule(
        HALF_REMOVED,
        r"unable to remove filesystem|failed to remove root filesystem|driver \S+ failed to remove",
        "something was written to the container's folder, or held it, while the daemon removed it",
        "remove it once more: docker rm --force",
    ),
    _rule(
        GONE,
        r"no such container",
        "the container is not there any more",
        "if it was removed by hand or by docker system prune, leave out those with the label org.poet-engine.owner",
    ),
    _rule(
        IN_USE,
        r"conflict.*(being used|is using|in use)|must be forced",
        "a container still uses it",
        "end that container first (docker ps -a shows it)",
    ),
    _rule(
        TIMEOUT,
        r"timed? ?out|ReadTimeout",
        "the daemon did not answer in time",
        "see whether it is overloaded or hangs (docker info), and start it again if so",
        errno.ETIMEDOUT,
        errno.EAGAIN,  # its queue of connections is full
    ),
    _rule(
        NOT_STARTED,
        r"OCI runtime|failed to create (shim|task)|containerd",
        "the container's runtime could not start it",
        "the daemon's own words are above; its log (journalctl -u docker) has more, and another runtime may do",
    ),
    _rule(
        NO_DAEMON,
        r"connection (refused|aborted|reset)|FileNotFoundError|no such file or directory|ConnectionError|"
        r"RemoteDisconnected|BadStatusLine|broken pipe|name or service not known|URLSchemeUnknown|InvalidSchema|"
        r"Invalid bind address|UnixHTTPConnectionPool",
        "no Docker daemon answers there",
        "start it (systemctl start docker, or Docker Desktop), install it (Debian, Ubuntu: apt install docker.io), or "
        "set DOCKER_HOST to the one that runs (rootless Docker: unix://$XDG_RUNTIME_DIR/docker.sock; Docker Desktop: "
        "unix://$HOME/.docker/run/docker.sock); sandbox='process' needs none",
        errno.ENOENT,
        errno.ECONNREFUSED,
        errno.ECONNRESET,
        errno.EPIPE,
    ),
    _rule(GONE, r"no such (container|image)|404", "it is not there any more", "list what is there: poet images list"),
)


def translate(error: BaseException, doing: str, where: str) -> DockerError:
    """Return the DockerError for a failure of Docker's client or daemon.

    Args:
        error: The exception of docker-py or requests, or an error with the daemon's own message.
        doing: The action that failed, such as `importing the image`.
        where: The daemon's address.
    """
    said = _said(error)
    causes = list(_chain(error))
    numbers = {found.errno for found in causes if isinstance(found, OSError) and found.errno}
    searched = " ".join([said, *(type(found).__name__ for found in causes)])  # some say it by their name alone
    denied = bool(numbers & {errno.EACCES, errno.EPERM})
    for rule in _TABLE:
        by_number = bool(numbers & {*rule.errnos}) or (rule.fault == PERMISSION and denied)
        if by_number or (rule.says is not None and rule.says.search(searched)):
            text = f"{doing} at {where} failed: {rule.why} ({_short(said)}); {rule.mend}"
            return DockerError(text, fault=rule.fault)
    return DockerError(
        f"{doing} at {where} failed: {_short(said)}; the daemon's log (journalctl -u docker) has more",
        fault=FAILED,
    )


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an exception and its causes, also those that were only put into another's arguments, as urllib3 does."""
    waiting: list[BaseException] = [error]
    seen: set[int] = set()
    while waiting:
        found = waiting.pop()
        if id(found) in seen:
            continue
        seen.add(id(found))
        yield found
        causes = (found.__cause__, found.__context__, *found.args, getattr(found, "reason", None))
        waiting += [cause for cause in causes if isinstance(cause, BaseException)]


def _said(error: BaseException) -> str:
    explanation = getattr(error, "explanation", None)
    text = explanation if isinstance(explanation, str) and explanation else str(error)
    return " ".join(text.split()) or type(error).__name__


_LONGEST = 300


def _short(said: str) -> str:
    return said if len(said) <= _LONGEST else said[: _LONGEST - 1] + "…"
