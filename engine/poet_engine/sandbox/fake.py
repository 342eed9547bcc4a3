"""The sandbox that runs nothing and answers from a script, for tests of what is around a sandbox, ours and users'."""

import threading
from collections.abc import Callable, Iterable
from typing import Self

from poet_engine._cancellation import Cancellation
from poet_engine.errors import ClosedError
from poet_engine.job import Job, OutputCallback, Script
from poet_engine.outcome import Blame, Evidence, Outcome, Status
from poet_engine.sandbox import isolation_checks, wire
from poet_engine.sandbox.base import IsolationCheck, Means, SandboxStatistics
from poet_engine.sandbox.live_output import live_output

Answer = Outcome | Callable[[Job], Outcome]
ScriptAnswer = Outcome | Callable[[Script], Outcome]


class ScriptedSandbox:
    """A sandbox that gives the answers of a script, in order; the last one is repeated.

    Args:
        answers: Outcomes, or functions from a job to its outcome.
        down: Names of isolation checks that do not hold.
        for_script: The answer for every whole script; by default it ends well and leaves nothing.
    """

    name = "scripted"

    def __init__(
        self,
        answers: Iterable[Answer],
        *,
        down: frozenset[str] = frozenset(),
        for_script: ScriptAnswer | None = None,
    ) -> None:
        self._answers = list(answers)
        if not self._answers:
            raise ValueError("a script needs at least one answer")
        self._down = down
        self._lock = threading.Lock()
        self._closed = False
        self._for_script = ok(None) if for_script is None else for_script
        self.jobs: list[Job] = []
        self.scripts: list[Script] = []

    def __repr__(self) -> str:
        return f"<ScriptedSandbox calls={self.statistics().calls}>"

    def run(self, job: Job, *, cancellation: Cancellation | None = None) -> Outcome:
        """Return the next answer. Arguments must be able to travel, as in every sandbox."""
        if self._refuses(cancellation):
            return failed(Status.CANCELLED, "caller", Blame.CALLER)
        wire.request(job)
        with self._lock:
            answer = self._answers[min(len(self.jobs), len(self._answers) - 1)]
            self.jobs.append(job)
        return _told(answer(job) if callable(answer) else answer, job.on_output)

    def run_script(self, script: Script, *, cancellation: Cancellation | None = None) -> Outcome:
        """Return the answer for scripts. Names and arguments must be plain, as in every sandbox."""
        if self._refuses(cancellation):
            return failed(Status.CANCELLED, "caller", Blame.CALLER)
        wire.script_request(script)
        with self._lock:
            self.scripts.append(script)
        answer = self._for_script(script) if callable(self._for_script) else self._for_script
        return _told(answer, script.on_output)

    def _refuses(self, cancellation: Cancellation | None) -> bool:
        if self._closed:
            raise ClosedError("this sandbox was closed; open another one")
        return cancellation is not None and cancellation.requested

    def walls(self, *, thorough: bool = True) -> tuple[IsolationCheck, ...]:
        """Return a report for each isolation check, by the script; nothing was tried."""
        tried = "all" if thorough else "nothing"
        return tuple(
            IsolationCheck(name, held=name not in self._down, tried=f"{tried}, by the script", stopped_by="the script")
            for name in isolation_checks.NAMES
        )

    def means(self) -> Means | None:
        """Return None: nothing is built."""
        return None

    def remarks(self) -> tuple[str, ...]:
        """Return no remarks."""
        return ()

    def statistics(self) -> SandboxStatistics:
        """Return the number of calls; there are no lanes to count."""
        return SandboxStatistics(calls=len(self.jobs) + len(self.scripts))

    def close(self) -> None:
        """Refuse further calls."""
        self._closed = True

    def __enter__(self) -> Self:
        """Return the sandbox itself."""
        return self

    def __exit__(self, *_exc_info: object) -> None:
        """Close."""
        self.close()


def _told(outcome: Outcome, on_output: OutputCallback | None) -> Outcome:
    """Return an outcome whose output has been given to the callback, as that of a run is."""
    with live_output(on_output) as listener:
        if listener is not None:
            listener(1, outcome.stdout.encode("utf-8", "replace"))
            listener(2, outcome.stderr.encode("utf-8", "replace"))
    return outcome


def ok(value: object) -> Outcome:
    """Return an outcome with a value."""
    return Outcome(status=Status.OK, value=value, sandbox=ScriptedSandbox.name)


def failed(status: Status, cause: str, blame: Blame = Blame.CODE) -> Outcome:
    """Return an outcome without a value."""
    evidence = Evidence("script", cause, source="host")
    return Outcome(status=status, cause=cause, blame=blame, evidence=evidence, sandbox=ScriptedSandbox.name)
