"""The only place that names concrete adapters: what `Engine.open` and `@poet` are made of."""

import atexit
import contextlib
import functools
import importlib.metadata
import os
import threading
import time
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path

from poet_engine import decorator
from poet_engine.engine import Engine
from poet_engine.errors import SandboxUnavailableError, UsageError
from poet_engine.events import EventFactory
from poet_engine.gate import Gate
from poet_engine.journal import Journal, JournalError
from poet_engine.journal.recorder import Recorder
from poet_engine.policy import Policy
from poet_engine.sandbox import walls
from poet_engine.sandbox.process import ProcessSandbox
from poet_engine.sandbox.protocol import Sandbox, WallReport
from poet_engine.settings import Settings

poet = decorator.poet

_wall_clock = time.time  # noqa: TID251 - the one place that hands the clock to those who take one
# In the order in which `auto` tries them.
_SANDBOXES: Mapping[str, Callable[[Policy], Sandbox]] = {"process": ProcessSandbox}


def open_engine(policy: Policy | str | Path | None, sandbox: str, journal: Path | str | None) -> Engine:
    """See `Engine.open`."""
    settings = Settings.read()
    resolved = _policy(policy, settings)
    return _engine(resolved, _sandbox(resolved, sandbox), _recorder(settings, journal))


def _policy(policy: Policy | str | Path | None, settings: Settings) -> Policy:
    if isinstance(policy, Policy):
        return policy
    return Policy.load(policy or settings.policy)


def _engine(policy: Policy, sandbox: Sandbox, recorder: Recorder | None) -> Engine:
    factory = _factory(Settings.read())
    return Engine(
        policy=policy, sandbox=sandbox, gate=Gate(), recorder=recorder, new_id=factory.new_id, clock=_wall_clock
    )


def _factory(settings: Settings) -> EventFactory:
    version = importlib.metadata.version("poet-engine")
    return EventFactory(_wall_clock, os.urandom, settings.environment, settings.service, version)


def _recorder(settings: Settings, journal: Path | str | None) -> Recorder | None:
    """Where events go. A journal that was asked for must open; the default one may fail, and says so."""
    if journal is not None:
        return Recorder(Journal.open(Path(journal)), _factory(settings))
    try:
        return Recorder(Journal.open(settings.make_home() / "events" / "journal.db"), _factory(settings))
    except (JournalError, UsageError) as error:
        warnings.warn(f"calls leave no events: {error}", RuntimeWarning, stacklevel=4)
        return None


def _sandbox(policy: Policy, name: str) -> Sandbox:
    """The first sandbox on which every required wall stands, tried from inside."""
    if name != "auto" and name not in _SANDBOXES:
        raise UsageError(f"there is no sandbox {name!r}; choose one of auto, {', '.join(_SANDBOXES)}")
    reasons: list[str] = []
    for candidate in _SANDBOXES if name == "auto" else (name,):
        try:
            return _standing(candidate, policy)
        except SandboxUnavailableError as error:
            reasons.append(str(error))
    raise SandboxUnavailableError(f"policy {policy.name!r} cannot be carried out here: {'; '.join(reasons)}")


def _standing(name: str, policy: Policy) -> Sandbox:
    """A sandbox whose required walls hold; closed again when one does not."""
    sandbox = _SANDBOXES[name](policy)
    with contextlib.ExitStack() as undo:
        undo.callback(sandbox.close)
        lacking = _lacking(sandbox, policy)
        if lacking:
            raise SandboxUnavailableError("; ".join(f"{name}: {_complaint(report)}" for report in lacking))
        undo.pop_all()
    return sandbox


def _lacking(sandbox: Sandbox, policy: Policy) -> tuple[WallReport, ...]:
    required = frozenset(str(wall) for wall in policy.isolation.require)
    return walls.missing(sandbox.walls(thorough=False), required) if required else ()


def _complaint(report: WallReport) -> str:
    return f"wall {report.wall!r} does not hold ({report.stopped_by}); {report.remedy}"


class Shared:
    """Engines that decorated functions share: one for each policy and journal, in each process."""

    poet_version = importlib.metadata.version("poet-engine")

    def __init__(self) -> None:
        self._engines: dict[tuple[int, str], Engine] = {}
        self._recorders: dict[Path, Recorder] = {}
        self._factory = functools.cache(lambda: _factory(Settings.read()))
        self._lock = threading.Lock()
        self._registered = False

    def __repr__(self) -> str:
        return f"<Shared engines={len(self._engines)} journals={len(self._recorders)}>"

    def engine(self, policy: Policy) -> Engine:
        """The one for this policy and process; opened when first asked for. Its callers do the recording."""
        key = (os.getpid(), policy.digest)
        with self._lock:
            engine = self._engines.get(key)
            if engine is None or engine.closed:
                engine = self._engines[key] = _engine(policy, _sandbox(policy, "auto"), None)
                self._close_at_exit()
            return engine

    def recorder(self, journal: Path) -> Recorder:
        """The one for this journal, which copes with forks by itself."""
        with self._lock:
            recorder = self._recorders.get(journal)
            if recorder is None:
                recorder = self._recorders[journal] = Recorder(Journal.open(journal), self._factory())
                self._close_at_exit()
            return recorder

    def _close_at_exit(self) -> None:
        """Registered after the first thing to close, so that it runs before that thing's own finalizer complains."""
        if not self._registered:
            self._registered = True
            atexit.register(self.close)

    def new_id(self) -> str:
        """A fresh id for an execution."""
        return self._factory().new_id()

    def now(self) -> float:
        """Seconds since the epoch."""
        return _wall_clock()

    def home(self) -> Path:
        """The state folder."""
        return Settings.read().make_home()

    def close(self) -> None:
        """Close those of this process."""
        for engine in self._engines.values():
            if not engine.closed:
                engine.close()
        for recorder in self._recorders.values():
            recorder.close()


Engine.opener = staticmethod(open_engine)
_shared = Shared()
decorator.install(_shared)
