"""A decorated function at work: the version answers, or the original does, and an event says which and why."""

import asyncio
import dataclasses
import logging
import threading
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Generic, ParamSpec

from poet_engine.decorator.preparing import (
    Candidate,
    Hosted,
    Options,
    Ready,
    Workplace,
    add_version,
    prepare,
    recorder_for,
    usable,
    wiring,
)
from poet_engine.errors import PoetError, UsageError
from poet_engine.events import Event
from poet_engine.job import Job
from poet_engine.journal.recorder import Call, Recorder
from poet_engine.outcome import Blame, ErrorInfo, Outcome, Status
from poet_engine.sandbox.protocol import WallReport
from poet_engine.store import StoredVersion

_logger = logging.getLogger("poet_engine")
_guest_logger = logging.getLogger("poet_engine.guest")

_Params = ParamSpec("_Params")

GENERATED, ORIGINAL, NOBODY = "generated", "original", "none"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """One call of a decorated function.

    Attributes:
        value: What the caller gets.
        served_by: `generated` or `original`.
        version: The version that was tried, such as `v1`; `original` when none was.
        outcome: What came of the version; None when none was tried.
        execution_id: What ties events and feedback to this call.
        event_id: The id of its event; empty where nothing records.
        attempts: How often the version was tried.
        fallback_reason: Why the original answered; None when it did not.
    """

    value: object
    served_by: str
    version: str
    outcome: Outcome | None
    execution_id: str
    event_id: str
    attempts: int
    fallback_reason: str | None = None


@dataclasses.dataclass(slots=True)
class _Begun:
    """A call between the try of the version and the answer."""

    state: Ready | Hosted
    start: float
    execution_id: str
    outcome: Outcome | None = None
    fallback_reason: str | None = None


