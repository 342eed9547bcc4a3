"""Data frames: what they arrive as, what of them is refused, and that hostile ones are."""

import base64
import json
import math
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from poet_engine.guest import codec
from poet_engine.guest.attachments import THRESHOLD, Collected
from poet_engine.guest.errors import GuestSerializationError, UndecodableError

FUZZ = settings(deadline=None, max_examples=200)  # a shared machine is slow at times, which says nothing
LONG = THRESHOLD // 8


class Region:
    """What lies beside a value."""

    def __init__(self, parts: Collected) -> None:
        self._whole = bytearray(parts.size)
        for offset, data in parts.pieces:
            self._whole[offset : offset + len(data)] = data

    def take(self, offset: int, length: int) -> bytearray:
        return self._whole[offset : offset + length]

    def copy(self, offset: int, length: int) -> bytes:
        return bytes(self.take(offset, length))


def frame(rows: int) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "whole": np.arange(rows),
            "part": np.arange(rows) * 1.5,
            "missing": [None if row % 2 else 1.0 for row in range(rows)],
            "text": [f"t{row % 7}" for row in range(rows)],
            "truth": [row % 3 == 0 for row in range(rows)],
            "date": pd.date_range("2024-01-01", periods=rows, freq="h"),
            "span": pd.to_timedelta(np.arange(rows), unit="s"),
            "mixed": pd.Series([(row, "x", None)[row % 3] for row in range(rows)], dtype=object),
            7: np.zeros(rows, dtype="f4"),
        }
    )


def arrived(value: pd.DataFrame) -> pd.DataFrame:
    """What it arrives as, which is the same within the JSON and beside it."""
    parts = Collected()
    content = codec.dumps(value, "x", parts)
    beside, within = codec.loads(content, Region(parts)), codec.loads(codec.dumps(value, "x"))
    assert isinstance(beside, pd.DataFrame)
    assert isinstance(within, pd.DataFrame)
    pd.testing.assert_frame_equal(beside, within)
    return beside


FRAMES: dict[str, Callable[[int], pd.DataFrame]] = {
    "plain": frame,
    "every second row": lambda rows: frame(2 * rows).iloc[::2],
    "by text": lambda rows: frame(rows).set_index("text"),
    "by date": lambda rows: frame(rows).set_index("date"),
    "by number": lambda rows: frame(rows).set_index("part"),
    "named": lambda rows: frame(rows).rename_axis("rows").rename_axis("columns", axis=1),
    "twice the same columns": lambda rows: pd.concat([frame(rows), frame(rows)], axis=1),
    "one block": lambda rows: pd.DataFrame(np.arange(rows * 3.0).reshape(rows, 3)),
    "no rows": lambda rows: frame(rows).iloc[:0],
    "numbered from one": lambda rows: frame(rows).set_axis(range(1, rows + 1)),
    "by second": lambda rows: frame(rows).set_index(pd.date_range("2024-01-01", periods=rows, freq="s")),
    "columns of dates": lambda rows: pd.DataFrame(np.ones((rows, 3)), columns=pd.date_range("2024", periods=3)),
    "columns by number": lambda rows: frame(rows).set_axis(pd.RangeIndex(9), axis=1),
    "types by turns": lambda rows: pd.DataFrame(
        {n: np.arange(rows).astype(("i8", "f8", "?")[n % 3]) for n in range(9)}
    ),
    "one column of text": lambda rows: frame(rows)[["text"]],
    "other units": lambda rows: pd.DataFrame({"t": pd.date_range("2024", periods=rows, unit="s")}),
}


@pytest.mark.parametrize("rows", [3, LONG - 1, LONG])
@pytest.mark.parametrize("form", FRAMES)
def test_a_frame_arrives_with_columns_types_labels_and_index(form: str, rows: int) -> None:
    value = FRAMES[form](rows)

    came = arrived(value)

    pd.testing.assert_frame_equal(came, value, check_column_type=True, check_index_type=True)
    assert type(came.index) is type(value.index)
    assert type(came.columns) is type(value.columns)


@pytest.mark.parametrize("rows", [3, LONG])
def test_a_frame_that_arrived_can_be_changed(rows: int) -> None:
    value = frame(rows)
    came = arrived(value)
    came["whole"] += 1
    came.iloc[0, 1] = 99.0
    came["more"] = came["part"] * 2
    assert came["whole"].iloc[0] == 1
    assert came["part"].iloc[0] == 99.0
    assert value["whole"].iloc[0] == 0


def test_a_frame_without_columns_keeps_its_rows() -> None:
    assert arrived(pd.DataFrame(index=range(3))).shape == (3, 0)
    assert arrived(pd.DataFrame()).shape == (0, 0)


