"""A decorated function at work: the version answers, or the original does, and an event says which and why."""

import asyncio
import dataclasses
import inspect
from collections.abc import Awaitable, Callable, Mapping
from typing import Generic, ParamSpec

from poet_engine.decorator.execution import GENERATED, NOBODY, ORIGINAL, Attempt, Execution, Handover, call_of
from poet_engine.decorator.forks import ForkedLock
from poet_engine.decorator.preparing import (
    Candidate,
    Hosted,
    Options,
    Ready,
    Workplace,
    add_version,
    prepare,
    recorder_for,
    refuse_stale,
    rescanned,
    usable,
    wiring,
)
from poet_engine.decorator.telling import Teller
from poet_engine.errors import PoetError, UsageError
from poet_engine.events import Event
from poet_engine.job import Job
from poet_engine.journal.recorder import Recorder
from poet_engine.outcome import Effect, Outcome, Status
from poet_engine.sandbox.protocol import WallReport
from poet_engine.store import StoredVersion

_Params = ParamSpec("_Params")


class PoetHandle(Generic[_Params]):
    """What `function.poet` is: the versions of a decorated function, and calls that tell everything. Thread-safe.

    Args:
        function: The user's own.
        options: What was given to `@poet`.
    """

    def __init__(self, function: Callable[_Params, object], options: Options) -> None:
        self._function, self._options = function, options
        # A callable object has no name of its own.
        self._name = str(getattr(function, "__qualname__", type(function).__qualname__))
        self._is_async = inspect.iscoroutinefunction(function)
        self._lock = ForkedLock()
        self._state: Ready | Hosted | None = None
        self._recorder: Recorder | None = None
        self._recording_failed = False
        self._tell = Teller(self._name)

    def __repr__(self) -> str:
        return f"<PoetHandle {self._name} {self._describe_state()}>"

    def _describe_state(self) -> str:
        match self._state:
            case None:
                return "not called yet"
            case Ready(version=version):
                return f"served by {version.name}"
            case Hosted(reason=reason):
                return f"served by the original: {reason}"

    def prepare(self) -> Ready | Hosted:
        """Make or find the version that serves; the first call does this by itself. Only one thread does it."""
        state = self._state
        if state is not None and usable(state):
            return state
        with self._lock:
            state = self._state
            if state is None or not usable(state):
                state = self._state = prepare(self._function, self._options)
        if isinstance(state, Hosted):
            self._tell.once("hosted", f"is served by the original: {state.reason}")
        return state

    def versions(self) -> list[StoredVersion]:
        """All stored versions that can be read, the oldest first.

        Raises:
            UsageError: The function can have none; the message says why.
        """
        return self._workplace().versions.versions()

    @property
    def current(self) -> StoredVersion | None:
        """The version that serves; None when the original does."""
        state = self.prepare()
        return state.version if isinstance(state, Ready) else None

    @property
    def reason(self) -> str | None:
        """Why the original serves; None when a version does."""
        state = self.prepare()
        return state.reason if isinstance(state, Hosted) else None

    def rollback(self, name: str, *, reason: str = "asked for by the user") -> None:
        """Let an earlier version serve again, here at once and in other processes from their start.

        Raises:
            StoreError: There is no such version, or its code was edited.
            UsageError: It was made for another source of the function, the gate rejects it under a policy that has
                changed since, or the name is none.
        """
        place = self._workplace()
        version = place.versions.version(name)
        refuse_stale(place, version)
        state = rescanned(place, version)
        if isinstance(state, Hosted):
            raise UsageError(state.reason)
        place.versions.rollback(name, actor="user", reason=reason)
        with self._lock:
            self._state = state

    def adopt(self, code: str, *, reason: str = "adopted by the user") -> StoredVersion:
        """Scan code as a new version, store it and let it serve. It is not tried: nobody said on what.

        Args:
            code: The whole text of a module whose function has this function's name.
            reason: Why, for the audit trail.

        Raises:
            UsageError: The gate rejected it, under a policy that enforces; nothing was stored.
            StoreError: It cannot be stored.
        """
        state = add_version(self._workplace(), Candidate(code, {}, (), "adopted", reason))
        if isinstance(state, Hosted):
            raise UsageError(state.reason)
        with self._lock:
            self._state = state
        return state.version

    def doctor(self) -> tuple[WallReport, ...]:
        """Try every wall of the sandbox that its versions run in; empty when none does."""
        place = self.prepare().workplace
        return () if place is None else place.engine.doctor()

    def event(self, event_id: str) -> Event | None:
        """One event of the journal beside its versions; what was recorded before is waited for."""
        recorder = self._records()
        return None if recorder is None else recorder.get(event_id)

    def call(self, *args: _Params.args, **kwargs: _Params.kwargs) -> Execution:
        """Call it and tell everything; raises what the caller of the function would see raised.

        Raises:
            InputRefused: The version refused an argument.
            UsageError: The function is an `async def`.
        """
        if self._is_async:
            raise UsageError(f"{self._name} is an async def; await its .poet.acall(...) instead of calling .poet.call")
        attempt = self._try(args, kwargs)
        settled = self._settle(attempt)
        if settled is not None:
            return settled
        try:
            value = self._function(*args, **kwargs)
        except BaseException as error:
            self._finish(attempt, None, NOBODY, error)
            raise
        return self._finish(attempt, value, ORIGINAL)

    async def acall(self, *args: _Params.args, **kwargs: _Params.kwargs) -> Execution:
        """The same for an `async def`: the sandbox is waited for in a thread, the original is awaited."""
        attempt = await self._try_in_thread(args, kwargs)
        settled = self._settle(attempt)
        if settled is not None:
            return settled
        try:
            answer: object = self._function(*args, **kwargs)
            value = await answer if isinstance(answer, Awaitable) else answer
        except BaseException as error:
            self._finish(attempt, None, NOBODY, error)
            raise
        return self._finish(attempt, value, ORIGINAL)

    def _try(self, args: tuple[object, ...], kwargs: Mapping[str, object]) -> Attempt:
        """Give the version its turn. Never raises for what goes wrong: the original can still answer."""
        state = self.prepare()
        attempt = self._unbegun()
        if isinstance(state, Hosted):
            digest = None if state.workplace is None else state.workplace.policy.digest
            return dataclasses.replace(attempt, policy_digest=digest, fallback_reason=state.reason)
        attempt = dataclasses.replace(attempt, policy_digest=state.workplace.policy.digest)
        try:
            outcome = state.workplace.engine.attempt(self._job(state, args, kwargs))
        except PoetError as error:  # arguments that cannot travel, or an engine that was closed meanwhile
            return self._untried(attempt, type(error).__name__, str(error))
        except Exception as error:  # noqa: BLE001 - a bug of ours, or an argument that misbehaves when it is read: neither may cost the caller the original's answer
            return self._untried(attempt, "bug", f"the version could not be tried: {error!r}", error)
        except BaseException:  # Ctrl-C and the like: the call ends here, and leaves its event
            interrupted = dataclasses.replace(attempt, version=state.version.name, attempts=1).cancelled()
            self._finish(interrupted, None, NOBODY)
            raise
        outcome = dataclasses.replace(outcome, execution_id=attempt.execution_id)
        self._tell.output(outcome)
        self._tell_of_findings(state.version, outcome)
        return dataclasses.replace(
            attempt,
            version=state.version.name,
            outcome=outcome,
            attempts=1,
            fallback_reason=self._failure(state.version, outcome),
        )

    def _tell_of_findings(self, version: StoredVersion, outcome: Outcome) -> None:
        """What the policy wants the caller to hear of, once for each rule and version."""
        for finding in outcome.findings:
            if finding.effect is Effect.WARN:
                where = f" on line {finding.line}" if finding.line else ""
                note = f" ({finding.note})" if finding.note else ""
                self._tell.once(
                    f"{version.name}: {finding.rule} {finding.note}",
                    f"has a warning about {version.name}: {finding.rule}{where}: {finding.message}{note}",
                )

    def _unbegun(self) -> Attempt:
        return Attempt(execution_id=wiring().new_id(), start=wiring().now())

    def _untried(self, attempt: Attempt, kind: str, reason: str, error: Exception | None = None) -> Attempt:
        self._tell.once(kind, f"was answered by the original: {reason}", error)
        return dataclasses.replace(attempt, fallback_reason=reason)

    def _failure(self, version: StoredVersion, outcome: Outcome) -> str | None:
        """Why the original has to answer, said once for each kind of failure of a version."""
        if outcome.ok or outcome.status is Status.REFUSED:
            return None
        reason = outcome.describe()
        self._tell.once(
            f"{version.name}: {outcome.status}/{outcome.cause}",
            f"was answered by the original, because {version.name} failed: {reason}",
        )
        return reason

    def _job(self, state: Ready, args: tuple[object, ...], kwargs: Mapping[str, object]) -> Job:
        version = state.version
        return Job(
            source=version.code,
            entry=state.workplace.info.name,
            args=args,
            kwargs=kwargs,
            # Not the whole path: where it lies on this machine is none of the guest's business.
            filename=f"{state.workplace.versions.name}/{version.name}/code.py",
            wall=self._options.timeout,
        )

    async def _try_in_thread(self, args: tuple[object, ...], kwargs: Mapping[str, object]) -> Attempt:
        """The version's turn, without keeping the event loop waiting; a cancelled call leaves its event too."""
        state = self._state
        if isinstance(state, Hosted) and usable(state):
            return self._try(args, kwargs)  # there is nothing to wait for
        handover = Handover()

        def work() -> Attempt:
            if not handover.begin():
                return self._unbegun()
            self._records()  # opened here: the event loop should not wait for that either
            attempt = self._try(args, kwargs)
            if not handover.finish(attempt):
                self._finish(attempt.cancelled(), None, NOBODY)
            return attempt

        try:
            return await asyncio.to_thread(work)
        except (asyncio.CancelledError, GeneratorExit):  # cancelled, or closed by whoever drove the coroutine
            attempt = handover.leave(self._unbegun())
            if attempt is not None:
                self._finish(attempt.cancelled(), None, NOBODY)
            raise

    def _settle(self, attempt: Attempt) -> Execution | None:
        """The execution if the version has settled the call; None when the original has to answer.

        Raises:
            InputRefused: It is the caller's, so the original is not asked.
        """
        outcome = attempt.outcome
        if outcome is None or attempt.fallback_reason is not None:
            return None
        execution = self._finish(attempt, outcome.value, GENERATED if outcome.ok else NOBODY)
        outcome.unwrap()
        return execution

    def _finish(self, attempt: Attempt, value: object, served_by: str, error: BaseException | None = None) -> Execution:
        return Execution(
            value=value,
            served_by=served_by,
            version=attempt.version,
            outcome=attempt.outcome,
            execution_id=attempt.execution_id,
            event_id=self._record(attempt, served_by, error),
            attempts=attempt.attempts,
            fallback_reason=attempt.fallback_reason,
        )

    def _record(self, attempt: Attempt, served_by: str, error: BaseException | None) -> str:
        """The id of the event; empty when there is none, which costs no call its answer and is said once."""
        recorder = self._records()
        if recorder is None:
            return ""
        try:
            return recorder.record(
                call_of(attempt, function=self._name, served_by=served_by, end=wiring().now(), error=error),
            )
        except PoetError as reason:  # the journal was closed: the program is ending
            self._tell.once("journal", f"leaves no events: {reason}")
            return ""

    def _records(self) -> Recorder | None:
        """Where its events go. A journal that cannot be opened is said once and costs no call its answer."""
        if self._recorder is None and not self._recording_failed:
            try:
                self._recorder = recorder_for(self._function)
            except PoetError as error:
                self._recording_failed = True
                self._tell.once("journal", f"leaves no events: {error}")
        return self._recorder

    def _workplace(self) -> Workplace:
        state = self.prepare()
        if state.workplace is None:
            raise UsageError(f"{self._name} has no versions: {self._describe_state()}")
        return state.workplace
