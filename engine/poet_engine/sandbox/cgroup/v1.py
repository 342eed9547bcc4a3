"""Count and limit lanes by cgroup v1: one hierarchy for each controller, each with its own mount."""

import contextlib
import os
from collections.abc import Mapping
from pathlib import Path

from poet_engine.sandbox.cgroup import discovery, folders
from poet_engine.sandbox.cgroup.protocol import GroupLimits, GroupReading

_NEEDED = ("memory", "pids", "cpuacct")
_WANTED = (*_NEEDED, "cpu")
_PERIOD_US = 100_000
_DRIFT = (
    1 << 20
)  # charged memory may wander this far before the limit is set anew; percpu stocks alone are 256 KiB a core
_LEFT_OVER = 4 << 20  # kernel objects of a lane that has served thousands of calls stay below this


def find_v1() -> "V1Driver | None":
    """Return the driver, when every needed controller is mounted as v1 and its part of the tree is ours to write."""
    places = discovery.v1_places(*discovery.read(), _WANTED)
    own = {controller: place.own for controller, place in places.items() if place.own.is_dir()}
    if any(name not in own for name in _NEEDED):
        return None
    if not all(os.access(folder, os.W_OK) for folder in own.values()):
        return None
    return V1Driver(own, folders.own_name())


class V1Driver:
    """Makes a folder for its sandbox in every hierarchy, and in it a group for each lane."""

    name = "cgroup v1"

    def __init__(self, folders: Mapping[str, Path], owner: str) -> None:
        self._folders = folders
        self._owner = owner

    def __repr__(self) -> str:
        return f"<V1Driver {self._owner} controllers={','.join(sorted(self._folders))}>"

    def create(self, name: str, limits: GroupLimits) -> "V1Group":
        """Make a group with its limits set; its memory limit comes with `arm`."""
        paths: dict[str, Path] = {}
        for controller, folder in self._folders.items():
            paths[controller] = folder / self._owner / name
            paths[controller].mkdir(parents=True, exist_ok=True)
        (paths["pids"] / "pids.max").write_text(str(limits.tasks))
        if "cpu" in paths:
            (paths["cpu"] / "cpu.cfs_period_us").write_text(str(_PERIOD_US))
            (paths["cpu"] / "cpu.cfs_quota_us").write_text(str(max(1000, int(limits.cores * _PERIOD_US))))
        return V1Group(paths, limits.memory)

    def sweep(self) -> int:
        """Remove the folders of processes that are gone."""
        return folders.sweep(self._folders.values())

    def close(self) -> None:
        """Remove the folders; groups that the kernel still holds are left to the next sweep."""
        for base in self._folders.values():
            folders.remove_all(base / self._owner)


class V1Group:
    """The group of one lane in every hierarchy. The counter files stay open: reading four of them costs about 2 µs."""

    def __init__(self, paths: Mapping[str, Path], memory: int) -> None:
        self._paths = paths
        self._memory = memory
        self._limit = 0
        self._clean = 0  # bytes charged when the first payload was ready that had nothing prepared
        self._files = {
            name: os.open(paths[controller] / name, flags | os.O_CLOEXEC)
            for controller, name, flags in (
                ("cpuacct", "cpuacct.usage", os.O_RDONLY),
                ("memory", "memory.usage_in_bytes", os.O_RDONLY),
                ("memory", "memory.max_usage_in_bytes", os.O_RDWR),
                ("memory", "memory.oom_control", os.O_RDONLY),
                ("pids", "pids.events", os.O_RDONLY),
                ("pids", "pids.current", os.O_RDONLY),
            )
        }
        with contextlib.suppress(FileNotFoundError):  # a kernel that does not tell the peak
            self._files["pids.peak"] = os.open(paths["pids"] / "pids.peak", os.O_RDONLY | os.O_CLOEXEC)

    def __repr__(self) -> str:
        return f"<V1Group {self._paths['memory'].name} limit={self._limit}>"

    def attach(self, pid: int) -> None:
        """Move a process into the group, in every hierarchy."""
        for path in self._paths.values():
            (path / "cgroup.procs").write_text(str(pid))

    def arm(self, prepared: int = 0) -> bool:
        """Set the hard limit, swap included, when what is charged has moved away from where it was set."""
        charged = self._number("memory.usage_in_bytes")
        self._clean = self._clean or (0 if prepared else charged)
        if self._clean and charged > self._clean + _LEFT_OVER + prepared:
            return False
        wanted = charged + self._memory
        if abs(wanted - self._limit) <= _DRIFT:
            return True
        names = ["memory.limit_in_bytes", "memory.memsw.limit_in_bytes"]
        if wanted > self._limit and self._limit:
            names.reverse()  # memory and swap together may never be below memory alone
        for name in names:
            with contextlib.suppress(FileNotFoundError):  # a kernel without swap accounting
                (self._paths["memory"] / name).write_text(str(wanted))
        self._limit = wanted
        return True

    def release(self, last: GroupReading | None = None) -> GroupReading:
        """Reset the peak, then read the counters; see `Group.release`."""
        os.pwrite(self._files["memory.max_usage_in_bytes"], b"0", 0)
        return self.read() if last is None else last.going_on(self._number("memory.usage_in_bytes"))

    def read(self) -> GroupReading:
        """Return the counters now."""
        return GroupReading(
            cpu_ns=self._number("cpuacct.usage"),
            memory_bytes=self._number("memory.usage_in_bytes"),
            memory_peak_bytes=self._number("memory.max_usage_in_bytes"),
            oom_kills=self._field("memory.oom_control", b"oom_kill"),
            tasks_refused=self._field("pids.events", b"max"),
            tasks=self.tasks(),
            tasks_peak=self._number("pids.peak") if "pids.peak" in self._files else 0,
        )

    def tasks(self) -> int:
        """Return the number of tasks in the group now."""
        return self._number("pids.current")

    def remove(self) -> bool:
        """Kill what is left, then remove the folders; return whether all are gone."""
        while self._files:
            _name, fd = self._files.popitem()
            os.close(fd)
        return all([folders.remove(path) for path in self._paths.values()])  # noqa: C419 - every folder is tried, whatever came of the others

    def _number(self, name: str) -> int:
        return int(os.pread(self._files[name], 64, 0))

    def _field(self, name: str, key: bytes) -> int:
        words = os.pread(self._files[name], 256, 0).split()
        return int(words[words.index(key) + 1]) if key in words else 0
