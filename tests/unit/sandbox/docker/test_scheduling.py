"""How many containers are started, and when that is looked at again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poet_engine.sandbox.docker.scheduling import ContainerPoolSize, Stock, next_look, to_start
from poet_engine.sandbox.pool.version import SourceKey

A, B = SourceKey("a", "a.py"), SourceKey("b", "b.py")
SIZE = ContainerPoolSize(spare=1, most=4)
VERSIONS = st.sampled_from([A, B, SourceKey("c", "c.py"), None])
STOCKS = st.builds(Stock, st.lists(VERSIONS, max_size=6), st.integers(0, 4))
WISHES = st.lists(st.tuples(VERSIONS, st.floats(0, 10)), max_size=12)


@pytest.mark.parametrize(
    ("stock", "wishes", "expected"),
    [
        (Stock([], 0), [], 1),
        (Stock([], 1), [], 0),
        (Stock([], 0), [(A, 0.0)], 2),
        (Stock([], 0), [(A, 0.0), (A, 0.0), (B, 0.0)], 3),
        (Stock([A], 1), [(A, 0.1)], 0),
        (Stock([A], 1), [(A, 0.5)], 1),
        (Stock([A], 1), [(A, 0.5), (A, 0.1), (A, 0.0)], 1),
        (Stock([A, A], 0), [(A, 0.5)] * 5, 2),
        (Stock([A, A, B], 1), [(A, 9.0)] * 5, 0),
        (Stock([A] * 9, 9), [], 0),
    ],
    ids=[
        "one is always spare",
        "and no more than that",
        "who waits has one made, and another one is spare",
        "one for each version, however many wait",
        "those who have one are patient for a while",
        "and then get another",
        "as many again at the most",
        "but never more than there may be",
        "when all places are taken there is none",
        "nor when there are too many",
    ],
)
def test_how_many_to_start(stock: Stock, wishes: list[tuple[SourceKey | None, float]], expected: int) -> None:
    assert to_start(SIZE, stock, wishes) == expected


@given(stock=STOCKS, wishes=WISHES, spare=st.integers(0, 3), most=st.integers(1, 8))
def test_there_are_never_more_than_may_be(
    stock: Stock, wishes: list[tuple[SourceKey | None, float]], spare: int, most: int
) -> None:
    found = to_start(ContainerPoolSize(spare=spare, most=most), stock, wishes)
    assert found >= 0
    assert found == 0 or len(stock.serving) + stock.free + found <= most


@given(stock=STOCKS, wishes=WISHES)
def test_who_has_no_container_at_all_gets_one_where_there_is_room(
    stock: Stock, wishes: list[tuple[SourceKey | None, float]]
) -> None:
    size = ContainerPoolSize(spare=1, most=100)
    without = {key for key, _waited in wishes} - {*stock.serving}
    assert to_start(size, stock, wishes) + stock.free >= len(without)


@given(stock=STOCKS, wishes=WISHES)
def test_when_the_next_look_comes_waiting_alone_has_changed_something(
    stock: Stock, wishes: list[tuple[SourceKey | None, float]]
) -> None:
    look = next_look(stock, wishes)
    patient = [waited for key, waited in wishes if key in stock.serving and waited < 0.3]
    assert (look is None) == (not patient)
    if look is not None:
        assert 0 < look <= 0.3
        assert max(patient) + look == pytest.approx(0.3)
