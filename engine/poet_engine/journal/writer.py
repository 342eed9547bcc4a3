"""Group commit: callers queue rows and go on, and one thread commits the rows that have gathered."""

import dataclasses
import itertools
import logging
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence

from poet_engine.errors import ClosedError
from poet_engine.journal.database import Row

_log = logging.getLogger(__name__)

_WINDOW_S = 0.004  # gathering; the promise of 10 ms leaves the rest to the interpreter lock (5 ms) and the commit
_LATE_S = 0.006  # a row that waits longer shows that the thread is starved
_YIELD_S = 0.001  # the pause of a caller in that case
_QUIET = 50  # windows without a row, after which the thread sleeps until it is woken
_BATCH = 1000  # rows in one transaction
_CAPACITY = 20_000  # rows that wait, at most
_CAPACITY_BYTES = 64 << 20  # and their bodies together, in characters
_RETRY_S = 0.5  # between attempts while the disk is full, say
_PATIENCE_S = 10.0  # the longest wait of a caller for a commit; SQLite itself gives up after 2 s


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Statistics:
    """Counters of a journal in this process since it was opened (in a forked child: since the fork).

    Attributes:
        recorded: Events accepted.
        stored: Accepted events that this process committed.
        duplicates: Accepted events whose id was in the file already.
        pending: Accepted events that wait.
        dropped: Events lost: the queue was full, or the file could not be written until the end.
        refused: Events that have no JSON form or are too large.
        unreadable: Rows that `find` skipped because they are no event.
        failures: Commits that failed; their events wait for the next attempt.
        commits: Transactions committed.
        largest_batch: The most events in one transaction.
        last_error: The text of the last failure.
    """

    recorded: int = 0
    stored: int = 0
    duplicates: int = 0
    pending: int = 0
    dropped: int = 0
    refused: int = 0
    unreadable: int = 0
    failures: int = 0
    commits: int = 0
    largest_batch: int = 0
    last_error: str | None = None


