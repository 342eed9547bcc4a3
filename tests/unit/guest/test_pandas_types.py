"""Values and columns of pandas' own types: what is sent arrives, and what a guest forges is told as a bad answer."""

import base64
import datetime as dt
import json
import time
from typing import Literal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from poet_engine.guest import codec, json_shape, pandas_columns
from poet_engine.guest.attachments import Collected
from poet_engine.guest.decoding_budget import DecodingBudget
from poet_engine.guest.errors import GuestSerializationError, UndecodableError

ZONES: tuple[str | dt.tzinfo, ...] = (
    "UTC",
    "Europe/Berlin",
    "America/St_Johns",
    dt.timezone(dt.timedelta(hours=-5, seconds=7)),
)
UNITS: tuple[Literal["s", "ms", "us", "ns"], ...] = ("s", "ms", "us", "ns")
units = st.sampled_from(UNITS)
stamps = st.datetimes(dt.datetime(1700, 1, 1), dt.datetime(2200, 1, 1))  # noqa: DTZ001 - the zone comes later
zones = st.sampled_from([None, *ZONES])
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
names = st.none() | texts | st.tuples(texts, st.integers())


def travelled(value: object) -> object:
    """Return what arrives of a value, which has paid for its decoding."""
    parts = Collected(pays=True)
    content = codec.dumps(value, "x", parts)
    costs = DecodingBudget()
    came = codec.loads(content, costs=costs)
    assert parts.price + json_shape.price(content) >= costs.spent
    return came


@st.composite
def moments(draw: st.DrawFn) -> object:
    kind = draw(st.sampled_from(["stamp", "duration", "period", "NaT", "NA"]))
    unit = draw(units)
    if kind == "stamp":
        made = pd.Timestamp(draw(stamps)).as_unit(unit)
        zone = draw(zones)
        return made if zone is None else made.tz_localize("UTC").tz_convert(zone)
    if kind == "duration":
        return pd.Timedelta(draw(st.timedeltas(dt.timedelta(-40_000), dt.timedelta(40_000)))).as_unit(unit)
    if kind == "period":
        return pd.Period(ordinal=draw(st.integers(-1000, 1000)), freq=draw(st.sampled_from(["D", "M", "Q-NOV", "3h"])))
    return pd.NaT if kind == "NaT" else pd.NA


@given(moments())
def test_a_single_value_arrives_as_it_was(value: object) -> None:
    came = travelled([value])
    assert isinstance(came, list)
    assert type(came[0]) is type(value)
    assert repr(came[0]) == repr(value)
    for name in ("unit", "freq", "tzinfo", "fold"):
        assert getattr(came[0], name, None) == getattr(value, name, None)


def _column(draw: st.DrawFn) -> object:
    """Draw an array of one of the types."""
    kind = draw(st.sampled_from(["category", "nullable", "boolean", "string", "zoned", "period"]))
    size = draw(st.integers(0, 5))
    missing = draw(st.lists(st.booleans(), min_size=size, max_size=size))
    if kind == "category":
        values = draw(
            st.sampled_from([["b", "a", "c"], [3, 1, 2], [1.5, 2.5, -1.0], list(pd.date_range("2024", periods=3))])
        )
        codes = [-1 if gone else draw(st.integers(0, 2)) for gone in missing]
        return pd.Categorical.from_codes(codes, values, ordered=draw(st.booleans()))  # type: ignore[call-overload]  # of any type
    if kind == "nullable":
        name = draw(st.sampled_from(["Int8", "UInt16", "Int64", "UInt64", "Float32", "Float64"]))
        return pd.array([None if gone else draw(st.integers(0, 100)) for gone in missing], dtype=name)  # type: ignore[call-overload]  # one of many
    if kind == "boolean":
        return pd.array([None if gone else draw(st.booleans()) for gone in missing], dtype="boolean")
    if kind == "string":
        return pd.array([None if gone else draw(texts) for gone in missing], dtype="string")
    if kind == "zoned":
        drawn = [pd.NaT if gone else pd.Timestamp(draw(stamps)) for gone in missing]
        index = pd.DatetimeIndex(drawn).as_unit(draw(units)).tz_localize("UTC")
        return index.tz_convert(draw(st.sampled_from(ZONES))).array
    numbers = [draw(st.integers(-99, 99)) for _ in missing]
    return (
        pd.PeriodIndex([pd.Period(ordinal=number, freq="M") for number in numbers], freq="M")
        .where([not gone for gone in missing])
        .array
    )


@st.composite
def columns(draw: st.DrawFn) -> object:
    return _column(draw)


