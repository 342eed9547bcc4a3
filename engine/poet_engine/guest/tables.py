"""Encode and decode pandas frames, series and indexes, with labels, names and types, so that each arrives as itself.

As with numpy, pandas is never imported to send a value, and imported only where one of them arrives. A frame travels as
one array for each type of its columns: a host that made a column at a time would work for seconds on what a guest sends
in a few thousand bytes. What is refused is refused by name, with what to do about it. It is in one piece because each
form is written and read here, and nowhere else.
"""

import functools
import re
import sys
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeGuard, cast

from . import decoding_budget, pandas_columns
from .arrays import DTYPES, NOT_MINE, Array, Out, columns
from .attachments import Collected
from .errors import GuestSerializationError, UndecodableError
from .library_imports import library
from .pandas_scalars import FREQUENCY, charge

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from types import ModuleType

FRAME_TAG, SERIES_TAG, INDEX_TAG, LEVELS_TAG, COLUMN_TAG = "table", "series", "index", "levels", "column"
# frames as older releases have recorded them
OLD_TAG = "frame"
TAGS = (FRAME_TAG, SERIES_TAG, INDEX_TAG, LEVELS_TAG, COLUMN_TAG, OLD_TAG)
# how the values of a column are encoded, and which type of column they make: as an array with its own type, as a list
# of Python objects, or as a list of text in pandas' own type for text; and an index that is a range of numbers
_ARRAY, _OBJECTS, _TEXT, _RANGE = "a", "o", "s", "r"
# a column of pandas' own types, when it was built
_OWN = "x"
_MAX_BITS = 63
# Up to so many columns, pandas is faster with one at a time than with a block of them.
_FEW = 16
# Frequencies that are steps of the same length, which numpy compares; all others are stepped through in Python.
_TICKS = re.compile(r"-?[0-9]{0,9}(?:D|h|min|s|ms|us|ns)")
_REMEDIES = (
    ("datetime64[", "dt.tz_convert('UTC')"),
    ("interval", "astype(str)"),
    ("Sparse", "sparse.to_dense()"),
)


class _Values(Protocol):
    """Attributes that a series and an index have in common."""

    name: object
    dtype: object

    def __len__(self) -> int: ...
    def to_numpy(self) -> Array: ...
    def tolist(self) -> list[object]: ...


class _Frequency(Protocol):
    freqstr: str


class _Index(_Values, Protocol):
    freq: _Frequency | None
    start: int
    stop: int
    step: int

    def __getitem__(self, place: int, /) -> object: ...


class _MultiIndex(_Index, Protocol):
    levels: "Sequence[pandas_columns.IndexLabels]"
    codes: "Sequence[Array]"
    names: "Sequence[object]"


class _Flags(Protocol):
    allows_duplicate_labels: bool


class _Labelled(Protocol):
    """Attributes that a series and a frame have in common."""

    index: _Index
    flags: _Flags
    attrs: dict[object, object]


class _Series(_Values, _Labelled, Protocol):
    pass


class _ColumnPositions(Protocol):
    def __getitem__(self, places: tuple[object, int], /) -> _Series: ...


class _FrameForm(_Labelled, Protocol):
    columns: _Index
    dtypes: "Iterable[object]"
    shape: tuple[int, int]
    iloc: _ColumnPositions

    def __len__(self) -> int: ...
    def take(self, places: list[int], axis: int) -> "_FrameForm": ...
    def to_numpy(self) -> Array: ...


class _Bounded(Protocol):
    def min(self) -> int: ...
    def max(self) -> int: ...


class FrameColumn(NamedTuple):
    """The values of a column, or of a block of columns of one type, and the kind of column that they make."""

    kind: str
    values: object


def travelling_form(value: object, where: str, parts: Collected | None, out: Out) -> object:
    """Return the value as a tagged mapping, or NOT_MINE.

    Raises:
        GuestSerializationError: A column, an index or the labels have no safe form.
    """
    pandas = sys.modules.get("pandas")
    kind = type(value)
    if pandas is None or kind.__module__.partition(".")[0] != "pandas":
        return NOT_MINE
    sender = _Sender(pandas, parts, out)
    if kind is pandas.DataFrame:
        return sender.frame(cast("_FrameForm", value), where)
    if kind is pandas.Series:
        return sender.series(cast("_Series", value), where)
    if isinstance(value, pandas.Index):
        return sender.index(cast("_Index", value), where)
    if isinstance(value, pandas.api.extensions.ExtensionArray):
        return sender.column(value, where)
    return NOT_MINE


