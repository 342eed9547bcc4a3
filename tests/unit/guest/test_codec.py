"""What travels, as what it arrives, and how an error names what does not."""

import base64
import collections
import datetime as dt
import decimal
import enum
import fractions
import json
import math
import pathlib
import sys
import uuid
import zoneinfo
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from poet_engine.guest import codec
from poet_engine.guest.errors import GuestSerializationError, UndecodableError

FUZZ = settings(deadline=None, max_examples=200)  # a shared machine is slow at times, which says nothing


def there_and_back(value: object) -> object:
    return codec.loads(codec.dumps(value, "x"))


def told(one: object) -> object:
    """All of a value, in a form whose equality is that of types and contents; nan is nan, and 0.0 is not -0.0."""
    kind = type(one)
    if isinstance(one, float):
        return kind, "nan" if math.isnan(one) else (one, math.copysign(1, one))
    if isinstance(one, complex):
        return kind, told(one.real), told(one.imag)
    if isinstance(one, dict):
        return kind, getattr(one, "default_factory", None), [told(pair) for pair in one.items()]
    if isinstance(one, list | tuple | collections.deque):
        return kind, getattr(one, "maxlen", None), [told(item) for item in one]
    if isinstance(one, decimal.Decimal):
        return kind, one.as_tuple()
    if isinstance(one, range):
        return kind, one.start, one.stop, one.step
    return kind, one, getattr(one, "fold", None), one.utcoffset() if isinstance(one, dt.datetime | dt.time) else None


def same(one: object, other: object) -> bool:
    """Equal and of the same types all the way down."""
    return told(one) == told(other)


def fixed_zones() -> st.SearchStrategy[dt.timezone]:
    offset = dt.timedelta(hours=23, minutes=59, seconds=59)
    second = dt.timedelta(seconds=1)
    offsets = st.timedeltas(-offset, offset).filter(lambda found: not found or abs(found) >= second)
    return st.builds(dt.timezone, offsets)


text = st.text(st.characters(exclude_categories=["Cs"]))
hashable_leaves = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(-(2**2000), 2**2000),
    st.floats(allow_nan=False),
    text,
    st.binary(),
    st.complex_numbers(allow_nan=False),
    st.decimals(allow_nan=False),
    st.uuids(),
    st.builds(pathlib.Path, text.filter(lambda part: "\0" not in part)),
    st.datetimes(timezones=st.none() | fixed_zones(), allow_imaginary=False),
    st.dates(),
    st.times(timezones=st.none() | fixed_zones()),
    st.timedeltas(),
)
hashables = st.recursive(
    hashable_leaves,
    lambda inner: st.lists(inner, max_size=4).map(tuple) | st.frozensets(inner, max_size=4),
    max_leaves=8,
)
values = st.recursive(
    hashables | st.floats() | st.complex_numbers() | st.builds(bytearray, st.binary()) | st.decimals(),
    lambda inner: st.one_of(
        st.lists(inner, max_size=5),
        st.lists(inner, max_size=5).map(tuple),
        st.sets(hashables, max_size=5),
        st.dictionaries(text | st.just("~"), inner, max_size=5),
        st.dictionaries(hashables, inner, max_size=5),
    ),
    max_leaves=15,
)


@FUZZ
@given(values)
def test_whatever_travels_arrives_as_it_left(value: object) -> None:
    assert same(there_and_back(value), value)


NAIVE = dt.datetime(1, 2, 28, 23, 59, 59, 999_999)  # noqa: DTZ001 - naive ones must travel as well

