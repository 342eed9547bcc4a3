"""The journal between processes: killed writers, many writers, forks."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
from contextlib import closing
from pathlib import Path

import pytest

from poet_engine import events
from poet_engine.journal import Journal

PRELUDE = """
import os, signal, sys, threading, time
from pathlib import Path
from poet_engine import events
from poet_engine.journal import Journal

factory = events.EventFactory(lambda: 1.7e9, os.urandom, "test", "tests", "1")

def execution():
    metrics = events.ExecutionMetrics(duration_ms=1.0, memory_mb=0.0, cpu_percent=0.0)
    return factory.execution(events.ExecutionPayload(
        function_name="f", version="v1", execution_id=factory.new_id(), start_time=1.0, end_time=2.0,
        status="success", metrics=metrics, evidence="e" * 500))

def say(*words):
    os.write(1, (" ".join(map(str, words)) + "\\n").encode())

path = Path(sys.argv[1])
"""


def script(body: str, path: Path) -> list[str]:
    return [sys.executable, "-c", PRELUDE + textwrap.dedent(body), str(path)]


def ids_in(path: Path) -> set[str]:
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return {found for (found,) in connection.execute("SELECT id FROM event")}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "events.db"


@pytest.mark.parametrize("after", [1, 40, 333])
def test_a_killed_process_loses_no_durable_event_and_damages_nothing(path: Path, after: int) -> None:
    """Killed from outside while it records as fast as it can; what it was told is stored, is stored."""
    body = """
    journal = Journal.open(path)
    while True:
        journal.record(execution())
        say(journal.record(execution(), durable=True))
    """
    with subprocess.Popen(script(body, path), stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        promised = [process.stdout.readline().decode().strip() for _ in range(after)]
        process.kill()
        promised += [line for line in process.stdout.read().decode().split("\n")[:-1] if line]
    assert process.returncode == -signal.SIGKILL
    assert len(promised) >= after
    assert set(promised) <= ids_in(path)
    with Journal.open(path) as journal:  # and it goes on
        assert journal.count() >= 2 * len(promised) - 1


@pytest.mark.parametrize("between", ["pass", "time.sleep(0.001)", "os.stat('/')"])
def test_a_killed_process_loses_only_the_last_moments(path: Path, between: str) -> None:
    """Events older than the window are stored, even when the host takes the interpreter for itself.

    The window is 10 ms; the bound here is wider, because the kernel may leave a process of a loaded machine waiting.
    """
    body = f"""
    journal = Journal.open(path)
    until = time.monotonic() + 0.4
    while time.monotonic() < until:
        event = execution()
        journal.record(event)
        say(event.id, time.monotonic())
        pause = time.monotonic() + 0.001
        while time.monotonic() < pause:
            {between}
    say("end", time.monotonic())
    os.kill(os.getpid(), signal.SIGKILL)
    """
    ended = subprocess.run(script(body, path), capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    *lines, last = (line.split() for line in ended.stdout.splitlines())
    stored = ids_in(path)
    lost = [float(last[1]) - float(at) for found, at in lines if found not in stored]
    assert max(lost, default=0.0) < 0.2
    assert len(stored) > 50


def test_several_processes_write_one_file(path: Path) -> None:
    """They even make it at the same moment."""
    body = """
    with Journal.open(path) as journal:
        for _ in range(300):
            journal.record(execution())
        journal.flush()
        counts = journal.statistics()
    say(counts.stored, counts.dropped)
    """
    processes = [subprocess.Popen(script(body, path), stdout=subprocess.PIPE, text=True) for _ in range(4)]
    answers = [process.communicate(timeout=60)[0].strip() for process in processes]
    assert answers == ["300 0"] * 4
    assert len(ids_in(path)) == 1200


def test_a_forked_child_records_on_its_own(path: Path) -> None:
    """Neither side hangs or damages the file, although the parent's thread was at work when it forked."""
    body = """
    journal = Journal.open(path)
    stop = threading.Event()
    def busy():
        while not stop.is_set():
            journal.record(execution())
            stop.wait(0.0005)
    threads = [threading.Thread(target=busy) for _ in range(2)]
    for thread in threads: thread.start()
    children = []
    for _ in range(8):
        child = os.fork()
        if child == 0:
            event = execution()
            journal.record(event, durable=True)
            found = journal.get(event.id) == event
            journal.close()
            say("child", event.id, found)
            os._exit(0)
        children.append(child)
        journal.record(execution(), durable=True)
    codes = [os.waitpid(child, 0)[1] for child in children]
    stop.set()
    for thread in threads: thread.join()
    journal.close()
    say("parent", sum(codes), journal.statistics().dropped, journal.statistics().failures)
    """
    command = [sys.executable, "-W", "ignore::DeprecationWarning", *script(body, path)[1:]]  # 3.12 warns of the threads
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 0, ended.stderr
    lines = [line.split() for line in ended.stdout.splitlines()]
    assert lines[-1] == ["parent", "0", "0", "0"]
    children = [words for words in lines if words[0] == "child"]
    assert len(children) == 8
    assert all(words[2] == "True" for words in children)
    assert {words[1] for words in children} <= ids_in(path)


def test_a_child_of_a_fork_in_mid_transaction_is_refused_and_does_not_hang(path: Path) -> None:
    body = """
    from poet_engine.errors import ClosedError
    journal = Journal.open(path)
    journal.record(execution(), durable=True)
    with journal._core.database._lock:  # a transaction that does not end
        child = os.fork()
        if child == 0:
            journal.record(execution(), durable=True)
            try:
                journal.count()
            except ClosedError as error:
                say(error)
            say(journal.statistics().failures > 0)
            os._exit(0)
        os.waitpid(child, 0)
    say(journal.count())
    journal.close()
    """
    ended = subprocess.run(script(body, path), capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 0, ended.stderr
    refused, failed, count = ended.stdout.splitlines()
    assert "after the fork" in refused
    assert (failed, count) == ("True", "1")


def test_an_interpreter_that_ends_without_closing_stores_its_events(path: Path) -> None:
    body = """
    journal = Journal.open(path)
    say(journal.record(execution()))
    """
    ended = subprocess.run(script(body, path), capture_output=True, text=True, timeout=60, check=True)
    assert ids_in(path) == {ended.stdout.strip()}


def test_a_busy_file_delays_events_and_not_callers(path: Path) -> None:
    """Another process holds the write lock for longer than SQLite waits; afterwards everything is there."""
    body = """
    import sqlite3
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    say("held")
    sys.stdin.readline()
    """
    factory = events.EventFactory(lambda: 1.7e9, os.urandom, "test", "tests", "1")
    payload = events.UpdatePayload(function_name="f", new_version="v1", reason=json.dumps("why"))
    with Journal.open(path) as journal:
        holder = subprocess.Popen(script(body, path), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        recorded = [journal.record(factory.update(payload)) for _ in range(100)]
        assert not journal.flush()
        assert journal.statistics().failures == 1
        assert "another process" in str(journal.statistics().last_error)
        holder.communicate("\n", timeout=30)
        assert journal.flush()
        assert journal.statistics().dropped == 0
    assert ids_in(path) == set(recorded)