def equal(one: object, other: object) -> None:
    assert getattr(one, "attrs", None) == getattr(other, "attrs", None)
    if isinstance(one, pd.Series):
        pd.testing.assert_series_equal(one, other, check_exact=True)  # type: ignore[call-overload]  # of one type
    elif isinstance(one, pd.DataFrame):
        pd.testing.assert_frame_equal(one, other, check_exact=True)  # type: ignore[arg-type]  # of one type
    elif isinstance(one, pd.Index):
        pd.testing.assert_index_equal(one, other, exact=True)  # type: ignore[arg-type]  # of one type
        assert one.names == other.names  # type: ignore[attr-defined]  # as above
    else:
        pd.testing.assert_extension_array_equal(one, other)  # type: ignore[arg-type]  # of one type


@settings(deadline=None)
@given(columns(), names)
def test_a_column_arrives_as_it_was(array: object, name: object) -> None:
    """Alone, as a series with its name and attributes, as an index, and beside others in a frame."""
    series = pd.Series(array, name=name, index=pd.RangeIndex(5, 5 + len(array)))  # type: ignore[arg-type,call-overload]  # an array
    series.attrs = {"from": name}
    frame = pd.DataFrame({"x": array, "n": range(len(series)), "y": array})
    index = pd.Index(array, name=name)  # type: ignore[call-overload]  # an array
    for value in (array, series, frame, index):
        equal(value, travelled(value))


@settings(deadline=None)
@given(st.lists(st.tuples(texts | st.none(), st.integers(0, 3), st.sampled_from([1.5, 2.5])), max_size=6), names)
def test_several_levels_arrive_as_they_were(rows: list[tuple[object, ...]], name: object) -> None:
    index = pd.MultiIndex.from_tuples(rows, names=["a", name, None]) if rows else pd.MultiIndex.from_arrays([[], []])
    values = range(len(index))
    for value in (index, pd.Series(values, index=index), pd.DataFrame({"v": values}, index=index)):
        equal(value, travelled(value))
    equal(pd.DataFrame([list(values)], columns=index), travelled(pd.DataFrame([list(values)], columns=index)))


def test_levels_that_are_not_used_and_categories_within_them_arrive() -> None:
    index = pd.MultiIndex.from_arrays([pd.Categorical(["y", "x"], ["z", "y", "x"]), pd.array([1, 2], dtype="Int64")])
    came = travelled(index[:1])
    assert isinstance(came, pd.MultiIndex)
    assert [list(level) for level in came.levels] == [["z", "y", "x"], [1, 2]]
    assert came.levels[0].dtype == index.levels[0].dtype


def test_what_lies_beside_the_json_arrives_too() -> None:
    parts = Collected()
    codec.dumps(pd.Series([1, None] * 50_000, dtype="Int64"), "x", parts)
    assert parts.size > 800_000


# Forged.


def tagged(tag: str, value: object, **more: object) -> object:
    return {"~": tag, "v": value, **more}


def array(values: list[int], kind: str = "<i8") -> object:
    data = np.array(values, kind).tobytes()
    return tagged("array", base64.b64encode(data).decode(), d=kind, s=[len(values)])


def index(values: list[object], kind: str = "o") -> object:
    return tagged("index", [kind, values], n=None)


CODES = array([0], "|i1")
FORGED: dict[str, object] = {
    "a unit": tagged("timestamp", 1, u="D"),
    "ticks that are no number": tagged("timestamp", "1", u="s"),
    "ticks that are a truth": tagged("timestamp", True, u="s"),
    "ticks beyond 64 bits": tagged("timestamp", 1 << 64, u="s"),
    "a zone that is a path": tagged("timestamp", 1, u="s", z="../../etc/passwd"),
    "a zone that is a module": tagged("timestamp", 1, u="s", z="os/path"),
    "a long zone": tagged("timestamp", 1, u="s", z="x" * 100_000),
    "a zone that is a list": tagged("timestamp", 1, u="s", z=[]),
    "an offset of two days": tagged("timestamp", 1, u="s", z=2 * 86_400_000_000),
    "a duration": tagged("duration", -(1 << 63), u="ns"),
    "a period": tagged("period", 1, f="no"),
    "a frequency that is code": tagged("period", 1, f="__import__"),
    "a period out of range": tagged("period", 1 << 70, f="D"),
    "a missing value": tagged("missing", "None"),
    "a kind": tagged("column", ["q", []]),
    "a column of numbers": tagged("column", ["a", CODES]),
    "parts": tagged("column", ["c", [CODES]]),
    "parts that are none": tagged("column", ["n", None]),
    "a code beyond the categories": tagged("column", ["c", [array([1], "|i1"), index(["a"]), False]]),
    "a category that stands twice": tagged("column", ["c", [CODES, index(["a", "a"]), False]]),
    "a category that is missing": tagged("column", ["c", [CODES, index([None]), False]]),
    "a category that cannot be hashed": tagged("column", ["c", [CODES, index([[]]), False]]),
    "categories that are a list": tagged("column", ["c", [CODES, ["a"], False]]),
    "codes that are floats": tagged("column", ["c", [array([0], "<f8"), index(["a"]), False]]),
    "an order that is a number": tagged("column", ["c", [CODES, index(["a"]), 1]]),
    "a nullable type": tagged("column", ["n", ["object", array([1]), array([0], "|b1")]]),
    "a mask of another length": tagged("column", ["n", ["Int64", array([1]), array([0, 0], "|b1")]]),
    "a mask of numbers": tagged("column", ["n", ["Int64", array([1]), array([0])]]),
    "values of another type": tagged("column", ["n", ["Int8", array([1]), array([0], "|b1")]]),
    "a storage": tagged("column", ["t", ["os.path", ["a"]]]),
    "text that is none": tagged("column", ["t", ["python", [1]]]),
    "zoned days": tagged("column", ["z", ["UTC", array([1], "<M8[D]")]]),
    "periods of two dimensions": tagged("column", ["p", ["M", tagged("array", "", d="<i8", s=[0, 1])]]),
    "levels": tagged("levels", [], l=[], n=[]),
    "levels without codes": tagged("levels", [], l=[index(["a"])], n=[None]),
    "codes of two lengths": tagged("levels", [CODES, array([0, 0])], l=[index(["a"])] * 2, n=[None, None]),
    "a place in no level": tagged("levels", [array([7])], l=[index(["a"])], n=[None]),
    "a place before every level": tagged("levels", [array([-2])], l=[index(["a"])], n=[None]),
    "a name that cannot be hashed": tagged("levels", [CODES], l=[index(["a"])], n=[[]]),
    "a level of levels": tagged("levels", [CODES], l=[tagged("levels", [CODES], l=[index(["a"])], n=[None])], n=[None]),
    "a level that stands twice": tagged("levels", [CODES], l=[index(["a", "b", "a"])], n=[None]),
    "a table whose column is a level": tagged("series", ["c", [CODES, index(["a"]), False]], i=index([1, 2]), n=None),
}  # fmt: skip


