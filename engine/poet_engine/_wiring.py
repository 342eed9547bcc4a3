"""The composition root: what `Engine.open`, `@poet` and the exporters are made of, and the only place to name adapters.

What only decorated functions need is imported where they first need it: an engine by itself, as `poet run` opens one,
starts in less time.
"""

import atexit
import contextlib
import dataclasses
import functools
import importlib.metadata
import logging
import multiprocessing.util
import os
import sys
import threading
import time
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from poet_engine import decorator
from poet_engine._env import ServeMode, Settings
from poet_engine._fork import ForkedLock
from poet_engine.engine import Engine
from poet_engine.errors import ClosedError, InfraError, PolicyError, SandboxUnavailableError, UsageError
from poet_engine.events import EventFactory, uuid7
from poet_engine.gate import Gate
from poet_engine.journal import Journal, JournalError
from poet_engine.journal.recorder import Recorder
from poet_engine.metrics.exporter import Exports, ExportStatistics
from poet_engine.metrics.gauges import Gauges, Host, Lanes
from poet_engine.outcome import Blame, Evidence, Outcome, Status
from poet_engine.policy import Policy, layers
from poet_engine.policy.contexts import PolicyContexts
from poet_engine.resilience.call_limits import EXECUTIONS, CallLimits
from poet_engine.resilience.rate_limit import Rate
from poet_engine.sandbox import isolation_checks
from poet_engine.sandbox.base import IsolationCheck, Sandbox
from poet_engine.sandbox.opening import OpeningSandbox

if TYPE_CHECKING:
    from poet_engine.resilience.breaker import BreakerRegistry, Transition, VersionKey
    from poet_engine.resilience.breaker.registry import BreakerKey
    from poet_engine.resilience.drivers import Pauses
    from poet_engine.resilience.pipeline import Pipeline
    from poet_engine.versions import FunctionStore

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

    from poet_engine.metrics.otel import MeterProvider, TracerProvider

_logger = logging.getLogger("poet_engine")
exports = Exports()
wall_clock = time.time  # noqa: TID251 - the one place that hands the clock to those who take one
_MACHINE_POLICY = layers.MACHINE_FILE
_policy_contexts = PolicyContexts(wall_clock)


@dataclasses.dataclass(frozen=True, slots=True)
class SandboxChoice:
    """The choice of a sandbox.

    Attributes:
        sandbox: Its name, or `auto` for the first that will do.
        runtime: Of Docker; None for the policy's, or else Docker's own.
    """

    sandbox: str = "auto"
    runtime: str | None = None


def _process(policy: Policy, wish: SandboxChoice) -> Sandbox:
    if wish.runtime is not None:
        raise SandboxUnavailableError(f"the process sandbox has no runtime {wish.runtime!r}; use sandbox='docker'")
    if sys.platform != "linux":
        raise SandboxUnavailableError(
            f"the process sandbox needs Linux and this is {sys.platform}; use sandbox='docker' here"
        )
    from poet_engine.sandbox.process import ProcessSandbox  # noqa: PLC0415 - other systems have nothing of what it needs

    return ProcessSandbox(policy)


def _docker(policy: Policy, wish: SandboxChoice) -> Sandbox:
    from poet_engine.sandbox.docker import DockerSandbox  # noqa: PLC0415 - only who has no other sandbox needs it

    return DockerSandbox(policy, host=Settings.read().docker_host, runtime=wish.runtime)


# In the order in which `auto` tries them.
_SANDBOXES: Mapping[str, Callable[[Policy, SandboxChoice], Sandbox]] = {"process": _process, "docker": _docker}


def open_engine(
    policy: Policy | str | Path | None,
    sandbox: str,
    journal: Path | str | None,
    *,
    runtime: str | None,
    wait: bool,
) -> Engine:
    """Open an engine; `Engine.open` describes the arguments."""
    _refuse_odd_arguments(policy, journal)
    settings = Settings.read()
    resolved = resolve(policy, settings).policy(Policy)
    _refuse_other_runtime(resolved, runtime)
    with contextlib.ExitStack() as undo:
        recorder = _recorder(settings, journal)
        if recorder is not None:
            undo.callback(recorder.close)
        engine = _engine(resolved, SandboxChoice(sandbox, runtime), recorder, wait=wait)
        undo.pop_all()
    return engine


