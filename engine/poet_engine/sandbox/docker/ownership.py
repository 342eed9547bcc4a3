"""Label containers with their owner, find those that nobody owns any more, and choose names and users for new ones.

An engine process that is killed leaves its containers to the Docker daemon. Each carries in its labels which process
made it; the next process that starts on the same machine removes those whose process is gone.
"""

import collections
import dataclasses
import hashlib
import os
import platform
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

import psutil

from poet_engine.dockerd import faults
from poet_engine.errors import DockerError
from poet_engine.sandbox import proc
from poet_engine.sandbox.docker.client import LABEL_OWNER, ContainerClient, EngineInfo

_STARTED, _BOOT, _NAMESPACE = f"{LABEL_OWNER}.started", f"{LABEL_OWNER}.boot", f"{LABEL_OWNER}.namespace"
_VERSION = f"{LABEL_OWNER}.version"
_LINUX = sys.platform == "linux"
_DEAD = "ZX"  # states in which a process only waits to be reaped
_LONGEST_PID = 19  # digits
_UIDS = 128  # for each engine process
# Above what distributions hand out, and below 2³¹, which some file systems take for negative.
_HIGH, _HIGH_END = 0x60000000, 0x80000000
# What a map of 65,536 users always has, without those of a distribution at its start and `nobody` at its end.
_LOW, _LOW_END = 1024, 65_280

Living = Callable[[int, str], bool]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """A process that owns containers.

    Attributes:
        pid: Its id in its own pid namespace.
        started: Its start time, in a form of its machine's: the id may be another process's by now.
        boot: The id of its machine's boot.
        namespace: Its pid namespace; empty where there are none.
        version: The version of poet-engine.
    """

    pid: int
    started: str
    boot: str
    namespace: str
    version: str

    def labels(self) -> dict[str, str]:
        """Return the labels of its containers."""
        return {
            LABEL_OWNER: str(self.pid),
            _STARTED: self.started,
            _BOOT: self.boot,
            _NAMESPACE: self.namespace,
            _VERSION: self.version,
        }


def read_labels(labels: Mapping[str, str]) -> Owner | None:
    """Return the owner that labels name; None when they are not ours, or not whole."""
    pid, started = labels.get(LABEL_OWNER, ""), labels.get(_STARTED)
    boot, namespace = labels.get(_BOOT), labels.get(_NAMESPACE)
    is_pid = pid.isascii() and pid.isdecimal() and len(pid) <= _LONGEST_PID
    if not is_pid or not started or not boot or namespace is None:
        return None
    return Owner(pid=int(pid), started=started, boot=boot, namespace=namespace, version=labels.get(_VERSION, ""))


def current(version: str) -> Owner:
    """Return this process as an owner.

    Args:
        version: The version of poet-engine.
    """
    pid = os.getpid()
    if not _LINUX:  # no namespaces there, and a boot is known by when it was
        boot = f"{platform.node()}-{int(psutil.boot_time())}"
        return Owner(pid=pid, started=_start_elsewhere(pid), boot=boot, namespace="", version=version)
    boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    return Owner(pid=pid, started=proc.start_time(pid), boot=boot, namespace=str(proc.pid_namespace()), version=version)


def lives(pid: int, started: str) -> bool:
    """Return whether the process that was started then still runs in this pid namespace; when in doubt, it does."""
    if not _LINUX:
        return _start_elsewhere(pid) == started
    fields = proc.stat_fields(pid)
    if fields:
        return proc.start_time(pid) == started and fields[0] not in _DEAD
    try:  # gone, or hidden: a mount of /proc may show each user's own processes only
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        pass
    return True


def _start_elsewhere(pid: int) -> str:
    """Return a process's start in hundredths of a second, where there is no /proc; empty when it is gone."""
    try:
        return str(int(psutil.Process(pid).create_time() * 100))
    except psutil.Error:
        return ""


def abandoned(labels: Mapping[str, str], here: Owner, living: Living) -> bool:
    """Return whether the container's owner is known to be gone.

    Args:
        labels: The container's labels.
        here: This process. Those of another boot, machine or pid namespace cannot be seen from it: theirs stay.
        living: Returns whether the process with this id and start still runs.
    """
    owner = read_labels(labels)
    if owner is None or (owner.boot, owner.namespace) != (here.boot, here.namespace):
        return False
    return not living(owner.pid, owner.started)


@dataclasses.dataclass(frozen=True, slots=True)
class SweepResult:
    """The result of a sweep.

    Attributes:
        removed: Names of the containers that are gone now.
        failed: Name → why it is still there.
    """

    removed: tuple[str, ...]
    failed: Mapping[str, str]


def sweep(
    engine: ContainerClient,
    here: Owner,
    *,
    living: Living = lives,
    timeout: float | None = None,
) -> SweepResult:
    """Remove the containers whose owner is gone, also those that were never started.

    Args:
        engine: The client of the daemon.
        here: This process.
        living: Returns whether the process with this id and start still runs.
        timeout: Seconds for each request; the default is the client's.

    Raises:
        DockerError: The daemon did not list them.
    """
    removed, failed = [], {}
    for container in engine.owned(timeout=timeout):
        if abandoned(container.labels, here, living):
            try:
                engine.remove(container.id, timeout=timeout)
            except DockerError as error:
                failed[container.name] = str(error)
            else:
                removed.append(container.name)
    return SweepResult(tuple(removed), failed)


def uids(info: EngineInfo, here: Owner) -> range:
    """Return the users that containers of this owner may have, one for each container at a time.

    The kernel counts processes by user, over all containers, so that no two that run may share one. Engine processes
    in different pid namespaces have the same small ids; the digest of all that an owner is keeps them apart.
    """
    mapped = info.rootless or info.userns or info.desktop  # only the first 65,536 exist there
    low, high = (_LOW, _LOW_END) if mapped else (_HIGH, _HIGH_END)
    digest = hashlib.sha256(repr((here.pid, here.started, here.boot, here.namespace)).encode()).digest()
    first = low + int.from_bytes(digest[:8]) % ((high - low) // _UIDS) * _UIDS
    return range(first, first + _UIDS)


class Users:
    """Hands out users, the one that was free for the longest first. Thread-safe.

    Args:
        users: All of them.
    """

    def __init__(self, users: range) -> None:
        self._free = collections.deque(users)
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"<Users free={len(self._free)}>"

    def take(self) -> int:
        """Take a user that no running container has.

        Raises:
            DockerError: Every user is in use.
        """
        with self._lock:
            if not self._free:
                raise DockerError(
                    "every user for containers of this process is in use; close sandboxes that are not needed, or make "
                    "them smaller",
                    fault=faults.FAILED,
                )
            return self._free.popleft()

    def give_back(self, user: int) -> None:
        """Return the user of a container that is gone."""
        with self._lock:
            self._free.append(user)


def name(randomness: Callable[[int], bytes]) -> str:
    """Return a name that no other container has.

    Args:
        randomness: Returns a number of random bytes, such as `os.urandom`.
    """
    return f"poet-{randomness(16).hex()}"
