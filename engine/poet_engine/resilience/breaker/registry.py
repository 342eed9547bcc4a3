"""All breakers of a process, and what of them is kept in `state.json`."""

import dataclasses
import logging
from collections.abc import Callable, Iterator, Mapping
from typing import Protocol

from poet_engine._fork import ForkedLock
from poet_engine.errors import PoetError
from poet_engine.resilience.breaker import stored_state
from poet_engine.resilience.breaker.background import Background
from poet_engine.resilience.breaker.breaker import Breaker
from poet_engine.resilience.breaker.model import Transition
from poet_engine.resilience.breaker.settings import BreakerSettings

_LOOK_EVERY_S = 1.0  # whether a person or another process has changed the file
_PATIENCE_S = 10.0  # nobody waits longer for the disk; the store's own lock is given up before

_logger = logging.getLogger("poet_engine")


@dataclasses.dataclass(frozen=True, slots=True)
class VersionKey:
    """The breaker of one version of a function in one sandbox.

    Attributes:
        function: Tells functions of one process apart, such as the path of the function's folder.
        version: Such as `v1`.
        sandbox: Such as `process`.
        name: What events call the function; empty for the last part of `function`.
        module: What tells it from others of that name in its folder, in events.
    """

    function: str
    version: str
    sandbox: str
    name: str = dataclasses.field(default="", compare=False)
    module: str | None = dataclasses.field(default=None, compare=False)

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
        """Return the content of the file of a version; None where there is no file."""
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


@dataclasses.dataclass(slots=True, eq=False)
class _RegisteredBreaker:
    """One breaker and where its file stands, as far as this process knows.

    Nothing is locked to tell: `latest` and `deed` are set by whoever tells transitions, of whom a breaker has one at a
    time, and `stored` and `kept` by the one thread that writes.
    """

    key: BreakerKey
    breaker: Breaker
    store: StateStore | None
    revision: int
    stamp: object
    looked: float
    latest: Transition | None = None
    stored: Transition | None = None  # the latest that the file holds
    deed: Transition | None = None  # the latest that was asked for by hand
    kept: Transition | None = None  # the latest of those that the file holds
    writing: bool = False
    failing: bool = False
    lock: ForkedLock = dataclasses.field(default_factory=ForkedLock)  # between reading the file and writing it

    @property
    def unstored(self) -> bool:
        """Whether something was told that the file does not hold."""
        return self.latest is not self.stored

    @property
    def unkept(self) -> Transition | None:
        """Return the transition made by hand that is not stored yet."""
        return self.deed if self.deed is not self.kept else None


def _no_store(_key: VersionKey) -> StateStore | None:
    return None