# one of each type in the table of encoders, at its edges
EDGES: dict[type, list[object]] = {
    int: [0, -1, 2**1024 - 1, 2**1024, -(2**1024), 10**5000],
    float: [0.0, -0.0, 5e-324, sys.float_info.max, math.inf, -math.inf, math.nan],
    list: [[], [[]], [None, True, False]],
    dict: [{}, {"~": "tuple", "v": [1]}, {1: 2, (3,): 4, None: 5, "": 6}],
    tuple: [(), ((),), (1, [2])],
    set: [set(), {1, "1", (1,)}],
    frozenset: [frozenset(), frozenset([frozenset()])],
    bytes: [b"", bytes(range(256))],
    bytearray: [bytearray(), bytearray(b"\0")],
    complex: [0j, complex(math.inf, -math.inf), complex(math.nan, -0.0)],
    decimal.Decimal: [*map(decimal.Decimal, ["0", "-0", "1E+999999", "1.10", "NaN", "-sNaN123", "-Infinity"])],
    uuid.UUID: [uuid.UUID(int=0), uuid.UUID(int=2**128 - 1)],
    pathlib.PosixPath: [pathlib.PosixPath("/a/b"), pathlib.PosixPath()],
    pathlib.PurePosixPath: [pathlib.PurePosixPath("/a/b"), pathlib.PurePosixPath()],
    fractions.Fraction: [fractions.Fraction(0), fractions.Fraction(-1, 3), fractions.Fraction(2**4096 - 1, 2**4095)],
    range: [range(0), range(3), range(10, -10, -3), range(2**2000)],
    collections.deque: [collections.deque(), collections.deque([1, [2]], 3), collections.deque(maxlen=0)],
    collections.Counter: [collections.Counter(), collections.Counter("aab"), collections.Counter({(1,): -1, "x": 1.5})],
    collections.OrderedDict: [collections.OrderedDict(), collections.OrderedDict([("b", 1), (2, [3])])],
    collections.defaultdict: [
        *(
            collections.defaultdict(kind, {"a": 1, (2,): []})
            for kind in (None, int, list, dict, set, str, float, tuple)
        ),
        *(collections.defaultdict(kind) for kind in (bool, bytes, complex, frozenset)),
    ],
    dt.datetime: [NAIVE, NAIVE.replace(year=9999), NAIVE.replace(tzinfo=dt.UTC), NAIVE.replace(fold=1)],
    dt.date: [dt.date.min, dt.date.max],
    dt.time: [dt.time.min, dt.time.max, dt.time(1, 2, 3, tzinfo=dt.UTC), dt.time(1, fold=1)],
    dt.timedelta: [dt.timedelta.min, dt.timedelta.max, dt.timedelta()],
}


def test_every_type_of_the_table_has_its_edges_tried() -> None:
    assert set(EDGES) == set(codec.ENCODERS)


@pytest.mark.parametrize(("kind", "several"), EDGES.items())
def test_the_edges_of_every_type_arrive_as_they_left(kind: type, several: list[object]) -> None:
    for value in several:
        assert type(value) is kind
        assert same(there_and_back(value), value)


def test_an_aware_datetime_arrives_with_a_fixed_offset() -> None:
    summer = dt.datetime(2024, 7, 1, 12, tzinfo=zoneinfo.ZoneInfo("Europe/Berlin"))
    arrived = there_and_back(summer)
    assert isinstance(arrived, dt.datetime)
    assert arrived == summer
    assert arrived.tzinfo == dt.timezone(dt.timedelta(hours=2))


def test_values_stay_plain_json_where_json_can_say_them() -> None:
    value = {"a": [1, 2.5, None, True, "x"], "b": {}}
    assert json.loads(codec.dumps(value, "x")) == value


def test_the_order_of_a_mapping_is_kept() -> None:
    for mapping in ({"b": 1, "a": 2}, {2: "b", 1: "a"}):
        arrived = there_and_back(mapping)
        assert isinstance(arrived, dict)
        assert list(arrived) == list(mapping)


class Colour(enum.IntEnum):
    RED = 1


class Point(collections.namedtuple("Point", "x y")):  # noqa: PYI024 - the plain form is what has no annotations to go by
    __slots__ = ()


class Handle:
    pass


STRANGERS: list[object] = [
    Handle(),
    Handle,
    len,
    (number for number in range(3)),
    Colour.RED,
    Point(1, 2),
    collections.defaultdict(lambda: 0),
    collections.ChainMap(),
    memoryview(b""),
    type("Text", (str,), {})("subclass"),
    dt.timezone.utc,  # noqa: UP017 - the object, not the use of it
]


@pytest.mark.parametrize("stranger", STRANGERS, ids=lambda value: type(value).__name__)
def test_a_type_that_is_not_in_the_table_does_not_travel(stranger: object) -> None:
    """A subclass is another type: it could mean anything, and would arrive as less than it was."""
    with pytest.raises(GuestSerializationError) as caught:
        codec.dumps(stranger, "argument 'rows'")
    assert caught.value.where == "argument 'rows'"
    assert caught.value.kind == type(stranger).__name__


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ({"a": [1, {"b": Handle()}]}, "x['a'][1]['b']"),
        ([1, 2, (3, Handle())], "x[2][1]"),
        ({1: Handle()}, "x[1]"),
        ({(1, 2): [Handle()]}, "x[(1, 2)][0]"),
        ({Handle: 1}, "a key of x"),
        ({("a", Handle): 1}, "a key of x[1]"),
        ({Handle()}, "x[0]"),
        ({"~": Handle()}, "x['~']"),
    ],
)
def test_an_error_names_the_path_to_what_cannot_travel(value: object, path: str) -> None:
    with pytest.raises(GuestSerializationError) as caught:
        codec.dumps(value, "x")
    assert caught.value.where == path
    assert str(caught.value).startswith(f"{path} is a ")


