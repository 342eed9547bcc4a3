"""Values on the wire: JSON with tags, strict on the way in, and never a name that is looked up.

What JSON cannot say is a mapping with the key `~`: `{"~": "tuple", "v": [1, 2]}`. What is big and in one piece may stay
out of it, as an attachment. Both sides use this module; what comes out of a guest is hostile, so `loads` bounds depth
and count before or while it builds, and every surprise is `UndecodableError`. The table of what travels, and as what it
arrives, is docs/values.md. It is in one piece because each tag is written and read here, and nowhere else.
"""

import base64
import collections
import datetime as dt
import decimal
import itertools
import json
import math
import pathlib
import re
import uuid
from collections.abc import Callable
from typing import Never, Protocol, TypeVar, cast

from . import arrays, tables
from .attachments import NOTHING, THRESHOLD, Attached, Collected, place
from .travel import UndecodableError, UntravellableError

_TAG, _VALUE = "~", "v"
_MAX_DEPTH = 100
_MAX_NODES = 1_000_000
# JSON integers up to here keep their form; larger ones go as hexadecimal, which is linear to read
_PLAIN_INTEGER_BITS = 1024
# more than any plain integer has; a host that lifted the interpreter's own limit must not parse in quadratic time
_MAX_DIGITS = 400
# a mapping with keys that are no text takes three levels of JSON for one of its own
_MAX_JSON_DEPTH = 3 * _MAX_DEPTH + 10
_MAX_EQUAL_HASHES = 64
# Collections of hashes up to here are built unseen: the worst that can be made of them takes under a millisecond.
_HARMLESS_HASHES = 1000
# Steps of probing that an item may take on average; the worst honest set that was tried, floats in steps of 1/1024,
# takes 11.
_MAX_MEAN_STEPS = 16
_STRINGS = re.compile(rb'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)', re.DOTALL)
_WORD = (1 << 64) - 1
_SECOND = dt.timedelta(seconds=1)
_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_PLAIN = frozenset((bool, type(None)))
_T_contra = TypeVar("_T_contra", contravariant=True)
# made once: `json.dumps` and `json.loads` make a new one for each call that asks for anything unusual
encode = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode


class _Encoder(Protocol[_T_contra]):
    """How values of one type go out."""

    def __call__(self, value: _T_contra, where: str, depth: int, parts: Collected | None, /) -> object:
        """The value as plain JSON data."""
        ...


def dumps(value: object, where: str, parts: Collected | None = None) -> bytes:
    """The wire form of a value.

    Args:
        value: What is to travel.
        where: What an error calls it, such as `argument 'rows'`.
        parts: Takes what may stay out of the JSON; None where nothing may.

    Raises:
        UntravellableError: Some part of it has no safe form; the error has the path to that part.
    """
    return encode(to_wire(value, where, 0, parts)).encode()


def to_wire(value: object, where: str, depth: int, parts: Collected | None = None) -> object:
    """The value as plain JSON data; see `dumps`."""
    kind = type(value)
    if kind in _PLAIN:
        return value
    if isinstance(value, str) and kind is str:
        return _text_out(value, where)
    encode = _ENCODERS.get(kind)
    if encode is not None:
        if depth > _MAX_DEPTH:
            raise UntravellableError(where, kind.__name__, f"it is nested deeper than {_MAX_DEPTH}, or contains itself")
        return encode(cast("Never", value), where, depth, parts)  # the table pairs each type with its encoder
    travelling = arrays.travelling_form(value, where, parts)
    if travelling is arrays.NOT_MINE:
        return _table_out(value, where, depth, parts)
    return travelling if isinstance(travelling, dict) else to_wire(travelling, where, depth + 1, parts)


def _table_out(value: object, where: str, depth: int, parts: Collected | None) -> object:
    table = tables.apart(value, where)
    if table is None:
        raise UntravellableError(where, type(value).__name__)

    def out(column: tables.Column, name: str) -> list[object]:
        return [column.kind, to_wire(column.values, name, depth + 1, parts)]

    labels, index_name = f"the columns of {where}", f"the index of {where}"
    return {
        _TAG: tables.TAG,
        "c": to_wire([table.label, table.labels], labels, depth + 1, parts),
        "i": None if table.index is None else out(table.index, index_name),
        "n": to_wire(table.index_label, index_name, depth + 1, parts),
        _VALUE: [
            out(column, f"{where}[{label!r:.80}]") for label, column in zip(table.labels, table.columns, strict=True)
        ],
    }


def _tagged(tag: str, value: object) -> dict[str, object]:
    return {_TAG: tag, _VALUE: value}


