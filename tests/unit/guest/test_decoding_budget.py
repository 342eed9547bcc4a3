"""What decoding costs, who pays, and when it ends."""

import itertools

import pytest

from poet_engine.guest import decoding_budget
from poet_engine.guest.decoding_budget import FREE, DecodingBudget, paid
from poet_engine.guest.errors import DeadlinePassedError, GuestSerializationError, UndecodableError


def test_a_message_pays_with_its_bytes_and_what_is_free() -> None:
    costs = DecodingBudget(1000)
    costs.charge(FREE)
    costs.charge(1000)
    with pytest.raises(UndecodableError, match="more than the 1000 bytes that came"):
        costs.charge(1)


def test_where_nobody_has_to_pay_nothing_is_too_dear() -> None:
    costs = DecodingBudget()
    for _ in range(3):
        costs.charge(1 << 40)
    assert costs.spent == 3 << 40


def test_the_clock_is_looked_at_again_and_again_and_not_for_every_price() -> None:
    looks = []
    costs = DecodingBudget(1 << 30, lambda: bool(looks.append(costs.spent)))  # type: ignore[func-returns-value]  # never late
    for _ in range(100_000):
        costs.charge(100)
    assert 100 < len(looks) < 200
    assert max(after - before for before, after in itertools.pairwise(looks)) <= FREE + 100


def test_work_ends_when_the_time_is_over() -> None:
    costs = DecodingBudget(1 << 30, lambda: costs.spent > 1 << 20)
    while costs.spent <= 1 << 20:
        costs.charge(1000)
    with pytest.raises(DeadlinePassedError):
        costs.charge(FREE)


def test_what_has_not_paid_is_told_so_also_when_it_is_late() -> None:
    costs = DecodingBudget(10, lambda: True)
    with pytest.raises(UndecodableError):
        costs.charge(1 << 30)


@pytest.mark.parametrize("price", [0, 1000, FREE, FREE + 1000])
def test_what_its_bytes_pay_stays_as_it_is(price: int) -> None:
    content = b"x" * 1000
    assert paid(content, price, 1 << 20, "x") is content


def test_blanks_pay_for_the_rest_and_then_it_is_enough() -> None:
    content = paid(b"x" * 1000, FREE + 5000, 1 << 20, "x")
    assert content == b"x" * 1000 + b" " * 4000
    DecodingBudget(len(content)).charge(FREE + 5000)


def test_what_costs_more_than_a_result_may_have_is_refused_with_what_to_return() -> None:
    with pytest.raises(GuestSerializationError, match=r"counts for 200000 bytes: there is room for 100000") as caught:
        paid(b"x" * 1000, FREE + 200_000, 100_000, "the result")
    assert "fewer and larger pieces" in caught.value.told_inside()


def test_what_is_too_long_by_itself_is_left_to_who_measures_it() -> None:
    content = b"x" * 1000
    assert paid(content, 1 << 30, 999, "x") is content


def test_a_tag_that_is_not_named_has_the_usual_price() -> None:
    assert decoding_budget.price("date") == decoding_budget.price("no such tag") > 0
    assert decoding_budget.price("table") > decoding_budget.price("array") > decoding_budget.price("tuple") == 0
