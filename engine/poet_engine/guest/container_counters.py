"""Read a container's kernel counters from its first process; a figure is None where nothing counts it.

Under cgroup v1 and v2 a container sees the files of its own group. gVisor shows none.
"""

import contextlib
import dataclasses
import os

_ROOT = "/sys/fs/cgroup"
_CHUNK = 4096
NOT_COUNTED = -1


@dataclasses.dataclass(frozen=True)
class ContainerReading:
    """A container's counters at one moment.

    Attributes:
        cpu_us: CPU time of the whole container, in microseconds.
        memory: Bytes charged to it now.
        memory_peak: The most bytes that were ever charged to it.
        oom_kills: Tasks that the kernel's OOM killer ended.
        tasks_refused: Times that the limit on tasks refused one.
        tasks: Tasks in it now.
        tasks_peak: The most that ever were.
    """

    cpu_us: int | None = None
    memory: int | None = None
    memory_peak: int | None = None
    oom_kills: int = 0
    tasks_refused: int = 0
    tasks: int | None = None
    tasks_peak: int | None = None


class Counters:
    """A container's counter files, held open: no payload can put other files in their place."""

    def __init__(self) -> None:
        unified = os.path.exists(f"{_ROOT}/cgroup.controllers")
        self.name = "cgroup v2" if unified else "cgroup v1"
        paths = _V2 if unified else _V1
        self._files: dict[str, tuple[int, str]] = {}
        for name, (path, key) in paths.items():
            with contextlib.suppress(OSError):
                self._files[name] = os.open(f"{_ROOT}/{path}", os.O_RDONLY | os.O_CLOEXEC), key
        self._nanoseconds = not unified
        if "memory" not in self._files or "tasks_refused" not in self._files:
            self.name = ""

    def read(self) -> ContainerReading:
        """Read every counter now."""
        cpu = self._number("cpu")
        return ContainerReading(
            cpu_us=cpu // 1000 if cpu is not None and self._nanoseconds else cpu,
            memory=self._number("memory"),
            memory_peak=self._number("memory_peak"),
            oom_kills=self._number("oom_kills") or 0,
            tasks_refused=self._number("tasks_refused") or 0,
            tasks=self._number("tasks"),
            tasks_peak=self._number("tasks_peak"),
        )

    def _number(self, name: str) -> int | None:
        if name not in self._files:
            return None
        fd, key = self._files[name]
        return _value(os.pread(fd, _CHUNK, 0), key)


# counter → the file, and the key of its line; without a key the file is one number
_V1 = {
    "cpu": ("cpuacct/cpuacct.usage", ""),
    "memory": ("memory/memory.usage_in_bytes", ""),
    "memory_peak": ("memory/memory.max_usage_in_bytes", ""),
    "oom_kills": ("memory/memory.oom_control", "oom_kill"),
    "tasks_refused": ("pids/pids.events", "max"),
    "tasks": ("pids/pids.current", ""),
    "tasks_peak": ("pids/pids.peak", ""),
}
_V2 = {
    "cpu": ("cpu.stat", "usage_usec"),
    "memory": ("memory.current", ""),
    "memory_peak": ("memory.peak", ""),
    "oom_kills": ("memory.events", "oom_kill"),
    "tasks_refused": ("pids.events", "max"),
    "tasks": ("pids.current", ""),
    "tasks_peak": ("pids.peak", ""),
}


def _value(content: bytes, key: str) -> int | None:
    """Return the number on the line that begins with `key`, or on the first line where `key` is empty."""
    for line in content.splitlines():
        words = line.split()
        if not key or (len(words) > 1 and words[0] == key.encode()):
            return int(words[-1]) if words and words[-1].isdigit() else None
    return None


def growth(start: ContainerReading, now: ContainerReading) -> int:
    """Return the bytes of memory grown since `start`, at the most; NOT_COUNTED where nothing counts them.

    A peak that an earlier payload reached hides a lower one.
    """
    if now.memory is None or start.memory is None:
        return NOT_COUNTED  # what gVisor says of a process's own size is too low, by what it shares with us and more
    peak = now.memory
    if now.memory_peak is not None and start.memory_peak is not None and now.memory_peak > start.memory_peak:
        peak = max(peak, now.memory_peak)
    return max(0, peak - start.memory)


def most_tasks(start: ContainerReading, now: ContainerReading) -> int:
    """Tasks at once, as far as it can be known: as with memory, an earlier peak hides a lower one."""
    if now.tasks is None or start.tasks is None:
        return NOT_COUNTED
    if now.tasks_peak is not None and start.tasks_peak is not None and now.tasks_peak > start.tasks_peak:
        return now.tasks_peak
    return max(start.tasks, now.tasks)