SERIES: dict[str, object] = {
    "labels": pd.Series(["x", "y", "x"]).value_counts(),
    "numbers": pd.Series([1.5, None], index=[5, 6], name="n"),
    "a name that is a tuple": pd.Series([1], name=("a", 1)),
    "truth": pd.Series([True, False], index=pd.Index(["a", "b"], name="key")),
    "dates": pd.Series(pd.date_range("2024-01-01", periods=3)),
    "by day": pd.Series([1, 2, 3], index=pd.date_range("2024-01-01", periods=3)),
    "by working day": pd.Series(range(9), index=pd.bdate_range("2024-01-01", periods=9)),
    "by month": pd.Series([1, 2], index=pd.date_range("2024-01-31", periods=2, freq="ME")),
    "by week": pd.Series([1, 2], index=pd.date_range("2024-01-03", periods=2, freq="W-WED")),
    "durations": pd.Series([1, 2], index=pd.timedelta_range("1s", periods=2)),
    "text": pd.Series(["a", None, ""]),
    "objects": pd.Series(["a", 1, None, (1,)], dtype=object),
    "text as objects": pd.Series(["a", "b"], dtype=object),
    "numbers as objects": pd.Series([1, 2], dtype=object, index=pd.Index([1, "b"])),
    "the same label twice": pd.Series([1, 2], index=["a", "a"]),
    "nothing": pd.Series([], dtype="f8"),
    "small numbers": pd.Series([1, 2], dtype="u1", index=pd.Index([1, 2], dtype="i4")),
}


@pytest.mark.parametrize("form", SERIES)
def test_a_series_arrives_with_values_index_names_and_types(form: str) -> None:
    value = SERIES[form]
    came = codec.loads(codec.dumps(value, "x"))

    assert isinstance(value, pd.Series)
    assert isinstance(came, pd.Series)
    pd.testing.assert_series_equal(came, value, check_index_type=True)
    assert type(came.index) is type(value.index)
    again = codec.loads(codec.dumps(value.index, "x"))
    assert isinstance(again, pd.Index)
    pd.testing.assert_index_equal(again, value.index, exact=True)
    assert getattr(again, "freq", None) == getattr(value.index, "freq", None)


def test_a_series_that_arrived_can_be_changed() -> None:
    value = pd.Series([1.0, 2.0], index=["a", "b"])
    came = codec.loads(codec.dumps(value, "x"))
    assert isinstance(came, pd.Series)
    came["a"] = 7.0
    came["c"] = 3.0
    assert list(came) == [7.0, 2.0, 3.0]
    assert value["a"] == 1.0


def test_attributes_travel_with_a_frame_and_a_series() -> None:
    for value in (frame(2), pd.Series([1])):
        value.attrs = {"unit": "m", "of": (1, 2)}
        came = codec.loads(codec.dumps(value, "x"))
        assert isinstance(came, pd.DataFrame | pd.Series)
        assert came.attrs == {"unit": "m", "of": (1, 2)}


def test_frames_that_are_laid_out_otherwise_have_the_same_form() -> None:
    """Recorded answers are compared by their form, and pandas lays a frame out as it was made."""
    whole = pd.DataFrame({"a": [1.0, 2.0], "b": [3.0, 4.0]})
    by_row = pd.DataFrame(np.array([[1.0, 3.0], [2.0, 4.0]]), columns=["a", "b"])
    apart = pd.DataFrame({"a": [1.0, 2.0]})
    apart["b"] = [3.0, 4.0]
    assert codec.dumps(whole, "x") == codec.dumps(by_row, "x") == codec.dumps(apart, "x")


def test_frames_travel_within_other_values() -> None:
    came = codec.loads(codec.dumps({"a": [frame(2)], "b": frame(1)}, "x"))
    assert isinstance(came, dict)
    pd.testing.assert_frame_equal(came["a"][0], frame(2))


class Own(pd.DataFrame):
    pass