def test_a_long_key_is_cut_in_the_path() -> None:
    for value in ({"k" * 10_000: Handle()}, {("k" * 10_000,): Handle()}):
        with pytest.raises(GuestSerializationError) as caught:
            codec.dumps(value, "x")
        assert len(caught.value.where) < 100


def own_list() -> object:
    value: list[object] = [1]
    value.append(value)
    return value


def own_mapping() -> object:
    value: dict[object, object] = {}
    value["self"] = {2: value}
    return value


@pytest.mark.parametrize("offset", [dt.timedelta(microseconds=1), dt.timedelta(microseconds=-999_999)], ids=str)
def test_an_offset_below_a_second_is_refused(offset: dt.timedelta) -> None:
    """Read back from its text form, it would be UTC: `fromisoformat` has it so."""
    zone = dt.timezone(offset)
    moment, clock = dt.datetime(2024, 2, 29, tzinfo=zone), dt.time(tzinfo=zone)
    assert dt.datetime.fromisoformat(moment.isoformat()).utcoffset() != offset
    for value in (moment, clock):
        with pytest.raises(GuestSerializationError, match="less than a second"):
            codec.dumps(value, "argument 1")


@pytest.mark.parametrize("make", [own_list, own_mapping])
def test_a_value_that_contains_itself_is_refused_with_its_path(make: Callable[[], object]) -> None:
    with pytest.raises(GuestSerializationError, match="contains itself") as caught:
        codec.dumps(make(), "x")
    assert caught.value.where.startswith(("x[1][1]", "x['self'][2]"))


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ("\ud800", "x"),
        (["fine", "bad\udfff"], "x[1]"),
        ({"\ud800": 1}, "a key of x"),
        ({1: "\ud800"}, "x[1]"),
        (pathlib.Path("\udcff"), "x"),
    ],
)
def test_half_a_character_is_refused_before_it_travels(value: object, path: str) -> None:
    """As from a file name that is no UTF-8: said on this side, the error can name the place."""
    with pytest.raises(GuestSerializationError, match="surrogate") as caught:
        codec.dumps(value, "x")
    assert caught.value.where == path


WRAPPERS: list[Callable[[object], object]] = [lambda v: [v], lambda v: (v,), lambda v: {"k": v}, lambda v: {0: v}]


@pytest.mark.parametrize("wrap", WRAPPERS)
def test_nesting_travels_down_to_the_bound_and_no_further(wrap: Callable[[object], object]) -> None:
    value: object = 1
    for _ in range(100):
        value = wrap(value)
    assert same(there_and_back(value), value)
    with pytest.raises(GuestSerializationError, match="deeper than 100"):
        codec.dumps(wrap(value), "x")


def test_frozen_sets_nest_as_deep_as_lists() -> None:
    value: object = 1
    for _ in range(100):
        value = frozenset([value])
    assert same(there_and_back(value), value)


def test_text_may_hold_what_looks_like_many_items() -> None:
    """Only structure counts: a table as text has millions of commas and is one item."""
    table = '1,2,"quoted, \\" [and] {so} on"\n' * 400_000
    assert there_and_back([table, table[::-1]]) == [table, table[::-1]]


@pytest.mark.parametrize("step", [1, 1000, 1024, 2**20, 2**40, 0.5, 1 / 1024, 1 / 65536, 0.01])
def test_honest_sets_of_numbers_travel_whatever_their_step(step: float) -> None:
    numbers = {index * step for index in range(-6000, 6000)}
    assert there_and_back(numbers) == numbers
    assert there_and_back(dict.fromkeys(numbers, 0)) == dict.fromkeys(numbers, 0)


def test_honest_sets_of_other_things_travel() -> None:
    start = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)
    for several in (
        {(row, column) for row in range(60) for column in range(60)},
        {start + dt.timedelta(hours=index) for index in range(3000)},
        {decimal.Decimal(index) / 100 for index in range(3000)},
        {uuid.UUID(int=index << 64) for index in range(3000)},
        {str(index) for index in range(3000)},
        {base64.b64encode(str(index).encode()) for index in range(3000)},
    ):
        assert there_and_back(several) == several


def test_values_travel_from_deep_within_a_program_or_are_refused_cleanly() -> None:
    """A caller that has too little stack left gets the codec's own error; from 3.12 on, reading takes next to none."""
    wire = codec.dumps(json.loads("[" * 100 + "]" * 100), "x")

    def descend(levels: int) -> object:
        return codec.loads(wire) if levels == 0 else descend(levels - 1)

    with ThreadPoolExecutor(1) as own_stack:  # a thread starts with an empty one, however deep pytest is
        shallow = own_stack.submit(descend, 10)
        deep = own_stack.submit(descend, sys.getrecursionlimit() - 80)
    assert shallow.result() == json.loads(wire)
    refused = deep.exception()
    assert isinstance(refused, UndecodableError) if refused else deep.result() == json.loads(wire)
