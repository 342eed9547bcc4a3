"""The breakers in a version's `state.json`: strict forms, and who wins when several processes write (all pure).

What cannot be shown to be unpinned counts as pinned: a damaged entry never lets a version run again that a violation
has stopped.
"""

import dataclasses
import functools
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

from poet_engine._pydantic_errors import first_problem
from poet_engine.errors import PoetError
from poet_engine.resilience.breaker.model import Snapshot, State

if TYPE_CHECKING:
    from pydantic import TypeAdapter

KEY = "breakers"
SCHEMA_VERSION = 1

_MOST = 1 << 53  # what every reader of JSON can count to
_REASON = 500  # characters; reasons may hold what a guest wrote
_MEND = "look at it, then `poet breaker reset` starts it anew"


class BreakerStateError(PoetError):
    """The breakers of a `state.json` cannot be written; says why and how to mend it."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class BreakerRecord:
    """One breaker as it is stored.

    Attributes:
        state: Which one.
        reason: Why it is in that state.
        attempts: How often it opened since it was last closed.
        pinned: Whether only a reset ends it.
        wait: Seconds for which it was opened; None in any other state.
        open_until: When that ends, in seconds since the Unix epoch; None in any other state.
        since: When it was written, in the same.
        revision: How often something was done to it by hand; running processes follow a change of it.
    """

    # Read by pydantic.
    __pydantic_config__ = {"strict": True, "extra": "forbid", "allow_inf_nan": False}  # noqa: RUF012 - a ClassVar annotation would make it a part of the form

    state: State = State.CLOSED
    reason: str = ""
    attempts: int = 0
    pinned: bool = False
    wait: float | None = None
    open_until: float | None = None
    since: float = 0.0
    revision: int = 0

    def __post_init__(self) -> None:
        timed = (self.wait is not None, self.open_until is not None)
        opened = self.state is State.OPEN
        if timed != (opened, opened):
            raise ValueError("wait and open_until belong to an open breaker, and to no other")
        if self.pinned and self.state is not State.FORCED_OPEN:
            raise ValueError("a breaker that is pinned is forced_open")
        if not (0 <= self.attempts <= _MOST and 0 <= self.revision <= _MOST):
            raise ValueError("attempts and revision are counts")

    def says_what(self, other: "BreakerRecord") -> bool:
        """Whether the other one says the same, but for the moment of its writing."""
        return dataclasses.replace(self, since=other.since) == other

    def snapshot(self, now: float) -> Snapshot:
        """Return the snapshot that a breaker starts from.

        Args:
            now: Seconds since the Unix epoch. A clock that went back leaves it open no longer than it was opened for.
        """
        remaining = None
        if self.wait is not None and self.open_until is not None:
            remaining = min(max(self.open_until - now, 0.0), self.wait)
        return Snapshot(
            state=self.state,
            reason=self.reason,
            attempts=self.attempts,
            pinned=self.pinned,
            wait=self.wait,
            remaining=remaining,
        )


@dataclasses.dataclass(frozen=True, slots=True)
class StoredRecord:
    """The stored state of one breaker, as it was read.

    Attributes:
        record: What is stored; where that cannot be read, what is safe to believe.
        problem: What is wrong with it; None where nothing is.
    """

    record: BreakerRecord
    problem: str | None = None


def unreadable(problem: str) -> StoredRecord:
    """Return the record to assume for a `state.json` that cannot be read: it may have held a pin."""
    reason = f"its stored state cannot be read, and it may have been pinned: {problem}"
    return StoredRecord(BreakerRecord(state=State.FORCED_OPEN, pinned=True, reason=reason[:_REASON]), problem)


def record_of(snapshot: Snapshot, *, now: float, revision: int) -> BreakerRecord:
    """The form in which a breaker is stored.

    Args:
        snapshot: Of the breaker.
        now: Seconds since the Unix epoch.
        revision: See `BreakerRecord`.
    """
    return BreakerRecord(
        state=snapshot.state,
        reason=snapshot.reason[:_REASON],
        attempts=min(snapshot.attempts, _MOST),
        pinned=snapshot.pinned,
        wait=snapshot.wait,
        open_until=None if snapshot.remaining is None else now + snapshot.remaining,
        since=now,
        revision=revision,
    )


def sandboxes(content: Mapping[str, object]) -> tuple[str, ...]:
    """Return the names of the sandboxes with a stored breaker, sorted; none where that cannot be read."""
    stored = content.get(KEY)
    entries = stored.get("sandboxes") if isinstance(stored, Mapping) else None
    return tuple(sorted(entries)) if isinstance(entries, Mapping) else ()


def find(content: Mapping[str, object], sandbox: str) -> StoredRecord:
    """The breaker for one sandbox in the content of a `state.json`; a closed one where there is none."""
    if KEY not in content:
        return StoredRecord(BreakerRecord())
    problem = _form_problem(content[KEY])
    if problem is not None:
        return unreadable(f"{KEY}: {problem}")
    raw = _entries(content).get(sandbox, _NOTHING)
    if raw is _NOTHING:
        return StoredRecord(BreakerRecord())
    try:
        return StoredRecord(_form().validate_json(json.dumps(raw)))
    except (ValueError, RecursionError) as error:
        problem = f"{KEY}.{sandbox}: {first_problem(error)}; {_MEND}"
        return StoredRecord(BreakerRecord(), problem) if _shows_no_pin(raw) else unreadable(problem)


def replaced(content: Mapping[str, object], sandbox: str, record: BreakerRecord) -> dict[str, object]:
    """The content with another record for one sandbox; what else is in there stays.

    Raises:
        BreakerStateError: A newer poet-engine has written it.
    """
    stored = content.get(KEY)
    newer = _newer_schema(stored)
    if newer is not None:
        raise BreakerStateError(f"{KEY}: {newer}")
    form = {"schema_version": SCHEMA_VERSION, "sandboxes": {**_entries(content), sandbox: dataclasses.asdict(record)}}
    return {**content, KEY: form}


def merged(found: StoredRecord, ours: Snapshot, *, seen: int, manual: bool, now: float) -> BreakerRecord | None:
    """Decide what is stored after a transition, when others may have written in between.

    Two rules: what was done by hand wins over what was measured, and a pin goes only by a reset of somebody who has
    seen it.

    Args:
        found: What is stored now.
        ours: Where our breaker stands.
        seen: The revision that our breaker is based on.
        manual: Whether our transition was asked for by hand.
        now: Seconds since the Unix epoch.

    Returns:
        The record to store; None when our breaker must follow what is stored instead.
    """
    stored = found.record
    followed = found.problem is not None or stored.revision != seen
    if followed and not (manual and (ours.pinned or stored.revision == seen or not stored.pinned)):
        return None
    return record_of(ours, now=now, revision=max(stored.revision, seen) + manual)


def leads(found: StoredRecord, *, pinned: bool, seen: int, manual: bool) -> bool:
    """Decide whether a running breaker goes where its file says. By the rules of `merged`.

    Args:
        found: What is stored now.
        pinned: Whether our breaker is pinned.
        seen: The revision that our breaker is based on.
        manual: Whether something was done to ours by hand that is not stored yet.
    """
    stored = found.record
    if manual:
        return stored.pinned and stored.revision != seen and not pinned
    return stored.revision > seen or (stored.pinned and not pinned)


def by_hand(found: StoredRecord, snapshot: Snapshot, *, now: float) -> BreakerRecord:
    """Return the record after a change by hand of a stored breaker; running processes follow it.

    Args:
        found: What is stored now.
        snapshot: What it shall be.
        now: Seconds since the Unix epoch. Where the revision cannot be read, they stand in: no count gets that far.
    """
    before = int(now) if found.problem is not None else found.record.revision
    return record_of(snapshot, now=now, revision=before + 1)


def _form_problem(stored: object) -> str | None:
    if not isinstance(stored, Mapping):
        return f"an object is expected; {_MEND}"
    newer = _newer_schema(stored)
    if newer is not None:
        return newer
    known = set(stored) == {"schema_version", "sandboxes"} and stored["schema_version"] == SCHEMA_VERSION
    if not known or not isinstance(stored["sandboxes"], Mapping):
        return f"schema_version {SCHEMA_VERSION} and sandboxes are expected; {_MEND}"
    return None


def _newer_schema(stored: object) -> str | None:
    schema = stored.get("schema_version") if isinstance(stored, Mapping) else None
    if isinstance(schema, int) and schema > SCHEMA_VERSION:
        return f"has schema {schema} and this poet-engine knows {SCHEMA_VERSION}; upgrade poet-engine"
    return None


def _entries(content: Mapping[str, object]) -> Mapping[str, object]:
    stored = content.get(KEY)
    entries = stored.get("sandboxes") if isinstance(stored, Mapping) else None
    return entries if isinstance(entries, Mapping) else {}


def _shows_no_pin(raw: object) -> bool:
    """Whether a damaged entry still says plainly that it was not pinned."""
    if not isinstance(raw, Mapping):
        return False
    ordinary = {str(state) for state in State} - {str(State.FORCED_OPEN)}
    state = raw.get("state")
    return raw.get("pinned") is False and isinstance(state, str) and state in ordinary


_NOTHING = object()


@functools.cache
def _form() -> "TypeAdapter[BreakerRecord]":
    import pydantic  # noqa: PLC0415 - only readers of stored breakers pay for it

    return pydantic.TypeAdapter(BreakerRecord)
