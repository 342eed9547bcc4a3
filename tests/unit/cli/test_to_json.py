"""Every value has a form that JSON can say, and none makes the command line fail."""

import collections
import datetime as dt
import decimal
import fractions
import json
import uuid

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from poet_engine.cli.to_json import to_json

_MOMENT = dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("value", "form"),
    [
        (None, None),
        (True, True),
        (1, 1),
        (1.5, 1.5),
        ("text", "text"),
        ((1, (2,)), [1, [2]]),
        ({3, 1, 2}, {"$set": [1, 2, 3]}),
        (frozenset({"a"}), {"$set": ["a"]}),
        (b"\x00\xff", {"$bytes": "AP8="}),
        (float("nan"), {"$float": "nan"}),
        (float("-inf"), {"$float": "-inf"}),
        (1 + 2j, {"$complex": [1.0, 2.0]}),
        (10**4000, 10**4000),
        (_MOMENT, {"$datetime": "2026-01-02T03:04:05+00:00"}),
        (_MOMENT.date(), {"$date": "2026-01-02"}),
        (_MOMENT.time(), {"$time": "03:04:05"}),
        (dt.timedelta(minutes=1), {"$seconds": 60.0}),
        (decimal.Decimal("1.10"), {"$decimal": "1.10"}),
        (uuid.UUID(int=1), {"$uuid": "00000000-0000-0000-0000-000000000001"}),
        ({"a": {"b": (1,)}}, {"a": {"b": [1]}}),
        ({1: "one"}, {"$map": [[1, "one"]]}),
        ({"$set": [1]}, {"$map": [["$set", [1]]]}),
        (np.float64(2.5), 2.5),
        (np.bool_(True), True),
        (np.array([[1, 2], [3, 4]]), [[1, 2], [3, 4]]),
        (np.array([np.nan]), [{"$float": "nan"}]),
        (np.datetime64("2026-01-02"), {"$date": "2026-01-02"}),
        (collections.deque([1, (2,)]), [1, [2]]),
        (collections.Counter("aab"), {"a": 2, "b": 1}),
        (fractions.Fraction(1, 3), {"$fraction": [1, 3]}),
        (range(2**63), {"$range": [0, 2**63, 1]}),
        (pd.RangeIndex(2**62), {"$range": [0, 2**62, 1]}),
        (pd.Index(["a", 1], dtype=object), ["a", 1]),
        (
            pd.Series([1.5, None], index=["a", "start"], name="n"),
            {"$series": {"index": ["a", "start"], "name": "n", "values": [1.5, {"$float": "nan"}]}},
        ),
        (pd.Series([1]), {"$series": {"index": {"$range": [0, 1, 1]}, "name": None, "values": [1]}}),
        (object(), {"$object": "builtins.object"}),
    ],
)
def test_forms(value: object, form: object) -> None:
    found = to_json(value)
    assert found == form
    json.dumps(found, allow_nan=False)


def test_an_integer_too_long_for_decimal_digits_is_hexadecimal() -> None:
    assert to_json([2**20_000]) == [{"$int": hex(2**20_000)}]


def test_a_set_of_what_cannot_be_compared_or_printed_has_one_form() -> None:
    """The order is that of the printed members, so the same set always prints the same."""
    assert to_json({"a", 1, None, 2**20_000}) == {"$set": ["a", 1, None, {"$int": hex(2**20_000)}]}


def test_a_value_that_holds_itself_ends() -> None:
    circle: list[object] = []
    circle.append(circle)
    assert "$nested_deeper_than" in json.dumps(to_json(circle))


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.datetimes() | st.decimals(),
    lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(st.text() | st.integers(), inner),
    max_leaves=20,
)


@given(_VALUES)
def test_any_value_can_be_said_in_strict_json(value: object) -> None:
    text = json.dumps(to_json(value), allow_nan=False)
    assert json.loads(text) == to_json(value)
