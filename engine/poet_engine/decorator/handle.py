"""A decorated function at work: each call goes through the pipeline, and an event says who answered it and why."""

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Generic, ParamSpec

from poet_engine._fork import ForkedLock
from poet_engine.contracts import Inputs, inputs_of
from poet_engine.decorator import adoption, recording
from poet_engine.decorator.attempt_runner import AttemptRunner
from poet_engine.decorator.execution import Execution, cancel, complete, conclude, outcome_of_original, refuse
from poet_engine.decorator.feedback import FeedbackType, recorded, validate_feedback, write_inbox_file
from poet_engine.decorator.folders import module_in_events, own_events
from poet_engine.decorator.modes import bypass_reason
from poet_engine.decorator.once_logger import OnceLogger
from poet_engine.decorator.options import Options
from poet_engine.decorator.read_only import first_effect
from poet_engine.decorator.readiness import Readiness
from poet_engine.decorator.route import DEFAULT_TIMEOUT_S, FunctionNames, Route, SharedLimits
from poet_engine.decorator.serving import add_version, refuse_stale, rescanned
from poet_engine.decorator.states import FunctionContext, OriginalOnly, Serving, function_context, usable
from poet_engine.decorator.wiring import wiring
from poet_engine.domains import describe
from poet_engine.errors import PoetError, UsageError
from poet_engine.events import Event
from poet_engine.guest.structures import Classes, return_classes
from poet_engine.metrics.rolling import VersionMetrics, by_version
from poet_engine.resilience.attempts import AttemptResult, body_never_started
from poet_engine.resilience.call_report import CallReport
from poet_engine.resilience.drivers import aperform, perform
from poet_engine.sandbox.base import IsolationCheck
from poet_engine.versions import StoredVersion

_Params = ParamSpec("_Params")


