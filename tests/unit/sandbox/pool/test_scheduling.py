"""How many lanes a pool starts and ends: never too many, and never so few that somebody waits for ever."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from poet_engine.sandbox.pool import scheduling
from poet_engine.sandbox.pool.scheduling import Demand, PoolSize, Repeats, lanes_to_start, may_retire, next_look

FUZZ = settings(deadline=None, max_examples=300)  # a shared machine is slow at times, which says nothing
SIZE = PoolSize(least=2, most=32, linger=10.0)
LONG, SHORT = 1.0, 0.001  # seconds that the first caller has waited

sizes = st.integers(0, 8).flatmap(lambda least: st.builds(PoolSize, st.just(least), st.integers(max(1, least), 16)))
demands = st.integers(0, 20).flatmap(
    lambda total: st.integers(0, total).flatmap(
        lambda coming: st.builds(
            Demand,
            total=st.just(total),
            coming=st.just(coming),
            building=st.integers(0, coming),
            waiting=st.integers(0, 100),
            longest_wait=st.floats(0, 100),
            longest_idle=st.floats(0, 100),
        )
    )
)


@pytest.mark.parametrize(
    ("demand", "started"),
    [
        (Demand(), 2),  # the least
        (Demand(total=1, coming=1), 1),
        (Demand(total=2, coming=2), 0),  # enough stand ready
        (Demand(waiting=1, longest_wait=SHORT), 2),
        (Demand(total=2, waiting=5, longest_wait=SHORT), 0),  # a short call gives its lane back sooner
        (Demand(total=2, waiting=5, longest_wait=LONG), 2),  # twice as many
        (Demand(total=8, waiting=5, longest_wait=LONG), 5),  # as many as are lacking
        (Demand(total=8, coming=5, waiting=5, longest_wait=LONG), 0),  # they are on their way
        (Demand(total=8, coming=4, building=4, waiting=99, longest_wait=LONG), 1),  # half of them are being made
        (Demand(total=30, waiting=9, longest_wait=LONG), 2),  # the most
        (Demand(total=32, waiting=9, longest_wait=LONG), 0),
        (Demand(total=2, held=2), 2),  # what long calls hold is no lane for others
        (Demand(total=4, coming=2, held=2), 0),
        (Demand(total=32, held=32), 0),
    ],
)
def test_lanes_are_started_for_the_least_and_for_those_who_wait_too_long(demand: Demand, started: int) -> None:
    assert lanes_to_start(SIZE, demand) == started


@FUZZ
@given(sizes, demands)
def test_there_are_never_more_than_the_most(size: PoolSize, demand: Demand) -> None:
    started = lanes_to_start(size, demand)
    assert started >= 0
    assert started == 0 or demand.total + started <= size.most


@FUZZ
@given(sizes, demands)
def test_who_waits_gets_a_lane_or_there_is_a_time_at_which_to_look_again(size: PoolSize, demand: Demand) -> None:
    lacking = demand.waiting > demand.coming and demand.total < size.most
    if lacking and not lanes_to_start(size, demand):
        look = next_look(size, demand)
        assert look is not None
        assert look <= scheduling._PATIENCE


@FUZZ
@given(sizes, demands)
def test_nobody_waits_while_lanes_are_ended_and_the_least_stay(size: PoolSize, demand: Demand) -> None:
    if may_retire(size, demand):
        assert not demand.waiting
        assert demand.total > size.least
        assert demand.longest_idle >= size.linger


def test_as_many_stay_ready_beside_long_calls() -> None:
    assert not may_retire(SIZE, Demand(total=3, coming=2, held=1, longest_idle=1e6))
    assert may_retire(SIZE, Demand(total=4, coming=3, held=1, longest_idle=1e6))
    assert next_look(SIZE, Demand(total=3, coming=2, held=1, longest_idle=1e6)) is None


def test_a_lane_beyond_the_least_is_ended_after_it_was_idle_for_long_enough() -> None:
    idle = Demand(total=3, coming=3, longest_idle=4.0)
    assert not may_retire(SIZE, idle)
    assert next_look(SIZE, idle) == 6.0
    assert may_retire(SIZE, Demand(total=3, coming=3, longest_idle=10.0))


def test_with_no_more_than_the_least_time_changes_nothing() -> None:
    assert next_look(SIZE, Demand(total=2, coming=2, longest_idle=1e6)) is None
    assert not may_retire(SIZE, Demand(total=2, coming=2, longest_idle=1e6))


def _called(*versions: str, good: bool = True) -> "Repeats[str]":
    repeats: Repeats[str] = Repeats()
    for version in versions:
        repeats.asked(version)
        if good:
            repeats.answered(version)
    return repeats


def test_a_version_that_is_called_again_and_again_is_probable() -> None:
    assert _called("a", "a", "a").probable is None
    assert _called("a", "a", "a", "a").probable == "a"
    assert _called("b", "a", "a", "a", "a").probable == "a"


def test_where_versions_take_turns_there_is_no_telling() -> None:
    assert _called("a", "b", "a", "b", "a", "b", "a", "b").probable is None
    assert _called("a", "a", "a", "a", "b").probable is None


def test_what_never_answered_well_is_not_prepared() -> None:
    assert _called("a", "a", "a", "a", "a", good=False).probable is None


def test_what_could_not_be_prepared_starts_again() -> None:
    repeats = _called("a", "a", "a", "a")
    repeats.forget("a")
    assert repeats.probable is None
    for _ in range(4):
        repeats.asked("a")
    assert repeats.probable == "a"
