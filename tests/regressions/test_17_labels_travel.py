"""17: a pandas Series arrived as the array of its values: its labels were lost, and the outcome said `ok`.

A value arrives as what it was, type and content, or is refused by name with what to do instead. That holds for results
and for arguments.
"""

import array
import collections
import datetime as dt
import decimal
import enum
import fractions
import pathlib
import zoneinfo
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from poet_engine import Engine
from poet_engine.errors import SerializationError
from poet_engine.guest import codec
from poet_engine.guest.errors import GuestSerializationError
from poet_engine.job import Job
from poet_engine.sandbox import wire

HEAD = 'version = 1\nname = "labels"\nextends = "data"\n[static]\nmode = "warn"\n[limits]\nwall = "60s"\ncpu = "60s"\n'


def test_a_series_keeps_its_labels(open_engine: Callable[[str], Engine]) -> None:
    source = 'import pandas as pd\ndef f():\n    return pd.Series(["x", "y", "x"]).value_counts()\n'
    came = open_engine(HEAD).run(source, "f").unwrap()

    assert isinstance(came, pd.Series)
    pd.testing.assert_series_equal(came, pd.Series(["x", "y", "x"]).value_counts())


ECHO = """
import pandas as pd

def told(value):
    index = value.index if isinstance(value, pd.Series) else value
    return type(value).__name__, list(map(str, index)), value.name, str(value.dtype), value
"""


@pytest.mark.parametrize(
    "value",
    [
        pd.Series([1.5, 2.5], index=["a", "b"], name="n"),
        pd.Series(["x", "y"], index=pd.date_range("2024-01-01", periods=2), name=("a", 1)),
        pd.Index(["a", "b"], name="key"),
        pd.date_range("2024-01-01", periods=3, freq="h", name="when"),
        pd.RangeIndex(2, 10, 3),
    ],
    ids=lambda value: f"{type(value).__name__}-{value.dtype}",
)
def test_series_and_indexes_travel_both_ways(
    open_engine: Callable[[str], Engine], value: "pd.Series[float] | pd.Index[str]"
) -> None:
    told = open_engine(HEAD).run(ECHO, "told", value).unwrap()

    assert isinstance(told, tuple)
    index = value.index if isinstance(value, pd.Series) else value
    assert told[:-1] == (type(value).__name__, list(map(str, index)), value.name, str(value.dtype))
    assert same(told[-1], value)


class Colour(enum.IntEnum):
    RED = 1


class Word(enum.StrEnum):
    YES = "yes"


class Text(str):
    __slots__ = ()


class Whole(int):
    pass


class Part(float):
    pass


class Raw(bytes):
    pass


class Row(list[object]):
    pass


class Table(dict[str, object]):
    pass


class Pair(tuple[int, int]):
    __slots__ = ()


class Group(set[int]):
    pass


class Moment(dt.datetime):
    pass


class Frame(pd.DataFrame):
    pass


class Matrix(np.ndarray[tuple[int], np.dtype[np.float64]]):
    pass


BERLIN = zoneinfo.ZoneInfo("Europe/Berlin")
SMALL = np.arange(6.0).reshape(2, 3)
RECORDS = np.zeros(2, dtype=[("a", "f8")])
ZONED = pd.date_range("2024-01-01", periods=2, tz="UTC")
LEVELS = pd.MultiIndex.from_product([["a", None], [1.5, 2.5]], names=["x", ("y", 1)])

