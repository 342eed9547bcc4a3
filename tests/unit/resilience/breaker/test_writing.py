"""A breaker's state is written off the path of calls: a disk that does not answer holds nobody up."""

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from tests.unit.resilience.breaker.test_registry import KEY, METADATA, SETTINGS, fail
from tests.unit.test_fork import ends_well, fork

from poet_engine.resilience.breaker import Breaker, BreakerRegistry, Permit, Refused, State, VersionKey
from poet_engine.resilience.breaker.stored_state import BreakerRecord, find
from poet_engine.versions import FunctionStore, VersionStore, files
from poet_engine.versions.files import StoreError

_LONG = 20.0  # seconds after which a test has failed; nothing waits for so long


class SlowDisk:
    """A version's store whose writes wait, and fail, as they are told."""

    def __init__(self, function: FunctionStore) -> None:
        self.function = function
        self.goes_on, self.asked = threading.Event(), threading.Event()
        self.fails = False
        self.writes = 0

    def state(self, name: str) -> Mapping[str, object] | None:
        return self.function.state(name)

    def state_stamp(self, name: str) -> object:
        return self.function.state_stamp(name)

    def change_state(
        self,
        name: str,
        change: Callable[[Mapping[str, object]], Mapping[str, object] | None],
        *,
        actor: str = "poet",
        action: str = "",
        reason: str = "",
    ) -> None:
        self.writes += 1
        self.asked.set()
        if not self.goes_on.wait(_LONG):
            raise StoreError("nobody let the disk go on")
        if self.fails:
            raise StoreError("the disk is full")
        self.function.change_state(name, change, actor=actor, action=action, reason=reason)


class Rig:
    """A registry over a slow disk, with a clock that only the test moves."""

    def __init__(self, folder: Path) -> None:
        function = VersionStore(folder, clock=lambda: 1000.0).function("f")
        function.add(code="def f(): ...\n", params={}, metadata=METADATA)
        self.disk = SlowDisk(function)
        self.now = 0.0
        self.registry = BreakerRegistry(
            lambda _key: SETTINGS,
            clock=lambda: self.now,
            wall_clock=lambda: 1e9 + self.now,
            random=lambda: 0.5,
            stores=lambda key: self.disk if key.function == "f" else None,
        )

    @property
    def breaker(self) -> Breaker:
        return self.registry.get(KEY)

    @property
    def stored(self) -> BreakerRecord:
        return find(self.disk.function.state("v1") or {}, "process").record

    def audit(self) -> list[tuple[str, str]]:
        lines = (self.disk.function.path / "audit.jsonl").read_text().splitlines()
        entries = [json.loads(line) for line in lines]
        return [(entry["action"], entry["reason"]) for entry in entries if entry["action"].startswith("breaker")]


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    rig = Rig(tmp_path / ".poet")
    yield rig
    rig.disk.goes_on.set()
    rig.registry.flush()


class TestADiskThatDoesNotAnswer:
    def test_holds_no_call_up(self, rig: Rig) -> None:
        """Calls are recorded, refused and asked for while the write of the transition hangs."""
        fail(rig.breaker)
        assert rig.disk.asked.wait(_LONG)
        rig.now += 5.0
        assert isinstance(rig.breaker.acquire(), Refused)
        rig.breaker.reset()
        assert isinstance(rig.breaker.acquire(), Permit)
        assert rig.stored == BreakerRecord()
        rig.disk.goes_on.set()
        assert rig.registry.flush()
        assert (rig.stored.state, rig.stored.revision, rig.audit()) == (State.CLOSED, 1, [("breaker closed", "reset")])

    def test_is_given_only_the_newest_state(self, rig: Rig) -> None:
        """However many transitions there were while it wrote the first one."""
        fail(rig.breaker)
        assert rig.disk.asked.wait(_LONG)
        for _ in range(20):
            rig.breaker.reset()
            rig.breaker.force_open("seccomp:ptrace")
        rig.disk.goes_on.set()
        assert rig.registry.flush()
        assert rig.disk.writes == 2
        assert (rig.stored.state, rig.stored.pinned) == (State.FORCED_OPEN, True)

    def test_does_not_block_an_event_loop(self, rig: Rig) -> None:
        """A task whose call opens the breaker goes on, and it is another task that lets the disk go on."""

        async def call() -> None:
            fail(rig.breaker)
            await asyncio.to_thread(rig.disk.asked.wait, _LONG)

        async def program() -> bool:
            await asyncio.gather(call(), asyncio.sleep(0))
            held = rig.stored == BreakerRecord()
            rig.disk.goes_on.set()
            return held and await asyncio.to_thread(rig.registry.flush)

        assert asyncio.run(program())
        assert rig.stored.state is State.OPEN

    def test_is_not_waited_for_by_who_looks_at_the_file(self, rig: Rig) -> None:
        """What would be read may be our own, half a story; the write itself follows what others have stored."""
        breaker = rig.breaker
        fail(breaker)
        assert rig.disk.asked.wait(_LONG)
        other = BreakerRegistry(
            lambda _key: SETTINGS,
            clock=lambda: 0.0,
            wall_clock=lambda: 1e9,
            random=lambda: 0.5,
            stores=lambda _key: rig.disk.function,
        )
        other.get(KEY).force_open("seccomp:ptrace")
        assert other.flush()
        rig.now += 5.0
        assert not rig.breaker.pinned
        rig.disk.goes_on.set()
        assert rig.registry.flush()
        assert breaker.pinned
        assert rig.stored.pinned


