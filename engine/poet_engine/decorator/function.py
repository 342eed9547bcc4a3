"""A decorated function at work: each call goes through the pipeline, and an event says who answered it and why."""

import asyncio
import dataclasses
import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Generic, ParamSpec

from poet_engine.decorator.execution import Begun, Execution, Story, call_of, cancelled, refused, story_of
from poet_engine.decorator.inputs import Inputs, inputs_of
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
from poet_engine.decorator.route import Route, Supplies
from poet_engine.decorator.telling import Teller
from poet_engine.decorator.turn import Turn
from poet_engine.errors import PoetError, UsageError
from poet_engine.events import Event
from poet_engine.forks import ForkedLock
from poet_engine.journal.recorder import Recorder
from poet_engine.resilience.performing import aperform, perform
from poet_engine.resilience.pipeline import Rung, Served
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
        self._inputs: Inputs | None = None
        self._supplies: Supplies | None = None
        self._route: Route | None = None
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
            InputRefused: An argument breaks a rule of the function.
            NotServedError: Nobody was allowed to answer; it says when to call again.
            OutcomeError: A version failed that may have begun, and the function is not idempotent.
            UsageError: The function is an `async def`.
        """
        if self._is_async:
            raise UsageError(f"{self._name} is an async def; await its .poet.acall(...) instead of calling .poet.call")
        self._check(args, kwargs)
        route = self._route_of(self.prepare())
        begun = self._begin(route.state)
        turn = self._turn(route, functools.partial(self._function, *args, **kwargs), args, kwargs)
        # Not kept in a variable here: an error's traceback holds this frame, which would hold the error.
        return self._settle(begun, self._served(begun, route, turn))

    def _served(self, begun: Begun, route: Route, turn: Turn) -> Served:
        try:
            return perform(wiring().pipeline.steps(route.plan()), turn.attempt, wiring().pauses)
        except BaseException:  # Ctrl-C and the like: the call ends here, and leaves its event
            self._record(begun, cancelled(begun, turn.attempts))
            raise

    async def acall(self, *args: _Params.args, **kwargs: _Params.kwargs) -> Execution:
        """The same for an `async def`: the sandbox is waited for in a thread, the original is awaited.

        Cancelling the task ends the attempt, and waits until nothing of it is left.
        """
        try:
            route = self._route_of(await self._prepared())
        except BaseException:  # cancelled, or closed by whoever drove the coroutine
            begun = self._begin(None)
            self._record(begun, cancelled(begun, 0))
            raise
        self._check(args, kwargs)
        begun = self._begin(route.state)
        turn = self._turn(route, functools.partial(self._function, *args, **kwargs), args, kwargs)
        return self._settle(begun, await self._aserved(begun, route, turn))

    async def _aserved(self, begun: Begun, route: Route, turn: Turn) -> Served:
        try:
            return await aperform(wiring().pipeline.steps(route.plan()), turn.aattempt, wiring().pauses)
        except BaseException:  # cancelled, or closed
            self._record(begun, cancelled(begun, turn.attempts))
            raise

    async def _prepared(self) -> Ready | Hosted:
        """The event loop waits neither for a version that is made nor for a journal that is opened."""
        state = self._state
        if state is not None and usable(state) and (self._recorder is not None or self._recording_failed):
            return state

        def work() -> Ready | Hosted:
            self._rules()
            self._records()
            return self.prepare()

        return await asyncio.to_thread(work)

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
            begun = self._begin(None)
            story = refused(begun, refusal)
            self._record(begun, story)
            if story.error is not None:
                raise story.error

    def _begin(self, state: Ready | Hosted | None) -> Begun:
        place = None if state is None else state.workplace
        return Begun(
            function=self._name,
            execution_id=wiring().new_id(),
            start=wiring().now(),
            version=state.version.name if isinstance(state, Ready) else None,
            policy_digest=None if place is None else place.policy.digest,
            hosted=state.reason if isinstance(state, Hosted) else None,
        )

    def _turn(
        self,
        route: Route,
        original: Callable[[], object],
        args: tuple[object, ...],
        kwargs: Mapping[str, object],
    ) -> Turn:
        return Turn(
            original=original,
            args=args,
            kwargs=kwargs,
            tell=self._tell,
            state=route.state if isinstance(route.state, Ready) else None,
            previous=route.previous,
            bounded=self._options.timeout is not None and isinstance(route.state, Hosted),
        )

    def _route_of(self, state: Ready | Hosted) -> Route:
        route = self._route
        if route is None or route.state is not state:
            with self._lock:
                if self._supplies is None:
                    self._supplies = Supplies(self._options, wiring().pipeline)
                name = f"{getattr(self._function, '__module__', '')}.{self._name}"
                route = self._route = Route(name, state, self._supplies, wiring().breakers)
        return route

    def _settle(self, begun: Begun, served: Served) -> Execution:
        """Record the call; the execution, or raise what its caller gets.

        Raises:
            InputRefused: It is the caller's, so the original is not asked.
            NotServedError: Nobody was allowed to answer.
            OutcomeError: The version failed, and nobody may run the body once more.
        """
        story = story_of(begun, served)
        self._tell_of(begun, story, served)
        event_id = self._record(begun, story)
        if story.error is not None:
            try:
                raise story.error
            finally:
                del served, story  # as in `call`
        decisive = served.first if served.by is None else served.answer
        if decisive is not None and decisive.outcome is not None and not decisive.ok:
            dataclasses.replace(decisive.outcome, execution_id=begun.execution_id).unwrap()
        return Execution(
            value=None if served.answer is None else served.answer.value,
            served_by=story.served_by,
            version=story.version,
            outcome=story.outcome,
            execution_id=begun.execution_id,
            event_id=event_id,
            attempts=story.attempts,
            fallback_reason=story.reason,
            queue_wait=story.queue_wait,
        )

    def _tell_of(self, begun: Begun, story: Story, served: Served) -> None:
        """Say once for each kind of failure why somebody else answered."""
        if story.reason is None or begun.version is None or story.served_by == Rung.GENERATED:
            return
        who = {None: "nobody", Rung.ORIGINAL: "the original"}.get(served.by, "an older version")
        outcome, away = story.outcome, served.turned_away
        if outcome is not None:
            kind, because = f"{begun.version}: {outcome.status}/{outcome.cause}", f", because {begun.version} failed"
            self._tell.once(kind, f"was answered by {who}{because}: {story.reason}")
        elif away is not None:
            self._tell.once(away.by, f"was answered by {who}: {story.reason}")

    def _record(self, begun: Begun, story: Story) -> str:
        """The id of the event; empty when there is none, which costs no call its answer and is said once."""
        recorder = self._records()
        if recorder is None:
            return ""
        try:
            return recorder.record(call_of(begun, story, end=wiring().now()))
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
