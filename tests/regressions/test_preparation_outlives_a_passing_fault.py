"""A passing fault of preparation does not outlive itself, and no call waits for it beyond its deadline."""

import asyncio
import contextlib
import dataclasses
import errno
import fcntl
import itertools
import os
import sqlite3
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.unit.decorator import conftest as workshops
from tests.unit.decorator.conftest import DETECTOR, Detector, LentGate, Workshop

from poet_engine.decorator.preparation import Preparation
from poet_engine.errors import InfraError, SandboxUnavailableError
from poet_engine.gate import ScanReport
from poet_engine.outcome import Blame, Effect, Finding, Outcome, Severity, Status
from poet_engine.policy import Policy
from poet_engine.versions import files

NAIVE = {"drift_detected": False, "score": 0.0}
SHORT = DETECTOR.replace('"ml_monitoring"', '"ml_monitoring", timeout="1s"')
LONGEST_PAUSE = 301.0
PATIENCE = 60  # seconds until a test gives up


def served_after_a_while(workshop: Workshop, detect: Detector) -> str:
    """Call until a version answers, with the pause over each time."""
    ends = time.monotonic() + PATIENCE
    while (execution := detect.poet.call([1.0], [2.0])).served_by == "original" and time.monotonic() < ends:
        workshop.clock.advance(LONGEST_PAUSE)
    return f"{execution.served_by} {execution.version}"


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the store's lock as another process would."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


@pytest.mark.parametrize("kind", ["", "async "])
def test_a_call_does_not_wait_for_a_lock_beyond_its_deadline(workshop: Workshop, tmp_path: Path, kind: str) -> None:
    """The original answers within a second; when the lock is free, the version does."""
    detect = workshop.load(SHORT.replace("def detect_drift", f"{kind}def detect_drift"))

    def call() -> object:
        answer = detect([1.0], [2.0])
        return asyncio.run(answer) if asyncio.iscoroutine(answer) else answer

    with locked(tmp_path / ".poet" / "detect_drift" / ".lock"):
        for _ in range(3):
            began = time.monotonic()
            assert call() == NAIVE
            assert time.monotonic() - began < 1.0
    ends = time.monotonic() + PATIENCE
    while call() == NAIVE and time.monotonic() < ends:
        workshop.clock.advance(LONGEST_PAUSE)
    assert call() == {"drift_detected": True}
    assert [version.name for version in detect.poet.versions()] == ["v1"]


