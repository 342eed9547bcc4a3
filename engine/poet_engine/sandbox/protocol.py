"""What every sandbox offers, and what it says of its walls."""

import dataclasses
from typing import Protocol, Self

from poet_engine.cancellation import Cancellation
from poet_engine.job import Job
from poet_engine.outcome import Outcome


@dataclasses.dataclass(frozen=True, slots=True)
class WallReport:
    """What came of trying to get through one wall from inside.

    Attributes:
        wall: Its name, as policies use it.
        held: Whether the deed was stopped, having been reached.
        tried: What was tried.
        stopped_by: By what it was stopped, or what happened instead.
        remedy: What to change on this machine, when it did not hold.
    """

    wall: str
    held: bool
    tried: str
    stopped_by: str
    remedy: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class SandboxStatistics:
    """A snapshot of a sandbox's counters since it was opened."""

    calls: int = 0
    lanes: int = 0
    ready: int = 0
    busy: int = 0
    waiting: int = 0
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
            job: What to run.
            cancellation: Lets another thread end it.

        Raises:
            CannotTravelError: An argument has no safe form.
            ClosedError: The sandbox was closed, or belongs to another process.
        """
        ...

    def walls(self, *, thorough: bool = True) -> tuple[WallReport, ...]:
        """Try to get through every wall from inside, now.

        Args:
            thorough: Also use up the whole budget of memory, which takes as long as touching it does.
        """
        ...

    def statistics(self) -> SandboxStatistics:
        """Counters, frozen."""
        ...

    def close(self) -> None:
        """End every lane and free everything. Idempotent."""
        ...

    def __enter__(self) -> Self:
        """Itself."""
        ...

    def __exit__(self, *exc_info: object) -> None:
        """Close."""
        ...
