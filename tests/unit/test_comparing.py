"""Whether two values are the same, whatever they are."""

import numpy as np
import pytest

from poet_engine.comparing import same


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
        (_Odd(), _Odd(), None),
    ],
)
def test_values_are_compared_whatever_they_are(one: object, other: object, *, expected: bool | None) -> None:
    assert same(one, other) is expected
