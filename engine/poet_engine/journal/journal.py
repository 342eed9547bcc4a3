"""The public interface of the journal."""

import dataclasses
import functools
import types
import warnings
import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from poet_engine import events
from poet_engine._fork import on_fork
from poet_engine.errors import ClosedError, UsageError
from poet_engine.journal.database import Database, JournalError, Row
from poet_engine.journal.writer import Statistics, Writer

_MAX_BYTES = 4 << 30  # an unpruned journal must not fill the disk
_MAX_LIMIT = 10_000
_OF_ONE_CALL = (events.ExecutionPayload, events.FeedbackPayload, events.RecordingPayload)

# A row that is no JSON has none, and is skipped when it is read.
_MODULE = "CASE WHEN json_valid(body) THEN json_extract(body, '$.payload.module') END"


@dataclasses.dataclass(frozen=True, slots=True)
class OfModule:
    """A filter by module, for functions of one name in several modules of a folder.

    Attributes:
        name: Events with this module match.
        unnamed: Whether events without a module match too; before schema 3 no event had one.
    """

    name: str
    unnamed: bool

    def holds(self, module: str | None) -> bool:
        """Whether an event with this module matches."""
        return module == self.name or (module is None and self.unnamed)

    @property
    def condition(self) -> str:
        """The filter as an SQL condition; its `?` is the name."""
        return f"nullif({_MODULE}, ?) IS NULL" if self.unnamed else f"{_MODULE} = ?"


class Journal:
    """Events in a file, recorded by many threads and processes without delaying callers.

    `record` passes an event to a thread that commits every few milliseconds. Killed with SIGKILL, a process loses at
    most the events of the last 10 ms; feedback, violations and events with `durable=True` are on the disk
    when `record` returns. A file that cannot be written never raises into `record`: the events wait in a bounded
    queue, and `statistics()` counts lost events.

    After a fork the child has a connection and counters of its own. Use `Journal.open`, not the constructor.
    """

    def __init__(self, core: "_Core") -> None:
        self._core = core
        self._finalizer = weakref.finalize(self, _abandon, core)

    @classmethod
    def open(cls, path: Path, *, max_bytes: int = _MAX_BYTES) -> Self:
        """Open the file; create it (mode 0600) and its folders (0700) where they are missing.

        Args:
            path: The SQLite file. `-wal` and `-shm` files appear beside it.
            max_bytes: The largest size of the file; beyond it, events are dropped and counted.

        Raises:
            JournalError: The file or its folder cannot be used; the message has the reason and the remedy.
        """
        database = Database(Path(path), max_bytes=max_bytes)
        database.prepare()
        core = _Core(Path(path), database)
        _watch_forks()
        _OPEN.add(core)
        return cls(core)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: types.TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        counts = self.statistics()
        state = "closed" if self._core.closed else "open"
        return (
            f"Journal({str(self._core.path)!r}, {state}, stored={counts.stored}, pending={counts.pending},"
            f" dropped={counts.dropped})"
        )

    def record(self, event: events.Event, *, durable: bool = False) -> str:
        """Record an event; one whose id is in the file already is skipped.

        Args:
            event: The event. Feedback and violations are always durable.
            durable: Whether to wait until the event is committed and on the disk.

        Returns:
            The event's id. It may not be stored: failures are counted in `statistics()` and logged once.

        Raises:
            ClosedError: The journal is closed.
        """
        writer = self._core.writer
        try:
            row = _row(event)
        except events.EventError as error:
            writer.refuse(str(error))
        else:
            writer.put(row, durable=durable or _always_durable(event))
        return event.id

    def find(
        self,
        *,
        type: str | None = None,  # noqa: A002 - the field of the event that it compares
        function: str | None = None,
        of: OfModule | None = None,
        execution_id: str | None = None,
        since: float | None = None,
        until: float | None = None,
        limit: int = 100,
    ) -> list[events.Event]:
        """Return the events that match all arguments, the newest first, this process's own included.

        Args:
            type: The type of the events, such as `function.execution`.
            function: The payload's `function_name`.
            of: A filter by the payload's `module`.
            execution_id: The payload's `execution_id`.
            since: No events with an earlier timestamp, in seconds since the Unix epoch.
            until: No events with a later timestamp.
            limit: The largest number of events, 1 to 10,000.

        Raises:
            UsageError: The limit is out of range.
            JournalError: The file cannot be read. A row that is no event is skipped and counted.
            ClosedError: The journal is closed.
        """
        if not 1 <= limit <= _MAX_LIMIT:
            raise UsageError(f"limit is {limit}; ask for 1 to {_MAX_LIMIT} events, and page with since=")
        wanted: dict[str, str | float | None] = {
            "type = ?": type,
            "function = ?": function,
            "execution_id = ?": execution_id,
            "timestamp >= ?": since,
            "timestamp <= ?": until,
        }
        if of is not None:
            wanted[of.condition] = of.name
        where = {condition: _storable(value) for condition, value in wanted.items() if value is not None}
        return self._read(self._settled().select(where, limit=limit))

    def get(self, event_id: str) -> events.Event | None:
        """Return the event with that id; None where there is none.

        Raises:
            JournalError: The file cannot be read, or the row holds no event.
            ClosedError: The journal is closed.
        """
        bodies = self._settled().select({"id = ?": _storable(event_id)}, limit=1)
        found = self._read(bodies)
        if bodies and not found:
            raise JournalError(f"the journal {self._core.path} holds no readable event under {event_id!r}")
        return found[0] if found else None

    def count(self) -> int:
        """Return the number of events in the file, those of all processes.

        Raises:
            JournalError: The file cannot be read.
            ClosedError: The journal is closed.
        """
        return self._settled().count()

    def flush(self) -> bool:
        """Wait until all events so far are on the disk; return whether they are.

        Raises:
            ClosedError: The journal is closed.
        """
        if self._core.closed:
            raise ClosedError("the journal is closed; open it again")
        return self._core.writer.flush()

    def statistics(self) -> Statistics:
        """Return this process's counters as a frozen snapshot; also after closing."""
        return self._core.writer.statistics()

    def close(self) -> None:
        """Store waiting events and close the file; calling it again does nothing."""
        if self._finalizer.detach() is not None:
            self._core.close()

    def _settled(self) -> Database:
        self.flush()
        return self._core.database

    def _read(self, bodies: Sequence[bytes]) -> list[events.Event]:
        found = [event for event in map(_event, bodies) if event is not None]
        if len(found) < len(bodies):
            self._core.writer.pass_over(len(bodies) - len(found))
        return found