# Values that arrive as what they were.
EXACT: list[object] = [
    *(True, 0, -1, 2**70, 10**400, 0.0, -0.0, float("nan"), float("-inf"), complex(-0.0, float("nan"))),
    *("", "é😀\0", b"\xff"),
    *(bytearray(b"ab"), [], (), {}, set(), frozenset(), [1, True, 1.0, None], {"b": 1, "a": 2}),
    *({1: "x", (2, None): []}, {True: 1}, {None: 0, "None": 1}),
    *({"~": "tuple", "v": [1]}, {"~": {"~": 1}}, {"v": 1}, {1, "1", (1,), None, 1.5, b"1"}),
    *(decimal.Decimal(text) for text in ("1.10", "-0", "sNaN", "NaN123", "-Infinity", "1E+999999")),
    *(fractions.Fraction(-1, 3), range(0), range(5, 0, -2), pathlib.PosixPath("a/b"), pathlib.PurePosixPath("/a")),
    *(collections.Counter("aab"), collections.OrderedDict(b=1, a=2), collections.deque([1, 2], 5)),
    *(collections.defaultdict(list, a=[1]), collections.defaultdict(None, {1: 2})),
    *(dt.date.max, dt.timedelta(-1, 2, 3), dt.time(1, 2, fold=1), dt.time(1, tzinfo=dt.UTC)),
    *(dt.datetime(2024, 10, 27, 2, 30, fold=1), dt.datetime(2024, 1, 1, tzinfo=dt.UTC)),  # noqa: DTZ001 - naive ones must travel as well
    *(np.float64(-0.0), np.float32("nan"), np.bool_(True), np.int8(-1), np.uint64(2**64 - 1), np.complex64(1j)),
    *(np.str_("a"), np.bytes_(b"a"), np.datetime64("2024-01-01T00", "ns"), np.timedelta64("NaT", "s"), np.float16(1)),
    *(SMALL, SMALL.T, SMALL[:, ::2], SMALL[::-1], SMALL.astype(">f4"), SMALL.astype("?"), np.array(3), np.array([])),
    *(np.array(["a", "bc"]), np.array(["é"], dtype=">U3"), np.array([b"a\0b"]), np.array("x"), np.zeros((2, 0, 3))),
    *(np.array([[1, "a"], [None, (2,)]], dtype=object), np.array(["2024"], dtype="M8[D]"), np.array(1, dtype=object)),
    *(pd.Series([1, 2], index=["a", "b"], name="n"), pd.Series([1, 2], index=["a", "a"]), pd.Series(dtype="f4")),
    *(pd.Series(["a", None]), pd.Series(["a", 1], dtype=object), pd.Series([1], index=pd.RangeIndex(5, 6))),
    *(pd.Index([1, 2], name="x"), pd.Index(["a", 1], dtype=object), pd.RangeIndex(0, 9, 2), pd.Index([True, False])),
    *(pd.date_range("2024-01-01", periods=3), pd.date_range("2024-01-31", periods=3, freq="ME", unit="s")),
    *(pd.timedelta_range("1h", periods=3), pd.DatetimeIndex(["2024-01-01", "2024-01-03"])),
    *(pd.DataFrame({"a": [1], "b": ["x"]}), pd.DataFrame({1: [1.5]}, index=["r"]), pd.DataFrame(index=["a"])),
    *(pd.Timestamp("2024-01-01"), pd.Timestamp("2024-01-01", tz="Europe/Berlin"), pd.Timedelta("1h"), pd.NaT, pd.NA),
    *(pd.Period("2024"), pd.Series(["a"], dtype="category"), pd.Series([1, None], dtype="Int64"), pd.array([1])),
    *(pd.Series(["a", None], dtype="string"), pd.Series([True, None], dtype="boolean"), pd.Series(ZONED), ZONED),
    *(pd.Series([1], index=ZONED[:1]), pd.Series([1], index=pd.MultiIndex.from_tuples([("a", 1)])), LEVELS),
    *(pd.DataFrame([[1]], columns=pd.MultiIndex.from_tuples([("a", 1)])), pd.period_range("2024", periods=2)),
    *(pd.CategoricalIndex(["a"]), pd.Categorical(["a", None], ["b", "a"], ordered=True)),
    *(pd.DataFrame([[1, 2]], columns=["a", "a"]), pd.DataFrame([[1]], columns=pd.Index(["a"], name="n"))),
]  # fmt: skip