def _text_out(text: str, where: str) -> str:
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise UntravellableError(where, "str", "it has a lone surrogate, which UTF-8 cannot say") from None
    return text


def _int_out(value: int, _where: str, _depth: int, _parts: Collected | None) -> object:
    return value if value.bit_length() <= _PLAIN_INTEGER_BITS else _tagged("int", hex(value))


def _float_out(value: float, _where: str, _depth: int, _parts: Collected | None) -> object:
    return value if math.isfinite(value) else _tagged("float", repr(value))


def _list_out(value: list[object], where: str, depth: int, parts: Collected | None) -> list[object]:
    return [
        item
        if type(item) in _PLAIN or (type(item) is str and item.isascii())
        else to_wire(item, f"{where}[{index}]", depth + 1, parts)
        for index, item in enumerate(value)
    ]


def _tuple_out(value: tuple[object, ...], where: str, depth: int, parts: Collected | None) -> object:
    return _tagged("tuple", _list_out(list(value), where, depth, parts))


def _set_out(value: set[object], where: str, depth: int, parts: Collected | None) -> object:
    return _tagged("set", _list_out(list(value), where, depth, parts))


def _frozenset_out(value: frozenset[object], where: str, depth: int, parts: Collected | None) -> object:
    return _tagged("frozenset", _list_out(list(value), where, depth, parts))


def _dict_out(value: dict[object, object], where: str, depth: int, parts: Collected | None) -> object:
    if all(type(key) is str for key in value) and _TAG not in value:
        return {
            _text_out(cast("str", key), f"a key of {where}"): to_wire(item, f"{where}[{key!r:.80}]", depth + 1, parts)
            for key, item in value.items()
        }
    pairs = [
        [to_wire(key, f"a key of {where}", depth + 1, parts), to_wire(item, f"{where}[{key!r:.80}]", depth + 1, parts)]
        for key, item in value.items()
    ]
    return _tagged("dict", pairs)


def _bytes_out(value: bytes | bytearray, where: str, _depth: int, parts: Collected | None) -> object:
    kind = type(value).__name__
    if parts is not None and len(value) >= THRESHOLD:
        return _tagged(kind, parts.add(memoryview(value), where, kind))
    return _tagged(kind, base64.b64encode(value).decode("ascii"))


def _timedelta_out(value: dt.timedelta, _where: str, _depth: int, _parts: Collected | None) -> object:
    return _tagged("timedelta", [value.days, value.seconds, value.microseconds])


def _complex_out(value: complex, where: str, depth: int, parts: Collected | None) -> object:
    return _tagged(
        "complex", [_float_out(value.real, where, depth, parts), _float_out(value.imag, where, depth, parts)]
    )


def _as_text(tag: str) -> _Encoder[object]:
    return lambda value, where, _depth, _parts: _tagged(tag, _text_out(str(value), where))


def _date_out(value: dt.date, _where: str, _depth: int, _parts: Collected | None) -> object:
    return _tagged("date", value.isoformat())


def _clock_out(value: dt.datetime | dt.time, where: str, _depth: int, _parts: Collected | None) -> object:
    tag, offset = type(value).__name__, value.utcoffset()
    # `fromisoformat` takes it for UTC
    if offset and abs(offset) < _SECOND:
        raise UntravellableError(where, tag, "its offset from UTC is less than a second")
    return _tagged(tag, value.isoformat())


# exact type → how it goes out; a subclass is a different type and does not travel as its parent
_ENCODERS: dict[type, _Encoder[Never]] = {
    int: _int_out,
    float: _float_out,
    list: _list_out,
    dict: _dict_out,
    tuple: _tuple_out,
    set: _set_out,
    frozenset: _frozenset_out,
    bytes: _bytes_out,
    bytearray: _bytes_out,
    complex: _complex_out,
    decimal.Decimal: _as_text("decimal"),
    uuid.UUID: _as_text("uuid"),
    pathlib.PosixPath: _as_text("path"),
    pathlib.PurePosixPath: _as_text("path"),
    dt.datetime: _clock_out,
    dt.date: _date_out,
    dt.time: _clock_out,
    dt.timedelta: _timedelta_out,
}


def loads(data: bytes, attached: Attached = NOTHING) -> object:
    """The value of a wire form that nobody vouches for.

    Args:
        data: The JSON.
        attached: What came beside it.

    Raises:
        UndecodableError: It breaks a rule of the format; the message names the rule.
    """
    raw = parse(data)
    try:
        return from_wire(raw, 0, attached)
    except RecursionError:
        # the depth is bounded, but a caller that is near the end of its own stack has no room for that much
        raise UndecodableError("nested deeper than the stack of the caller has room for") from None