class _Sender:
    """Encodes pandas values.

    Args:
        pandas: The module.
        parts: Adds up the price of decoding it; None where nothing has to be paid.
        out: Encodes a part.
    """

    def __init__(self, pandas: "ModuleType", parts: Collected | None, out: Out) -> None:
        self._pandas, self._parts, self._out = pandas, parts, out

    def _charge(self, price: int) -> None:
        charge(self._parts, price)

    def column(self, array: object, where: str) -> object:
        """Encode an array of pandas' own types that stands alone; NOT_MINE where it is of another."""
        form = pandas_columns.own_form(array, where, self._parts, self._labels, self._out)
        if form is None:
            return NOT_MINE
        self._charge(decoding_budget.price(COLUMN_TAG))
        return {"~": COLUMN_TAG, "v": form}

    def _labels(self, index: object, where: str) -> object:
        return self.index(cast("_Index", index), where)

    def index(self, index: _Index, where: str) -> dict[str, object]:
        """Encode an index with its name, and its frequency where it has one."""
        pandas = self._pandas
        if type(index) is pandas.MultiIndex:
            return self._levels(cast("_MultiIndex", index), where)
        if type(index) not in _index_types(pandas):
            raise GuestSerializationError(where, type(index).__name__, mend=_index_remedy())
        form: dict[str, object] = {"~": INDEX_TAG, "n": self._out(index.name, f"the name of {where}")}
        self._charge(decoding_budget.price(INDEX_TAG))
        if isinstance(index, pandas.RangeIndex):
            return {**form, "v": [_RANGE, [index.start, index.stop, index.step]]}
        form["v"] = self._column(index, where)
        frequency = None if isinstance(index, pandas.PeriodIndex) else getattr(index, "freq", None)
        if frequency is not None:
            form["f"] = name = frequency.freqstr
            if not FREQUENCY.fullmatch(name) or pandas.tseries.frequencies.to_offset(name) != frequency:
                mend = f"Set the freq of {where} to None"
                raise GuestSerializationError(where, f"{type(index).__name__} of frequency {name}", mend=mend)
            self._charge(_frequency_price(name, len(index), zoned=getattr(index, "tz", None) is not None))
        return form

    def _levels(self, index: "_MultiIndex", where: str) -> dict[str, object]:
        """Encode an index of several levels as the labels of each, and their places in them."""
        self._charge(decoding_budget.price(LEVELS_TAG) + decoding_budget.COLUMN * len(index.levels))
        for level in index.levels:
            self._charge(pandas_columns.level_price(self._pandas, level, where))
        return {
            "~": LEVELS_TAG,
            "l": [self.index(cast("_Index", level), f"a level of {where}") for level in index.levels],
            "v": [self._out(codes, where) for codes in index.codes],
            "n": self._out(list(index.names), f"the names of {where}"),
        }

    def series(self, series: _Series, where: str) -> dict[str, object]:
        """Encode a series with its index and its name."""
        self._charge(decoding_budget.price(SERIES_TAG))
        return {
            "~": SERIES_TAG,
            "i": self._rows(series.index, where),
            "n": self._out(series.name, f"the name of {where}"),
            "v": self._column(series, where),
            **self._extras(series, where),
        }

    def frame(self, frame: _FrameForm, where: str) -> dict[str, object]:
        """Encode a frame as one array for each type of its columns, and one list for each column of objects or text."""
        self._charge(decoding_budget.price(FRAME_TAG))
        labels = self.index(frame.columns, f"the columns of {where}")
        together: dict[object, list[int]] = {}
        blocks: list[object] = []
        for number, kind in enumerate(frame.dtypes):
            if getattr(kind, "str", None) in DTYPES:
                together.setdefault(kind, []).append(number)
            else:
                self._charge(decoding_budget.COLUMN)
                name = f"{where}[{frame.columns[number]!r:.80}]"
                blocks.append([number, *self._column(frame.iloc[:, number], name)])
        for places in together.values():
            self._charge(decoding_budget.BLOCK)
            blocks.append([places, _ARRAY, columns(_together(frame, places), where, self._parts, self._out)])
        return {
            "~": FRAME_TAG,
            "c": labels,
            "i": self._rows(frame.index, where),
            "l": len(frame),
            "v": blocks,
            **self._extras(frame, where),
        }

    def _rows(self, index: _Index, where: str) -> object:
        """Encode a frame's or a series' index; None where rows are only numbered from 0."""
        pandas = self._pandas
        if type(index) is pandas.RangeIndex and (index.start, index.step, index.name) == (0, 1, None):
            return None
        return self.index(index, f"the index of {where}")

    def _extras(self, value: _Labelled, where: str) -> dict[str, object]:
        if not value.flags.allows_duplicate_labels:
            why = "it does not allow duplicate labels, which would be forgotten on the way"
            mend = "Call set_flags(allows_duplicate_labels=True) on it"
            raise GuestSerializationError(where, type(value).__name__, why, mend=mend)
        return {"t": self._out(value.attrs, f"{where}.attrs")} if value.attrs else {}

    def _column(self, column: _Values, where: str) -> list[object]:
        kind = column.dtype
        if getattr(kind, "str", None) in DTYPES:
            return [_ARRAY, self._out(column.to_numpy(), where)]
        form = {"object": _OBJECTS, "str": _TEXT}.get(str(kind))
        if form is None:
            own = pandas_columns.own_form(column, where, self._parts, self._labels, self._out)
            if own is not None:
                return own
            raise GuestSerializationError(where, f"column of type {kind}", mend=_remedy(str(kind)))
        self._charge(decoding_budget.CELL * len(column))
        return [form, self._out(column.tolist(), where)]


