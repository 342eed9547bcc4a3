"""Count and limit lanes by cgroup v2: one hierarchy for all controllers.

Below the folder that is delegated to the host process (see `delegation.find_delegation`) every sandbox has a folder
named for its owner, and in it a leaf for each lane. Processes are in the leaves only: the kernel gives no controllers
to the children of a group that has processes itself.
"""

import contextlib
import os
from pathlib import Path

from poet_engine.sandbox.cgroup import discovery, folders
from poet_engine.sandbox.cgroup.delegation import DelegatedGroup, find_delegation
from poet_engine.sandbox.cgroup.protocol import GroupLimits, GroupReading

_PERIOD_US = 100_000
_LEAST_QUOTA_US = 1000  # the kernel takes no less
# Charged memory may wander this far before the limit is set anew: the stocks of each core alone are 256 KiB.
_DRIFT = 1 << 20
_LEFT_OVER = 4 << 20  # kernel objects of a lane that has served thousands of calls stay below this
# Where a peak cannot be forgotten: how far an earlier call's may stand above what is charged. Below it, growth is only
# sampled; above it, the lane is given up, because its successor's new group can measure again.
_UNSEEN = 16 << 20
_READ = 1024  # bytes; the counters that are looked for stand at the beginning


def find_v2() -> "V2Driver | None":
    """Return the driver, when the unified hierarchy carries memory and pids and a folder of it is delegated to us."""
    place = discovery.v2_place(*discovery.read())
    if place is None or not place.own.is_dir():
        return None
    room = find_delegation(place, folders.own_name())
    return V2Driver(room) if room is not None else None


class V2Driver:
    """Makes a group for each lane in its sandbox's own folder.

    Args:
        room: The delegated folder.
    """

    name = "cgroup v2"

    def __init__(self, room: DelegatedGroup) -> None:
        self._room = room

    def __repr__(self) -> str:
        return f"<V2Driver {self._room.folder.name} below {self._room.folder.parent}>"

    def create(self, name: str, limits: GroupLimits) -> "V2Group":
        """Make a group with its limits set; its memory limit comes with `arm`."""
        controllers = self._room.make()
        path = self._room.folder / name
        path.mkdir(exist_ok=True)
        (path / "pids.max").write_text(str(limits.tasks))
        (path / "memory.oom.group").write_text(
            "0"
        )  # the kernel picks one process, and the verdict sees which call it hit
        swap = path / "memory.swap.max"
        if swap.exists():  # a kernel may have been built or booted without swap accounting
            swap.write_text("0")
        if "cpu" in controllers:
            quota = max(_LEAST_QUOTA_US, int(limits.cores * _PERIOD_US))
            (path / "cpu.max").write_text(f"{quota} {_PERIOD_US}")
        return V2Group(path, limits.memory)

    def sweep(self) -> int:
        """Remove the folders of processes that are gone."""
        return folders.sweep([self._room.folder.parent])

    def close(self) -> None:
        """Remove the folder; groups that the kernel still holds are left to the next sweep."""
        folders.remove_all(self._room.folder)