def parse(data: bytes) -> object:
    """Plain JSON data of bytes that nobody vouches for: strict UTF-8, no key twice, nothing that JSON does not know.

    Raises:
        UndecodableError: It breaks a rule; the message names the rule.
    """
    _check_shape(data)
    try:
        return _decoder.decode(data.decode())
    except UndecodableError:
        raise
    except (ValueError, RecursionError) as error:
        # ValueError: JSON and UTF-8; RecursionError: the caller is near the end of its own stack
        raise UndecodableError(f"not readable: {type(error).__name__}") from None


def _check_shape(data: bytes) -> None:
    """Count and depth before parsing.

    The parser recurses in C for as deep as the host's own recursion limit says; one that was raised for other reasons
    would let nesting overflow the stack.
    """
    openers = data.count(b"[") + data.count(b"{")
    if openers <= _MAX_JSON_DEPTH and openers + data.count(b",") <= _MAX_NODES:
        return
    bare = _STRINGS.sub(b"", data)
    brackets = bare.translate(None, _NOT_BRACKETS)
    openers = brackets.count(b"[") + brackets.count(b"{")
    if openers + bare.count(b",") > _MAX_NODES:
        raise UndecodableError(f"more than {_MAX_NODES} items")
    steps = (1 if bracket in b"[{" else -1 for bracket in brackets)
    if max(itertools.accumulate(steps), default=0) > _MAX_JSON_DEPTH:
        raise UndecodableError(f"nested deeper than {_MAX_DEPTH}")


def _plain_integer(text: str) -> int:
    if len(text) > _MAX_DIGITS:
        raise UndecodableError(f"an integer of more than {_MAX_DIGITS} digits that is not in hexadecimal")
    return int(text)


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise UndecodableError("a key stands twice in one mapping")
    return result


def _no_constant(name: str) -> object:
    raise UndecodableError(f"a bare {name}")


_decoder = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_no_constant, parse_int=_plain_integer)


def from_wire(raw: object, depth: int, attached: Attached = NOTHING) -> object:
    """The value of parsed JSON data; see `loads`."""
    kind = type(raw)
    if kind is str:
        return _clean(raw)
    if kind is not dict and kind is not list:
        return raw
    if depth > _MAX_DEPTH:
        raise UndecodableError(f"nested deeper than {_MAX_DEPTH}")
    if isinstance(raw, list):
        return [from_wire(item, depth + 1, attached) for item in raw]
    if isinstance(raw, dict):
        if _TAG in raw:
            return _tag_in(raw, depth, attached)
        return {_clean(key): from_wire(item, depth + 1, attached) for key, item in raw.items()}
    return raw


def _clean(text: object) -> str:
    """Text without lone surrogates: they make the host's own printing and encoding fail later."""
    if not isinstance(text, str):
        raise UndecodableError("text was expected")
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise UndecodableError("a lone surrogate in text") from None
    return text


def _tag_in(raw: dict[str, object], depth: int, attached: Attached) -> object:
    tag, value = raw[_TAG], raw.get(_VALUE)
    decode = _DECODERS.get(tag) if isinstance(tag, str) else None
    try:
        if decode is not None:
            return decode(value, depth, attached)
        if tag == arrays.TAG:
            return arrays.rebuild(raw, attached)
        if tag == tables.TAG:
            return _table_in(raw, depth, attached)
    except UndecodableError:
        raise
    except (ValueError, TypeError, ArithmeticError, AttributeError, KeyError) as error:
        # whatever a constructor says of hostile content; none of it is a fault of ours
        raise UndecodableError(f"a bad {tag}: {type(error).__name__}") from None
    raise UndecodableError("an unknown tag")


def _table_in(raw: dict[str, object], depth: int, attached: Attached) -> object:
    def column(pair: object) -> tables.Column:
        kind, values = pair if isinstance(pair, list) else (None, None)
        return tables.Column(_clean(kind), from_wire(values, depth + 1, attached))

    label, labels = _items(raw.get("c"), depth, attached)
    columns, index = raw.get(_VALUE), raw.get("i")
    if not isinstance(columns, list) or not isinstance(labels, list):
        raise UndecodableError("a bad data frame")
    made = [column(pair) for pair in columns]
    name = from_wire(raw.get("n"), depth + 1, attached)
    return tables.together(tables.Table(labels, label, made, None if index is None else column(index), name))


def _items(value: object, depth: int, attached: Attached) -> list[object]:
    if not isinstance(value, list):
        raise UndecodableError("a list was expected")
    return [from_wire(item, depth + 1, attached) for item in value]