class _Core:
    """The part of a journal that outlives the `Journal` object until it is closed, and is reset in a forked child."""

    def __init__(self, path: Path, database: Database) -> None:
        self.path = path
        self.database = database
        self.closed = False
        self.writer = Writer(self._insert)

    def close(self) -> None:
        self.closed = True
        _OPEN.discard(self)
        if self.writer.stop():
            self.database.close()

    def after_fork_in_child(self) -> None:
        self.database.after_fork_in_child()
        self.writer = Writer(self._insert)  # the old one's lock may be held for ever, and its rows are the parent's

    def _insert(self, rows: Sequence[Row], synced: bool) -> int:  # noqa: FBT001 - the writer's signature
        return self.database.insert(rows, synced=synced)


_OPEN: weakref.WeakSet[_Core] = weakref.WeakSet()


@functools.cache
def _watch_forks() -> None:
    # Once, and only when there is a journal: importing this module leaves the process as it was.
    on_fork(
        _OPEN,
        _Core.after_fork_in_child,
        before=lambda core: core.database.before_fork(),
        in_parent=lambda core: core.database.after_fork_in_parent(),
    )


def _abandon(core: _Core) -> None:
    """Close a journal that nobody closed before it was collected or the interpreter ended; warn about it."""
    warnings.warn(f"the journal {core.path} was not closed; use `with` or close()", ResourceWarning, stacklevel=2)
    core.close()


def _always_durable(event: events.Event) -> bool:
    if isinstance(event, events.ExecutionEvent):
        return event.payload.outcome == "violation"
    return isinstance(event, events.FeedbackEvent)


def _row(event: events.Event) -> Row:
    body = event.to_json()
    payload = event.payload
    execution = payload.execution_id if isinstance(payload, _OF_ONE_CALL) else None
    texts = (event.id, event.type, payload.function_name, *(() if execution is None else (execution,)))
    if not all(isinstance(text, str) for text in texts):
        raise events.EventError(f"event {event.id!r} has an id, a function or an execution that is not text")
    return (
        _clean(event.id),
        event.type,
        _clean(payload.function_name),
        None if execution is None else _clean(execution),
        event.timestamp,
        body,
    )


def _storable(value: str | float) -> str | float:
    return _clean(value) if isinstance(value, str) else value


def _clean(text: str) -> str:
    """Replace lone surrogates, which have no UTF-8, as the event's own JSON does."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def _event(body: bytes) -> events.Event | None:
    try:
        return events.from_json(body)
    except events.EventError:
        return None
