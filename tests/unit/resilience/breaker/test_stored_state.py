"""The breakers in `state.json`: what is written, what is believed of what is read, and who wins."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poet_engine.resilience.breaker import Snapshot, State
from poet_engine.resilience.breaker.stored_state import (
    BreakerRecord,
    BreakerStateError,
    StoredRecord,
    by_hand,
    find,
    merged,
    record_of,
    replaced,
    sandboxes,
)

OPEN = Snapshot(state=State.OPEN, reason="failures", attempts=2, wait=30.0, remaining=20.0)
PINNED = Snapshot(state=State.FORCED_OPEN, reason="seccomp:ptrace", pinned=True)
CLOSED = Snapshot(reason="reset")


def through_json(content: object) -> dict[str, object]:
    found: dict[str, object] = json.loads(json.dumps(content))
    return found


@pytest.mark.parametrize("snapshot", [OPEN, PINNED, CLOSED, Snapshot(state=State.HALF_OPEN, attempts=3)])
def test_what_is_written_is_read_and_the_rest_stays(snapshot: Snapshot) -> None:
    record = record_of(snapshot, now=1000.0, revision=4)
    content = through_json(replaced({"learnt": [1]}, "process", record))
    content = through_json(replaced(content, "docker", BreakerRecord()))
    assert find(content, "process") == StoredRecord(record)
    assert find(content, "process").record.snapshot(1000.0) == snapshot
    assert (sandboxes(content), content["learnt"]) == (("docker", "process"), [1])


def test_where_nothing_is_stored_it_is_closed() -> None:
    assert find({}, "process") == StoredRecord(BreakerRecord())
    assert find(replaced({}, "docker", record_of(PINNED, now=0.0, revision=1)), "process") == StoredRecord(
        BreakerRecord()
    )


class TestTime:
    @pytest.mark.parametrize(
        ("now", "remaining"),
        [(1000.0, 20.0), (1019.0, 1.0), (1020.0, 0.0), (9e9, 0.0), (990.0, 30.0), (0.0, 30.0), (-1e12, 30.0)],
    )
    def test_a_clock_that_jumped_back_leaves_it_open_no_longer_than_it_was_opened_for(
        self, now: float, remaining: float
    ) -> None:
        assert record_of(OPEN, now=1000.0, revision=0).snapshot(now).remaining == remaining


def entry(**changes: object) -> dict[str, object]:
    ordinary = {"state": "closed", "reason": "", "attempts": 0, "pinned": False, "wait": None, "open_until": None}
    return {"schema_version": 1, "sandboxes": {"process": {**ordinary, "since": 1.0, "revision": 0, **changes}}}


class TestDamage:
    """What cannot be shown to be unpinned is pinned; what can be is closed. Both are told."""

    @pytest.mark.parametrize(
        "stored",
        [
            entry(attempts="two"),
            entry(attempts=-1),
            entry(state="open"),
            entry(wait=1.0),
            entry(reason=7),
            entry(since=True),
            entry(extra=1),
            entry(state="open", wait=1.0, open_until="soon"),
            entry(state="half_open", revision=1.5),
        ],
    )
    def test_an_ordinary_one_counts_as_closed(self, stored: object) -> None:
        found = find({"breakers": stored}, "process")
        assert found.record == BreakerRecord()
        assert "breakers.process" in str(found.problem)
        assert "poet breaker reset" in str(found.problem)

    @pytest.mark.parametrize(
        "stored",
        [
            *(None, 7, [], {}, {"schema_version": 1}, {"schema_version": 1, "sandboxes": []}),
            {"schema_version": 2, "sandboxes": {}},
            {"schema_version": "1", "sandboxes": {}},
            {"schema_version": 1, "sandboxes": {"process": "closed"}},
            {"schema_version": 1, "sandboxes": {"process": None}},
            entry(pinned="no"),
            entry(pinned=0),
            entry(pinned=None),
            entry(pinned=True),
            entry(state="forced_open", extra=1),
            entry(state="FORCED_OPEN"),
            entry(state="shut"),
            entry(state=["closed"]),
            entry(state="forced_open", pinned=True, reason=None),
        ],
    )
    def test_one_that_may_have_been_pinned_counts_as_pinned(self, stored: object) -> None:
        found = find({"breakers": stored}, "process")
        assert (found.record.state, found.record.pinned) == (State.FORCED_OPEN, True)
        assert found.problem is not None
        assert "may have been pinned" in found.record.reason

    @given(
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
        ),
        st.sampled_from(["state", "pinned", "attempts", "reason", "wait", "since", "revision", "whole"]),
    )
    def test_nothing_in_there_makes_reading_fail_or_lifts_a_pin(self, value: object, field: str) -> None:
        stored = value if field == "whole" else entry(**{"state": "forced_open", "pinned": True, field: value})
        found = find({"breakers": stored}, "process")
        assert found.record.pinned or field in {"pinned", "state", "whole"}

    def test_what_a_newer_version_wrote_is_not_overwritten(self) -> None:
        with pytest.raises(BreakerStateError, match="upgrade poet-engine"):
            replaced({"breakers": {"schema_version": 2}}, "process", BreakerRecord())


class TestWhoWins:
    """`seen` is the revision that a process knows; 5 is what the file has."""

    FORCED = StoredRecord(record_of(PINNED, now=1.0, revision=5))
    PLAIN = StoredRecord(record_of(CLOSED, now=1.0, revision=5))
    DAMAGED = find({"breakers": 7}, "process")

    @pytest.mark.parametrize(
        ("found", "ours", "seen", "manual", "revision"),
        [
            (PLAIN, OPEN, 5, False, 5),  # measured, and nobody was there in between
            (PLAIN, OPEN, 4, False, None),  # a person was: follow
            (PLAIN, PINNED, 4, True, 6),  # a violation is stored whatever the person did
            (PLAIN, CLOSED, 4, True, 6),  # two people: the later one
            (FORCED, CLOSED, 5, True, 6),  # a reset of a pin that was seen
            (FORCED, CLOSED, 4, True, None),  # a reset that knew nothing of the pin: the pin stays
            (FORCED, OPEN, 4, False, None),
            (FORCED, PINNED, 4, False, None),  # what was only followed is not stored anew
            (DAMAGED, OPEN, 3, False, None),
            (DAMAGED, CLOSED, 0, True, 1),
        ],
    )
    def test_by_hand_before_measured_and_a_pin_goes_only_by_who_has_seen_it(
        self,
        found: StoredRecord,
        ours: Snapshot,
        seen: int,
        manual: bool,  # noqa: FBT001 - the same
        revision: int | None,
    ) -> None:
        stored = merged(found, ours, seen=seen, manual=manual, now=2.0)
        assert (None if stored is None else stored.revision) == revision
        assert stored is None or stored.state is ours.state

    def test_running_processes_notice_what_a_person_does_to_a_damaged_one(self) -> None:
        """They may know any count; none of them gets as far as the seconds since 1970."""
        assert by_hand(self.PLAIN, CLOSED, now=1.7e9).revision == 6
        assert by_hand(self.DAMAGED, CLOSED, now=1.7e9).revision > 1e9
