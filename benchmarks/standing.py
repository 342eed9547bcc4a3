"""What the benchmarks share: first of all, which walls stand in the sandbox that is timed.

A number from a sandbox whose walls are down would say how fast it is to have none.
"""

import argparse
import dataclasses
import json
import os
import platform
import statistics
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, TypeVar

import psutil

from poet_engine.errors import PoetError
from poet_engine.policy import Policy
from poet_engine.sandbox import isolation_checks
from poet_engine.sandbox.base import IsolationCheck, Sandbox

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


class WallDownError(Exception):
    """A required wall does not hold, so there is nothing worth measuring."""


@dataclasses.dataclass(frozen=True, slots=True)
class Spread:
    """How numbers of one kind are spread."""

    p50: float
    p95: float
    p99: float
    worst: float

    @classmethod
    def of(cls, numbers: Sequence[float]) -> "Spread":
        """The quantiles of at least two numbers."""
        hundredths = statistics.quantiles(numbers, n=100, method="inclusive")
        return cls(hundredths[49], hundredths[94], hundredths[98], max(numbers))


@dataclasses.dataclass(frozen=True, slots=True)
class Machine:
    """On what something was measured."""

    python: str
    kernel: str
    cores: int

    @classmethod
    def this(cls) -> "Machine":
        """The one that we run on."""
        return cls(platform.python_version(), platform.release(), len(os.sched_getaffinity(0)))

    def __str__(self) -> str:
        """One phrase for the head of a table."""
        return f"Python {self.python} · Linux {self.kernel} · {self.cores} cores"


def standing(sandbox: Sandbox, policy: Policy) -> dict[str, str]:
    """Wall → what stopped its deed.

    Raises:
        WallDownError: A wall that the policy requires does not hold.
    """
    reports = sandbox.walls()
    lacking = isolation_checks.missing(reports, frozenset(str(wall) for wall in policy.isolation.require))
    if lacking:
        raise WallDownError("; ".join(_complaint(report) for report in lacking))
    return {report.wall: report.stopped_by if report.held else f"DOWN: {report.stopped_by}" for report in reports}


def _complaint(report: IsolationCheck) -> str:
    return f"wall {report.wall!r} does not hold ({report.stopped_by}); {report.remedy}"


def cpu_seconds() -> float:
    """CPU time of this process and of all that came from it, the ended ones included."""
    me = psutil.Process()
    return sum(_cpu_of(process) for process in [me, *me.children(recursive=True)])


def _cpu_of(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return float(times.user + times.system + times.children_user + times.children_system)


Found = TypeVar("Found", bound="DataclassInstance")


def main(measure: Callable[[], Found], table: Callable[[Found], Iterable[str]], asked: argparse.Namespace) -> int:
    """Measure and print; 0, or 1 when a required wall is down, 2 when there is no sandbox or no such policy.

    Args:
        measure: Measures.
        table: What was found, as lines for people.
        asked: Whether `json` is wanted instead.
    """
    try:
        found = measure()
    except WallDownError as error:
        print(f"no numbers: {error}", file=sys.stderr)
        return 1
    except PoetError as error:
        print(f"no numbers: {error}", file=sys.stderr)
        return 2
    print(json.dumps(dataclasses.asdict(found), indent=2) if asked.json else "\n".join(table(found)))
    return 0