def _refuse_other_runtime(policy: Policy, runtime: str | None) -> None:
    """An argument may choose a runtime where the policy names none; it takes nobody out of the one that is named."""
    named = policy.isolation.runtime
    if runtime is not None and named is not None and runtime != named:
        origin = policy.origin["isolation.runtime"]
        raise PolicyError(
            f"the policy {policy.name!r} names {named!r} ({origin}), so the runtime cannot be {runtime!r}; "
            "leave runtime out, or change the policy",
            file=origin,
            key="isolation.runtime",
        )


def resolve(policy: Policy | str | Path | None, settings: Settings) -> layers.Resolution:
    """Resolve the policy of a call from here: the given one or else `POET_POLICY`, in the layers around the folder.

    Raises:
        PolicyError: One of them cannot be used.
    """
    chosen = settings.policy if policy is None else policy
    return layers.resolve(chosen, _around(settings, _working_folder(), chosen))


def _around(settings: Settings, start: Path, chosen: Policy | str | Path | None = None) -> layers.PolicyContext:
    named = [name for name in (settings.policy, chosen) if isinstance(name, str | Path)]
    return _policy_contexts.around(start, settings.organisation_policy, _MACHINE_POLICY, named)


def _working_folder() -> Path:
    with contextlib.suppress(FileNotFoundError):  # it was removed: there is no project around
        return Path.cwd()
    return Path("/")


def _engine(policy: Policy, wish: SandboxChoice, recorder: Recorder | None, *, wait: bool = True) -> Engine:
    settings = Settings.read()  # before there is a sandbox, which a wrong setting would leave open
    factory, admission = _factory(settings), _admission(settings)
    with contextlib.ExitStack() as undo:
        gate = undo.enter_context(Gate())
        with contextlib.suppress(InfraError):
            gate.start()  # beside the walls that are tried now; whoever scans first is told what is wrong with it
        wish = dataclasses.replace(wish, sandbox=settings.sandbox) if wish.sandbox == "auto" else wish
        _refuse_unknown(wish.sandbox)
        start = functools.partial(_sandbox, policy, wish)
        standing = start() if wait else OpeningSandbox(wish.sandbox, start)
        undo.pop_all()
    return Engine(
        policy=policy,
        sandbox=standing,
        gate=gate,
        recorder=recorder,
        new_id=factory.new_id,
        clock=wall_clock,
        admission=admission,
    )


def _admission(settings: Settings) -> CallLimits:
    capacity = dataclasses.replace(EXECUTIONS, running=settings.executions_at_once)
    per_minute = settings.executions_per_minute
    return CallLimits.of(capacity, None if per_minute is None else Rate(per_minute, 60.0), time.monotonic)


def _factory(settings: Settings) -> EventFactory:
    version = importlib.metadata.version("poet-engine")
    return EventFactory(wall_clock, os.urandom, settings.environment, settings.service, version)


def _recorder(settings: Settings, journal: Path | str | None) -> Recorder | None:
    """Open the recorder of events. A journal that was asked for must open; the default one may fail, and says so."""
    factory = _factory(settings)
    if journal is not None:
        return Recorder(Journal.open(Path(journal)), factory, exports.put)
    try:
        return Recorder(Journal.open(settings.make_home() / "events" / "journal.db"), factory, exports.put)
    except (JournalError, UsageError) as error:
        warnings.warn(f"calls leave no events: {error}", RuntimeWarning, stacklevel=4)
        return None