@pytest.mark.parametrize(
    ("value", "path"),
    [
        (frame(2).assign(z=pd.interval_range(0, 2)), "x['z']"),
        (frame(2).assign(z=pd.arrays.SparseArray([0, 1])), "x['z']"),
        (frame(2).assign(z=pd.Series([(1,), (2,)]).astype("category")), "x['z']"),
        (frame(2).assign(z=pd.Series([1, object()], dtype=object)), "x['z'][1]"),
        (pd.DataFrame([[1]], columns=pd.MultiIndex.from_tuples([(1 + 2j, 1)])), "the columns of x"),
        (pd.DataFrame([[1]], columns=pd.Index([object()], dtype=object)), "the columns of x[0]"),
        (Own({"a": [1]}), "x"),
        (pd.Series([1], index=pd.interval_range(0, 1)), "the index of x"),
        (pd.Series(pd.cut([1, 2], 2)), "the categories of x"),
        (pd.interval_range(0, 2), "x"),
        (pd.Series([1]).set_flags(allows_duplicate_labels=False), "x"),
        (
            pd.Series([1], index=pd.date_range("2024", periods=1, freq=pd.offsets.CustomBusinessDay(weekmask="Mon"))),
            "the index of x",
        ),
        (pd.Series([1], name=(pd.Interval(0, 1),)), "the name of x[0]"),
    ],
    ids=str,
)
def test_what_has_no_safe_form_is_refused_with_its_path_and_a_remedy(value: object, path: str) -> None:
    with pytest.raises(GuestSerializationError) as caught:
        codec.dumps(value, "x")
    assert caught.value.where == path
    assert (
        caught.value.advice("Return").startswith(("Return", "Convert", "Call", "Set")) or "object" in caught.value.kind
    )


GOOD: dict[str, object] = {"~": "frame", "c": [None, ["a"]], "i": None, "n": None, "v": [["o", [1, 2]]]}
BAD: dict[str, dict[str, object]] = {
    "no columns": {"v": None},
    "a column that is none": {"v": [5]},
    "a column without kind": {"v": [[[1, 2]]]},
    "a kind that is none": {"v": [["x", [1, 2]]]},
    "a kind that is no text": {"v": [[1, [1, 2]]]},
    "a list that is no array": {"v": [["a", [1, 2]]]},
    "a text that is no list": {"v": [["o", "ab"]]},
    "columns of two lengths": {"c": [None, ["a", "b"]], "v": [["o", [1, 2]], ["o", [1]]]},
    "an index of another length": {"i": ["o", [1]]},
    "an index that is none": {"i": 5},
    "too few labels": {"c": [None, []]},
    "too many labels": {"c": [None, ["a", "b"]]},
    "no labels": {"c": None},
    "labels that are none": {"c": [None, 5]},
    "a name that cannot be one": {"c": [[1], ["a"]]},
    "an index name that cannot be one": {"i": ["o", [1, 2]], "n": [1]},
    "a matrix": {"v": [["a", {"~": "array", "d": "|u1", "s": [1, 2], "v": "AAA="}]]},
    "a scalar": {"v": [["a", {"~": "array", "d": "|u1", "s": [], "v": "AA==", "scalar": True}]]},
}


@pytest.mark.parametrize("change", BAD.values(), ids=BAD)
def test_a_hostile_frame_is_refused(change: dict[str, object]) -> None:
    assert codec.loads(json.dumps(GOOD).encode()) is not None
    with pytest.raises(UndecodableError):
        codec.loads(json.dumps({**GOOD, **change}).encode())


def array(*shape: int) -> dict[str, object]:
    data = base64.b64encode(bytes(math.prod(shape))).decode()
    return {"~": "array", "d": "|u1", "s": list(shape), "v": data}


