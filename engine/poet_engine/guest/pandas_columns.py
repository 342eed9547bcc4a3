"""Encode and decode columns of pandas' own types: categories, nullable numbers and text, zoned times, and periods.

Each is a kind and its parts, which are arrays and lists of the forms that travel anyway. What a host builds of them
never hashes values that a guest could choose to collide: pandas would take time by the square of their number.
"""

import datetime as dt
import sys
from typing import TYPE_CHECKING, Protocol, cast

from . import decoding_budget
from .arrays import DTYPES, Array, Out
from .attachments import Collected
from .errors import GuestSerializationError, UndecodableError
from .pandas_scalars import charge, period_frequency, period_name, zone_form, zone_from

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

_CATEGORIES, _NULLABLE, _STRINGS, _ZONED, _PERIODS = "c", "n", "t", "z", "p"
KINDS = (_CATEGORIES, _NULLABLE, _STRINGS, _ZONED, _PERIODS)
# pandas' nullable types, by their names → numpy's type of their values
_VALUES = {
    **{f"{sign}Int{8 * size}": f"<{letter}{size}" for sign, letter in (("", "i"), ("U", "u")) for size in (2, 4, 8)},
    "Int8": "|i1",
    "UInt8": "|u1",
    "Float32": "<f4",
    "Float64": "<f8",
    "boolean": "|b1",
}
_STORAGES = ("python", "pyarrow")
# Values of objects that may be categories or labels of a level: those whose hashes nobody can choose.
_SECRET = frozenset((str, bytes, dt.date))
# Categories, and labels of a level, that are in no order: pandas hashes them to see that none stands twice.
MAX_SCATTERED = 1 << 12


class IndexLabels(Protocol):
    """Attributes of an index that holds categories, or labels of a level."""

    dtype: object
    is_monotonic_increasing: bool
    is_unique: bool

    def __len__(self) -> int: ...
    def tolist(self) -> list[object]: ...  # noqa: D102 - pandas' own


class _Kind(Protocol):
    """Attributes of pandas' types that are used here."""

    name: str
    unit: str
    tz: dt.tzinfo
    storage: str
    na_value: object


class _OwnArray(Protocol):
    """Attributes of pandas' own arrays that are used here."""

    dtype: _Kind
    codes: Array
    categories: IndexLabels
    ordered: bool

    def to_numpy(self, dtype: str, na_value: object = ...) -> Array: ...
    def isna(self) -> Array: ...
    def view(self, kind: str, /) -> Array: ...
    def tolist(self) -> list[object]: ...


def own_form(
    column: object, where: str, parts: Collected | None, index: "Callable[[object, str], object]", out: Out
) -> list[object] | None:
    """Return the kind and the parts of a column of pandas' own types; None where it is of another type.

    Args:
        column: A series, an index, or an array of pandas.
        where: What an error calls it.
        parts: Adds up the price of decoding it; None where nothing has to be paid.
        index: Encodes an index.
        out: Encodes a part.
    """
    pandas = sys.modules["pandas"]
    array = cast("_OwnArray", getattr(column, "array", column))
    kind = array.dtype
    own = getattr(pandas, "StringDtype", None)
    form: list[object] | None = None
    if isinstance(kind, pandas.CategoricalDtype):
        charge(parts, level_price(pandas, array.categories, where))
        categories = index(array.categories, f"the categories of {where}")
        form = [_CATEGORIES, [out(array.codes, where), categories, bool(array.ordered)]]
    elif kind.name in _VALUES and isinstance(kind, pandas.api.extensions.ExtensionDtype):
        values = array.to_numpy(dtype=_VALUES[kind.name], na_value=0)
        form = [_NULLABLE, [kind.name, out(values, where), out(array.isna(), where)]]
    elif own is not None and isinstance(kind, own) and kind.na_value is pandas.NA:
        texts = [None if text is pandas.NA else text for text in array.tolist()]
        charge(parts, decoding_budget.CELL * len(texts))
        form = [_STRINGS, [kind.storage, out(texts, where)]]
    elif isinstance(kind, pandas.DatetimeTZDtype):
        zone = zone_form(kind.tz)
        if zone is not None:
            form = [_ZONED, [zone, out(array.to_numpy(dtype=f"<M8[{kind.unit}]"), where)]]
    elif isinstance(kind, pandas.PeriodDtype):
        form = [_PERIODS, [period_name(kind, where), out(array.view("i8"), where)]]
    if form is not None:
        charge(parts, decoding_budget.OWN_COLUMN)
    return form


def level_price(pandas: "ModuleType", values: IndexLabels, where: str) -> int:
    """Return the price of seeing that no category, or label of a level, stands twice.

    Raises:
        GuestSerializationError: They are objects whose hashes could be chosen, or too many in no order.
    """
    price = _level_price(pandas, values)
    if price is None:
        mend = "Convert it with astype(object), or call reset_index() on the table, or put its categories in order"
        raise GuestSerializationError(
            where, f"{type(values).__name__} of {len(values)} categories or labels", mend=mend
        )
    return price