def _together(frame: _FrameForm, places: list[int]) -> Array:
    """Return columns of one type as one array."""
    if len(places) == frame.shape[1]:
        return frame.to_numpy()
    if len(places) > _FEW:
        return frame.take(places, axis=1).to_numpy()
    alone = [frame.iloc[:, place].to_numpy() for place in places]
    stacked: Array = alone[0].reshape(1, -1) if len(alone) == 1 else sys.modules["numpy"].array(alone)
    return stacked.T


def _remedy(kind: str) -> str:
    for start, call in _REMEDIES:
        if kind.startswith(start):
            return f"Convert it with {call} or leave it out"
    return "Convert it, for example with astype(object), or leave it out"


def _index_remedy() -> str:
    return "Convert it with astype(str), or call reset_index() on the table"


def _index_types(pandas: "ModuleType") -> tuple[type, ...]:
    return (
        *(pandas.Index, pandas.RangeIndex, pandas.DatetimeIndex, pandas.TimedeltaIndex),
        *(pandas.CategoricalIndex, pandas.PeriodIndex),
    )


def _frequency_price(name: str, length: int, *, zoned: bool) -> int:
    tick = _TICKS.fullmatch(name) and not zoned
    return decoding_budget.FREQUENCY + length * (decoding_budget.TICK if tick else decoding_budget.STEP)


@functools.cache
def _pandas() -> "ModuleType":
    try:
        return library("pandas")
    except ImportError:
        raise UndecodableError("a data frame, but pandas is not installed here") from None


def index(raw: dict[str, object], costs: decoding_budget.DecodingBudget) -> object:
    """Decode the index of an untrusted tagged mapping.

    Raises:
        UndecodableError: Its parts do not fit together.
    """
    pandas = _pandas()
    if raw.get("f") is None and isinstance(found := raw.get("v"), list) and found[:1] == [_RANGE]:
        return _range_index(pandas, found[1:], raw.get("n"))
    column, name, frequency = _column(raw.get("v"), costs), raw.get("n"), raw.get("f")
    length = _length(column)
    if frequency is not None:
        if not isinstance(frequency, str) or not FREQUENCY.fullmatch(frequency):
            raise UndecodableError("a bad frequency")
        zoned = column.kind == _OWN and getattr(column.values, "tz", None) is not None
        costs.charge(_frequency_price(frequency, length, zoned=zoned))

    def build() -> object:
        made = pandas.Index(column.values, dtype=_kind(column), name=name)
        return made if frequency is None else type(made)(made, freq=frequency, name=name)

    return _built("index", build)


def levels(raw: dict[str, object], costs: decoding_budget.DecodingBudget) -> object:
    """Decode the index of several levels of an untrusted tagged mapping.

    Raises:
        UndecodableError: Its parts do not fit together.
    """
    pandas = _pandas()
    labels, codes, names = raw.get("l"), raw.get("v"), raw.get("n")
    if not isinstance(labels, list) or not isinstance(codes, list) or not isinstance(names, list):
        raise UndecodableError("a bad index")
    costs.charge(decoding_budget.COLUMN * len(labels))
    if not labels or not len(labels) == len(codes) == len(names):
        raise UndecodableError("an index whose parts do not fit together")
    found = [pandas_columns.checked_level(pandas, level, costs) for level in labels]
    places = [pandas_columns.numbers(one, *pandas_columns.CODES) for one in codes]
    if len({len(one) for one in places}) > 1:
        raise UndecodableError("an index whose parts do not fit together")
    for level, one in zip(found, places, strict=True):
        if len(one) and not (cast("_Bounded", one).min() >= -1 and cast("_Bounded", one).max() < len(level)):
            raise UndecodableError("a place in no level")
    # with a check of its own, pandas would hash the labels of each level
    return _built("index", lambda: pandas.MultiIndex(found, places, names=names, verify_integrity=False))