class Writer:
    """A bounded queue and the thread that empties it; the thread starts with the first row.

    Rows are numbered as they come and settled in that order, so "is my row stored" is a comparison of two numbers.

    Args:
        insert: Commits rows; its second argument is whether they must be synced to the disk. Returns how many were new.
        capacity: The largest number of waiting rows.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        insert: Callable[[Sequence[Row], bool], int],
        *,
        capacity: int = _CAPACITY,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._insert = insert
        self._clock = clock
        self._capacity = capacity
        self._lock = threading.Lock()
        self._work = threading.Condition(self._lock)
        self._done = threading.Condition(self._lock)
        self._thread: threading.Thread | None = None
        self._queue: deque[Row] = deque()
        self._queued_size = 0
        self._urgent = 0  # a caller waits for the rows up to this number
        self._accepted = 0  # the number of the newest row
        self._settled = 0  # stored, or known already, up to this number
        self._oldest: float | None = None  # when the first row came of those that no commit has taken yet
        self._dozing = False
        self._failing = False
        self._stopping = False
        self._counts: Counter[str] = Counter()
        self._largest_batch = 0
        self._last_error: str | None = None

    def put(self, row: Row, *, durable: bool) -> bool:
        """Queue a row.

        Args:
            row: The row to store.
            durable: Whether to wait for the commit, at most 10 s.

        Returns:
            Whether the row was accepted and, if `durable`, stored.

        Raises:
            ClosedError: The writer was stopped.
        """
        with self._lock:
            if self._stopping:
                raise ClosedError("the journal is closed; open it again to record events")
            if len(self._queue) >= self._capacity or self._queued_size >= _CAPACITY_BYTES:
                self._lose(1, "events come faster than they can be stored and the queue is full")
                return False
            now = self._clock()
            if self._oldest is None:
                self._oldest = now
            self._queue.append(row)
            self._queued_size += len(row[-1])
            self._accepted += 1
            self._start()
            if durable:
                # While nothing can be stored, waiting for the next attempt would only hold the caller up.
                return not self._failing and self._wait_for(self._accepted)
            # While rows come, the thread polls by itself: waking it would cost the caller more than all the rest.
            if self._dozing or len(self._queue) >= _BATCH:
                self._work.notify()
            if now - self._oldest > _LATE_S and not self._failing:
                # A host that does a little of everything takes the interpreter lock back before the thread wakes up,
                # for 100 ms and more. Here it is released long enough.
                self._done.wait(_YIELD_S)
            return True

    def refuse(self, reason: str) -> None:
        """Count an event that cannot be stored, as it has no form."""
        with self._lock:
            if not self._counts["refused"]:
                _log.warning("an event was not recorded: %s", reason)
            self._counts["refused"] += 1
            self._last_error = reason

    def pass_over(self, rows: int) -> None:
        """Count stored rows that are no events."""
        with self._lock:
            self._counts["unreadable"] += rows

    def flush(self) -> bool:
        """Wait, at most 10 s, until all accepted rows are stored; return whether they are."""
        with self._lock:
            return self._settled >= self._accepted or self._wait_for(self._accepted)

    def stop(self) -> bool:
        """Store waiting rows, with one attempt, and end the thread; rows that cannot be stored are counted as dropped.

        Returns:
            Whether the thread has ended; False when the disk does not answer for 10 s.
        """
        with self._lock:
            self._stopping = True
            self._work.notify()
            thread = self._thread
        if thread is None:
            self._run()
            return True
        thread.join(_PATIENCE_S)
        return not thread.is_alive()

    def statistics(self) -> Statistics:
        """Return the counters as a frozen snapshot."""
        with self._lock:
            counts = self._counts
            return Statistics(
                recorded=self._accepted,
                stored=counts["stored"],
                duplicates=counts["duplicates"],
                pending=len(self._queue),
                dropped=counts["dropped"],
                refused=counts["refused"],
                unreadable=counts["unreadable"],
                failures=counts["failures"],
                commits=counts["commits"],
                largest_batch=self._largest_batch,
                last_error=self._last_error,
            )

    def _start(self) -> None:
        if self._thread is not None:
            return
        thread = threading.Thread(target=self._run, name="poet-journal", daemon=True)
        try:
            thread.start()
        except RuntimeError as error:  # no more tasks on this machine; the next row tries again, and so does `stop`
            self._fail(f"the journal's thread cannot be started: {error}")
        else:
            self._thread = thread

    def _wait_for(self, number: int) -> bool:
        self._urgent = max(self._urgent, number)
        self._work.notify()
        failures = self._counts["failures"]
        if self._thread is not None:
            self._done.wait_for(lambda: self._settled >= number or self._counts["failures"] > failures, _PATIENCE_S)
        return self._settled >= number

    def _run(self) -> None:
        while True:
            with self._lock:
                rows = self._gather()
                synced = self._urgent > self._settled
                self._oldest = None
            if not rows:
                return
            try:
                new, reason = self._insert(rows, synced), ""
            except Exception as error:  # noqa: BLE001 - callers wait for this thread: it must go on after any error
                new, reason = 0, str(error) or type(error).__name__
            with self._lock:
                if reason:
                    self._fail(reason)
                else:
                    self._settle(len(rows), new)
                self._done.notify_all()

    def _gather(self) -> list[Row]:
        if self._thread is not None and not self._stopping:
            self._work.wait_for(self._must_hurry, _RETRY_S if self._failing else _WINDOW_S)
        quiet = 0
        while not self._queue and not self._stopping:
            self._dozing = quiet >= _QUIET
            self._work.wait(None if self._dozing else _WINDOW_S)
            quiet += 1
        self._dozing = False
        # They stay in the queue until they are stored, so that the bound counts them.
        return list(itertools.islice(self._queue, _BATCH))

    def _must_hurry(self) -> bool:
        if self._failing:
            return self._stopping
        return self._stopping or self._urgent > self._settled or len(self._queue) >= _BATCH

    def _settle(self, rows: int, new: int) -> None:
        for _ in range(rows):
            self._queued_size -= len(self._queue.popleft()[-1])
        self._settled += rows
        self._failing = False
        self._counts.update(stored=new, duplicates=rows - new, commits=1)
        self._largest_batch = max(self._largest_batch, rows)

    def _fail(self, reason: str) -> None:
        if not self._failing:  # once, and again only after a success
            _log.warning("events cannot be stored, and wait: %s", reason)
        self._failing = True
        self._counts["failures"] += 1
        self._last_error = reason
        if self._stopping:
            self._lose(len(self._queue), reason)
            self._queue.clear()

    def _lose(self, rows: int, reason: str) -> None:
        if rows and not self._counts["dropped"]:
            _log.warning("events are lost: %s", reason)
        self._counts["dropped"] += rows
        self._last_error = reason