def _refuse_odd_arguments(policy: object, journal: object) -> None:
    """Refuse what callers without a type checker may pass."""
    if policy is not None and not isinstance(policy, Policy | str | Path):
        mend = "pass a Policy, a preset's name such as 'restricted', or a file"
        raise UsageError(f"policy is of type {type(policy).__name__}, and says what code may do; {mend}")
    if journal is not None and not isinstance(journal, str | Path):
        raise UsageError(f"journal is of type {type(journal).__name__}, and names a file for events; pass its path")


def _refuse_unknown(name: str) -> None:
    if name != "auto" and name not in _SANDBOXES:
        raise UsageError(f"there is no sandbox {name!r}; choose one of auto, {', '.join(_SANDBOXES)}")


def _sandbox(policy: Policy, wish: SandboxChoice) -> Sandbox:
    """The first sandbox that passes every required isolation check, tried from inside."""
    reasons: list[str] = []
    for candidate in _SANDBOXES if wish.sandbox == "auto" else (wish.sandbox,):
        try:
            return _standing(candidate, policy, wish)
        except SandboxUnavailableError as error:
            reasons.append(str(error))
    why = f"policy {policy.name!r} cannot be carried out here: {'; '.join(reasons)}"
    evidence = Evidence("setup", why, source="host")
    raise SandboxUnavailableError(
        why, Outcome(status=Status.INFRA, cause="setup", blame=Blame.ENGINE, evidence=evidence)
    )


def _standing(name: str, policy: Policy, wish: SandboxChoice) -> Sandbox:
    """A sandbox that passes the required isolation checks; closed again when one does not."""
    sandbox = _SANDBOXES[name](policy, wish)
    with contextlib.ExitStack() as undo:
        undo.callback(sandbox.close)
        lacking = _lacking(sandbox, policy)
        if lacking:
            told = (
                f"{name}: isolation check {one.wall!r} does not hold ({one.stopped_by}); {one.remedy}"
                for one in lacking
            )
            raise SandboxUnavailableError("; ".join(told))
        undo.pop_all()
    return sandbox


def _lacking(sandbox: Sandbox, policy: Policy) -> tuple[IsolationCheck, ...]:
    required = frozenset(str(wall) for wall in policy.isolation.require)
    return isolation_checks.missing(sandbox.walls(thorough=False), required) if required else ()


def _random() -> float:
    """Between 0 and 1. Of the kernel, so that forked children do not all draw the same."""
    return int.from_bytes(os.urandom(6)) / (1 << 48)


def _state_store(key: "VersionKey") -> "FunctionStore | None":
    """Return the store of the breaker of a version: `function` is its folder. An original in the host has none."""
    from poet_engine.versions import VersionStore  # noqa: PLC0415 - see the module's docstring

    path = Path(key.function)
    return VersionStore(path.parent, clock=wall_clock).function(path.name) if path.is_absolute() else None


