"""All breakers of a process, and what of them is kept in `state.json`."""

import dataclasses
import logging
from collections.abc import Callable, Iterator, Mapping
from typing import Protocol

from poet_engine.errors import PoetError
from poet_engine.forks import ForkedLock
from poet_engine.resilience.breaker import record
from poet_engine.resilience.breaker.breaker import Breaker
from poet_engine.resilience.breaker.model import Snapshot, Transition
from poet_engine.resilience.breaker.settings import BreakerSettings

_LOOK_EVERY_S = 1.0  # whether a person or another process has changed the file

_logger = logging.getLogger("poet_engine")


@dataclasses.dataclass(frozen=True, slots=True)
class VersionKey:
    """The breaker of one version of a function in one sandbox.

    Attributes:
        function: Tells functions of one process apart, such as the path of the function's folder.
        version: Such as `v1`.
        sandbox: Such as `process`.
    """

    function: str
    version: str
    sandbox: str

    def __str__(self) -> str:
        return f"{self.function} {self.version} ({self.sandbox})"


@dataclasses.dataclass(frozen=True, slots=True)
class BackendKey:
    """The breaker of a sandbox's backend, whichever code it runs."""

    backend: str

    def __str__(self) -> str:
        return f"backend {self.backend}"


BreakerKey = VersionKey | BackendKey


class StateStore(Protocol):
    """Keeps a `state.json` for each version of a function; `FunctionStore` is one."""

    def state(self, name: str) -> Mapping[str, object] | None:
        """What the file of a version holds; None where there is none."""
        ...

    def state_stamp(self, name: str) -> object:
        """Differs from an earlier one when the file was written in between."""
        ...

    def change_state(
        self,
        name: str,
        change: Callable[[Mapping[str, object]], Mapping[str, object] | None],
        *,
        actor: str = ...,
        action: str = ...,
        reason: str = ...,
    ) -> None:
        """Replace what the file holds by what `change` makes of it, unless that is None."""
        ...


@dataclasses.dataclass(slots=True)
class _Entry:
    """One breaker and where its file stands, as far as this process knows."""

    key: BreakerKey
    breaker: Breaker
    store: StateStore | None
    revision: int
    stamp: object
    looked: float
    manual: bool = False  # something was done by hand that is not stored yet
    lock: ForkedLock = dataclasses.field(default_factory=ForkedLock)


def _no_store(_key: VersionKey) -> StateStore | None:
    return None