class TestAWriteThatFails:
    def test_is_told_once_and_tried_again_at_the_next_transition(
        self, rig: Rig, caplog: pytest.LogCaptureFixture
    ) -> None:
        rig.disk.goes_on.set()
        rig.disk.fails = True
        for _ in range(3):
            rig.breaker.disable()
            assert not rig.registry.flush()
            rig.breaker.metrics_only()
            assert not rig.registry.flush()
        assert caplog.text.count("is not stored, and is tried again: the disk is full") == 1
        rig.disk.fails = False
        rig.breaker.reset()
        assert rig.registry.flush()
        assert (rig.stored.state, rig.stored.revision) == (State.CLOSED, 1)

    def test_of_a_pin_is_tried_again_without_one(self, rig: Rig) -> None:
        """A pinned breaker has no further transition: it is tried at the looks that calls take once a second."""
        rig.disk.goes_on.set()
        rig.disk.fails = True
        rig.breaker.force_open("seccomp:ptrace")
        assert not rig.registry.flush()
        rig.disk.fails = False
        rig.disk.asked.clear()
        rig.now += 1.0
        assert isinstance(rig.breaker.acquire(), Refused)
        assert rig.disk.asked.wait(_LONG)
        assert rig.registry.flush()
        assert (rig.stored.pinned, rig.audit()) == (True, [("breaker forced_open", "seccomp:ptrace")])

    def test_and_what_others_do_by_hand_meanwhile_is_followed(self, rig: Rig) -> None:
        """A measured state of ours that cannot be stored does not hide a pin of a person."""
        breaker = rig.breaker
        rig.disk.goes_on.set()
        rig.disk.fails = True
        fail(breaker)
        assert not rig.registry.flush()
        VersionStore(rig.disk.function.path.parent, clock=lambda: 1000.0).function("f").change_state("v1", _pinned)
        rig.now += 1.0
        assert rig.breaker.pinned


def _pinned(_content: Mapping[str, object]) -> Mapping[str, object]:
    entry = {"state": "forced_open", "pinned": True, "reason": "looks odd", "revision": 1}
    return {"breakers": {"schema_version": 1, "sandboxes": {"process": entry}}}


class TestFlush:
    def test_waits_for_a_transition_that_another_thread_has_not_told_yet(self, tmp_path: Path) -> None:
        """A thread that is busy telling the one before leaves a pin in memory alone, if nobody looks for it."""
        telling, told = threading.Event(), threading.Event()

        def slowly(_key: object, _transition: object) -> None:
            telling.set()
            told.wait(_LONG)

        function = VersionStore(tmp_path / ".poet", clock=lambda: 1000.0).function("f")
        function.add(code="def f(): ...\n", params={}, metadata=METADATA)
        registry = BreakerRegistry(
            lambda _key: SETTINGS,
            clock=lambda: 0.0,
            wall_clock=lambda: 1e9,
            random=lambda: 0.5,
            stores=lambda _key: function,
            on_transition=slowly,
        )
        breaker = registry.get(KEY)
        teller = threading.Thread(target=breaker.disable)
        teller.start()
        assert telling.wait(_LONG)
        breaker.force_open("seccomp:ptrace")
        registry.flush()
        assert find(function.state("v1") or {}, "process").record.pinned
        told.set()
        teller.join()
        assert registry.flush()

    def test_has_nothing_to_wait_for_without_a_store(self, rig: Rig) -> None:
        fail(rig.registry.get(VersionKey("g", "v1", "process")))
        assert rig.registry.flush()
        assert rig.disk.writes == 0


class TestForks:
    def test_a_child_writes_what_it_decides_itself_and_nothing_of_its_parents(self, rig: Rig) -> None:
        """The thread that writes is the parent's, and so is what waits for it."""
        fail(rig.breaker)
        assert rig.disk.asked.wait(_LONG)
        child = fork()
        if child == 0:
            signal.alarm(int(_LONG))
            rig.disk.goes_on.set()
            nothing_waits = rig.registry.flush() and rig.stored == BreakerRecord()
            rig.breaker.force_open("seccomp:ptrace")
            os._exit(0 if nothing_waits and rig.registry.flush() and rig.stored.pinned else 1)
        assert ends_well(child)
        rig.disk.goes_on.set()
        assert rig.registry.flush()
        assert rig.breaker.pinned  # the child's pin was stored first, and its parent follows it
        assert rig.stored.pinned