LABELS: dict[str, object] = {"~": "index", "n": None, "v": ["r", [0, 2, 1]]}
ROWS: dict[str, object] = {"~": "index", "n": None, "v": ["o", ["x", "y", "z"]]}
GOOD_TABLE: dict[str, object] = {
    "~": "table", "c": LABELS, "i": ROWS, "l": 3, "v": [[[1], "a", array(3, 1)], [0, "o", [1, 2, 3]]]
}  # fmt: skip
GOOD_SERIES: dict[str, object] = {"~": "series", "i": ROWS, "n": "name", "v": ["a", array(3)]}
GOOD_INDEX: dict[str, object] = {"~": "index", "n": "name", "v": ["o", [1, "b"]]}
OBJECTS: dict[str, object] = {"~": "array", "d": "|O", "s": [3, 1], "v": [1, 2, 3]}
TEXTS: dict[str, object] = {"~": "array", "d": "<U1", "s": [3, 1], "v": ["", "", ""]}
DATES: dict[str, object] = {"~": "array", "d": "<M8[s]", "s": [3], "v": base64.b64encode(bytes(24)).decode()}
BY_DATE: dict[str, object] = {"~": "index", "n": None, "v": ["a", DATES]}
BLOCK: list[object] = [[1], "a", array(3, 1)]
# a good part, one of its fields, and what that may not be
BAD_PARTS: list[tuple[dict[str, object], str, list[object]]] = [
    (GOOD_TABLE, "v", [[], None, {}, [None], [[0, "o", [1, 2, 3]]]]),
    (GOOD_TABLE, "v", [[BLOCK, [place, "o", [1, 2, 3]]] for place in (1, -1, 2, True, "0", 0.0, None)]),
    (GOOD_TABLE, "v", [[BLOCK, [0, kind, [1, 2, 3]]] for kind in ("a", "x", "r", None, 1)]),
    (GOOD_TABLE, "v", [[BLOCK, [0, "o", values]] for values in ([1, 2], None, "abc", array(3), {"a": 1})]),
    (GOOD_TABLE, "v", [[BLOCK, [0, "a", values]] for values in (array(3), GOOD_INDEX)]),
    (GOOD_TABLE, "v", [[BLOCK, [[0], "a", block]] for block in (array(1, 3), array(3), OBJECTS, TEXTS, [1, 2, 3])]),
    (GOOD_TABLE, "v", [[BLOCK, [[0], "o", [1, 2, 3]]], [BLOCK, [["0"], "a", array(3, 1)]], [BLOCK, [0, "o"]]]),
    (GOOD_TABLE, "v", [[BLOCK, [[0, 1], "a", array(3, 2)]], [[[0], "a", array(3, 1)], [[0], "a", array(3, 1)]]]),
    (GOOD_TABLE, "c", [None, [0, 1], {**LABELS, "v": ["r", [0, 3, 1]]}, ROWS]),
    (GOOD_TABLE, "c", [{**LABELS, "v": ["r", [0, 1 << 62, 1]]}, {**LABELS, "v": ["r", [0, 1 << 36, 1]]}]),
    (GOOD_TABLE, "i", [[1, 2, 3], LABELS, "x", array(3)]),
    (GOOD_TABLE, "l", [2, -1, None, "3", 3.0, 1 << 70]),
    (GOOD_TABLE, "t", [[], 1, "x"]),
    (GOOD_SERIES, "t", [[], 1, "x"]),
    (
        GOOD_SERIES,
        "v",
        [None, ["a"], ["a", [1, 2, 3]], ["a", array(2)], ["a", array(3, 1)], ["o", "abc"], ["s", [1, 2]]],
    ),
    (GOOD_SERIES, "v", [["a", GOOD_INDEX], ["a", OBJECTS], ["r", [0, 3, 1]]]),
    (GOOD_SERIES, "n", [[1], {}, [[]]]),
    (GOOD_INDEX, "v", [["r", numbers] for numbers in ([0, 1], [0, 1, 0], [0, 1 << 70, 1], [0, 1.5, 1], 1, None)]),
    (GOOD_INDEX, "v", [["r"], ["r", 1, 2], ["x", [1]], ["a", GOOD_INDEX]]),
    (GOOD_INDEX, "n", [[1], {}]),
    (GOOD_INDEX, "f", ["D", 1, [], "eval()", "B", "Q-XXX", "1" * 50 + "D"]),
    (BY_DATE, "f", ["D", "h", "-5min", "nonsense", "ME", "M", 1]),
]


@pytest.mark.parametrize(
    ("good", "change"), [(good, {field: value}) for good, field, values in BAD_PARTS for value in values], ids=str
)
def test_hostile_parts_are_refused(good: dict[str, object], change: dict[str, object]) -> None:
    assert codec.loads(json.dumps(good).encode()) is not None
    with pytest.raises(UndecodableError):
        codec.loads(json.dumps({**good, **change}).encode())


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["a", "o", "s", "x"]),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=6,
)


@FUZZ
@given(
    st.sampled_from([GOOD, GOOD_TABLE, GOOD_SERIES, GOOD_INDEX]),
    st.dictionaries(st.sampled_from(["c", "i", "n", "v", "l", "f", "t"]), json_values),
)
def test_any_frame_is_a_frame_or_refused(good: dict[str, object], change: dict[str, object]) -> None:
    try:
        came = codec.loads(json.dumps({**good, **change}).encode())
    except UndecodableError:
        return
    assert isinstance(came, pd.DataFrame | pd.Series | pd.Index)


def test_a_frame_where_pandas_is_not_installed_is_refused() -> None:
    engine = Path(codec.__file__).parents[2]
    script = (
        f"import sys; sys.path.insert(0, {str(engine)!r}); sys.modules['pandas'] = None\n"
        "from poet_engine.guest import codec, errors\n"
        f"try: codec.loads({json.dumps(GOOD).encode()!r})\n"
        "except errors.UndecodableError as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.stdout == "a data frame, but pandas is not installed here\n", done.stderr
