"""How many lanes a pool starts: never too many, and never so few that somebody waits for ever."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from poet_engine.sandbox.process.pool import Size, lanes_to_make

FUZZ = settings(deadline=None, max_examples=300)  # a shared machine is slow at times, which says nothing
sizes = st.integers(0, 8).flatmap(lambda least: st.builds(Size, st.just(least), st.integers(max(1, least), 16)))


@pytest.mark.parametrize(
    ("waiting", "total", "coming", "made"),
    [
        (0, 0, 0, 2),  # the least
        (0, 1, 1, 1),
        (0, 2, 2, 0),  # enough stand ready
        (1, 0, 0, 2),
        (5, 2, 2, 3),  # one for each waiter that none is coming for
        (5, 2, 0, 5),
        (9, 30, 0, 2),  # the most
        (9, 32, 0, 0),
        (1, 3, 1, 0),  # one is on its way
    ],
)
def test_lanes_are_made_for_the_least_and_for_those_who_wait(waiting: int, total: int, coming: int, made: int) -> None:
    assert lanes_to_make(Size(2, 32), waiting=waiting, total=total, coming=coming) == made


@FUZZ
@given(sizes, st.integers(0, 100), st.integers(0, 20), st.integers(0, 20))
def test_there_are_never_more_than_the_most(size: Size, waiting: int, total: int, coming: int) -> None:
    made = lanes_to_make(size, waiting=waiting, total=total, coming=min(coming, total))
    assert made >= 0
    assert made == 0 or total + made <= size.most


@FUZZ
@given(sizes, st.integers(1, 100), st.integers(0, 16))
def test_nobody_waits_for_a_lane_that_nobody_makes(size: Size, waiting: int, total: int) -> None:
    """With none on its way and room for one, at least one is made."""
    if total < size.most:
        assert lanes_to_make(size, waiting=waiting, total=total, coming=0) > 0


@FUZZ
@given(sizes, st.integers(0, 100), st.integers(0, 16))
def test_once_made_no_more_are(size: Size, waiting: int, total: int) -> None:
    made = lanes_to_make(size, waiting=waiting, total=total, coming=total)
    assert lanes_to_make(size, waiting=waiting, total=total + made, coming=total + made) == 0
