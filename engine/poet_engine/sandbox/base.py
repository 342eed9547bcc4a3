"""Define the sandbox protocol, and the reports of isolation checks."""

import dataclasses
import enum
from typing import Protocol, Self

from poet_engine._cancellation import Cancellation
from poet_engine.job import Job, Script
from poet_engine.outcome import Outcome

_GIVE_A_CGROUP = (
    "as an ordinary user of a machine with cgroup v2, start the program by "
    "systemd-run --user --scope -p Delegate=yes PROGRAM; in a container, make /sys/fs/cgroup writable"
)
_GIVE_A_USER = "give this user a range in /etc/subuid and /etc/subgid, and install newuidmap (Debian, Ubuntu: uidmap)"


@dataclasses.dataclass(frozen=True, slots=True)
class IsolationCheck:
    """The result of trying to break one isolation guarantee from inside.

    Attributes:
        wall: The guarantee's name, as policies use it.
        held: Whether every attempt was made, and stopped.
        tried: The attempts, as text.
        stopped_by: What stopped them, such as the kernel's error names, or what happened instead.
        remedy: The change to this machine that would help, when the guarantee did not hold.
    """

    wall: str
    held: bool
    tried: str
    stopped_by: str
    remedy: str = ""


class Grade(enum.StrEnum):
    """The grade of a sandbox on this machine, by its isolation checks and means."""

    STRONG = "strong"
    STANDARD = "standard"
    WEAK = "weak"


@dataclasses.dataclass(frozen=True, slots=True)
class Means:
    """The kernel features that a sandbox's isolation is built from on this machine.

    Attributes:
        counted_by: What limits memory and tasks: `cgroup v1`, `cgroup v2`, or `rlimits`.
        own_uid: Whether the code runs as a user that nobody else has.
        landlock: The ABI version of Landlock; 0 without.
        user_namespace: Whether the isolation is built inside a user namespace.
    """

    counted_by: str
    own_uid: bool
    landlock: int
    user_namespace: bool

    @property
    def remedies(self) -> tuple[str, ...]:
        """Changes to this machine that would let a cgroup count, and give the code its own user."""
        weaker = (
            (self.counted_by == "rlimits", f"no cgroup counts memory and tasks: {_GIVE_A_CGROUP}"),
            (not self.own_uid, f"the code has no user of its own: {_GIVE_A_USER}"),
        )
        return tuple(remedy for applies, remedy in weaker if applies)


@dataclasses.dataclass(frozen=True, slots=True)
class Diagnosis:
    """The report of `poet doctor` on a sandbox.

    Attributes:
        sandbox: The sandbox's name.
        walls: The isolation checks.
        means: What the isolation is built from; None where nothing is built.
        remarks: Further facts about it on this machine, a sentence each.
    """

    sandbox: str
    walls: tuple[IsolationCheck, ...]
    means: Means | None
    remarks: tuple[str, ...] = ()

    @property
    def grade(self) -> Grade:
        """`weak` when a check failed; `strong` when none did, a cgroup counts, and the code has its own user."""
        if not self.walls or not all(wall.held for wall in self.walls):
            return Grade.WEAK
        strong = self.means is not None and self.means.counted_by.startswith("cgroup") and self.means.own_uid
        return Grade.STRONG if strong else Grade.STANDARD

    @property
    def remedies(self) -> tuple[str, ...]:
        """Changes to this machine for a better grade: for checks that failed first, then for weaker means."""
        down = tuple(f"{wall.wall}: {wall.remedy}" for wall in self.walls if not wall.held)
        return down if self.means is None else down + self.means.remedies


@dataclasses.dataclass(frozen=True, slots=True)
class SandboxStatistics:
    """A snapshot of a sandbox's counters since it was opened."""

    calls: int = 0
    lanes: int = 0
    ready: int = 0
    busy: int = 0
    waiting: int = 0
    turned_away: int = 0
    lanes_made: int = 0
    lanes_destroyed: int = 0
    zygotes_started: int = 0


class Sandbox(Protocol):
    """Runs jobs under one policy. Thread-safe; a context manager."""

    @property
    def name(self) -> str:
        """`process`, `docker` or `scripted`."""
        ...

    def run(self, job: Job, *, cancellation: Cancellation | None = None) -> Outcome:
        """Run one job to its verdict. Never raises for what the code did.

        Args:
            job: The job to run.
            cancellation: Lets another thread end it.

        Raises:
            SerializationError: An argument has no safe form.
            ClosedError: The sandbox was closed, or belongs to another process.
        """
        ...

    def run_script(self, script: Script, *, cancellation: Cancellation | None = None) -> Outcome:
        """Run one script to its end, and collect the files that its request names. Never raises for what it did.

        Args:
            script: The script to run.
            cancellation: Lets another thread end it.

        Raises:
            UsageError: A name, a pattern or an argument is not plain, or there is no room for the files.
            ClosedError: The sandbox was closed, or belongs to another process.
        """
        ...

    def walls(self, *, thorough: bool = True) -> tuple[IsolationCheck, ...]:
        """Try every isolation check from inside, now.

        Args:
            thorough: Also use up the whole budget of memory, which takes as long as touching it does.
        """
        ...

    def means(self) -> Means | None:
        """Return what its isolation is built from; None where nothing is built."""
        ...

    def remarks(self) -> tuple[str, ...]:
        """Return further facts about it on this machine, a sentence each."""
        ...

    def statistics(self) -> SandboxStatistics:
        """Return the counters as a frozen snapshot."""
        ...

    def close(self) -> None:
        """End every lane and free everything. Idempotent."""
        ...

    def __enter__(self) -> Self:
        """Return the sandbox itself."""
        ...

    def __exit__(self, *exc_info: object) -> None:
        """Close."""
        ...
