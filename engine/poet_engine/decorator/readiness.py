"""The readiness of one function: its version, and the journal of its events. No call waits too long for them."""

import asyncio
import functools
from collections.abc import Callable

from poet_engine.decorator.once_logger import OnceLogger
from poet_engine.decorator.options import Options
from poet_engine.decorator.preparation import Preparation
from poet_engine.decorator.recording import open_journal
from poet_engine.decorator.serving import prepare
from poet_engine.decorator.states import (
    PREPARING_S,
    PREPARING_SHARE,
    STILL_PREPARING,
    OriginalOnly,
    Serving,
    passes,
    usable,
)
from poet_engine.decorator.wiring import wiring
from poet_engine.journal.recorder import Recorder


def _now() -> float:
    """The clock that calls go by; looking at a handle needs no wiring."""
    return wiring().pipeline.clock()


class Readiness:
    """Prepares one function for its calls, and says in the log who answers them. Thread-safe.

    Args:
        function: The user's own.
        options: What was given to `@poet`.
        tell: Says it.
    """

    def __init__(self, function: object, options: Options, tell: OnceLogger) -> None:
        self._options, self._tell = options, tell
        self._told: Serving | OriginalOnly | None = None
        self._versions = Preparation(
            functools.partial(prepare, function, options), passing=passes, usable=usable, clock=_now
        )
        self._journal = Preparation(
            functools.partial(open_journal, function),
            passing=lambda one: one.passing,
            usable=lambda _one: True,
            clock=_now,
        )

    def __repr__(self) -> str:
        return f"<Readiness version={self._versions!r} journal={self._journal!r}>"

    @property
    def latest(self) -> Serving | OriginalOnly | None:
        """The state now; None before the first call."""
        return self._versions.latest

    @property
    def patience(self) -> float:
        """Seconds that a call waits for its version."""
        return PREPARING_S if self._options.timeout is None else PREPARING_SHARE * self._options.timeout

    def state(self, patience: float | None) -> Serving | OriginalOnly:
        """Return the state, waited for as long as patience lasts; None for as long as it takes."""
        state = self._versions.get(patience)
        if state is None:
            self._tell.once("preparing", f"was answered by the original: {STILL_PREPARING.reason}")
            return STILL_PREPARING
        if state is not self._told:
            self._told = state
            self._tell.state(state)
        return state

    def set(self, state: Serving) -> None:
        """Let a version serve from now on."""
        self._versions.set(state)

    def awaited(self) -> tuple[Serving | OriginalOnly, float]:
        """Return the state, and the seconds of the call's deadline that were spent on it."""
        if self._versions.settled and self._journal.settled:
            return self.state(0.0), 0.0
        start = _now()
        self._journal.begin()
        state = self.state(self.patience)
        self._journal.get(max(0.0, self.patience - (_now() - start)))
        # Where no timeout was given, the one that there is bounds retries, and waiting is none.
        return state, 0.0 if self._options.timeout is None else _now() - start

    async def aawaited(self, load: Callable[[], object]) -> tuple[Serving | OriginalOnly, float]:
        """Return the same in a task; the event loop waits neither for a version nor for a journal.

        Args:
            load: Something else that takes time at the first call.
        """
        if self._versions.settled and self._journal.settled:
            return self.state(0.0), 0.0

        def work() -> tuple[Serving | OriginalOnly, float]:
            load()
            return self.awaited()

        return await asyncio.to_thread(work)

    def recorder(self, patience: float | None) -> Recorder | None:
        """Return the recorder of its events. A journal that cannot be opened is said once and costs no answer."""
        opened = self._journal.get(patience)
        if opened is None:
            self._tell.once("journal slow", "leaves no events yet: its journal is still being opened")
            return None
        if opened.problem is not None:
            self._tell.once("journal", f"leaves no events: {opened.problem}")
        return opened.recorder
