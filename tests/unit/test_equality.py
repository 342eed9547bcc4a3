"""Whether two values are the same, whatever they are."""

import tracemalloc

import numpy as np
import pandas as pd
import pytest

from poet_engine._equality import same


class _Odd:
    def __eq__(self, other: object) -> bool:
        raise TypeError("it will not be compared")

    __hash__ = None  # type: ignore[assignment]  # as for every class that compares by value


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ([1.0, 2.0], [1.0, 2.0], True),
        ([1.0], [1.5], False),
        (float("nan"), float("nan"), True),
        (np.array([1.0, np.nan]), np.array([1.0, np.nan]), True),
        (np.array([1.0, 2.0]), np.array([1.0, 3.0]), False),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, True),
        ([1, {2, 3}], [1.0, {3, 2}], True),
        ((1,), [1], False),
        (pd.DataFrame({"a": [1, 2]}), pd.DataFrame({"a": [1, 2]}), True),
        (pd.DataFrame({"a": [1, 2]}), pd.DataFrame({"a": [1, 3]}), False),
        ('"~":"array"', '"~":"array"', True),
        ([np.zeros(3), _Odd()], [np.zeros(3), _Odd()], None),
        (np.array(["a"], object), np.array(["a"], object), True),
        (np.array(["a"], object), ["a"], False),
        ([1] * 1_000_001, [1.0] * 1_000_001, True),
        (_Odd(), _Odd(), None),
    ],
)
def test_values_are_compared_whatever_they_are(one: object, other: object, *, expected: bool | None) -> None:
    assert same(one, other) is expected


def test_shapes_are_not_stretched_to_fit_each_other() -> None:
    """A guest that returns a row where the original returns a column would have the host fill all its memory."""
    column, row = np.zeros((10_000, 1), np.uint8), np.zeros((1, 10_000), np.uint8)
    tracemalloc.start()
    try:
        stretched = [bool(np.all(column == row)), tracemalloc.get_traced_memory()[1]]
        tracemalloc.reset_peak()
        found = [same(column, row), same([column], [row]), same(column.astype(str), row[0].tolist())]
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert stretched[1] > 90_000_000  # else the next line says nothing
    assert peak < 10_000_000
    assert found == [False] * 3