class PoetHandle(Generic[_Params]):
    """The `.poet` of a decorated function: its versions, and calls that return everything. Thread-safe.

    Args:
        function: The user's own.
        options: What was given to `@poet`.
    """

    def __init__(self, function: Callable[_Params, object], options: Options) -> None:
        self._function, self._options = function, options
        # A callable object has no name of its own.
        self._name = str(getattr(function, "__qualname__", type(function).__qualname__))
        self._full_name = f"{getattr(function, '__module__', '')}.{self._name}"
        self._is_async = inspect.iscoroutinefunction(function)
        self._lock = ForkedLock()
        self._inputs: Inputs | None = None
        self._supplies: SharedLimits | None = None
        self._route: Route | None = None
        self._tell = OnceLogger(self._name)
        self._ready = Readiness(function, options, self._tell)

    def __repr__(self) -> str:
        return f"<PoetHandle {self._name} {self._describe_state()}>"

    def _describe_state(self) -> str:
        match self._ready.latest:
            case None:
                return "not called yet"
            case Serving(version=version):
                return f"served by {version.name}"
            case OriginalOnly(reason=reason):
                return f"served by the original: {reason}"

    def prepare(self) -> Serving | OriginalOnly:
        """Make or find the version that serves, however long it takes; the first call does this by itself.

        Only one thread does it. After a fault that may pass it is tried again when its pause is over.
        """
        return self._ready.state(None)

    def versions(self) -> list[StoredVersion]:
        """All stored versions that can be read, the oldest first.

        Raises:
            UsageError: The function can have none; the message says why.
        """
        return self._context().versions.versions()

    @property
    def current(self) -> StoredVersion | None:
        """The version that serves; None when the original does."""
        state = self.prepare()
        return state.version if isinstance(state, Serving) else None

    @property
    def reason(self) -> str | None:
        """The reason why the original serves; None when a version does."""
        state = self.prepare()
        return state.reason if isinstance(state, OriginalOnly) else None

    def rollback(self, name: str, *, reason: str = "requested by the user") -> None:
        """Let an earlier version serve again, here at once and in other processes from their start.

        Raises:
            StoreError: There is no such version, or its code was edited.
            UsageError: It was made for another source of the function, the gate rejects it under a policy that has
                changed since, or the name is none.
        """
        place = self._context()
        version = place.versions.version(name)
        refuse_stale(place, version)
        state = rescanned(place, version)
        if isinstance(state, OriginalOnly):
            raise UsageError(state.reason)
        place.versions.rollback(name, actor="user", reason=reason)
        self._ready.set(state)

    def adopt(self, code: str, *, reason: str = "adopted by the user") -> StoredVersion:
        """Scan code as a new version, store it and let it serve. It is not tried: nobody said on what.

        Args:
            code: The whole text of a module whose function has this function's name.
            reason: Why, for the audit trail.

        Raises:
            UsageError: It has no such function, or one that cannot take this function's calls, or the gate rejected it
                under a policy that enforces; nothing was stored.
            StoreError: It cannot be stored.
        """
        place = self._context()
        state = add_version(place, adoption.candidate(place, code, reason))
        if isinstance(state, OriginalOnly):
            raise UsageError(state.reason)
        self._ready.set(state)
        return state.version

    def doctor(self) -> tuple[IsolationCheck, ...]:
        """Try every isolation check of the sandbox that its versions run in; empty when none does."""
        place = self.prepare().context
        return () if place is None else place.engine.doctor()

    def event(self, event_id: str) -> Event | None:
        """Return one event of its journal, or None; what was recorded before is waited for."""
        recorder = self._ready.recorder(None)
        return None if recorder is None else recorder.get(event_id)

    def feedback(
        self,
        execution_id: str,
        *,
        rating: float | None = None,
        comments: str | None = None,
        type: FeedbackType = "user",  # noqa: A002 - `feedback_type` of the event
        suggestions: Sequence[str] = (),
    ) -> str:
        """Record feedback on one call, and return the event's id once it is on the disk.

        The same event is laid into `feedback/pending` of the function's folder; where that cannot be, it is said once.

        Args:
            execution_id: Of an `Execution`, or of its event.
            rating: A finite number, on a scale of your own.
            comments: At most 8,000 characters.
            type: `user`, `performance`, `error` or `system`.
            suggestions: What would be better.

        Raises:
            UsageError: A value is none that feedback can have, or the journal has no such call of this function.
        """
        said = validate_feedback(execution_id, rating=rating, comments=comments, kind=type, suggestions=suggestions)
        event = recorded(self._ready.recorder(None), said, self._name, own_events(self._function, self._module))
        problem = write_inbox_file(self._function, event)
        if problem is not None:
            self._tell.once("inbox", f"has feedback in its journal alone: {problem}")
        return event.id

    def metrics(self, *, calls: int = 1_000) -> tuple[VersionMetrics, ...]:
        """Return the metrics of its last calls, for each version: success rate, and p50, p95 and p99 of what they took.

        They are read from the journal, so they are of all processes, and recording costs no call anything for them.

        Args:
            calls: How many of the last calls to look at, 1 to 10,000.

        Raises:
            UsageError: That is out of range.
            JournalError: The journal cannot be read.
        """
        recorder = self._ready.recorder(None)
        if recorder is None:
            return ()
        own = own_events(self._function, self._module)
        return by_version(recorder.calls(self._name, limit=calls, of=own), unnamed=self._module)

    def call(self, *args: _Params.args, **kwargs: _Params.kwargs) -> Execution:
        """Call it and return the execution; raises what the caller of the function would see raised.

        Raises:
            InputRefused: An argument breaks a rule of the function.
            NotServedError: Nobody was allowed to answer; it says when to call again.
            OutcomeError: A version failed that may have begun, and the function is not idempotent.
            UsageError: The function is an `async def`.
        """
        if self._is_async:
            raise UsageError(f"{self._name} is an async def; await its .poet.acall(...) instead of calling .poet.call")
        self._check(args, kwargs)
        state, spent = self._ready.awaited()
        route = self._next_route(state)
        turn = self._turn(route, functools.partial(self._function, *args, **kwargs), args, kwargs)
        report = self._begin(route.state, turn.execution_id)
        plan = route.plan(once=functools.partial(self._only_once, turn), spent=spent)
        try:
            perform(wiring().pipeline.steps(plan, report), turn.attempt, wiring().pauses)
        except BaseException:  # Ctrl-C and the like: the call ends here, and leaves its event
            self._cancel(report, turn.given)
            raise
        return self._settle(report, turn.given)

    async def acall(self, *args: _Params.args, **kwargs: _Params.kwargs) -> Execution:
        """Call an `async def`, as `call` does: the sandbox is waited for in a thread, the original is awaited.

        Cancelling the task ends the attempt, and waits until nothing of it is left.
        """
        try:
            state, spent = await self._ready.aawaited(self._rules)
            route = self._next_route(state)
        except BaseException:  # cancelled, or closed by whoever drove the coroutine
            self._cancel(self._begin(None, wiring().new_id()), None)
            raise
        self._check(args, kwargs)
        turn = self._turn(route, functools.partial(self._function, *args, **kwargs), args, kwargs)
        report = self._begin(route.state, turn.execution_id)
        plan = route.plan(once=functools.partial(self._only_once, turn), spent=spent)
        try:
            await aperform(wiring().pipeline.steps(plan, report), turn.aattempt, wiring().pauses)
        except BaseException:  # cancelled, or closed
            self._cancel(report, turn.given)
            raise
        return self._settle(report, turn.given)

    def _only_once(self, turn: AttemptRunner, answer: AttemptResult) -> str | None:
        """Return why a failed attempt must be the last one; None where another one does no harm."""
        harmless = answer.outcome is not None and (turn.is_contained or body_never_started(answer))
        if self._options.idempotent is not None or harmless:
            return None
        return first_effect(self._function, turn.args, turn.kwargs)

    def _rules(self) -> Inputs:
        if self._inputs is None:
            self._inputs = inputs_of(self._function)
        return self._inputs

    def _check(self, args: tuple[object, ...], kwargs: Mapping[str, object]) -> None:
        """Refuse an argument that breaks a rule of the function, before anything of it runs.

        Raises:
            InputRefused: It names the argument and the rule.
        """
        refusal = self._rules().refusal(args, kwargs)
        if refusal is not None:
            report = self._begin(None, wiring().new_id())
            error = refuse(report, refusal)
            self._ready.recorder(self._ready.patience)
            self._record(report, None)
            report.let_go_of_errors()
            try:
                raise error
            finally:
                del error

    def _begin(self, state: Serving | OriginalOnly | None, execution_id: str) -> CallReport:
        """The report of a call that begins now; `state` is None where it ends before anybody is asked."""
        place = None if state is None else state.context
        return CallReport(
            function_name=self._name,
            execution_id=execution_id,
            start=wiring().now(),
            asked=state.version.name if isinstance(state, Serving) else None,
            policy=None if place is None else place.policy,
            hosted=state.reason if isinstance(state, OriginalOnly) else None,
            deadline=DEFAULT_TIMEOUT_S if self._options.timeout is None else self._options.timeout,
        )

    def _turn(
        self, route: Route, original: Callable[[], object], args: tuple[object, ...], kwargs: Mapping[str, object]
    ) -> AttemptRunner:
        return AttemptRunner(
            given=recording.given(route.state, args, kwargs),
            execution_id=wiring().new_id(),
            original=original,
            args=args,
            kwargs=kwargs,
            tell=self._tell,
            state=route.state if isinstance(route.state, Serving) else None,
            previous=route.previous,
            bounded=self._options.timeout is not None and isinstance(route.state, OriginalOnly),
            returns=self._returns,
        )

    def _next_route(self, state: Serving | OriginalOnly) -> Route:
        """Return the route of one call: `POET_MODE` may leave it to the original although a version stands ready."""
        route = self._route_of(state)
        if isinstance(state, OriginalOnly) or state.context.mode == "on":
            return route
        reason = bypass_reason(state.context.mode, idempotent=self._options.idempotent, random=wiring().pipeline.random)
        return route if reason is None else route.aside(OriginalOnly(reason, state.context))

    def _route_of(self, state: Serving | OriginalOnly) -> Route:
        route = self._route
        if route is None or route.state is not state:
            called = FunctionNames(self._full_name, self._name, self._module)
            with self._lock:
                if self._supplies is None:
                    self._supplies = SharedLimits(self._options, wiring().pipeline)
                route = self._route = Route(called, state, self._supplies, wiring().breakers)
        return route

    def _settle(self, report: CallReport, given: recording.RecordedArguments | None) -> Execution:
        """Record a call that has gone through the pipeline, and return its execution or raise what its caller gets.

        Raises:
            InputRefused: It is the caller's, so the original is not asked.
            NotServedError: Nobody was allowed to answer.
            OutcomeError: The version failed, and nobody may run the body once more.
        """
        conclude(report)
        self._tell.answered(report)
        event_id = self._record(report, given)
        error = report.error
        if error is not None:
            report.let_go_of_errors()
            try:
                raise error
            finally:
                del error  # its traceback holds this frame, which would hold the error
        if report.fails is not None:
            report.fails.unwrap()
        return Execution(
            value=report.value,
            served_by=report.served_by,
            version=report.version,
            outcome=report.outcome or outcome_of_original(report),
            execution_id=report.execution_id,
            event_id=event_id,
            attempts=report.attempts,
            fallback_reason=report.fallback_reason,
            queue_wait=report.queue_wait,
        )

    def _cancel(self, report: CallReport, given: recording.RecordedArguments | None) -> None:
        """Record a call whose caller has gone away."""
        cancel(report)
        self._record(report, given)
        report.let_go_of_errors()

    def _record(self, report: CallReport, given: recording.RecordedArguments | None) -> str:
        """Record a call and return its event's id; empty when there is none, which is said once and costs no answer."""
        recorder = self._ready.recorder(0.0)
        if recorder is None:
            return ""
        try:
            complete(report, end=wiring().now(), module=self._module)
            event_id = recorder.record(report)
        except PoetError as reason:  # the journal was closed: the program is ending
            self._tell.once("journal", f"leaves no events: {reason}")
            return ""
        if given is not None:
            recording.keep(recorder, report, given, self._tell, about=event_id)
        return event_id

    @functools.cached_property
    def _returns(self) -> Classes | None:
        return return_classes(self._function)

    @functools.cached_property
    def _module(self) -> str | None:
        return module_in_events(self._function)

    def _context(self) -> FunctionContext:
        state = self.prepare()
        if state.context is not None and usable(state):
            return state.context
        try:
            return function_context(describe(self._function), self._options, wiring().mode())
        except PoetError as error:
            raise UsageError(f"{self._name} has no versions: {error}") from None