# Values that are refused, each with a word of what to return instead.
REFUSED: list[tuple[object, str]] = [
    (Colour.RED, "value.value"),
    (Word.YES, "value.value"),
    (Colour, "value.__name__"),
    (Text("a"), "str(value)"),
    (Whole(1), "int(value)"),
    (Part(1.5), "float(value)"),
    (Raw(b"a"), "bytes(value)"),
    (Row(), "list(value)"),
    (Table(), "dict(value)"),
    (Pair((1, 2)), "tuple(value)"),
    (Group(), "set(value)"),
    (Moment(2024, 1, 1), "value.isoformat()"),
    (dt.UTC, "str(value)"),
    (BERLIN, "value.key"),
    (dt.time(1, tzinfo=BERLIN), "value.replace(tzinfo=None)"),
    (memoryview(b"a"), "bytes(value)"),
    (array.array("i", [1]), "value.tolist()"),
    (pathlib.PureWindowsPath("a"), "str(value)"),
    (np.ma.masked_array([1.0], [True]), "value.filled()"),
    (SMALL.view(np.matrix), "numpy.asarray(value)"),
    (RECORDS, "value.tolist()"),
    (RECORDS.view(np.recarray), "value.dtype.names"),
    (RECORDS[0], "value.item()"),
    (SMALL.reshape(6).view(Matrix), "numpy.asarray(value)"),
    (np.longdouble(1), "float(value)"),
    (np.zeros(1, dtype=np.longdouble), "value.astype(float)"),
    (np.datetime64("2024", "Y"), "value.astype("),
    (np.array(["2024"], dtype="M8[M]"), "value.astype('M8[us]')"),
    (pd.Timestamp("2024-01-01", tz=dt.timezone(dt.timedelta(hours=1), "own")), "value.tz_convert('UTC')"),
    (pd.Interval(0, 1), "(value.left, value.right)"),
    (pd.Series(pd.interval_range(0, 2)), "astype(str)"),
    (pd.interval_range(0, 2), "astype(str)"),
    (pd.Series([1], index=pd.interval_range(0, 1)), "reset_index()"),
    (pd.Series([(1, 2)]).astype("category"), "astype(object)"),
    (pd.Series([0, 1], dtype="Sparse[int]"), "sparse.to_dense()"),
    (pd.Series([1]).set_flags(allows_duplicate_labels=False), "set_flags"),
    (Frame({"a": [1]}), "pandas.DataFrame(value)"),
    (pd.arrays.SparseArray([1]), "value.to_numpy()"),
]


def same(one: object, other: object) -> bool:
    """Of the same type and content, all the way down."""
    if type(one) is not type(other):
        return False
    if isinstance(one, pd.Series | pd.DataFrame) and isinstance(other, pd.Series | pd.DataFrame):
        check = pd.testing.assert_series_equal if isinstance(one, pd.Series) else pd.testing.assert_frame_equal
        check(one, other, check_index_type=True)  # type: ignore[arg-type]  # both are of one type
        return same(one.index, other.index) and one.attrs == other.attrs
    if isinstance(one, pd.Index) and isinstance(other, pd.Index):
        pd.testing.assert_index_equal(one, other, exact=True)
        return getattr(one, "freq", None) == getattr(other, "freq", None)
    if isinstance(one, np.ndarray | np.generic) and isinstance(other, np.ndarray | np.generic):
        return (one.dtype, one.shape, repr(one.tolist())) == (other.dtype, other.shape, repr(other.tolist()))
    return repr(one) == repr(other) if not isinstance(one, set | frozenset) else one == other


@pytest.mark.parametrize("value", EXACT, ids=lambda value: f"{type(value).__name__}-{value!r:.30}")
def test_a_value_arrives_as_what_it_was(value: object) -> None:
    assert same(codec.loads(codec.dumps(value, "the result")), value)
    held = codec.loads(codec.dumps({"deep": [(value,)]}, "the result"))
    assert isinstance(held, dict)
    assert same(held["deep"][0][0], value)


@pytest.mark.parametrize(("value", "instead"), REFUSED, ids=lambda value: f"{type(value).__name__}-{value!r:.30}")
def test_what_cannot_arrive_as_that_is_refused_with_what_to_do(value: object, instead: str) -> None:
    with pytest.raises(GuestSerializationError) as result:
        codec.dumps(value, "the result")
    with pytest.raises(SerializationError) as argument:
        wire.request(Job(source="", entry="f", args=[[value]]))

    assert instead in result.value.advice("Return")
    assert result.value.where.endswith(("the result", "the index of the result", "the columns of the result"))
    assert instead in str(argument.value)
    assert "argument 1[0]" in argument.value.where


def test_a_datetime_of_a_zone_is_equal_to_what_arrives() -> None:
    """The one loss: the rules of the zone, which docs/values.md names."""
    for fold in (0, 1):
        value = dt.datetime(2024, 10, 27, 2, 30, tzinfo=BERLIN, fold=fold)
        came = codec.loads(codec.dumps(value, "x"))
        assert isinstance(came, dt.datetime)
        assert (came.utcoffset(), came.fold, came.replace(tzinfo=None)) == (
            value.utcoffset(), fold, value.replace(tzinfo=None)
        )  # fmt: skip