class PoetHandle(Generic[_Params]):
    """What `function.poet` is: the versions of a decorated function, and calls that tell everything.

    Args:
        function: The user's own.
        options: What was given to `@poet`.
    """

    def __init__(self, function: Callable[_Params, object], options: Options) -> None:
        self._function, self._options = function, options
        self._lock = threading.Lock()
        self._state: Ready | Hosted | None = None
        self._recorder: Recorder | None = None
        self._recording_failed = False
        self._told: set[str] = set()

    def __repr__(self) -> str:
        return f"<PoetHandle {self._function.__qualname__} {self._describe_state()}>"

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
            if self._state is None or not usable(self._state):
                self._state = prepare(self._function, self._options)
                if isinstance(self._state, Hosted):
                    self._tell_once("hosted", f"is served by the original: {self._state.reason}")
            return self._state

    def _tell_once(self, key: str, text: str) -> None:
        if key not in self._told:
            self._told.add(key)
            _logger.warning("%s %s", self._function.__qualname__, text)

    def versions(self) -> list[StoredVersion]:
        """All stored versions, the oldest first."""
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
        """Let an earlier version serve again."""
        place = self._workplace()
        place.versions.rollback(name, actor="user", reason=reason)
        self._state = Ready(place, place.versions.version(name))

    def adopt(self, code: str, *, reason: str = "adopted by the user") -> StoredVersion:
        """Scan code as a new version, store it and let it serve.

        Args:
            code: The whole text of a module whose function has this function's name.
            reason: Why, for the audit trail.

        Raises:
            UsageError: The gate rejected it, under a policy that enforces.
        """
        place = self._workplace()
        state = add_version(place, Candidate(code, {}, (), "adopted", reason))
        if isinstance(state, Hosted):
            raise UsageError(state.reason)
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

    def _records(self) -> Recorder | None:
        """Where its events go. A journal that cannot be opened is said once and costs no call its answer."""
        if self._recorder is None and not self._recording_failed:
            try:
                self._recorder = recorder_for(self._function)
            except PoetError as error:
                self._recording_failed = True
                self._tell_once("journal", f"leaves no events: {error}")
        return self._recorder

    def _workplace(self) -> Workplace:
        state = self.prepare()
        if state.workplace is None:
            raise UsageError(f"{self._function.__qualname__} has no versions: {self._describe_state()}")
        return state.workplace

    def call(self, *args: _Params.args, **kwargs: _Params.kwargs) -> Execution:
        """Call it and tell everything; raises what the caller of the function would see raised."""
        begun = self._begin(args, kwargs)
        if begun.outcome is not None and begun.outcome.ok:
            return self._finish(begun, begun.outcome.value, GENERATED)
        try:
            value = self._function(*args, **kwargs)
        except BaseException as error:
            self._finish(_with_error(begun, error), None, NOBODY)
            raise
        return self._finish(begun, value, ORIGINAL)

    async def acall(self, *args: _Params.args, **kwargs: _Params.kwargs) -> Execution:
        """The same for an `async def`: the sandbox is waited for in a thread, the original is awaited."""
        begun = await asyncio.to_thread(self._begin, args, kwargs)
        if begun.outcome is not None and begun.outcome.ok:
            return self._finish(begun, begun.outcome.value, GENERATED)
        try:
            answer: object = self._function(*args, **kwargs)
            value = await answer if isinstance(answer, Awaitable) else answer
        except BaseException as error:
            self._finish(_with_error(begun, error), None, NOBODY)
            raise
        return self._finish(begun, value, ORIGINAL)

    def _begin(self, args: tuple[object, ...], kwargs: Mapping[str, object]) -> _Begun:
        """Try the version. A refusal is recorded and raised here: it is the caller's, never the fallback's."""
        state = self.prepare()
        begun = _Begun(state, wiring().now(), wiring().new_id())
        if isinstance(state, Hosted):
            begun.fallback_reason = state.reason
            return begun
        try:
            outcome = state.workplace.engine.attempt(self._job(state, args, kwargs))
        except PoetError as error:
            # arguments that cannot travel, or an engine that was closed meanwhile: the version was not tried
            begun.fallback_reason = str(error)
            self._tell_once(type(error).__name__, f"was answered by the original: {error}")
            return begun
        begun.outcome = outcome = dataclasses.replace(outcome, execution_id=begun.execution_id)
        self._forward_output(outcome)
        if outcome.status is Status.REFUSED:
            self._finish(begun, None, NOBODY)
            outcome.unwrap()
        if not outcome.ok:
            begun.fallback_reason = outcome.describe()
        return begun

    def _job(self, state: Ready, args: tuple[object, ...], kwargs: Mapping[str, object]) -> Job:
        version = state.version
        return Job(
            source=version.code,
            entry=state.workplace.info.name,
            args=args,
            kwargs=kwargs,
            filename=str(Path(version.path) / "code.py"),
            wall=self._options.timeout,
        )

    def _forward_output(self, outcome: Outcome) -> None:
        for text, level in ((outcome.stdout, logging.INFO), (outcome.stderr, logging.WARNING)):
            if text:
                _guest_logger.log(level, "%s: %s", self._function.__qualname__, text.rstrip("\n"))

    def _finish(self, begun: _Begun, value: object, served_by: str) -> Execution:
        version = begun.state.version.name if isinstance(begun.state, Ready) else ORIGINAL
        attempts = 0 if isinstance(begun.state, Hosted) or begun.outcome is None else 1
        event_id = self._record(begun, version, served_by, attempts)
        return Execution(
            value=value,
            served_by=served_by,
            version=version,
            outcome=begun.outcome,
            execution_id=begun.execution_id,
            event_id=event_id,
            attempts=attempts,
            fallback_reason=begun.fallback_reason,
        )

    def _record(self, begun: _Begun, version: str, served_by: str, attempts: int) -> str:
        recorder = self._records()
        if recorder is None:
            return ""
        place = begun.state.workplace
        return recorder.record(
            Call(
                function_name=self._function.__qualname__,
                version=version,
                execution_id=begun.execution_id,
                start=begun.start,
                end=wiring().now(),
                outcome=begun.outcome,
                served_by=served_by,
                attempts=attempts,
                policy_digest=None if place is None else place.policy.digest,
                fallback_reason=begun.fallback_reason,
            ),
        )


def _with_error(begun: _Begun, error: BaseException) -> _Begun:
    """The original's own exception is what the event tells when no version was tried."""
    if begun.outcome is None:
        begun.outcome = Outcome(
            status=Status.ERROR,
            cause="exception",
            blame=Blame.CALLER,
            error=ErrorInfo(type(error).__name__, str(error)),
        )
    return begun