@pytest.mark.parametrize("forged", FORGED.values(), ids=FORGED)
def test_what_is_forged_is_told_as_undecodable(forged: object) -> None:
    content = json.dumps([forged]).encode()
    with pytest.raises(UndecodableError):
        codec.loads(content, costs=DecodingBudget(len(content)))


LEAVES = st.none() | st.integers(-3, 300) | st.sampled_from([True, "", "UTC", "M", CODES, index(["a"])])
NEW_TAGS = ["timestamp", "duration", "period", "missing", "column", "levels"]


@settings(deadline=None)
@given(
    st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=4), max_leaves=8),
    st.sampled_from(NEW_TAGS),
)
def test_whatever_is_forged_is_a_value_or_undecodable(content: object, tag: str) -> None:
    kinds = content if isinstance(content, list) else [content]
    for form in (tagged(tag, content, u="s", f="M", z="UTC"), tagged(tag, content, l=kinds, n=kinds)):
        try:
            codec.loads(json.dumps(form).encode())
        except UndecodableError:
            continue


PARTS: list[object] = [CODES, array([0], "|b1"), array([1]), index(["a"]), True, "UTC", "Int8", "M", ["a"]]


@pytest.mark.parametrize("kind", [*pandas_columns.KINDS])
@settings(deadline=None)
@given(content=st.lists(st.sampled_from(PARTS), max_size=4))
def test_whatever_is_forged_of_a_column_is_a_value_or_undecodable(kind: str, content: list[object]) -> None:
    try:
        codec.loads(json.dumps(tagged("column", [kind, content])).encode())
    except UndecodableError:
        return


def test_categories_that_collide_are_refused_before_they_are_hashed() -> None:
    """Otherwise pandas would take seconds to see that none of them stands twice."""
    keys = np.arange(50_000, dtype=np.uint64)[::-1]
    low = keys.copy()
    for _ in range(3):
        low = (keys ^ (low << np.uint64(11))) & np.uint64(0xFFFFFFFF)
    chosen = ((keys << np.uint64(33)) | low).astype(np.int64)
    np.random.default_rng(1).shuffle(chosen)
    level = tagged("index", ["a", array(chosen.tolist())], n=None)
    for form in (tagged("column", ["c", [CODES, level, False]]), tagged("levels", [CODES], l=[level], n=[None])):
        content = json.dumps(form).encode()
        began = time.thread_time()
        with pytest.raises(UndecodableError, match="collide"):
            codec.loads(content, costs=DecodingBudget(len(content)))
        assert time.thread_time() - began < 0.5


def test_categories_in_no_order_are_refused_by_name_where_they_are_too_many() -> None:
    few, many = (pd.Categorical([0], range(size, -1, -1)) for size in (1000, pandas_columns.MAX_SCATTERED))
    equal(few, travelled(few))
    with pytest.raises(GuestSerializationError, match="of 4097 categories") as caught:
        codec.dumps(many, "x")
    assert "in order" in caught.value.advice("Return")
