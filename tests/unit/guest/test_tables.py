"""Data frames: what they arrive as, what of them is refused, and that hostile ones are."""

import json
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
from poet_engine.guest.travel import UndecodableError, UntravellableError

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
}


@pytest.mark.parametrize("rows", [3, LONG - 1, LONG])
@pytest.mark.parametrize("form", FRAMES)
def test_a_frame_arrives_with_columns_types_labels_and_index(form: str, rows: int) -> None:
    value = FRAMES[form](rows)

    pd.testing.assert_frame_equal(arrived(value), value, check_freq=False)


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


def test_frames_travel_within_other_values() -> None:
    came = codec.loads(codec.dumps({"a": [frame(2)], "b": frame(1)}, "x"))
    assert isinstance(came, dict)
    pd.testing.assert_frame_equal(came["a"][0], frame(2), check_freq=False)


class Own(pd.DataFrame):
    pass


@pytest.mark.parametrize(
    ("value", "path"),
    [
        (frame(2).assign(z=pd.Series(["a", "b"], dtype="category")), "x['z']"),
        (frame(2).assign(z=pd.date_range("2024-01-01", periods=2, tz="UTC")), "x['z']"),
        (frame(2).assign(z=pd.array([1, None], dtype="Int64")), "x['z']"),
        (frame(2).assign(z=pd.Series([1, object()], dtype=object)), "x['z'][1]"),
        (frame(2).set_index(["text", "whole"]), "the index of x"),
        (pd.DataFrame([[1, 2]], columns=pd.MultiIndex.from_tuples([("a", 1), ("a", 2)])), "the columns of x"),
        (pd.DataFrame([[1]], columns=[pd.Timestamp("2024-01-01")]), "the columns of x[1][0]"),
        (Own({"a": [1]}), "x"),
    ],
    ids=["category", "zone", "nullable", "objects", "levels", "levels of columns", "labels", "subclass"],
)
def test_what_has_no_safe_form_is_refused_with_its_path(value: pd.DataFrame, path: str) -> None:
    with pytest.raises(UntravellableError) as caught:
        codec.dumps(value, "x")
    assert caught.value.where == path


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


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["a", "o", "s", "x"]),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=6,
)


@FUZZ
@given(st.dictionaries(st.sampled_from(["c", "i", "n", "v"]), json_values))
def test_any_frame_is_a_frame_or_refused(change: dict[str, object]) -> None:
    try:
        came = codec.loads(json.dumps({**GOOD, **change}).encode())
    except UndecodableError:
        return
    assert isinstance(came, pd.DataFrame)


def test_a_frame_where_pandas_is_not_installed_is_refused() -> None:
    engine = Path(codec.__file__).parents[2]
    script = (
        f"import sys; sys.path.insert(0, {str(engine)!r}); sys.modules['pandas'] = None\n"
        "from poet_engine.guest import codec\n"
        f"try: codec.loads({json.dumps(GOOD).encode()!r})\n"
        "except codec.UndecodableError as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.stdout == "a data frame, but pandas is not installed here\n", done.stderr