class Shared:
    """Engines and journals that decorated functions share: one for each policy or file, in each process."""

    poet_version = importlib.metadata.version("poet-engine")

    def __init__(self) -> None:
        self._closed = False
        self._engines: dict[tuple[int, str], Engine] = {}
        self._recorders: dict[Path, Recorder] = {}
        self._factory = functools.cache(lambda: _factory(Settings.read()))
        self._lock, self._recorders_lock = ForkedLock(), ForkedLock()  # neither kind is waited for with the other
        self._registered = False
        self._wish = SandboxChoice()

    def prefer(self, wish: SandboxChoice) -> None:
        """Set the sandbox of functions whose engine is not open yet."""
        self._wish = wish

    def __repr__(self) -> str:
        return f"<Shared engines={len(self._engines)} journals={len(self._recorders)}>"

    def engine(self, policy: Policy) -> Engine:
        """Return the engine for this policy and process, opened when first asked for. Its callers do the recording.

        Raises:
            ClosedError: The program is ending, and nothing would close what is opened now.
            SandboxUnavailableError: No sandbox passes the isolation checks that the policy requires.
        """
        key = (os.getpid(), policy.digest)
        with self._lock:
            self._refuse_if_closed()
            engine = self._engines.get(key)
            if engine is None or engine.closed:
                engine = self._engines[key] = _engine(policy, self._wish, None)
                self._close_at_exit(engine)
            return engine

    def surroundings(self, start: Path) -> layers.PolicyContext:
        """Return the layers of policies around code in a folder.

        Raises:
            PolicyError: One of them cannot be used.
        """
        return _around(Settings.read(), start)

    def recorder(self, journal: Path) -> Recorder:
        """Return the recorder of this journal, which copes with forks by itself.

        Raises:
            ClosedError: The program is ending.
            JournalError: The file cannot be used.
        """
        with self._recorders_lock:
            self._refuse_if_closed()
            recorder = self._recorders.get(journal)
            if recorder is None:
                factory = self._factory()  # before there is a journal, which a wrong setting would leave open
                recorder = self._recorders[journal] = Recorder(Journal.open(journal), factory, exports.put)
                self._close_at_exit(recorder)
            return recorder

    def _close_at_exit(self, opened: Engine | Recorder) -> None:
        """Registered after the first thing to close, so that it runs before that thing's own finalizer complains."""
        if self._closed:  # while it was opened; nobody else closes it any more
            opened.close()
        self._refuse_if_closed()
        if self._registered:
            return
        self._registered = True
        atexit.register(self.close)
        if multiprocessing.parent_process() is not None:
            self._close_with_child()
        multiprocessing.util.register_after_fork(self, Shared._close_with_child)

    def _close_with_child(self) -> None:
        """Children of multiprocessing end without `atexit`, and the events of their last moment would be lost."""
        multiprocessing.util.Finalize(None, self.close, exitpriority=0)

    def new_id(self) -> str:
        """Return a fresh id for an execution. Reads no settings: a wrong one must cost no call its answer."""
        return str(uuid7(int(wall_clock() * 1000), os.urandom(10)))

    def now(self) -> float:
        """Return seconds since the epoch."""
        return wall_clock()

    def mode(self) -> ServeMode:
        """Return what versions may do in this program."""
        return Settings.read().mode

    def records(self) -> bool:
        """Return whether calls are recorded with their arguments."""
        return Settings.read().record

    def home(self) -> Path:
        """Create and return the state folder."""
        return Settings.read().make_home()

    @functools.cached_property
    def pipeline(self) -> "Pipeline":
        """The pipeline of all functions: it keeps nothing."""
        from poet_engine.resilience.pipeline import Pipeline  # noqa: PLC0415 - see the module's docstring

        return Pipeline(clock=time.monotonic, now=wall_clock, random=_random)

    @functools.cached_property
    def pauses(self) -> "Pauses":
        """Waiting between attempts, in a thread and in a task."""
        import asyncio  # noqa: PLC0415 - see the module's docstring

        from poet_engine.resilience.drivers import Pauses  # noqa: PLC0415 - the same

        return Pauses(here=lambda seconds: threading.Event().wait(seconds), in_task=asyncio.sleep)

    @functools.cached_property
    def breakers(self) -> "BreakerRegistry":
        """The breakers of this process. The state of a version is kept beside it."""
        from poet_engine.resilience.breaker import (  # noqa: PLC0415 - see the module's docstring
            BreakerRegistry,
            BreakerSettings,
        )

        return BreakerRegistry(
            lambda _key: BreakerSettings(),
            clock=time.monotonic,
            wall_clock=wall_clock,
            random=_random,
            stores=_state_store,
            on_transition=self._tell_transition,
        )

    def _tell_transition(self, key: "BreakerKey", transition: "Transition") -> None:
        """Log it, and hand it to the journal's thread: of the version, or every open one for what has no folder."""
        from poet_engine.decorator.once_logger import (  # noqa: PLC0415 - see the module's docstring
            harmless,
            transition_payload,
        )
        from poet_engine.resilience.breaker import VersionKey  # noqa: PLC0415 - the same

        _logger.warning("the breaker of %s is %s: %s", transition.name, transition.new, harmless(transition.reason))
        store = _state_store(key) if isinstance(key, VersionKey) else None
        journals = tuple(self._recorders) if store is None else (store.path.parent / "events" / "journal.db",)
        for journal in journals:
            recorder = self._recorders.get(journal)  # open where calls are recorded; none is opened in a call's way
            if recorder is not None:
                with contextlib.suppress(ClosedError):  # the program is ending
                    recorder.transition(transition_payload(key, transition))

    def lanes(self) -> list[Lanes]:
        """Return the lanes of each sandbox that is open in this process."""
        found = [engine.statistics() for engine in tuple(self._engines.values()) if not engine.closed]
        return [Lanes(one.lanes, one.busy, one.waiting) for one in found]

    def close(self) -> None:
        """Close engines and journals of this process; one that fails to close does not keep the others open."""
        self._closed = True
        with contextlib.ExitStack() as closing:
            closing.callback(exports.flush)  # last, when everybody has told everything
            for recorder in self._recorders.values():
                closing.callback(recorder.close)
            closing.callback(self.breakers.flush)  # what they have decided until the last call ended
            for engine in self._engines.values():
                if not engine.closed:
                    closing.callback(engine.close)

    def _refuse_if_closed(self) -> None:
        if self._closed:
            raise ClosedError("the program is ending, so no sandbox and no journal is opened any more")


