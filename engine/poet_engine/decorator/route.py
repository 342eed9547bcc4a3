"""The route of a function's calls, for as long as the same version, or the original, is asked first."""

import dataclasses
from collections.abc import Callable

from poet_engine.decorator.execution import HOST
from poet_engine.decorator.options import Options
from poet_engine.decorator.serving import previous_good, rescanned
from poet_engine.decorator.states import OriginalOnly, Serving
from poet_engine.engine import Engine
from poet_engine.errors import PoetError
from poet_engine.resilience import breaker_gates
from poet_engine.resilience.attempts import AttemptResult, Transient
from poet_engine.resilience.breaker import BackendKey, BreakerRegistry, VersionKey
from poet_engine.resilience.breaker_gates import BreakerGuard
from poet_engine.resilience.bulkhead import Bulkhead
from poet_engine.resilience.call_limits import FALLBACKS
from poet_engine.resilience.call_report import Rung
from poet_engine.resilience.gates import Guard
from poet_engine.resilience.pipeline import CallPlan, Pipeline
from poet_engine.resilience.retry_budget import RetryBudget
from poet_engine.versions import StoredVersion

DEFAULT_TIMEOUT_S = 5.0


class SharedLimits:
    """The limits that all calls of one function share, whichever version answers them.

    Args:
        options: What was given to `@poet`.
        pipeline: Whose clock the budget goes by.
    """

    def __init__(self, options: Options, pipeline: Pipeline) -> None:
        self.options = options
        self.transient = Transient.of(options.retry_on)
        self.budget = RetryBudget(pipeline.clock)
        self.fallback = Bulkhead(FALLBACKS)

    def __repr__(self) -> str:
        return f"<SharedLimits {self.budget!r} {self.fallback!r}>"


@dataclasses.dataclass(frozen=True, slots=True)
class FunctionNames:
    """The names of a function.

    Attributes:
        full: With its package and module; tells it from every other one of this process.
        name: Its own qualified name, as in events.
        module: What tells it from others of that name in its folder, in events; None where it has no source.
    """

    full: str
    name: str
    module: str | None


class Route:
    """The route to one version, or to the original, with the breakers and limits on the way.

    Args:
        called: Whose.
        state: Who is asked first.
        supplies: What outlives the state.
        breakers: Of this process.
    """

    def __init__(
        self, called: FunctionNames, state: Serving | OriginalOnly, supplies: SharedLimits, breakers: BreakerRegistry
    ) -> None:
        self.state = state
        self._called, self._supplies, self._breakers = called, supplies, breakers
        self.previous = _previous(state)

    def __repr__(self) -> str:
        return f"<Route {self._called.full} {self._supplies!r}>"

    def aside(self, state: OriginalOnly) -> "Route":
        """Return the route of a call that is left to the original."""
        return Route(self._called, state, self._supplies, self._breakers)

    def plan(self, *, once: Callable[[AttemptResult], str | None], spent: float = 0.0) -> CallPlan:
        """Return the plan of the next call.

        Args:
            once: Why the body has one attempt only; None where another one does no harm.
            spent: Seconds of its deadline that are over.
        """
        state, supplies = self.state, self._supplies
        options = supplies.options
        engine = state.context.engine if isinstance(state, Serving) else None
        return CallPlan(
            first=Rung.ORIGINAL if engine is None else Rung.GENERATED,
            timeout=max(0.0, (DEFAULT_TIMEOUT_S if options.timeout is None else options.timeout) - spent),
            transient=supplies.transient,
            budget=supplies.budget,
            fallback=supplies.fallback,
            wall=None if engine is None else engine.policy.limits.wall,
            retries=options.retries,
            idempotent=options.idempotent is not False,
            once=once,
            guards=self._guards(state),
            bulkhead=None if engine is None else engine.admission.bulkhead,
            rate=None if engine is None else engine.admission.rate,
            previous=self._of_previous(state),
            settle=self._breakers.flush,
        )

    def _guards(self, state: Serving | OriginalOnly) -> tuple[Guard, ...]:
        if isinstance(state, OriginalOnly):
            key = self._key(self._called.full, "original", HOST)
            return (BreakerGuard(self._breakers.get(key), breaker_gates.of_host),)
        engine = state.context.engine
        backend = self._breakers.get(BackendKey(engine.sandbox_name))
        return (self._of_version(state, state.version, engine), BreakerGuard(backend, breaker_gates.of_backend))

    def _of_previous(self, state: Serving | OriginalOnly) -> tuple[Guard, ...] | None:
        if self.previous is None or isinstance(state, OriginalOnly):
            return None
        return (self._of_version(state, self.previous, state.context.engine),)

    def _of_version(self, state: Serving, version: StoredVersion, engine: Engine) -> BreakerGuard:
        key = self._key(str(state.context.versions.path), version.name, engine.sandbox_name)
        return BreakerGuard(self._breakers.get(key), breaker_gates.of_version)

    def _key(self, function: str, version: str, sandbox: str) -> VersionKey:
        return VersionKey(function, version, sandbox, name=self._called.name, module=self._called.module)


def _previous(state: Serving | OriginalOnly) -> StoredVersion | None:
    """Looked for once: versions that are stored later come after the one that serves."""
    if isinstance(state, OriginalOnly) or state.context.mode == "shadow":
        return None
    try:
        found = previous_good(state)
        return found if found is None or isinstance(rescanned(state.context, found), Serving) else None
    except PoetError:  # the folder cannot be read; the original is there all the same
        return None