def _level_price(pandas: "ModuleType", values: IndexLabels) -> int | None:
    if isinstance(values, pandas.MultiIndex):
        return None
    if values.dtype == object and not set(map(type, values.tolist())) <= _SECRET:
        return None
    # where they increase, pandas has seen by then that they differ, without a hash
    if values.is_monotonic_increasing:
        return decoding_budget.CELL * len(values)
    return None if len(values) > MAX_SCATTERED else decoding_budget.CELL * len(values) + len(values) ** 2 // 16


def checked_level(pandas: "ModuleType", values: object, costs: decoding_budget.DecodingBudget) -> IndexLabels:
    """Return untrusted categories, or labels of a level, of which none stands twice.

    Raises:
        UndecodableError: They are no index, or not fit for it.
    """
    if not isinstance(values, pandas.Index):
        raise UndecodableError("bad categories")
    found = cast("IndexLabels", values)
    price = _level_price(pandas, found)
    if price is None:
        raise UndecodableError("categories whose hashes could collide")
    costs.charge(price)
    if not found.is_unique:
        raise UndecodableError("a category that stands twice")
    return found


def rebuild(kind: str, content: object, costs: decoding_budget.DecodingBudget) -> object:
    """Return pandas' own array of an untrusted kind and parts.

    Raises:
        UndecodableError: The parts do not fit the kind.
    """
    costs.charge(decoding_budget.OWN_COLUMN)
    pandas = sys.modules["pandas"]
    if not isinstance(content, list):
        raise UndecodableError("a bad column")
    try:
        return _REBUILDERS[kind](pandas, content, costs)
    except UndecodableError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever pandas says of hostile content; none of it is a fault of ours
        raise UndecodableError(f"a bad column: {type(error).__name__}") from None


def numbers(values: object, *kinds: str) -> Array:
    """Return an untrusted array of one dimension and of one of these types.

    Raises:
        UndecodableError: It is another one, or none.
    """
    numpy = sys.modules["numpy"]
    if type(values) is not numpy.ndarray or cast("Array", values).ndim != 1:
        raise UndecodableError("a bad column")
    array = cast("Array", values)
    if array.dtype.str not in kinds or array.dtype.str not in DTYPES:
        raise UndecodableError("a bad column")
    return array


CODES = ("|i1", "<i2", "<i4", "<i8")


def _categories(pandas: "ModuleType", content: list[object], costs: decoding_budget.DecodingBudget) -> object:
    codes, values, ordered = content
    categories = checked_level(pandas, values, costs)
    if type(ordered) is not bool:
        raise UndecodableError("bad categories")
    made: object = pandas.Categorical.from_codes(numbers(codes, *CODES), categories=categories, ordered=ordered)
    return made


def _nullable(pandas: "ModuleType", content: list[object], _costs: decoding_budget.DecodingBudget) -> object:
    name, values, missing = content
    if not isinstance(name, str) or name not in _VALUES:
        raise UndecodableError("a bad column")
    data, mask = numbers(values, _VALUES[name]), numbers(missing, "|b1")
    if data.shape != mask.shape:
        raise UndecodableError("a bad column")
    made = {"F": pandas.arrays.FloatingArray, "b": pandas.arrays.BooleanArray}.get(name[0], pandas.arrays.IntegerArray)
    array: object = made(data, mask)
    return array


def _strings(pandas: "ModuleType", content: list[object], costs: decoding_budget.DecodingBudget) -> object:
    storage, texts = content
    if storage not in _STORAGES or not isinstance(texts, list):
        raise UndecodableError("a bad column")
    costs.charge(decoding_budget.CELL * len(texts))
    if not set(map(type, texts)) <= {str, type(None)}:
        raise UndecodableError("text was expected")
    made: object = pandas.array(texts, dtype=pandas.StringDtype(storage))
    return made


def _zoned(pandas: "ModuleType", content: list[object], _costs: decoding_budget.DecodingBudget) -> object:
    zone, values = content
    times = numbers(values, *(f"<M8[{unit}]" for unit in ("s", "ms", "us", "ns")))
    made: object = pandas.DatetimeIndex(times).tz_localize(dt.UTC).tz_convert(zone_from(zone)).array
    return made


def _periods(pandas: "ModuleType", content: list[object], _costs: decoding_budget.DecodingBudget) -> object:
    frequency, values = content
    made: object = pandas.PeriodIndex.from_ordinals(numbers(values, "<i8"), freq=period_frequency(frequency)).array
    return made


_REBUILDERS = {
    _CATEGORIES: _categories,
    _NULLABLE: _nullable,
    _STRINGS: _strings,
    _ZONED: _zoned,
    _PERIODS: _periods,
}