def column(raw: dict[str, object], costs: decoding_budget.DecodingBudget) -> object:
    """Decode the array of pandas' own types of an untrusted tagged mapping.

    Raises:
        UndecodableError: Its parts do not fit together.
    """
    _pandas()
    found = _column(raw.get("v"), costs)
    if found.kind != _OWN:
        raise UndecodableError("a bad column")
    return found.values


def _range_index(pandas: "ModuleType", content: list[object], name: object) -> object:
    (numbers,) = content
    if not isinstance(numbers, list) or len(numbers) != 3:  # noqa: PLR2004 - start, stop and step
        raise UndecodableError("a bad index")
    if not all(type(number) is int and number.bit_length() <= _MAX_BITS for number in numbers):
        raise UndecodableError("a bad index")
    return _built("index", lambda: pandas.RangeIndex(*numbers, name=name))


def series(raw: dict[str, object], costs: decoding_budget.DecodingBudget) -> object:
    """Decode the series of an untrusted tagged mapping.

    Raises:
        UndecodableError: Its parts do not fit together.
    """
    pandas = _pandas()
    column, rows = _column(raw.get("v"), costs), _rows(pandas, raw.get("i"))
    if rows is not None and len(rows) != _length(column):
        raise UndecodableError("a series whose parts do not fit together")

    def build() -> object:
        # with its type, or objects that are text would become pandas' own type for it
        return pandas.Series(column.values, dtype=_kind(column), index=rows, name=raw.get("n"), copy=False)

    return _with_extras(_built("series", build), raw)


def frame(raw: dict[str, object], costs: decoding_budget.DecodingBudget) -> object:
    """Decode the frame of an untrusted tagged mapping.

    Raises:
        UndecodableError: Its parts do not fit together.
    """
    pandas = _pandas()
    labels, rows = _rows(pandas, raw.get("c")), _rows(pandas, raw.get("i"))
    length, blocks = raw.get("l"), raw.get("v")
    if labels is None or type(length) is not int or not isinstance(blocks, list):
        raise UndecodableError("a bad data frame")
    parts = [_block(block, length, costs) for block in blocks]
    places = [place for numbers, _column in parts for place in numbers]
    # the number first: an index can be longer than any list
    fits = len(places) == len(labels) and sorted(places) == list(range(len(places)))
    if not fits or (rows is not None and len(rows) != length):
        raise UndecodableError("a data frame whose parts do not fit together")

    def build() -> object:
        if len(places) <= _FEW and len(parts) > 1:
            made = pandas.DataFrame(_one_by_one(pandas, parts), index=rows, copy=False)
        else:
            made = _joined(pandas, parts, length)
            if places != sorted(places):
                made = made.take(sorted(range(len(places)), key=places.__getitem__), axis=1)
            if rows is not None:
                made.index = rows
        made.columns = labels
        return made

    return _with_extras(_built("data frame", build), raw)


def _block(content: object, length: int, costs: decoding_budget.DecodingBudget) -> tuple[list[int], FrameColumn]:
    """Decode the places and the values of some columns that have one type, or of one column."""
    if not isinstance(content, list) or len(content) != 3:  # noqa: PLR2004 - places, kind and values
        raise UndecodableError("a bad column")
    places, kind, values = content
    if isinstance(places, list):
        costs.charge(decoding_budget.BLOCK)
        if kind != _ARRAY or not all(type(place) is int for place in places):
            raise UndecodableError("a bad block of columns")
        if not _is_plain(values) or values.shape != (length, len(places)):
            raise UndecodableError("a bad block of columns")
        return places, FrameColumn(_ARRAY, values)
    costs.charge(decoding_budget.COLUMN)
    column = _column([kind, values], costs)
    if type(places) is not int or kind == _ARRAY or _length(column) != length:
        raise UndecodableError("a bad column")
    return [places], column


def _one_by_one(pandas: "ModuleType", parts: list[tuple[list[int], FrameColumn]]) -> dict[int, object]:
    """Return the columns of all blocks by their place, in order."""
    found: dict[int, object] = {}
    for places, column in parts:
        if column.kind == _ARRAY:
            found.update(zip(places, cast("Array", column.values).T, strict=True))
        else:
            found[places[0]] = _values(pandas, column)
    return dict(sorted(found.items()))


