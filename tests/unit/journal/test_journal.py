"""The journal in one process: what is kept, what is found, and what a broken file does."""

import contextlib
import dataclasses
import logging
import os
import sqlite3
import stat
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from poet_engine import events
from poet_engine.errors import ClosedError, UsageError
from poet_engine.journal import Journal, JournalError, Statistics, database
from poet_engine.journal import journal as journals
from poet_engine.journal.database import Row
from poet_engine.journal.writer import Writer

FACTORY = events.EventFactory(lambda: 1_700_000_000.0, os.urandom, "test", "tests", "1")


def execution(function: str = "f", **changes: str | float) -> events.ExecutionEvent:
    payload = events.ExecutionPayload(
        function_name=function,
        version="v1",
        execution_id=FACTORY.new_id(),
        start_time=1.0,
        end_time=2.0,
        status="success",
        metrics=events.ExecutionMetrics(duration_ms=1.0, memory_mb=0.0, cpu_percent=0.0),
    )
    return FACTORY.execution(dataclasses.replace(payload, **changes))  # type: ignore[arg-type]  # each test names fields of the right type


def feedback() -> events.FeedbackEvent:
    return FACTORY.feedback(
        events.FeedbackPayload(function_name="f", version="v1", execution_id="e", feedback_type="user", rating=1.0)
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "made" / "on demand" / "events.db"


@pytest.fixture
def journal(path: Path) -> Iterator[Journal]:
    with Journal.open(path) as opened:
        yield opened


class TestKeeping:
    def test_what_is_recorded_is_found_again(self, journal: Journal) -> None:
        event = execution()
        assert journal.record(event) == event.id
        assert journal.get(event.id) == event
        assert journal.find() == [event]
        assert journal.count() == 1

    def test_it_is_still_there_after_closing(self, path: Path) -> None:
        """Closing stores what waits, without any flush."""
        recorded = [execution() for _ in range(500)]
        with Journal.open(path) as first:
            for event in recorded:
                first.record(event)
        with Journal.open(path) as second:
            assert second.find(limit=1000) == recorded[::-1]

    def test_the_same_id_is_kept_once(self, journal: Journal) -> None:
        event = execution()
        for _ in range(3):
            journal.record(event)
        journal.record(execution())
        assert journal.count() == 2
        assert journal.statistics().duplicates == 2
        assert journal.statistics().stored == 2

    def test_other_people_cannot_read_it(self, journal: Journal, path: Path) -> None:
        journal.record(execution(), durable=True)
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        assert {stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()} == {0o600}

    @pytest.mark.parametrize("event", [feedback(), execution(outcome="violation")])
    def test_feedback_and_violations_are_stored_when_record_returns(
        self, journal: Journal, path: Path, event: events.Event
    ) -> None:
        journal.record(event)
        rows = sqlite3.connect(path)
        try:
            assert rows.execute("SELECT id FROM event").fetchall() == [(event.id,)]
        finally:
            rows.close()

    def test_threads_may_record_at_once(self, journal: Journal) -> None:
        batches = [[execution() for _ in range(50)] for _ in range(8)]
        threads = [threading.Thread(target=lambda b=b: [journal.record(e) for e in b]) for b in batches]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert {e.id for e in journal.find(limit=1000)} == {e.id for batch in batches for e in batch}

    def test_many_events_share_a_transaction(self, journal: Journal) -> None:
        for _ in range(3000):
            journal.record(execution())
        assert journal.flush()
        counts = journal.statistics()
        assert counts.stored == 3000
        assert counts.commits < 1000
        assert counts.largest_batch > 64

    def test_text_without_utf8_is_kept_readable(self, journal: Journal) -> None:
        event = execution("bad\ud800name")
        journal.record(event)
        assert [e.payload.function_name for e in journal.find(function="bad\ud800name")] == ["bad?name"]

    def test_an_event_without_a_form_is_counted_and_raises_nothing(
        self, journal: Journal, caplog: pytest.LogCaptureFixture
    ) -> None:
        journal.record(execution(evidence="x" * events.MAX_BYTES))
        journal.record(execution(evidence="x" * events.MAX_BYTES))
        assert journal.statistics().refused == 2
        assert len(caplog.records) == 1
        assert journal.count() == 0


class TestFinding:
    def test_each_filter_narrows(self, journal: Journal) -> None:
        early = dataclasses.replace(execution("a"), timestamp=10.0)
        late = dataclasses.replace(execution("a"), timestamp=20.0)
        other = execution("b")
        opinion = feedback()
        for event in (early, late, other, opinion):
            journal.record(event)
        assert journal.find(function="a") == [late, early]
        assert journal.find(type="function.feedback") == [opinion]
        assert journal.find(execution_id=other.payload.execution_id) == [other]
        assert journal.find(function="a", since=15.0) == [late]
        assert journal.find(limit=2) == [opinion, other]
        assert journal.find(function="a' OR 1=1 --") == []
        assert journal.get("unknown") is None

    @pytest.mark.parametrize("limit", [0, -1, 10_001])
    def test_an_impossible_limit_is_wrong_use(self, journal: Journal, limit: int) -> None:
        with pytest.raises(UsageError, match="limit"):
            journal.find(limit=limit)

    def test_a_foreign_row_spoils_no_other(self, journal: Journal, path: Path) -> None:
        event = execution()
        journal.record(event, durable=True)
        foreign = sqlite3.connect(path)
        try:
            for number, body in enumerate([b"\xff\xfe", b"{}", b"[" * 10_000, b"x" * 1_500_000]):
                row = (str(number), "t", "f", "e", 1.0, body)
                foreign.execute("INSERT INTO event VALUES (NULL, ?, ?, ?, ?, ?, ?)", row)
            foreign.commit()
        finally:
            foreign.close()
        assert journal.find() == [event]
        assert journal.statistics().unreadable == 4
        with pytest.raises(JournalError, match="no readable event"):
            journal.get("0")

    def test_a_row_too_large_for_memory_is_not_read(self, journal: Journal, path: Path) -> None:
        journal.flush()
        foreign = sqlite3.connect(path)
        try:
            foreign.execute("INSERT INTO event VALUES (NULL, 'i', 't', 'f', 'e', 1.0, zeroblob(50000000))")
            foreign.commit()
        finally:
            foreign.close()
        with pytest.raises(JournalError, match="larger than any event"):
            journal.find()


class TestBrokenFiles:
    def test_no_database_at_all(self, tmp_path: Path) -> None:
        path = tmp_path / "events.db"
        path.write_bytes(b"these are no events\n" * 1000)
        with pytest.raises(JournalError, match="not a database"):
            Journal.open(path)
        assert path.read_bytes().startswith(b"these")

    def test_another_programs_database_is_left_alone(self, tmp_path: Path) -> None:
        path = tmp_path / "events.db"
        other = sqlite3.connect(path)
        other.execute("CREATE TABLE theirs (x)")
        other.close()
        with pytest.raises(JournalError, match="another program"):
            Journal.open(path)

    def test_an_older_schema_is_brought_up_to_date(self, path: Path) -> None:
        """What the first release wrote is read, and what it did not know is kept beside it."""
        path.parent.mkdir(parents=True)
        with contextlib.closing(sqlite3.connect(path)) as older, older:
            for step in database._MIGRATIONS[0]:
                older.execute(step)
            older.execute(f"PRAGMA application_id = {database._APPLICATION_ID}")
            older.execute("UPDATE schema_version SET version = 1")
            older.execute(f"{database._INSERT}{database._ROW}", journals._row(execution("old")))
        with Journal.open(path) as journal:
            journal.record(execution("new"))
            assert [event.payload.function_name for event in journal.find()] == ["new", "old"]

    def test_a_file_of_before_recordings_gets_the_number_that_older_programs_refuse(self, path: Path) -> None:
        """They know two schemas, and would pass over recordings without a word."""
        path.parent.mkdir(parents=True)
        with contextlib.closing(sqlite3.connect(path)) as older, older:
            for step in (*database._MIGRATIONS[0], *database._MIGRATIONS[1]):
                older.execute(step)
            older.execute(f"PRAGMA application_id = {database._APPLICATION_ID}")
            older.execute("UPDATE schema_version SET version = 2")
        Journal.open(path).close()
        with contextlib.closing(sqlite3.connect(path)) as newer:
            assert newer.execute("SELECT version FROM schema_version").fetchall() == [(3,)]

    def test_a_newer_schema_is_not_touched(self, path: Path) -> None:
        Journal.open(path).close()
        newer = sqlite3.connect(path)
        newer.execute("UPDATE schema_version SET version = 99")
        newer.commit()
        newer.close()
        with pytest.raises(JournalError, match="upgrade"):
            Journal.open(path)

    def test_a_foreign_trigger_does_not_run(self, path: Path) -> None:
        Journal.open(path).close()
        foreign = sqlite3.connect(path)
        foreign.execute("CREATE TRIGGER bad AFTER INSERT ON event BEGIN DELETE FROM event; END")
        foreign.commit()
        foreign.close()
        with pytest.raises(JournalError, match="not ours"):
            Journal.open(path)

    def test_a_damaged_page_is_reported(self, path: Path) -> None:
        with Journal.open(path) as journal:
            for _ in range(500):
                journal.record(execution())
        data = bytearray(path.read_bytes())
        data[4096 * 3 :] = os.urandom(len(data) - 4096 * 3)
        path.write_bytes(data)
        with Journal.open(path) as journal, pytest.raises(JournalError, match="damaged"):
            journal.find(limit=1000)

    @pytest.mark.parametrize("kind", ["folder", "fifo", "symlink"])
    def test_what_is_no_plain_file_is_not_opened(self, tmp_path: Path, kind: str) -> None:
        path = tmp_path / "events.db"
        if kind == "folder":
            path.mkdir()
        elif kind == "fifo":
            os.mkfifo(path)
        else:
            path.symlink_to(tmp_path / "target")
        with pytest.raises(JournalError, match="not a plain file"):
            Journal.open(path)
        assert not (tmp_path / "target").exists()

    @pytest.mark.parametrize("path", [Path("/proc/events.db"), Path("/dev/null/events.db"), Path("a\0b")])
    def test_a_place_where_nothing_can_be_made(self, path: Path) -> None:
        with pytest.raises(JournalError, match="cannot be used"):
            Journal.open(path)

    def test_a_full_file_never_raises_into_record(self, path: Path, caplog: pytest.LogCaptureFixture) -> None:
        """The events wait for room, the log says so once, and `flush` says that they are not stored."""
        big = "x" * 100_000
        with Journal.open(path, max_bytes=300_000) as journal:
            for _ in range(5):
                journal.record(execution(evidence=big), durable=True)
            assert not journal.flush()
            counts = journal.statistics()
            assert counts.failures >= 1
            assert counts.pending + counts.stored == 5
            assert "make room" in str(counts.last_error)
            assert len(caplog.records) == 1
            waiting = counts.pending
        assert journal.statistics().dropped == waiting
        assert "lost" in caplog.records[-1].message

    def test_a_file_removed_while_open_is_made_again(self, journal: Journal, path: Path) -> None:
        """Events recorded after the removal are in the new file, not in one that nobody can find."""
        journal.record(execution(), durable=True)
        for file in path.parent.iterdir():
            file.unlink()
        event = execution()
        journal.record(event)
        journal.flush()  # fails, and is tried again into the new file
        assert journal.flush()
        assert journal.find() == [event]


class TestLife:
    def test_a_closed_journal_says_so(self, path: Path) -> None:
        journal = Journal.open(path)
        journal.close()
        journal.close()
        assert "closed" in repr(journal)
        for use in (journal.count, journal.flush, journal.find, lambda: journal.record(execution())):
            with pytest.raises(ClosedError, match="closed"):
                use()

    def test_a_forgotten_journal_warns_and_stores(self, path: Path) -> None:
        event = execution()
        forgotten = [Journal.open(path)]
        forgotten[0].record(event)
        with pytest.warns(ResourceWarning, match="not closed"):
            forgotten.clear()
        with Journal.open(path) as again:
            assert again.find() == [event]

    def test_the_thread_ends_with_the_journal(self, path: Path) -> None:
        with Journal.open(path) as journal:
            journal.record(execution())
            assert "poet-journal" in {thread.name for thread in threading.enumerate()}
        assert "poet-journal" not in {thread.name for thread in threading.enumerate()}

    def test_two_journals_of_one_file(self, path: Path) -> None:
        with Journal.open(path) as one, Journal.open(path) as two:
            one.record(execution(), durable=True)
            two.record(execution(), durable=True)
            assert one.count() == two.count() == 2

    def test_repr_has_live_counts(self, journal: Journal) -> None:
        journal.record(execution(), durable=True)
        assert "open, stored=1, pending=0, dropped=0" in repr(journal)


class TestWriter:
    """The queue alone, with an insert that the test holds in its hand."""

    ROW: Row = ("i", "t", "f", None, 1.0, "body")

    def test_a_full_queue_drops_the_newest_and_counts(self, caplog: pytest.LogCaptureFixture) -> None:
        gate = threading.Event()

        def insert(rows: object, synced: object) -> int:
            del rows, synced
            gate.wait(10)
            return 1

        writer = Writer(insert, capacity=3)
        assert [writer.put(self.ROW, durable=False) for _ in range(5)] == [True, True, True, False, False]
        gate.set()
        writer.stop()
        assert writer.statistics().dropped == 2
        assert [record.levelno for record in caplog.records] == [logging.WARNING]

    def test_a_bug_in_the_insert_leaves_no_caller_waiting(self) -> None:
        def insert(rows: object, synced: object) -> int:
            raise ZeroDivisionError(rows, synced)

        writer = Writer(insert)
        assert not writer.put(self.ROW, durable=True)
        assert not writer.flush()
        writer.stop()
        assert (writer.statistics().dropped, writer.statistics().pending) == (1, 0)

    def test_only_durable_rows_ask_for_a_synced_commit(self) -> None:
        asked: list[bool] = []

        def insert(rows: Sequence[Row], synced: bool) -> int:  # noqa: FBT001 - the signature that the writer calls
            asked.append(synced)
            return len(rows)

        writer = Writer(insert)
        writer.put(self.ROW, durable=False)
        writer.stop()
        assert asked == [False]
        writer = Writer(insert)
        assert writer.put(self.ROW, durable=True)
        writer.stop()
        assert asked == [False, True]

    def test_a_new_writer_has_counted_nothing(self) -> None:
        assert Writer(lambda rows, _: len(rows)).statistics() == Statistics()