class BreakerRegistry:
    """One breaker for each key; made at the first `get`, from what is stored.

    Ask for the breaker at each call: `get` looks once a second whether the file was changed by hand (`poet breaker`,
    another process that saw a violation) and follows it. What other processes only measured is theirs.

    Backends are not stored: a restart asks them anew. A state that cannot be read or written costs no call anything;
    it is told on the logger `poet_engine`.

    Args:
        settings: For each key.
        clock: Seconds that never go back.
        wall_clock: Seconds since the Unix epoch.
        random: Gives 0 to 1.
        stores: Where the state of a version is kept; None for nowhere.
        on_transition: Called for each transition, once it is stored, by the thread that caused it or came by.
    """

    def __init__(
        self,
        settings: Callable[[BreakerKey], BreakerSettings],
        *,
        clock: Callable[[], float],
        wall_clock: Callable[[], float],
        random: Callable[[], float],
        stores: Callable[[VersionKey], StateStore | None] = _no_store,
        on_transition: Callable[[BreakerKey, Transition], None] | None = None,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._wall_clock = wall_clock
        self._random = random
        self._stores = stores
        self._on_transition = on_transition
        self._entries: dict[BreakerKey, _Entry] = {}
        self._lock = ForkedLock()

    def __repr__(self) -> str:
        return f"<BreakerRegistry breakers={len(self._entries)}>"

    def __iter__(self) -> Iterator[Breaker]:
        """The breakers that were asked for so far."""
        return iter([entry.breaker for entry in tuple(self._entries.values())])

    def get(self, key: BreakerKey) -> Breaker:
        """The breaker of a key, as it stands in this process or as it was stored."""
        entry = self._entries.get(key)
        if entry is None:
            with self._lock:
                entry = self._entries.get(key) or self._made(key)
                self._entries[key] = entry
        elif entry.store is not None and self._clock() - entry.looked >= _LOOK_EVERY_S:
            self._follow(entry, entry.store)
        return entry.breaker

    def drop(self, key: BreakerKey) -> None:
        """Forget the breaker of a version that is gone; what is stored stays."""
        with self._lock:
            self._entries.pop(key, None)

    def _made(self, key: BreakerKey) -> _Entry:
        store = self._stores(key) if isinstance(key, VersionKey) else None
        stamp, found = self._read(key, store)
        breaker = Breaker(
            str(key),
            self._settings(key),
            clock=self._clock,
            random=self._random,
            on_transition=lambda transition: self._told(key, transition),
            state=found.record.snapshot(self._wall_clock()),
        )
        return _Entry(key, breaker, store, found.record.revision, stamp, self._clock())

    def _read(self, key: BreakerKey, store: StateStore | None) -> tuple[object, record.Found]:
        if store is None or not isinstance(key, VersionKey):
            return None, record.Found(record.BreakerRecord())
        stamp: object = None
        try:
            stamp = store.state_stamp(key.version)  # first: what is written after it is noticed
            found = record.find(store.state(key.version) or {}, key.sandbox)
        except PoetError as error:
            found = record.unreadable(str(error))
        if found.problem is not None:
            taken = "pinned open" if found.record.pinned else "closed"
            _logger.warning("the breaker %s counts as %s: %s", key, taken, found.problem)
        return stamp, found

    def _follow(self, entry: _Entry, store: StateStore) -> None:
        """Go where the file says, if something was done by hand since it was last read."""
        with entry.lock:
            entry.looked = self._clock()
            if not isinstance(entry.key, VersionKey) or self._stamp(entry.key, store) == entry.stamp:
                return
            entry.stamp, found = self._read(entry.key, store)
            if found.record.revision <= entry.revision and not found.record.pinned:
                return
            entry.revision = found.record.revision
            snapshot = found.record.snapshot(self._wall_clock())
        entry.breaker.adopt(snapshot)

    def _stamp(self, key: VersionKey, store: StateStore) -> object:
        try:
            return store.state_stamp(key.version)
        except PoetError:
            return None

    def _told(self, key: BreakerKey, transition: Transition) -> None:
        entry = self._entries.get(key)  # None once it was dropped
        changed = transition.manual or transition.old is not transition.new
        if entry is not None and entry.store is not None and changed:
            self._keep(entry, entry.store, transition)
        if self._on_transition is not None:
            self._on_transition(key, transition)

    def _keep(self, entry: _Entry, store: StateStore, transition: Transition) -> None:
        """Store where the breaker stands now, or follow what somebody else has stored."""
        if not isinstance(entry.key, VersionKey):
            return
        followed: list[Snapshot] = []
        with entry.lock:
            entry.manual |= transition.manual
            try:
                self._write(entry, entry.key, store, transition, followed)
            except PoetError as error:
                _logger.warning("the state of the breaker %s is not stored: %s", entry.key, error)
        for snapshot in followed:
            entry.breaker.adopt(snapshot)

    def _write(
        self, entry: _Entry, key: VersionKey, store: StateStore, transition: Transition, followed: list[Snapshot]
    ) -> None:
        now = self._wall_clock()
        revisions: list[int] = []

        def change(content: Mapping[str, object]) -> Mapping[str, object] | None:
            found = record.find(content, key.sandbox)
            ours = entry.breaker.snapshot()
            new = record.merged(found, ours, seen=entry.revision, manual=entry.manual, now=now)
            if new is None:
                followed.append(found.record.snapshot(now))
                revisions.append(found.record.revision)
                return None
            revisions.append(new.revision)
            return None if new.says_what(found.record) else record.replaced(content, key.sandbox, new)

        action = f"breaker {transition.new}" if entry.manual else ""
        store.change_state(key.version, change, action=action, reason=transition.reason)
        entry.revision = revisions[0]
        entry.manual = False
        entry.stamp = store.state_stamp(key.version)