def _hashable_items(value: object, depth: int, attached: Attached) -> list[object]:
    """Items for a set or for keys, without those chosen to collide, which would make building it quadratic."""
    items = _items(value, depth, attached)
    if len(items) > _MAX_EQUAL_HASHES:
        hashes = list(map(hash, items))
        ((_hash, most),) = collections.Counter(hashes).most_common(1)
        if most > _MAX_EQUAL_HASHES:
            raise UndecodableError("too many keys with the same hash")
        if len(items) > _HARMLESS_HASHES and not all(type(item) is str for item in items):
            _refuse_colliding(hashes)
    return items


def _refuse_colliding(hashes: list[int]) -> None:
    """Try the hashes in tables of every size that a set or dict of them grows through.

    Hashes of numbers are no secret, so different ones can be chosen to follow each other's probing; hashes of text are.
    The walk is that of CPython's Objects/dictobject.c, in tables filled to two thirds.
    """
    size = 1 << _HARMLESS_HASHES.bit_length()
    while size < 8 * len(hashes):
        _refuse_crowding(hashes[: size * 2 // 3], size)
        size *= 2


def _refuse_crowding(hashes: list[int], size: int) -> None:
    mask, taken = size - 1, bytearray(size)
    steps, most = 0, _MAX_MEAN_STEPS * len(hashes)
    for number in hashes:
        perturb = number & _WORD
        slot = number & mask
        while taken[slot]:
            perturb >>= 5
            slot = (slot * 5 + perturb + 1) & mask
            steps += 1
            if steps > most:
                raise UndecodableError("too many keys whose hashes collide")
        taken[slot] = 1


def _dict_in(value: object, depth: int, attached: Attached) -> dict[object, object]:
    if not isinstance(value, list) or not all(isinstance(pair, list) and len(pair) == 2 for pair in value):  # noqa: PLR2004 - a pair has two
        raise UndecodableError("pairs were expected")
    keys = _hashable_items([pair[0] for pair in value], depth, attached)
    result = dict(zip(keys, _items([pair[1] for pair in value], depth, attached), strict=True))
    if len(result) != len(keys):
        raise UndecodableError("a key stands twice in one mapping")
    return result


def _int_in(value: object, _depth: int, _attached: Attached) -> int:
    text = _clean(value)
    if text.removeprefix("-")[:2] != "0x":
        raise UndecodableError("a bad integer")
    return int(text, 16)


def _float_in(value: object, _depth: int, _attached: Attached) -> float:
    if value not in ("nan", "inf", "-inf"):
        raise UndecodableError("a bad float")
    return float(value)


def _bytes_in(value: object, _depth: int, attached: Attached) -> bytes:
    if isinstance(value, list):
        return attached.copy(*place(value))
    return base64.b64decode(_clean(value), validate=True)


def _complex_in(value: object, depth: int, attached: Attached) -> complex:
    real, imaginary = _items(value, depth, attached)
    if not isinstance(real, int | float) or not isinstance(imaginary, int | float):
        raise UndecodableError("a bad complex number")
    return complex(real, imaginary)


def _timedelta_in(value: object, depth: int, attached: Attached) -> dt.timedelta:
    days, seconds, microseconds = _items(value, depth, attached)
    if not all(type(part) is int for part in (days, seconds, microseconds)):
        raise UndecodableError("a bad duration")
    return dt.timedelta(days, seconds, microseconds)  # type: ignore[arg-type]  # checked on the line above


_DECODERS: dict[str, Callable[[object, int, Attached], object]] = {
    "tuple": lambda value, depth, attached: tuple(_items(value, depth, attached)),
    "set": lambda value, depth, attached: set(_hashable_items(value, depth, attached)),
    "frozenset": lambda value, depth, attached: frozenset(_hashable_items(value, depth, attached)),
    "dict": _dict_in,
    "int": _int_in,
    "float": _float_in,
    "complex": _complex_in,
    "bytes": _bytes_in,
    "bytearray": lambda value, depth, attached: bytearray(_bytes_in(value, depth, attached)),
    "decimal": lambda value, _depth, _attached: decimal.Decimal(_clean(value)),
    "uuid": lambda value, _depth, _attached: uuid.UUID(_clean(value)),
    "path": lambda value, _depth, _attached: pathlib.Path(_clean(value)),
    "datetime": lambda value, _depth, _attached: dt.datetime.fromisoformat(_clean(value)),
    "date": lambda value, _depth, _attached: dt.date.fromisoformat(_clean(value)),
    "time": lambda value, _depth, _attached: dt.time.fromisoformat(_clean(value)),
    "timedelta": _timedelta_in,
}
