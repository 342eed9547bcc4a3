"""Any value, in a form that JSON can say (docs/command-line.md lists the forms).

Tuples, lists and arrays all become arrays. What JSON has no word for becomes an object whose one key starts with `$`.
The form is for people and for other programs; nothing here reads it back.
"""

import base64
import collections
import datetime as dt
import decimal
import fractions
import json
import math
import uuid
from collections.abc import Iterable, Mapping

# The codec caps nesting lower; this cap is for values that did not come through it, such as one that holds itself.
_DEEPEST = 100
# Python writes no more than 4,300 decimal digits of a number, and its JSON encoder fails there; 2 ** 14_000 has 4,215.
_MOST_DECIMAL_BITS = 14_000

_AS_IT_IS = frozenset((str, bool, type(None)))


def to_json(value: object) -> object:
    """Return `value` made of None, booleans, finite numbers, text, lists and mappings whose keys are text."""
    return _plain(value, 0)


def _plain(value: object, depth: int) -> object:
    return {"$nested_deeper_than": _DEEPEST} if depth > _DEEPEST else _form(value, depth)


def _form(value: object, depth: int) -> object:
    match value:
        case None | bool() | str():
            return value
        case int():
            return _integer(int(value))
        case float():
            return _float(float(value))
        case Mapping():
            return _mapping(value, depth + 1)
        case list() | tuple() | collections.deque():
            return _items(value, depth + 1)
        case range() | fractions.Fraction():
            return _of_integers(value)
        case set() | frozenset():
            # Sorted by what is printed, so that the same set always looks the same.
            return {"$set": sorted(_items(value, depth + 1), key=json.dumps)}
        case _:
            return _tagged(value, depth)


def _tagged(value: object, depth: int) -> object:
    match value:
        case complex():
            return {"$complex": [_float(value.real), _float(value.imag)]}
        case bytes() | bytearray() | memoryview():
            return {"$bytes": base64.b64encode(value).decode("ascii")}
        case dt.datetime() | dt.date() | dt.time():
            return {_moment(value): value.isoformat()}
        case dt.timedelta():
            return {"$seconds": value.total_seconds()}
        case decimal.Decimal():
            return {"$decimal": str(value)}
        case uuid.UUID():
            return {"$uuid": str(value)}
        case _:
            return _foreign(value, depth)


def _moment(value: dt.date | dt.time) -> str:
    if isinstance(value, dt.datetime):
        return "$datetime"
    return "$date" if isinstance(value, dt.date) else "$time"


def _integer(number: int) -> object:
    return number if number.bit_length() <= _MOST_DECIMAL_BITS else {"$int": hex(number)}


def _float(number: float) -> object:
    return number if math.isfinite(number) else {"$float": str(number)}


def _mapping(value: Mapping[object, object], depth: int) -> object:
    # A key that is no text, or that could be taken for one of our own, is kept by writing the mapping as pairs.
    if all(isinstance(key, str) and not key.startswith("$") for key in value):
        return {str(key): _plain(item, depth) for key, item in value.items()}
    return {"$map": [[_plain(key, depth), _plain(item, depth)] for key, item in value.items()]}


def _items(value: Iterable[object], depth: int) -> list[object]:
    # Long lists of plain things are common, and a function call for each would be most of what a result costs.
    return [item if type(item) in _AS_IT_IS else _plain(item, depth) for item in value]


def _of_integers(value: range | fractions.Fraction) -> object:
    if isinstance(value, fractions.Fraction):
        return {"$fraction": [_integer(value.numerator), _integer(value.denominator)]}
    # by its ends: it may be longer than any list
    return {"$range": [_integer(value.start), _integer(value.stop), _integer(value.step)]}


def _foreign(value: object, depth: int) -> object:
    """Return a value of numpy or pandas by its content, without importing them; others by the name of their type."""
    to_list = getattr(value, "tolist", None)
    module = type(value).__module__.partition(".")[0]
    if module == "pandas" and getattr(value, "ndim", None) == 1:
        return _column(value, depth)
    if module == "numpy" and callable(to_list):
        held: object = to_list()
        if type(held) is not type(value):
            return _plain(held, depth + 1)
    return _by_name(value)


def _by_name(value: object) -> object:
    return {"$object": f"{type(value).__module__}.{type(value).__qualname__}"}


def _column(value: object, depth: int) -> object:
    """Return a series with its labels; an index as its labels, and one that is a range by its ends."""
    index, to_list = getattr(value, "index", None), getattr(value, "tolist", None)
    if type(value).__name__ == "RangeIndex":
        start, stop, step = (getattr(value, name) for name in ("start", "stop", "step"))
        return _of_integers(range(start, stop, step))
    if not callable(to_list):
        return _by_name(value)
    values = _plain(to_list(), depth + 1)
    if not callable(getattr(index, "tolist", None)):
        return values
    name = _plain(getattr(value, "name", None), depth + 1)
    return {"$series": {"index": _column(index, depth + 1), "name": name, "values": values}}
