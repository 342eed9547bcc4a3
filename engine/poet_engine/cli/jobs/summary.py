"""The results of a bulk run, counted by status."""

import collections
import dataclasses

from poet_engine.cli.console import Screen
from poet_engine.cli.jobs.progress import duration
from poet_engine.outcome import Outcome, Status


@dataclasses.dataclass(slots=True)
class Summary:
    """Counts of one run and of the runs before it on the same files.

    Attributes:
        jobs: Jobs of the file.
        earlier: Of them, those that had a result before this run.
        strangers: Results of jobs that the file does not hold.
        ran: Results that this run has written.
        seconds: How long it took.
        statuses: Results by status, the earlier ones included.
        causes: Results that are not ok by status and cause, those of this run only.
    """

    jobs: int = 0
    earlier: int = 0
    strangers: int = 0
    ran: int = 0
    seconds: float = 0.0
    statuses: collections.Counter[Status] = dataclasses.field(default_factory=collections.Counter)
    causes: collections.Counter[str] = dataclasses.field(default_factory=collections.Counter)

    @property
    def todo(self) -> int:
        """Jobs that have no result yet."""
        return self.jobs - self.earlier - self.ran

    @property
    def all_ok(self) -> bool:
        """Whether every job has a result, and every result a value."""
        return self.statuses[Status.OK] == self.jobs

    def count(self, outcome: Outcome) -> None:
        """Take in a result of this run."""
        self.ran += 1
        self.statuses[outcome.status] += 1
        if not outcome.ok:
            self.causes[f"{outcome.status}/{outcome.cause}"] += 1

    def document(self) -> dict[str, object]:
        """Return the summary as one JSON object."""
        return {
            "jobs": self.jobs,
            "ran": self.ran,
            "earlier": self.earlier,
            "todo": self.todo,
            "strangers": self.strangers,
            "complete": self.todo == 0,
            "all_ok": self.all_ok,
            "statuses": {str(status): self.statuses[status] for status in Status if self.statuses[status]},
            "causes": dict(self.causes.most_common()),
            "seconds": round(self.seconds, 3),
            "jobs_per_second": round(self.ran / self.seconds, 1) if self.seconds else None,
        }

    def lines(self) -> list[str]:
        """Return the summary as lines for people."""
        rate = (
            f" in {duration(self.seconds)} ({self.ran / self.seconds:.0f} jobs/s)" if self.ran and self.seconds else ""
        )
        earlier = f", {self.earlier:,} had a result before" if self.earlier else ""
        found = [f"{self.jobs:,} jobs: {self.ran:,} ran{rate}{earlier}{f', {self.todo:,} to do' if self.todo else ''}"]
        found += [f"  {status}: {self.statuses[status]:,}" for status in Status if self.statuses[status]]
        if self.causes:
            common = ", ".join(f"{cause} {count:,}" for cause, count in self.causes.most_common(10))
            found.append(f"not ok now: {common}")
        return found


def show(screen: Screen, summary: Summary, *, on_stderr: bool) -> None:
    """Print a summary: one JSON document, or lines on standard output unless that carries the results."""
    screen.document(summary.document())
    for line in summary.lines():
        if on_stderr:
            screen.note(line)
        else:
            screen.line(line)
