"""Write the tables of types in docs/values.md anew, from rows whose samples the tests send through a sandbox.

    python tools/values_page.py [FILE]

The file is docs/values.md by default. Each table stands between two marks in it; the text around them is written by
hand. Samples are Python expressions, with the names of `PREAMBLE`.
"""

import argparse
import dataclasses
from pathlib import Path

FILE = Path(__file__).resolve().parents[1] / "docs" / "values.md"

# The modules and classes that samples use.
PREAMBLE = """\
import array, collections, dataclasses, datetime, decimal, enum, fractions, io, pathlib, re, types, uuid, zoneinfo
import numpy, pandas

Point = collections.namedtuple("Point", "x y")
Order = dataclasses.make_dataclass("Order", ["number", "items"])
Colour = enum.Enum("Colour", {"RED": "red"})
Level = enum.IntEnum("Level", {"LOW": 1})
Own = type("Own", (), {"__init__": lambda self: setattr(self, "x", 1)})
Words = type("Words", (list,), {})
Text = type("Text", (str,), {})
Whole = type("Whole", (int,), {})
Model = type("Model", (Own,), {"model_dump": lambda self: vars(self)})
BERLIN = zoneinfo.ZoneInfo("Europe/Berlin")
"""


@dataclasses.dataclass(frozen=True, slots=True)
class Travelling:
    """A row of types that travel.

    Attributes:
        kinds: The types, as the page shows them.
        arrives: The type and content on the other side.
        tag: The tag on the wire, where there is one.
        samples: Expressions for values that arrive as themselves.
    """

    kinds: str
    arrives: str
    tag: str
    samples: tuple[str, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Refused:
    """A row of types that do not travel.

    Attributes:
        kinds: The types, as the page shows them.
        shown: The expressions to return or to pass instead, as the page shows them.
        samples: Expressions for values → the expression that travels in their place, as the refusal says it.
    """

    kinds: str
    shown: str
    samples: tuple[tuple[str, str], ...]


def _travelling(kinds: str, arrives: str, tag: str, *samples: str) -> Travelling:
    return Travelling(kinds, arrives, tag, samples)


def _refused(kinds: str, shown: str, *samples: tuple[str, str]) -> Refused:
    return Refused(kinds, shown, samples)


TRAVELLING: tuple[Travelling, ...] = (
    _travelling("`None`, `bool`, `str`", "the same", "", "None", "True", "'é\\0😀'", "''"),
    _travelling(
        "`int`", "the same, of any size", "`int` above 1,024 bits", "0", "-1", "2 ** 70", "-(10 ** 400)", "7 ** 9000"
    ),
    _travelling(
        "`float`",
        "the same; nan, inf and -0.0 included",
        "`float` for nan and inf",
        *("1.5", "-0.0", "5e-324", "float('nan')", "float('-inf')"),
    ),
    _travelling("`complex`", "the same", "`complex`", "1 - 2j", "complex(-0.0, float('nan'))"),
    _travelling("`list`", "the same", "", "[]", "[1, True, 1.0, None, [[]]]", "list(range(1000))"),
    _travelling("`tuple`", "the same", "`tuple`", "()", "(1, (2, [3]))"),
    _travelling(
        "`dict`",
        "the same, in the same order; keys may be any hashable value of this table",
        "`dict` with a key that is no text, or is `~`",
        *("{'b': 1, 'a': {}}", "{1: 'x', (2, None): [], True: 0, None: 0}", "{'~': 'tuple', 'v': [1]}"),
    ),
    _travelling("`set`", "the same", "`set`", "set()", "{1, '1', (1,), None, 1.5, b'1'}"),
    _travelling("`frozenset`", "the same", "`frozenset`", "frozenset({1, 2})", "{frozenset({1}): 2}"),
    _travelling("`collections.Counter`", "the same", "`counter`", "collections.Counter('aab')"),
    _travelling("`collections.OrderedDict`", "the same", "`ordered`", "collections.OrderedDict([('b', 1), ('a', 2)])"),
    _travelling(
        "`collections.defaultdict`",
        "the same, when what it makes for a missing key is nothing, or a built-in type such as `list` or `int`",
        "`defaultdict`",
        *("collections.defaultdict(list, {'a': [1]})", "collections.defaultdict(None, {(1, 2): 3})"),
    ),
    _travelling(
        "`collections.deque`",
        "the same, with its longest length",
        "`deque`",
        *("collections.deque([1, 2], 5)", "collections.deque()"),
    ),
    _travelling("`range`", "the same", "`range`", "range(3, 30, 3)", "range(5, 0, -2)", "range(10 ** 30)"),
    _travelling("`bytes`", "the same", "`bytes`", "b''", "b'\\xff\\0'", "b'x' * 100_000"),
    _travelling("`bytearray`", "the same", "`bytearray`", "bytearray(b'ab')", "bytearray(100_000)"),
    _travelling(
        "`decimal.Decimal`",
        "the same, digit for digit",
        "`decimal`",
        *("decimal.Decimal('1.10')", "decimal.Decimal('-0')", "decimal.Decimal('sNaN12')"),
    ),
    _travelling(
        "`fractions.Fraction`",
        "the same, up to 4,096 bits above and below the line",
        "`fraction`",
        *("fractions.Fraction(-1, 3)", "fractions.Fraction(2 ** 4000, 3)"),
    ),
    _travelling("`uuid.UUID`", "the same", "`uuid`", "uuid.UUID(int=7)"),
    _travelling(
        "`datetime.datetime`",
        "the same; an aware one with the fixed offset that it has",
        "`datetime`",
        "datetime.datetime(2024, 10, 27, 2, 30, fold=1)",
        "datetime.datetime(2024, 1, 1, tzinfo=datetime.timezone.utc)",
        "datetime.datetime(2024, 1, 1, tzinfo=datetime.timezone(datetime.timedelta(hours=-5, seconds=7)))",
    ),
    _travelling("`datetime.date`", "the same", "`date`", "datetime.date.max", "datetime.date(1, 1, 1)"),
    _travelling(
        "`datetime.time`",
        "the same; an aware one with a fixed offset",
        "`time`",
        *("datetime.time(1, 2, 3, 4, fold=1)", "datetime.time(1, tzinfo=datetime.timezone.utc)"),
    ),
    _travelling("`datetime.timedelta`", "the same", "`timedelta`", "datetime.timedelta(-1, 2, 3)"),
    _travelling("`pathlib.PosixPath`", "the same", "`path`", "pathlib.Path('/a/b.csv')"),
    _travelling("`pathlib.PurePosixPath`", "the same", "`purepath`", "pathlib.PurePosixPath('a')"),
    _travelling(
        "`numpy.ndarray`",
        "the same type, byte order, shape and content, writable, in C order",
        "`array`",
        *("numpy.arange(6.0).reshape(2, 3)", "numpy.zeros((2, 0, 3), '>i2')", "numpy.array(3)", "numpy.arange(5) > 2"),
        *("numpy.array(['a', 'bc'])", "numpy.array([b'a'])", "numpy.array([1, 'a', None], dtype=object)"),
        *("numpy.array(['2024', 'NaT'], dtype='M8[D]')", "numpy.array([float('nan'), -0.0], 'f2')"),
        "numpy.arange(20_000)",
    ),
    _travelling(
        "numpy scalars",
        "the same",
        "`scalar`",
        *("numpy.float32('nan')", "numpy.int8(-1)", "numpy.uint64(2 ** 64 - 1)", "numpy.bool_(True)"),
        *("numpy.complex64(1j)", "numpy.str_('a')", "numpy.datetime64('2024-01-01T00', 'ns')"),
        "numpy.timedelta64('NaT', 's')",
    ),
    _travelling(
        "`pandas.Timestamp`",
        "the same, with its unit, and its time zone by name or as a fixed offset",
        "`timestamp`",
        *("pandas.Timestamp('2024-01-01T00:00:00.123456789')", "pandas.Timestamp('2024-01-01').as_unit('s')"),
        *("pandas.Timestamp('2024-01-01', tz='UTC')", "pandas.Timestamp('2024-01-01T00:00+02:00')"),
        "pandas.Timestamp('2024-07-01', tz='Europe/Berlin')",
        "pandas.Timestamp('2024-10-27T01:30', tz='UTC').tz_convert('Europe/Berlin')",
    ),
    _travelling(
        "`pandas.Timedelta`",
        "the same, with its unit",
        "`duration`",
        *("pandas.Timedelta('-1h')", "pandas.Timedelta(1)", "pandas.Timedelta('2D').as_unit('s')"),
    ),
    _travelling(
        "`pandas.Period`",
        "the same, with its frequency",
        "`period`",
        *("pandas.Period('2024-01', 'M')", "pandas.Period('2024Q1')"),
    ),
    _travelling("`pandas.NaT`, `pandas.NA`", "the same", "`missing`", "pandas.NaT", "{'a': [pandas.NA]}"),
    _travelling(
        "`pandas.Categorical`, and arrays of the other types of columns",
        "the same, with its categories and their order",
        "`column`",
        *("pandas.Categorical(['b', None], categories=['b', 'a'], ordered=True)", "pandas.array([1, None])"),
        *("pandas.array(['a', None], dtype='string')", "pandas.array([True, None], dtype='boolean')"),
    ),
    _travelling(
        "`pandas.MultiIndex`",
        "the same, with its levels, also unused ones, and their names",
        "`levels`",
        "pandas.MultiIndex.from_product([['a', 'b'], [1, 2]], names=['x', None])",
        "pandas.MultiIndex.from_arrays([['a', None], pandas.to_datetime(['2024', '2025'], utc=True)])",
    ),
    _travelling(
        "`pandas.Index`",
        "the same, with its name, and the frequency of dates and durations; numbers in a range as such",
        "`index`",
        *("pandas.CategoricalIndex(['a', 'b'], name='k')", "pandas.period_range('2024', periods=2, freq='M')"),
        *("pandas.date_range('2024-03-30', periods=3, tz='Europe/Berlin')", "pandas.Index([1, None], dtype='Int64')"),
        *("pandas.Index([1, 2], name='x')", "pandas.Index(['a', 1], dtype=object)", "pandas.RangeIndex(0, 9, 2)"),
        *("pandas.date_range('2024-01-31', periods=3, freq='ME')", "pandas.timedelta_range('1h', periods=3)"),
    ),
    _travelling(
        "`pandas.Series`",
        "the same, with index, name, type and `attrs`",
        "`series`",
        "pandas.Series([1, 2], index=['a', 'a'], name=('n', 1))",
        "pandas.Series(['x', None])",
        "pandas.Series([1.5], dtype='float32')",
        "pandas.Series(['x', 'y', 'x']).value_counts()",
        *("pandas.Series(['a', None], dtype='category', name='c')", "pandas.Series([1, None], dtype='Int64')"),
        *("pandas.Series([True, None], dtype='boolean')", "pandas.Series([1.5, None], dtype='Float64')"),
        *(
            "pandas.Series(['a', None], dtype='string')",
            "pandas.Series(pandas.period_range('2024', periods=2, freq='M'))",
        ),
        "pandas.Series(pandas.date_range('2024-01-01', periods=2, tz='Europe/Berlin'))",
        "pandas.Series([1, 2], index=pandas.MultiIndex.from_tuples([('a', 1), ('b', 2)]))",
    ),
    _travelling(
        "`pandas.DataFrame`",
        "the same, with labels, index and `attrs`",
        "`table`; `frame` in recordings of older releases",
        *("pandas.DataFrame({'a': [1], 'b': ['x'], 'c': [1.5]}, index=['r'])", "pandas.DataFrame(index=['a'])"),
        "pandas.DataFrame([[1, 2]], columns=['a', 'a'])",
        "pandas.DataFrame({'t': pandas.date_range('2024', periods=2, tz='UTC'), 'c': pandas.Categorical(['x', 'y'])})",
        "pandas.DataFrame([[1, 2]], columns=pandas.MultiIndex.from_product([['a'], ['x', 'y']]))",
    ),
)

REFUSED: tuple[Refused, ...] = (
    _refused(
        "named tuple",
        "`value._asdict()` or `tuple(value)`",
        ("Point(1, 2)", "value._asdict()"),
        ("[Point(1, 2)][0]", "tuple(value)"),
    ),
    _refused("dataclass", "`dataclasses.asdict(value)`", ("Order(7, ['pen'])", "dataclasses.asdict(value)")),
    _refused("enum", "`value.value` or `value.name`", ("Colour.RED", "value.value"), ("Level.LOW", "value.name")),
    _refused("pydantic model", "`value.model_dump()`", ("Model()", "value.model_dump()")),
    _refused(
        "generator, `map`, `zip`, views of a mapping",
        "`list(value)`",
        *(("(n for n in [1])", "list(value)"), ("map(str, [1])", "list(value)"), ("zip([1], [2])", "list(value)")),
        *(("{'a': 1}.keys()", "list(value)"), ("{'a': 1}.items()", "list(value)")),
    ),
    _refused(
        "other mappings, such as `ChainMap`",
        "`dict(value)`",
        *(("collections.ChainMap({'a': 1})", "dict(value)"), ("types.MappingProxyType({'a': 1})", "dict(value)")),
    ),
    _refused(
        "`types.SimpleNamespace`, objects of one's own class",
        "`vars(value)`",
        *(("types.SimpleNamespace(a=1)", "vars(value)"), ("Own()", "vars(value)")),
    ),
    _refused(
        "subclass of `str`, `int`, `list`, …",
        "`str(value)`, `int(value)`, `list(value)`, …",
        *(("Text('a')", "str(value)"), ("Whole(1)", "int(value)"), ("Words([1])", "list(value)")),
    ),
    _refused(
        "function, class, module",
        "`value.__name__`",
        *(("len", "value.__name__"), ("Own", "value.__name__"), ("types", "value.__name__")),
    ),
    _refused(
        "exception", "`str(value)` or `repr(value)`", ("ValueError('x')", "str(value)"), ("KeyError(1)", "repr(value)")
    ),
    _refused(
        "`defaultdict` with a factory of its own",
        "`dict(value)`",
        ("collections.defaultdict(lambda: 0, a=1)", "dict(value)"),
    ),
    _refused(
        "match, pattern",
        "`value.group()`, `value.pattern`",
        *(("re.match('a', 'a')", "value.group()"), ("re.compile('a')", "value.pattern")),
    ),
    _refused(
        "open file, `io.StringIO`, `io.BytesIO`",
        "`value.read()`, `value.getvalue()`",
        ("io.StringIO('a')", "value.getvalue()"),
        ("io.TextIOWrapper(io.BytesIO(b'a'))", "value.read()"),
    ),
    _refused(
        "`memoryview`, `array.array`",
        "`bytes(value)` or `value.tolist()`",
        *(("memoryview(b'a')", "bytes(value)"), ("array.array('i', [1])", "value.tolist()")),
    ),
    _refused(
        "time zone",
        "`str(value)`, `value.key`",
        *(("datetime.timezone.utc", "str(value)"), ("BERLIN", "value.key")),
    ),
    _refused(
        "masked, structured and other arrays",
        "`value.filled()`, `value.tolist()`, `numpy.asarray(value)`, `value.astype(…)`",
        ("numpy.ma.masked_array([1.0], [True])", "value.filled()"),
        ("numpy.zeros(2, dtype=[('a', 'f8')])", "value.tolist()"),
        ("numpy.arange(4).reshape(2, 2).view(numpy.matrix)", "numpy.asarray(value)"),
        ("numpy.zeros(1, dtype=numpy.longdouble)", "value.astype(float)"),
        ("numpy.array(['2024'], dtype='M8[M]')", "value.astype('M8[us]')"),
    ),
    _refused(
        "`pandas.Timestamp` whose zone is not of the database",
        "`value.tz_convert('UTC')` or `value.isoformat()`",
        (
            "pandas.Timestamp('2024-01-01', tz=datetime.timezone(datetime.timedelta(hours=1), 'own'))",
            "value.tz_convert('UTC')",
        ),
    ),
    _refused(
        "`pandas.Interval`, other arrays of pandas",
        "`(value.left, value.right)`, `list(value)`, `value.to_numpy()`",
        ("pandas.Interval(0, 1)", "(value.left, value.right)"),
        ("pandas.arrays.SparseArray([0, 1])", "value.to_numpy()"),
    ),
    _refused(
        "column or series of another type, such as intervals",
        "`astype(str)`, `astype(object)`, `sparse.to_dense()`, …",
        ("pandas.Series(pandas.interval_range(0, 2))", "astype(str)"),
        ("pandas.Series([0, 1], dtype='Sparse[int]')", "sparse.to_dense()"),
    ),
    _refused(
        "categories, or labels of a level, that are objects other than text, bytes and dates, "
        "or more than 4,096 in no order",
        "`astype(object)`, `reset_index()`",
        ("pandas.Series([(1, 2)]).astype('category')", "astype(object)"),
        (
            "pandas.DataFrame({'v': [1]}, index=pandas.MultiIndex.from_tuples([(decimal.Decimal(1), 1)]))",
            "reset_index()",
        ),
    ),
    _refused("index of intervals", "`astype(str)`", ("pandas.interval_range(0, 3)", "astype(str)")),
)


def tables() -> dict[str, str]:
    """Mark → the table that stands there."""
    travelling = [f"| {row.kinds} | {row.arrives} | {row.tag} |".replace("|  |", "| |") for row in TRAVELLING]
    refused = [f"| {row.kinds} | {row.shown} |" for row in REFUSED]
    return {
        "what travels": "\n".join(["| type | arrives as | tag on the wire |", "|---|---|---|", *travelling]),
        "what to return instead": "\n".join(["| type | instead |", "|---|---|", *refused]),
    }


def written(page: str) -> str:
    """Return the page with its tables written anew.

    Raises:
        ValueError: A mark is missing.
    """
    for mark, table in tables().items():
        before, begin, rest = page.partition(f"<!-- table: {mark} -->\n")
        _old, end, after = rest.partition(f"<!-- end: {mark} -->\n")
        if not begin or not end:
            raise ValueError(f"the page has no marks for the table {mark!r}")
        page = f"{before}{begin}{table}\n{end}{after}"
    return page


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="Write the tables of types in docs/values.md anew.")
    parser.add_argument("file", metavar="FILE", type=Path, nargs="?", default=FILE)
    file: Path = parser.parse_args().file
    file.write_text(written(file.read_text("utf-8")), "utf-8")


if __name__ == "__main__":
    main()
