"""The attempts of one call: a version in the sandbox, or the original here, for threads and for asyncio."""

import asyncio
import dataclasses
import inspect
from collections.abc import Callable, Mapping

from poet_engine._located_job import LocatedJob
from poet_engine.decorator.modes import in_shadow
from poet_engine.decorator.once_logger import OnceLogger
from poet_engine.decorator.recording import RecordedArguments
from poet_engine.decorator.states import Serving
from poet_engine.errors import PoetError
from poet_engine.job import Job
from poet_engine.outcome import Outcome, Status
from poet_engine.resilience.attempts import AttemptResult
from poet_engine.resilience.call_report import Rung
from poet_engine.resilience.pipeline import Attempt
from poet_engine.versions import StoredVersion


@dataclasses.dataclass(slots=True, kw_only=True)
class AttemptRunner:
    """Performs the attempts of one call. What goes wrong is in the answer; only an interrupt is raised.

    Attributes:
        original: Calls the user's own function with the caller's arguments.
        args: The caller's.
        kwargs: The caller's.
        execution_id: Of the call.
        tell: Says what is worth a line in the log.
        state: The version and where it runs; None where the original is asked first.
        previous: The version that may answer when the current one cannot.
        bounded: Whether an original that is awaited ends at the deadline.
        given: The caller's arguments as they were before the call, where they are recorded.
        returns: The classes that its return annotation names, which answers are rebuilt as; None for none.
    """

    original: Callable[[], object]
    args: tuple[object, ...]
    kwargs: Mapping[str, object]
    execution_id: str
    tell: OnceLogger
    state: Serving | None = None
    previous: StoredVersion | None = None
    bounded: bool = False
    given: RecordedArguments | None = None
    returns: object = None

    @property
    def is_contained(self) -> bool:
        """Whether nothing that a version does leaves its sandbox, so that it may run any number of times."""
        network = None if self.state is None else self.state.context.policy.network
        return network is not None and not (network.allow or network.allow_private)

    def attempt(self, step: Attempt) -> AttemptResult:
        """Perform one attempt in this thread."""
        state, version = self._begin(step)
        if state is None or version is None:
            try:
                return AttemptResult(value=self.original())
            except BaseException as error:  # noqa: BLE001 - the caller gets it, once the call is recorded
                return AttemptResult(error=error)
        try:
            outcome = state.context.engine.attempt(self._job(state, version, step.wall), execution_id=self.execution_id)
            return self._heard(state, version, outcome)
        except Exception as error:  # noqa: BLE001 - a bug of ours, or an argument that misbehaves when it is read: neither may cost the caller the original's answer
            return self._untried(error)

    async def aattempt(self, step: Attempt) -> AttemptResult:
        """Perform one attempt in a task: the sandbox is waited for in a thread, the original is awaited."""
        state, version = self._begin(step)
        if state is None or version is None:
            return await self._awaited(step.wall if self.bounded else None)
        try:
            outcome = await state.context.engine.aattempt(
                self._job(state, version, step.wall), execution_id=self.execution_id
            )
            return self._heard(state, version, outcome)
        except Exception as error:  # noqa: BLE001 - as above
            return self._untried(error)

    def _begin(self, step: Attempt) -> tuple[Serving | None, StoredVersion | None]:
        """Return the version that is tried, and where it runs; two times None where it is the original's turn."""
        if step.rung is Rung.ORIGINAL or self.state is None:
            return None, None
        if step.rung is Rung.PREVIOUS:
            return self.state, self.previous
        return self.state, self.state.version

    async def _awaited(self, wall: float | None) -> AttemptResult:
        limit = asyncio.timeout(wall)
        try:
            async with limit:
                value = self.original()
                return AttemptResult(value=await value if inspect.isawaitable(value) else value)
        except TimeoutError as error:
            if not limit.expired():
                return AttemptResult(error=error)
            return AttemptResult(error=TimeoutError("the deadline of @poet(timeout=…) has passed"))
        except BaseException as error:  # noqa: BLE001 - the caller gets it, once the call is recorded
            return AttemptResult(error=error)

    def _heard(self, state: Serving, version: StoredVersion, outcome: Outcome) -> AttemptResult:
        self.tell.output(outcome)
        self.tell.warnings(version.name, outcome)
        if state.context.mode == "shadow":
            # Not even a refusal is the caller's: nobody may notice that the version ran.
            kept = None if outcome.status is Status.REFUSED else outcome
            ended = "" if outcome.ok else f": {outcome.describe()}"
            return AttemptResult(outcome=kept, value=outcome.value, untried=in_shadow(version.name) + ended)
        return AttemptResult(outcome=outcome, value=outcome.value)

    def _untried(self, error: Exception) -> AttemptResult:
        """Arguments that cannot travel, an engine that was closed meanwhile, or a bug."""
        if isinstance(error, PoetError):
            self.tell.once(type(error).__name__, f"was answered by the original: {error}")
            return AttemptResult(untried=str(error))
        reason = f"the version could not be tried: {error!r}"
        self.tell.once("bug", f"was answered by the original: {reason}", error)
        return AttemptResult(untried=reason)

    def _job(self, state: Serving, version: StoredVersion, wall: float | None) -> Job:
        return LocatedJob(
            source=version.code,
            entry=state.context.info.name,
            args=self.args,
            kwargs=self.kwargs,
            # Not the whole path: where it lies on this machine is none of the guest's business.
            filename=f"{state.context.versions.name}/{version.name}/code.py",
            path=str(version.path / "code.py"),
            wall=wall,
            returns=self.returns,
        )