class BreakerRegistry:
    """One breaker for each key; made at the first `get`, from what is stored.

    Ask for the breaker at each call: `get` looks once a second whether the file was changed by hand (`poet breaker`,
    another process that saw a violation) and follows it. What other processes only measured is theirs.

    A transition counts in this process at once; it is written by a thread of the registry's own, the newest state of
    each breaker, and `flush` waits for that. Backends are not stored: a restart asks them anew. A state that cannot be
    read or written costs no call anything; it is told once on the logger `poet_engine`, and tried again.

    Args:
        settings: For each key.
        clock: Seconds that never go back.
        wall_clock: Seconds since the Unix epoch.
        random: Gives 0 to 1.
        stores: Where the state of a version is kept; None for nowhere.
        on_transition: Called for each transition, by the thread that caused it or came by.
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
        self._entries: dict[BreakerKey, _RegisteredBreaker] = {}
        self._lock = ForkedLock(self._start_over)
        self._background = Background(self._store, name="poet-breakers")

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
        elif entry.store is not None and self._clock() - entry.looked >= _LOOK_EVERY_S and isinstance(key, VersionKey):
            self._follow(entry, key, entry.store)
        return entry.breaker

    def flush(self) -> bool:
        """Wait, at most 10 s, until what the breakers have decided so far is on the disk; returns whether it is.

        What could not be written is tried once more.
        """
        entries = [entry for entry in tuple(self._entries.values()) if entry.store is not None]
        for entry in entries:
            # A transition may still be with a thread that is busy telling the one before.
            if entry.unstored or entry.breaker.telling:
                self._background.put(entry)
        if not self._background.flush(_PATIENCE_S):
            _logger.warning("states of breakers are not stored yet: the disk has not answered for %g s", _PATIENCE_S)
            return False
        return not any(entry.unstored for entry in entries)

    def _made(self, key: BreakerKey) -> _RegisteredBreaker:
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
        return _RegisteredBreaker(key, breaker, store, found.record.revision, stamp, self._clock())

    def _read(self, key: BreakerKey, store: StateStore | None) -> tuple[object, stored_state.StoredRecord]:
        if store is None or not isinstance(key, VersionKey):
            return None, stored_state.StoredRecord(stored_state.BreakerRecord())
        stamp: object = None
        try:
            stamp = store.state_stamp(key.version)  # first: what is written after it is noticed
            found = stored_state.find(store.state(key.version) or {}, key.sandbox)
        except PoetError as error:
            found = stored_state.unreadable(str(error))
        if found.problem is not None:
            taken = "pinned open" if found.record.pinned else "closed"
            _logger.warning("the breaker %s counts as %s: %s", key, taken, found.problem)
        return stamp, found

    def _follow(self, entry: _RegisteredBreaker, key: VersionKey, store: StateStore) -> None:
        """Go where the file says, if something was done by hand since it was last read."""
        entry.looked = self._clock()
        if entry.failing:  # a pin, say, has no further transition with which it could be tried again
            self._background.put(entry)
        with entry.lock:
            # While it is written, what is read may be our own; whoever writes follows what must be followed.
            if entry.writing or self._stamp(key, store) == entry.stamp:
                return
            entry.stamp, found = self._read(key, store)
            seen, deed = entry.revision, entry.unkept
        if stored_state.leads(found, pinned=entry.breaker.pinned, seen=seen, manual=deed is not None):
            self._go_along(entry, found, seen)

    def _go_along(self, entry: _RegisteredBreaker, found: stored_state.StoredRecord, seen: int) -> None:
        entry.breaker.adopt(found.record.snapshot(self._wall_clock()))
        # Not before: what is written meanwhile must not pass for the work of somebody who has seen this.
        with entry.lock:
            if entry.revision == seen:
                entry.revision = found.record.revision

    def _stamp(self, key: VersionKey, store: StateStore) -> object:
        try:
            return store.state_stamp(key.version)
        except PoetError:
            return None

    def _told(self, key: BreakerKey, transition: Transition) -> None:
        entry = self._entries.get(key)  # None once it was dropped
        changed = transition.manual or transition.old is not transition.new
        if entry is not None and entry.store is not None and changed:
            if transition.manual:
                entry.deed = transition
            entry.latest = transition
            self._background.put(entry)
        if self._on_transition is not None:
            self._on_transition(key, transition)

    def _store(self, entry: _RegisteredBreaker) -> None:
        """In the background: store where a breaker stands now, or follow what somebody else has stored."""
        key, store = entry.key, entry.store
        if not isinstance(key, VersionKey) or store is None:
            return
        with entry.lock:
            entry.writing, seen = True, entry.revision
        new = found = None
        try:
            found, new = self._written(entry, key, store, seen)
            entry.failing = False
        except PoetError as error:
            if not entry.failing:
                _logger.warning("the state of the breaker %s is not stored, and is tried again: %s", key, error)
            entry.failing = True
        finally:
            with entry.lock:
                entry.writing = False
                if new is not None:
                    # Read again at the next look: somebody may have written right after us.
                    entry.revision, entry.stamp = new.revision, None
        if new is None and found is not None:
            self._go_along(entry, found, seen)

    def _written(
        self, entry: _RegisteredBreaker, key: VersionKey, store: StateStore, seen: int
    ) -> tuple[stored_state.StoredRecord, stored_state.BreakerRecord | None]:
        """Return the record found, and the one stored now: None where our breaker has to follow what was found."""
        # Before the state: it may be newer than what was told of it, and must not be older.
        latest, deed = entry.latest, entry.unkept
        done: list[tuple[stored_state.StoredRecord, stored_state.BreakerRecord | None]] = []

        def change(content: Mapping[str, object]) -> Mapping[str, object] | None:
            found, ours = stored_state.find(content, key.sandbox), entry.breaker.snapshot()
            new = stored_state.merged(found, ours, seen=seen, manual=deed is not None, now=self._wall_clock())
            done.append((found, new))
            if new is None or new.says_what(found.record):
                return None
            return stored_state.replaced(content, key.sandbox, new)

        action, reason = ("", "") if deed is None else (f"breaker {deed.new}", deed.reason)
        store.change_state(key.version, change, action=action, reason=reason)
        entry.stored, entry.kept = latest, deed or entry.kept
        return done[0]

    def _start_over(self) -> None:
        """In a forked child: what was to be stored is the parent's."""
        for entry in self._entries.values():
            entry.stored, entry.kept, entry.writing = entry.latest, entry.deed, False
