"""Breakers by key, kept in the store's `state.json`, and several processes at it."""

import json
from pathlib import Path

import pytest

from poet_engine.resilience.breaker import (
    BackendKey,
    Breaker,
    BreakerRegistry,
    BreakerSettings,
    Permit,
    Refused,
    State,
    Transition,
    VersionKey,
)
from poet_engine.resilience.breaker.stored_state import find
from poet_engine.versions import FunctionStore, Metadata, VersionStore

SETTINGS = BreakerSettings(
    sliding_window_size=2, minimum_number_of_calls=2, wait_duration_in_open_state=100.0, randomized_wait_factor=0.0
)
KEY = VersionKey("f", "v1", "process")
METADATA = Metadata(
    created=1.0, domain="d", policy="p", policy_digest="0", original_digest="1", python="3.11", poet_version="0",
    origin="built_in",
)  # fmt: skip


class Process:
    """What one process has: a monotonic clock of its own, and the store that it shares."""

    def __init__(self, function: FunctionStore, wall: float = 1e9, monotonic: float = 0.0) -> None:
        self.monotonic, self.wall = monotonic, wall
        self.told: list[tuple[object, Transition]] = []
        self.registry = BreakerRegistry(
            lambda _key: SETTINGS,
            clock=lambda: self.monotonic,
            wall_clock=lambda: self.wall,
            random=lambda: 0.5,
            stores=lambda _key: function,
            on_transition=lambda key, transition: self.told.append((key, transition)),
        )

    @property
    def breaker(self) -> Breaker:
        return self.registry.get(KEY)

    def passes(self, seconds: float) -> None:
        self.monotonic += seconds
        self.wall += seconds

    def fails(self) -> None:
        """Its breaker opens, and that is stored."""
        fail(self.breaker)
        assert self.registry.flush()

    def pins(self) -> None:
        """Its breaker is pinned, and that is stored."""
        self.breaker.force_open("seccomp:ptrace")
        assert self.registry.flush()

    def resets(self) -> None:
        """Its breaker is reset, and that is stored, or somebody else's deed is followed."""
        self.breaker.reset()
        assert self.registry.flush()


@pytest.fixture
def function(tmp_path: Path) -> FunctionStore:
    function = VersionStore(tmp_path / ".poet", clock=lambda: 1000.0).function("f")
    function.add(code="def f(): ...\n", params={}, metadata=METADATA, state={"learnt": 1})
    return function


def fail(breaker: Breaker) -> None:
    for _ in range(2):
        permit = breaker.acquire()
        assert isinstance(permit, Permit)
        breaker.record(permit, failed=True, duration=0.0)


def test_a_key_has_one_breaker_and_each_its_own(function: FunctionStore) -> None:
    registry = Process(function).registry
    keys: list[VersionKey | BackendKey] = [
        KEY,
        VersionKey("f", "v1", "docker"),
        VersionKey("f", "v2", "process"),
        BackendKey("process"),
    ]
    found = [registry.get(key) for key in keys]
    assert len(set(map(id, found))) == len(keys)
    assert [registry.get(key) for key in keys] == found == list(registry)
    assert [breaker.name for breaker in found] == [
        "f v1 (process)",
        "f v1 (docker)",
        "f v2 (process)",
        "backend process",
    ]


def test_transitions_are_told_with_their_key(function: FunctionStore) -> None:
    process = Process(function)
    fail(process.breaker)
    assert [(key, transition.new) for key, transition in process.told] == [(KEY, State.OPEN)]


class TestRestart:
    def test_an_open_breaker_is_open_until_the_same_moment(self, function: FunctionStore) -> None:
        Process(function).fails()
        later = Process(function, wall=1e9 + 60, monotonic=7e6)
        answer = later.breaker.acquire()
        assert isinstance(answer, Refused)
        assert answer.retry_after == 40.0
        later.passes(40.0)
        assert isinstance(later.breaker.acquire(), Permit)

    def test_a_wall_clock_that_went_back_a_year_keeps_it_open_no_longer_than_it_was_opened_for(
        self, function: FunctionStore
    ) -> None:
        Process(function).fails()
        answer = Process(function, wall=1e9 - 365 * 86400).breaker.acquire()
        assert isinstance(answer, Refused)
        assert answer.retry_after == 100.0

    def test_a_pin_stays_and_a_new_version_has_none(self, function: FunctionStore) -> None:
        Process(function).pins()
        function.add(code="def f(): return 2\n", params={}, metadata=METADATA)
        later = Process(function)
        assert later.breaker.statistics().reason == "seccomp:ptrace"
        assert isinstance(later.breaker.acquire(), Refused)
        assert isinstance(later.registry.get(VersionKey("f", "v2", "process")).acquire(), Permit)

    def test_what_else_the_version_has_learnt_stays(self, function: FunctionStore) -> None:
        Process(function).fails()
        assert (function.version("v1").state or {})["learnt"] == 1

    def test_a_backends_breaker_is_not_stored(self, function: FunctionStore) -> None:
        fail(Process(function).registry.get(BackendKey("process")))
        assert function.version("v1").state == {"learnt": 1}

    def test_what_is_done_by_hand_is_in_the_audit_trail(self, function: FunctionStore) -> None:
        process = Process(function)
        process.fails()
        process.pins()
        lines = [json.loads(line) for line in (function.path / "audit.jsonl").read_text().splitlines()]
        assert [(line["action"], line["reason"]) for line in lines[1:]] == [("breaker forced_open", "seccomp:ptrace")]
        assert function.verify_audit().intact