def _joined(pandas: "ModuleType", parts: list[tuple[list[int], FrameColumn]], length: int) -> _FrameForm:
    """Build one frame of all blocks, in the order in which they came."""
    pieces: list[object] = []
    alone: dict[int, object] = {}
    for number, (_places, column) in enumerate(parts):
        if column.kind == _ARRAY:
            if alone:
                pieces.append(pandas.DataFrame(alone, copy=False))
                alone = {}
            pieces.append(pandas.DataFrame(column.values, copy=False))
        else:
            alone[number] = _values(pandas, column)
    if alone or not pieces:
        pieces.append(pandas.DataFrame(alone, index=pandas.RangeIndex(length), copy=False))
    return cast("_FrameForm", pieces[0] if len(pieces) == 1 else pandas.concat(pieces, axis=1))


def old_frame(raw: dict[str, object], costs: decoding_budget.DecodingBudget) -> object:
    """Decode a frame as older releases recorded it: labels as a list, and a column at a time.

    Raises:
        UndecodableError: Its parts do not fit together.
    """
    pandas = _pandas()
    labels, contents, found = raw.get("c"), raw.get("v"), raw.get("i")
    if not isinstance(labels, list) or not isinstance(labels[1], list) or not isinstance(contents, list):
        raise UndecodableError("a bad data frame")
    columns = []
    for content in contents:
        costs.charge(decoding_budget.COLUMN)
        columns.append(_column(content, costs))
    rows = None if found is None else _column(found, costs)
    lengths = {_length(column) for column in (*columns, *([] if rows is None else [rows]))}
    if len(lengths) > 1 or len(labels[1]) != len(columns):
        raise UndecodableError("a data frame whose parts do not fit together")

    def build() -> object:
        index = None if rows is None else pandas.Index(_values(pandas, rows), name=raw.get("n"))
        made = {number: _values(pandas, column) for number, column in enumerate(columns)}
        whole = pandas.DataFrame(made, index=index, copy=False)
        whole.columns = pandas.Index(labels[1], name=labels[0]) if labels[1] else whole.columns
        return whole

    return _built("data frame", build)


def _built(what: str, build: "Callable[[], object]") -> object:
    try:
        return build()
    except Exception as error:  # noqa: BLE001 - whatever pandas says of hostile content; none of it is a fault of ours
        raise UndecodableError(f"a bad {what}: {type(error).__name__}") from None


def _with_extras(made: object, raw: dict[str, object]) -> object:
    extras = raw.get("t")
    if extras is not None:
        if not isinstance(extras, dict):
            raise UndecodableError("bad attributes")
        cast("_Labelled", made).attrs = extras
    return made


def _rows(pandas: "ModuleType", found: object) -> _Index | None:
    if found is None or isinstance(found, pandas.Index):
        return cast("_Index | None", found)
    raise UndecodableError("a bad index")


def _column(content: object, costs: decoding_budget.DecodingBudget) -> FrameColumn:
    kind, values = content if isinstance(content, list) and len(content) == 2 else (None, None)  # noqa: PLR2004 - kind and values
    if kind in pandas_columns.KINDS:
        return FrameColumn(_OWN, pandas_columns.rebuild(str(kind), values, costs))
    column = FrameColumn(str(kind), values)
    if column.kind != _ARRAY:
        costs.charge(decoding_budget.CELL * _length(column))
    return column


def _length(column: FrameColumn) -> int:
    """Return the length of a column whose values are of its kind; refuse any other."""
    values = column.values
    if column.kind == _OWN and isinstance(values, _pandas().api.extensions.ExtensionArray):
        return len(cast("Array", values))
    if column.kind == _ARRAY:
        if _is_plain(values) and values.ndim == 1:
            return len(values)
    elif column.kind in (_OBJECTS, _TEXT) and isinstance(values, list):
        return len(values)
    raise UndecodableError("a bad column")


def _is_plain(values: object) -> TypeGuard[Array]:
    """Return whether a value is an array of numbers, truth values or times."""
    numpy = sys.modules["numpy"]  # pandas is there by now
    return type(values) is numpy.ndarray and cast("Array", values).dtype.str in DTYPES


def _values(pandas: "ModuleType", column: FrameColumn) -> object:
    if column.kind in (_ARRAY, _OWN):
        return column.values
    return pandas.array(column.values, dtype=_kind(column))


def _kind(column: FrameColumn) -> object:
    """Return the type that a column's values are converted to, or None where they have one."""
    if column.kind == _TEXT:
        return _text_type()
    return object if column.kind == _OBJECTS else None


@functools.cache
def _text_type() -> object:
    """Return pandas' own type for text, made once: by its name, pandas looks through all of its types each time."""
    kind: object = _pandas().Series([], dtype="str").dtype
    return kind