def test_a_lock_is_said_once_with_the_remedy_first(
    workshop: Workshop, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Without a timeout of its own a call waits until the store gives the lock up, and then no more."""
    detect = workshop.load()
    with locked(tmp_path / ".poet" / "detect_drift" / ".lock"):
        execution = detect.poet.call([1.0], [2.0])
        assert execution.served_by == "original"
        began = time.monotonic()
        detect([1.0], [2.0])
        assert time.monotonic() - began < 0.4
    [said] = [record.getMessage() for record in caplog.records]
    assert "fuser" in said.partition(". ")[0]
    assert "tried again by itself" in said
    assert served_after_a_while(workshop, detect) == "generated v1"


Break = Callable[[Workshop, pytest.MonkeyPatch], Callable[[], None]]


def _no_sandbox(workshop: Workshop, _patch: pytest.MonkeyPatch) -> Callable[[], None]:
    workshop.refuses = SandboxUnavailableError("no Docker daemon answers there; start it")
    return lambda: setattr(workshop, "refuses", None)


def _no_scan_worker(workshop: Workshop, _patch: pytest.MonkeyPatch) -> Callable[[], None]:
    workshop.refuses = InfraError("the scan worker cannot be started: too many processes; end some")
    return lambda: setattr(workshop, "refuses", None)


def _full_disk(_workshop: Workshop, patch: pytest.MonkeyPatch) -> Callable[[], None]:
    def write(name: str, *_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), name)

    patch.setattr(files, "write", write)
    return patch.undo


def _read_only(_workshop: Workshop, patch: pytest.MonkeyPatch) -> Callable[[], None]:
    def make(name: str, *_: object, **__: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), name)

    patch.setattr(files, "make_private_folder", make)
    return patch.undo


def _out_of_memory(workshop: Workshop, _patch: pytest.MonkeyPatch) -> Callable[[], None]:
    workshop.refuses = MemoryError()
    return lambda: setattr(workshop, "refuses", None)


def _lost_lane(_workshop: Workshop, patch: pytest.MonkeyPatch) -> Callable[[], None]:
    lost = Outcome(status=Status.INFRA, cause="lane_lost", blame=Blame.ENGINE)
    patch.setattr(workshops, "run_here", lambda _job: lost)
    return patch.undo


class _DyingGate(LentGate):
    """Its worker is killed during each scan."""

    def scan(self, source: str, policy: Policy, package: str = "") -> ScanReport:
        report = super().scan(source, policy, package)
        finding = Finding(
            rule="POET100",
            severity=Severity.HIGH,
            message="The source was not scanned to the end",
            effect=Effect.ENFORCE,
        )
        return dataclasses.replace(report, findings=(finding,), cause="too_large")


def _killed_scan(workshop: Workshop, _patch: pytest.MonkeyPatch) -> Callable[[], None]:
    good, dying = workshop.gate, _DyingGate()
    workshop.gate = dying

    def mend() -> None:
        workshop.gate = good
        for engine in workshop.engines:
            engine._gate = good
        dying.end()

    return mend


@pytest.mark.parametrize(
    "broken",
    [_no_sandbox, _no_scan_worker, _full_disk, _read_only, _out_of_memory, _lost_lane, _killed_scan],
    ids=lambda one: one.__name__.strip("_"),
)
def test_when_the_fault_has_passed_the_version_answers(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, broken: Break
) -> None:
    """Until then the original does, and it is said once."""
    detect = workshop.load()
    with monkeypatch.context() as patch:
        mend = broken(workshop, patch)
        for _ in range(3):
            assert detect([1.0], [2.0]) == NAIVE
            workshop.clock.advance(LONGEST_PAUSE)
        mend()
    assert len([one for one in caplog.records if "is served by the original" in one.getMessage()]) == 1
    assert served_after_a_while(workshop, detect) == "generated v1"


def test_what_cannot_pass_is_not_tried_again(workshop: Workshop) -> None:
    """The control: a function that computes, and a name that is no domain."""
    text = DETECTOR.replace('"drift_detected": False', '"drift_detected": len(current) > len(reference)')
    for broken in (text, DETECTOR.replace("ml_monitoring", "weather")):
        detect = workshop.load(broken)
        detect([1.0], [2.0])
        before = detect.poet.prepare()
        workshop.clock.advance(LONGEST_PAUSE)
        assert detect.poet.prepare() is before


def test_the_pauses_grow(workshop: Workshop) -> None:
    """1 s after the first failure, then twice as long each time, up to five minutes."""
    times: list[float] = []

    def make() -> int:
        times.append(workshop.clock.now)
        return 0

    preparation = Preparation(make, passing=lambda _made: True, usable=lambda _made: True, clock=workshop.clock)
    for _ in range(6000):
        preparation.get(None)
        workshop.clock.advance(0.25)
    pauses = [after - before for before, after in itertools.pairwise(times)]
    assert pauses[:9] == [1, 2, 4, 8, 16, 32, 64, 128, 256]
    assert set(pauses[9:]) == {300}


def test_a_locked_journal_costs_events_and_no_time(workshop: Workshop, tmp_path: Path) -> None:
    """The version answers within the deadline; when the journal is free again, calls leave events again."""
    journal = tmp_path / ".poet" / "events" / "journal.db"
    journal.parent.mkdir(parents=True)
    text = DETECTOR.replace('"ml_monitoring"', '"ml_monitoring", timeout="2s"')
    workshop.load(text).poet.prepare()
    detect = workshop.load(text)
    with contextlib.closing(sqlite3.connect(journal, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        began = time.monotonic()
        execution = detect.poet.call([1.0], [2.0])
        assert time.monotonic() - began < 2.0
        assert (execution.served_by, execution.event_id) == ("generated", "")
    ends = time.monotonic() + PATIENCE
    while not (execution := detect.poet.call([1.0], [2.0])).event_id and time.monotonic() < ends:
        workshop.clock.advance(LONGEST_PAUSE)
    assert detect.poet.event(execution.event_id) is not None


PROGRAM = """
import os, sys, time
sys.path.insert(0, {folder!r})
{before}
import monitoring
first = monitoring.detect_drift.poet.call([1.0] * 30, [2.0] * 30)
{after}
ends = time.monotonic() + 60
while True:
    last = monitoring.detect_drift.poet.call([1.0] * 30, [2.0] * 30)
    if last.served_by == "generated" or time.monotonic() > ends:
        break
    time.sleep(0.2)
print(first.served_by, last.served_by, last.version)
"""


def program(tmp_path: Path, before: str, after: str, **environment: str) -> str:
    """What a program prints whose first call meets a fault that has passed for the last one."""
    folder = tmp_path / "app"
    folder.mkdir()
    (folder / "monitoring.py").write_text(DETECTOR.replace("poet_engine.decorator", "poet_engine"))
    text = PROGRAM.format(folder=str(folder), before=textwrap.dedent(before), after=textwrap.dedent(after))
    done = subprocess.run(
        [sys.executable, "-B", "-c", text],
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin:/sbin:/usr/sbin", "POET_HOME": str(tmp_path / "home"), **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=110,
    )
    assert done.returncode == 0, done.stderr
    return f"{done.stdout.strip()} | {done.stderr}"


@pytest.mark.sandbox
@pytest.mark.root
def test_a_full_disk(tmp_path: Path) -> None:
    """A file system of 64 KiB that another file fills until the first call is over."""
    before = f"""
        import ctypes, pathlib
        libc, folder = ctypes.CDLL(None, use_errno=True), pathlib.Path({str(tmp_path / "app")!r}, ".poet")
        folder.mkdir()
        assert libc.unshare(0x20000) == 0 and libc.mount(None, b"/", None, 1 << 18 | 1 << 14, None) == 0
        assert libc.mount(b"none", str(folder).encode(), b"tmpfs", 0, b"size=512k") == 0
        filler = folder / "filler"
        try:
            with open(filler, "wb", buffering=0) as file:
                while True:
                    file.write(b"x" * 4096)
        except OSError:
            pass
    """
    told = program(tmp_path, before, "filler.unlink()")
    assert told.startswith("original generated v1 |")
    assert "make room" in told


@pytest.mark.docker
def test_a_daemon_that_is_down_for_a_moment(tmp_path: Path) -> None:
    """Its socket appears after the first call."""
    host = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")  # noqa: TID251 - where the tests' engine is
    there, socket = host.removeprefix("unix://"), tmp_path / "docker.sock"
    told = program(
        tmp_path, "", f"os.symlink({there!r}, {str(socket)!r})", DOCKER_HOST=f"unix://{socket}", POET_SANDBOX="docker"
    )
    assert told.startswith("original generated v1 |")
    assert "start it" in told