class TestTwoProcesses:
    def test_a_pin_reaches_the_other_within_a_second(self, function: FunctionStore) -> None:
        one, two = Process(function), Process(function)
        assert isinstance(two.breaker.acquire(), Permit)
        one.pins()
        two.passes(0.5)
        assert isinstance(two.breaker.acquire(), Permit)
        two.passes(0.5)
        assert isinstance(two.breaker.acquire(), Refused)
        assert two.breaker.statistics().pinned

    def test_so_does_its_reset(self, function: FunctionStore) -> None:
        one, two = Process(function), Process(function)
        one.pins()
        two.passes(1)
        assert two.breaker.state is State.FORCED_OPEN
        two.resets()
        one.passes(1)
        assert one.breaker.state is State.CLOSED

    def test_what_the_other_measures_overwrites_no_pin_that_it_has_not_seen(self, function: FunctionStore) -> None:
        one, two = Process(function), Process(function)
        slow_reader = two.breaker
        one.pins()
        two.fails()
        assert slow_reader.statistics().pinned
        assert find(function.state("v1") or {}, "process").record.pinned

    def test_nor_does_a_reset_that_knew_nothing_of_it(self, function: FunctionStore) -> None:
        one, two = Process(function), Process(function)
        slow_reader = two.breaker
        one.pins()
        two.resets()
        assert slow_reader.statistics().pinned
        two.resets()
        assert slow_reader.state is State.CLOSED
        assert not find(function.state("v1") or {}, "process").record.pinned

    def test_what_the_other_measures_is_its_own(self, function: FunctionStore) -> None:
        one, two = Process(function), Process(function)
        assert two.breaker.state is State.CLOSED
        one.fails()
        two.passes(5)
        assert two.breaker.state is State.CLOSED


class TestDamage:
    def write(self, function: FunctionStore, text: str) -> None:
        (function.path / "v1" / "state.json").write_text(text)

    def test_a_damaged_ordinary_entry_is_told_and_closed(
        self, function: FunctionStore, caplog: pytest.LogCaptureFixture
    ) -> None:
        entry = {"state": "open", "pinned": False, "attempts": "many"}
        self.write(function, json.dumps({"breakers": {"schema_version": 1, "sandboxes": {"process": entry}}}))
        assert Process(function).breaker.state is State.CLOSED
        assert "the breaker f v1 (process) counts as closed" in caplog.text

    @pytest.mark.parametrize("text", ["{", "7", '{"breakers": 7}', '{"breakers": {"schema_version": 2}}', "\0" * 100])
    def test_a_file_that_may_have_held_a_pin_is_told_and_pinned(
        self, function: FunctionStore, text: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        Process(function).pins()
        self.write(function, text)
        breaker = Process(function).breaker
        assert breaker.statistics().pinned
        assert "counts as pinned open" in caplog.text
        assert "may have been pinned" in breaker.statistics().reason

    def test_damage_while_it_runs_pins_too(self, function: FunctionStore) -> None:
        process = Process(function)
        assert process.breaker.state is State.CLOSED
        self.write(function, "{")
        process.passes(1)
        assert process.breaker.statistics().pinned

    def test_a_reset_mends_a_damaged_entry(self, function: FunctionStore) -> None:
        self.write(function, '{"breakers": 7, "learnt": 1}')
        process = Process(function)
        process.resets()
        assert find(function.state("v1") or {}, "process").problem is None
        assert isinstance(Process(function).breaker.acquire(), Permit)

    def test_a_state_that_cannot_be_written_costs_no_call_its_answer(
        self, function: FunctionStore, caplog: pytest.LogCaptureFixture
    ) -> None:
        process = Process(function)
        breaker = process.breaker
        function.remove("v1", actor="tests", reason="gone")
        fail(breaker)
        assert not process.registry.flush()
        assert breaker.state is State.OPEN
        assert "the state of the breaker f v1 (process) is not stored" in caplog.text


def test_a_registry_without_a_store_keeps_breakers_in_memory() -> None:
    registry = BreakerRegistry(lambda _key: SETTINGS, clock=lambda: 0.0, wall_clock=lambda: 0.0, random=lambda: 0.5)
    fail(registry.get(KEY))
    assert registry.get(KEY).state is State.OPEN
    assert repr(registry) == "<BreakerRegistry breakers=1>"