def prefer(sandbox: str, runtime: str | None = None) -> None:
    """Have decorated functions whose engine is not open yet use this sandbox."""
    _refuse_unknown(sandbox)
    _shared.prefer(SandboxChoice(sandbox, runtime))


def gauges() -> Gauges:
    """Read what this machine, and the lanes of this process's decorated functions, are doing now.

    Memory is in bytes; `cpu_percent` is that of all cores since the reading before, and None at the first one.
    """
    return host.read()


def export_statistics() -> ExportStatistics:
    """Return how many events were passed on to exporters, were dropped, and failed, as a frozen snapshot."""
    return exports.statistics()


def export_to_prometheus(registry: "CollectorRegistry | None" = None) -> Callable[[], None]:
    """Count calls, breakers' transitions and the machine's gauges in a registry of prometheus-client.

    Serving it is up to the program: `prometheus_client.start_http_server(port)`, or the framework's own way.

    Args:
        registry: prometheus-client's default one by default.

    Returns:
        What ends it, and takes everything out of the registry.

    Raises:
        UsageError: The extra `prometheus` is not installed, or the registry has these metrics already.
    """
    try:
        from poet_engine.metrics.prometheus import PrometheusSink  # noqa: PLC0415 - an extra
    except ModuleNotFoundError as error:
        raise _missing("Prometheus", "prometheus", error) from error
    try:
        sink = PrometheusSink(host, registry)
    except ValueError as error:
        raise UsageError(f"{error}; export to each registry once") from error
    return exports.add(sink)


def export_to_otel(
    meters: "MeterProvider | None" = None, tracers: "TracerProvider | None" = None
) -> Callable[[], None]:
    """Measure calls, breakers' transitions and the machine with OpenTelemetry, and leave a span for each call.

    A call's span belongs to the span in which the function was called.

    Args:
        meters: Whose meter is used; the global provider's by default.
        tracers: The same, for spans.

    Returns:
        What ends it.

    Raises:
        UsageError: The extra `otel` is not installed.
    """
    try:
        from poet_engine.metrics.otel import OtelSink  # noqa: PLC0415 - an extra
    except ModuleNotFoundError as error:
        raise _missing("OpenTelemetry", "otel", error) from error
    return exports.add(OtelSink(host, Shared.poet_version, meters, tracers))


def _missing(whom: str, extra: str, error: ModuleNotFoundError) -> UsageError:
    return UsageError(
        f"there is no module {error.name!r}, which exporting to {whom} needs; run: pip install 'poet-engine[{extra}]'"
    )


Engine.opener = staticmethod(open_engine)
_shared = Shared()
host = Host(_shared.lanes)
decorator.install(_shared)