_ENDING = """
import atexit, pathlib, sys
from poet_engine import _wiring
from poet_engine.resilience.breaker import VersionKey

folder = pathlib.Path(sys.argv[1])
shared = _wiring.Shared()
shared.recorder(folder.parent / "events" / "journal.db")
shared.breakers.get(VersionKey(str(folder), "v1", "process")).force_open("looks odd")
atexit.register(print, "ending", flush=True)
"""

_VIOLATING = """
import os, pathlib, signal, sys, time
from poet_engine.outcome import Status
from poet_engine.resilience.attempts import AttemptResult, Transient
from poet_engine.resilience.breaker import BreakerRegistry, BreakerSettings, VersionKey
from poet_engine.resilience.retry_budget import RetryBudget
from poet_engine.resilience.bulkhead import Bulkhead, Capacity
from poet_engine.resilience.breaker_gates import BreakerGuard, of_version
from poet_engine.resilience.drivers import Pauses, perform
from poet_engine.resilience.pipeline import CallPlan, Pipeline
from poet_engine.resilience.call_report import CallReport, Rung
from poet_engine.sandbox.fake import failed
from poet_engine.versions import VersionStore

folder = pathlib.Path(sys.argv[1])
registry = BreakerRegistry(
    lambda _key: BreakerSettings(),
    clock=time.monotonic,
    wall_clock=time.time,
    random=lambda: 0.5,
    stores=lambda _key: VersionStore(folder.parent, clock=lambda: 1000.0).function(folder.name),
)
plan = CallPlan(
    first=Rung.GENERATED,
    timeout=5.0,
    transient=Transient.of(()),
    budget=RetryBudget(time.monotonic),
    fallback=Bulkhead(Capacity(running=1, waiting=0)),
    guards=(BreakerGuard(registry.get(VersionKey("f", "v1", "process")), of_version),),
    settle=registry.flush if sys.argv[2] == "settles" else None,
)

def attempt(step):
    if step.rung is Rung.GENERATED:
        return AttemptResult(outcome=failed(Status.VIOLATION, "network"))
    print("the original answers", flush=True)
    return AttemptResult(value=1)

pipeline = Pipeline(clock=time.monotonic, now=time.time, random=lambda: 0.5)
begun = CallReport(function_name="f", execution_id="one", start=0.0)
begun = CallReport(function_name="f", execution_id="one", start=0.0)
served = perform(pipeline.steps(plan, begun), attempt, Pauses(time.sleep, time.sleep))
assert served.answer.value == 1
os.kill(os.getpid(), signal.SIGKILL)
"""


class TestTheEndOfAProcess:
    def test_waits_for_what_is_not_written_yet(self, rig: Rig) -> None:
        """The test holds the function's lock, so the write cannot have happened before the interpreter ends."""
        with _program(rig, _ENDING) as child:
            with _locked(rig):
                assert _line(child) == "ending"
                assert rig.stored == BreakerRecord()
            assert child.wait(_LONG) == 0
        assert (rig.stored.pinned, rig.audit()) == (True, [("breaker forced_open", "looks odd")])

    def test_by_sigkill_takes_no_pin_from_a_violation_whose_call_has_returned(self, rig: Rig) -> None:
        """The disk is busy until the original answers, and the process is killed when the call has returned."""
        with _program(rig, _VIOLATING, "settles") as child:
            with _locked(rig):
                assert _line(child) == "the original answers"
                assert rig.stored == BreakerRecord()
            assert child.wait(_LONG) == -signal.SIGKILL
        assert (rig.stored.pinned, rig.stored.reason) == (True, "violation/network (script=network)")

    def test_by_sigkill_takes_one_that_nobody_has_waited_for(self, rig: Rig) -> None:
        """The control: without the wait, the call returns while the disk is busy."""
        with _locked(rig), _program(rig, _VIOLATING, "does not") as child:
            assert _line(child) == "the original answers"
            assert child.wait(_LONG) == -signal.SIGKILL
        assert rig.stored == BreakerRecord()


@contextlib.contextmanager
def _program(rig: Rig, text: str, *args: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", text, str(rig.disk.function.path), *args]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        try:
            yield child
        finally:
            child.kill()


def _line(child: subprocess.Popen[str]) -> str:
    assert child.stdout is not None
    return child.stdout.readline().rstrip()


@contextlib.contextmanager
def _locked(rig: Rig) -> Iterator[None]:
    """Nobody writes the function's folder meanwhile."""
    path = rig.disk.function.path
    with files.folder(path) as at, files.locked(".lock", at=at, where=path):
        yield
