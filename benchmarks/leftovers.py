"""What sandboxes of this process have left on the machine: counted by the tests after every suite, and by the soak.

Only what can be told to be this process's own is counted, since others may run sandboxes on the same machine: processes
that descend from it, groups and folders that carry its number, descriptors of the kinds that only sandboxes open, and
the containers that it has made.
"""

import contextlib
import dataclasses
import glob
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

import psutil

from poet_engine.errors import DockerError
from poet_engine.sandbox.docker.client import LABEL_OWNER, ContainerClient

# What the command of each of their processes has in it, and the kinds of descriptors and threads that they alone have.
_PROCESSES = ("poet_guest", "poet_engine.gate.worker")
_DESCRIPTORS = (
    "anon_inode:seccomp notify",
    "anon_inode:[pidfd]",
    "/memfd:results",
    "/memfd:record",
    "/memfd:arguments",
)
_THREADS = ("poet-keeper",)
_PAUSE = 0.05


def processes(pid: int) -> Iterator[str]:
    """Zygotes, lanes, payloads and scan workers that descend from a process."""
    with contextlib.suppress(psutil.NoSuchProcess):
        for process in psutil.Process(pid).children(recursive=True):
            with contextlib.suppress(psutil.Error):
                if _is_ours(process):
                    yield f"process {process.pid} {process.name()} ({process.status()})"


def _is_ours(process: psutil.Process) -> bool:
    """Whether it is of a sandbox. One that has ended and is not reaped has no command, but may have our name."""
    command = " ".join(process.cmdline())
    return process.name().startswith("poet-") or any(part in command for part in _PROCESSES)


def groups(pid: int, root: Path = Path("/sys/fs/cgroup")) -> Iterator[str]:
    """Control groups that carry a process's number."""
    for pattern in (f"poet-{pid}-*", f"*/poet-{pid}-*", f"*/*/poet-{pid}-*", f"*/*/*/poet-{pid}-*"):
        # not `Path.glob`, which fails where a group of somebody else's goes away meanwhile
        yield from (f"group {path}" for path in glob.iglob(f"{root}/{pattern}"))  # noqa: PTH207 - see above


def lane_groups(pid: int) -> Iterator[str]:
    """The groups of lanes in those."""
    for group in groups(pid):
        yield from glob.iglob(f"{group.removeprefix('group ')}/lane-*")  # noqa: PTH207 - as above


def mounts(before: frozenset[str]) -> Iterator[str]:
    """Mounts of this process that were not there before."""
    yield from (f"mount {line}" for line in sorted(all_mounts() - before))


def all_mounts() -> frozenset[str]:
    """The places where something is mounted."""
    lines = Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines()
    return frozenset(line.split()[4] for line in lines)


def descriptors() -> Iterator[str]:
    """Open descriptors of this process of the kinds that sandboxes alone open."""
    for link in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):
            target = str(link.readlink())
            if target.startswith(_DESCRIPTORS):
                yield f"descriptor {link.name} {target}"


def threads() -> Iterator[str]:
    """Threads that make lanes."""
    yield from (f"thread {thread.name}" for thread in threading.enumerate() if thread.name.startswith(_THREADS))


def folders(pid: int) -> Iterator[str]:
    """Temporary folders that carry a process's number."""
    yield from (f"folder {path}" for path in Path(tempfile.gettempdir()).glob(f"poet-*{pid}-*"))


def containers(pid: int, host: str) -> Iterator[str]:
    """Containers whose labels name a process as their owner; none where there is no daemon."""
    with contextlib.suppress(DockerError), ContainerClient(host) as client:
        for owned in client.owned():
            if owned.labels.get(LABEL_OWNER) == str(pid):
                yield f"container {owned.id}"


def shims(made: Iterable[str]) -> Iterator[str]:
    """Shims and control groups of containers, those that were removed included."""
    ids = tuple(made)
    if not ids:
        return
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            command = " ".join(process.cmdline())
            if "containerd-shim" in command and any(one in command for one in ids):
                yield f"shim {process.pid}"
    roots = (Path("/sys/fs/cgroup"), *Path("/sys/fs/cgroup").iterdir())
    yield from (f"group {path}" for root in roots for one in ids if (path := root / "docker" / one).exists())


@contextlib.contextmanager
def noting_containers() -> Iterator[set[str]]:
    """Note the ids of all containers that this process makes from now on, to look for what they leave."""
    made: set[str] = set()
    create = ContainerClient.create

    def noted(self: ContainerClient, body: Mapping[str, object], name: str, *, timeout: float | None = None) -> str:
        made.add(one := create(self, body, name, timeout=timeout))
        return one

    ContainerClient.create = noted  # type: ignore[method-assign]  # taken back below
    try:
        yield made
    finally:
        ContainerClient.create = create  # type: ignore[method-assign]  # as it was


def busy_seconds(pid: int, window: float, sleep: Callable[[float], object]) -> float:
    """CPU time that the zygotes, lanes and payloads of a process use within so many seconds in which nobody calls."""
    before = _cpu_of(pid)
    sleep(window)
    after = _cpu_of(pid)
    return sum(after[one] - before[one] for one in before.keys() & after.keys())


def _cpu_of(pid: int) -> dict[int, float]:
    found: dict[int, float] = {}
    for process in psutil.Process(pid).children(recursive=True):
        with contextlib.suppress(psutil.Error):
            if _is_ours(process):
                times = process.cpu_times()
                found[process.pid] = times.user + times.system
    return found


def settled(look: Callable[[], list[str]], seconds: float) -> list[str]:
    """What is still there after so many seconds at the most: the kernel and a daemon take a moment to end things."""
    pause, until = threading.Event(), time.monotonic() + seconds
    while (left := look()) and time.monotonic() < until:
        pause.wait(_PAUSE)
    return left


@dataclasses.dataclass(frozen=True, slots=True)
class Census:
    """Everything that a process's sandboxes may leave.

    Attributes:
        pid: The process.
        mounts: Where something was mounted before.
        containers: The ids of the containers that it has made so far; it grows.
        host: Where the Docker daemon is.
    """

    pid: int
    mounts: frozenset[str]
    containers: set[str]
    host: str

    def left(self) -> list[str]:
        """Return what is there now."""
        return [
            *processes(self.pid),
            *groups(self.pid),
            *mounts(self.mounts),
            *descriptors(),
            *threads(),
            *folders(self.pid),
            *(containers(self.pid, self.host) if self.containers else ()),
            *shims(self.containers),
        ]
