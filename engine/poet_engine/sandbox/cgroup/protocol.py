import dataclasses
from typing import Protocol


@dataclasses.dataclass(frozen=True, slots=True)
class GroupLimits:
    """The limits of one lane.

    Attributes:
        memory: Bytes that the call may grow by, on top of what is charged when its payload is ready.
        tasks: Tasks in the group, the lane's init included.
        cores: CPU seconds a second.
    """

    memory: int
    tasks: int
    cores: float


@dataclasses.dataclass(frozen=True, slots=True)
class GroupReading:
    """Counters at one moment; all but memory and tasks only grow.

    Attributes:
        cpu_ns: CPU time.
        memory_bytes: What is charged now.
        memory_peak_bytes: The most that was charged since release.
        oom_kills: Tasks that the kernel's OOM killer took.
        tasks_refused: Times that the limit on tasks refused one.
        tasks: Tasks in the group now, the lane's init included.
        tasks_peak: The most that ever were in it; 0 where the kernel keeps no such peak.
    """

    cpu_ns: int
    memory_bytes: int
    memory_peak_bytes: int
    oom_kills: int
    tasks_refused: int
    tasks: int = 0
    tasks_peak: int = 0

    def going_on(self, memory: int) -> "GroupReading":
        """Return the reading at the start of a call that pays for all since this one.

        Args:
            memory: Bytes that are charged now, to which the peak was reset.
        """
        return GroupReading(
            self.cpu_ns, memory, memory, self.oom_kills, self.tasks_refused, self.tasks, self.tasks_peak
        )

    def tasks_since(self, start: "GroupReading") -> int:
        """The most tasks at once since an earlier reading, as far as these two can tell.

        The kernel cannot be made to forget a peak, so that of an earlier call hides a lower one.
        """
        return self.tasks_peak if self.tasks_peak > start.tasks_peak else max(start.tasks, self.tasks)


class Group(Protocol):
    """The group of one lane."""

    def attach(self, pid: int) -> None:
        """Move a process into the group; what it forks later follows."""
        ...

    def arm(self, prepared: int = 0) -> bool:
        """Set the memory limit to what is charged now plus the budget. Off the path of a call.

        Args:
            prepared: Bytes at most that the payload's preparation for its call may have taken.

        Returns:
            Whether the group is as empty as it was the first time; if not, it must not be used again.
        """
        ...

    def release(self, last: GroupReading | None = None) -> GroupReading:
        """Reset the peak and read the counters: the call starts now.

        Args:
            last: The reading at which an earlier call of the same payload ended: this one pays for all since then.
        """
        ...

    def read(self) -> GroupReading:
        """Return the counters now."""
        ...

    def tasks(self) -> int:
        """Return the number of tasks in the group now."""
        ...

    def remove(self) -> bool:
        """Kill what is left and remove the group; False while the kernel still holds it."""
        ...


class Driver(Protocol):
    """Makes groups below one folder of this process's own."""

    @property
    def name(self) -> str:
        """`cgroup v1` or `cgroup v2`."""
        ...

    def create(self, name: str, limits: GroupLimits) -> Group:
        """Make a new, empty group with its limits set."""
        ...

    def sweep(self) -> int:
        """Remove what host processes that are gone have left behind; return how many groups that was."""
        ...

    def close(self) -> None:
        """Remove the folder of this process."""
        ...