class V2Group:
    """The group of one lane. The counter files stay open: reading them by path would look every folder up again.

    The peak has three ways to be known, by kernel:
    - 6.12 and later: written to, an open `memory.peak` forgets what came before, for that descriptor alone. Exact.
    - 5.19 to 6.11: `memory.peak` only grows. A call that lifts it is measured exactly; for one that stays below an
      earlier call's, the highest sample of `memory.current` is used, which is too low by 16 MiB at the most, because
      `arm` gives a group up whose old peak stands higher than that above what is charged.
    - older: the highest sample.

    Args:
        path: The group's folder.
        memory: Bytes that a call may grow by.
    """

    def __init__(self, path: Path, memory: int) -> None:
        self._path = path
        self._memory = memory
        self._limit = 0
        self._clean = 0  # bytes charged when the first payload was ready that had nothing prepared
        self._highest = 0  # sampled since release
        self._old_peak = 0  # as it was at release, where it cannot be forgotten
        self._files: dict[str, int] = {}
        for name in ("cpu.stat", "memory.current", "memory.events", "pids.events", "pids.current"):
            self._files[name] = os.open(path / name, os.O_RDONLY | os.O_CLOEXEC)
        with contextlib.suppress(FileNotFoundError):  # a kernel that does not tell the peak
            self._files["pids.peak"] = os.open(path / "pids.peak", os.O_RDONLY | os.O_CLOEXEC)
        self._forgets = self._open_peak()

    def __repr__(self) -> str:
        return f"<V2Group {self._path.name} limit={self._limit}>"

    def _open_peak(self) -> bool:
        """Open the peak; return whether it can be reset: only kernels that can do it offer the file for writing."""
        for flags in (os.O_RDWR, os.O_RDONLY):
            try:
                self._files["memory.peak"] = os.open(self._path / "memory.peak", flags | os.O_CLOEXEC)
                if flags == os.O_RDWR:
                    os.pwrite(self._files["memory.peak"], b"0", 0)
            except OSError:
                self._close("memory.peak")
            else:
                return flags == os.O_RDWR
        return False

    def attach(self, pid: int) -> None:
        """Move a process into the group."""
        (self._path / "cgroup.procs").write_text(str(pid))

    def arm(self, prepared: int = 0) -> bool:
        """Set the hard limit when what is charged has moved away from where it was set; there is no swap to limit."""
        charged = self._number("memory.current")
        first = not self._limit
        self._clean = self._clean or (0 if prepared else charged)
        if self._clean and charged > self._clean + _LEFT_OVER + prepared:
            return False
        if not first and not self._forgets and self._peak() > charged + _UNSEEN:
            return False
        wanted = charged + self._memory
        if abs(wanted - self._limit) > _DRIFT:
            (self._path / "memory.max").write_text(str(wanted))
            self._limit = wanted
        return True

    def release(self, last: GroupReading | None = None) -> GroupReading:
        """Reset the peak, or record it where it cannot be reset, then read the counters; see `Group.release`."""
        self._highest = 0
        if self._forgets:
            os.pwrite(self._files["memory.peak"], b"0", 0)
        else:
            self._old_peak = self._peak()
        if last is None:
            return self.read()
        self._highest = self._number("memory.current")
        return last.going_on(self._highest)

    def read(self) -> GroupReading:
        """Return the counters now; each reading also samples the peak, where the kernel has no exact one."""
        current = self._number("memory.current")
        self._highest = max(self._highest, current)
        return GroupReading(
            cpu_ns=self._field("cpu.stat", b"usage_usec") * 1000,
            memory_bytes=current,
            memory_peak_bytes=self._peak_since_release(),
            oom_kills=self._field("memory.events", b"oom_kill"),
            tasks_refused=self._field("pids.events", b"max"),
            tasks=self.tasks(),
            tasks_peak=self._number("pids.peak") if "pids.peak" in self._files else 0,
        )

    def tasks(self) -> int:
        """Return the number of tasks in the group now."""
        return self._number("pids.current")

    def remove(self) -> bool:
        """Kill what is left, then remove the folder; return whether it is gone."""
        for name in list(self._files):
            self._close(name)
        return folders.remove(self._path)

    def _peak_since_release(self) -> int:
        peak = self._peak()
        if self._forgets or peak > self._old_peak:
            return max(peak, self._highest)
        return self._highest

    def _peak(self) -> int:
        return self._number("memory.peak") if "memory.peak" in self._files else 0

    def _close(self, name: str) -> None:
        with contextlib.suppress(KeyError):
            os.close(self._files.pop(name))

    def _number(self, name: str) -> int:
        return int(os.pread(self._files[name], 64, 0))

    def _field(self, name: str, key: bytes) -> int:
        words = os.pread(self._files[name], _READ, 0).split()
        return int(words[words.index(key) + 1]) if key in words else 0
