"""Encode values as tagged JSON; see `codec`.

It is in one piece because the form of each type is written here, and nowhere else.
"""

import base64
import collections
import datetime as dt
import decimal
import fractions
import json
import math
import os
import pathlib
import uuid
from typing import Never, Protocol, TypeVar, cast

from . import arrays, decoding_budget, json_shape, pandas_scalars, serialization_remedies, structures, tables
from .attachments import NOTHING, THRESHOLD, Collected
from .errors import HERE, GuestSerializationError
from .wire_form import (
    FACTORY_NAMES,
    HARMLESS_HASHES,
    MAX_DEPTH,
    MAX_FRACTION_BITS,
    SECRET_HASHES,
    TAG,
    VALUE,
    extra_steps,
    member_price,
    path_price,
)

_SMALL = 1 << 63
_FEW = 8
_KEY = f"a key of {HERE}"
_PLAIN = frozenset((bool, type(None)))
# JSON integers up to here keep their form; larger ones go as hexadecimal, which is linear to read
PLAIN_INTEGER_BITS = 1024
_SECOND = dt.timedelta(seconds=1)
_T_contra = TypeVar("_T_contra", contravariant=True)
# made once: `json.dumps` and `json.loads` make a new one for each call that asks for anything unusual
encode = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode


class _Encoder(Protocol[_T_contra]):
    """Encodes values of one type."""

    def __call__(self, value: _T_contra, where: str, depth: int, parts: Collected | None, /) -> object:
        """Return the value as plain JSON data."""
        ...


def dumps(value: object, where: str, parts: Collected | None = None) -> bytes:
    """Encode a value as JSON bytes.

    Args:
        value: The value to encode.
        where: What an error calls it, such as `argument 'rows'`.
        parts: Collects the attachments; None where everything goes into the JSON.

    Raises:
        GuestSerializationError: Some part of it has no safe form; the error has the path to that part.
    """
    return encode(to_wire(value, where, 0, parts)).encode()


def deliver(content: bytes, parts: Collected, results: int) -> bytes:
    """Pad a result until it has paid for its decoding, see `decoding_budget`, and write its attachments to their file.

    Args:
        content: Its JSON, from `dumps`.
        parts: Its attachments.
        results: Descriptor of the file for them, which is as large as a result may be.

    Raises:
        GuestSerializationError: It costs more than a result may have.
    """
    if parts.price or json_shape.may_cost(content):
        price = json_shape.price(content) + parts.price
        content = decoding_budget.paid(content, price, os.fstat(results).st_size - parts.size, "the result")
    parts.deliver(results)
    return content


def to_wire(value: object, where: str, depth: int, parts: Collected | None = None) -> object:
    """Return the value as plain JSON data; see `dumps`."""
    kind = type(value)
    if kind in _PLAIN:
        return value
    if isinstance(value, str) and kind is str:
        return _text_out(value, where)
    encode = ENCODERS.get(kind)
    if encode is not None:
        if depth > MAX_DEPTH:
            raise GuestSerializationError(
                where, kind.__name__, f"it is nested deeper than {MAX_DEPTH}, or contains itself"
            )
        return encode(cast("Never", value), where, depth, parts)  # the table pairs each type with its encoder

    def out(part: object, name: str) -> object:
        return to_wire(part, name, depth + 1, parts)

    for travelling_form in (arrays.travelling_form, tables.travelling_form, pandas_scalars.travelling_form):
        form = travelling_form(value, where, parts, out)
        if form is not arrays.NOT_MINE:
            return form
    if depth > MAX_DEPTH:
        raise GuestSerializationError(where, kind.__name__, f"it is nested deeper than {MAX_DEPTH}, or contains itself")
    structure = structures.travelling_form(value, where, parts, out)
    if structure is not None:
        return structure
    raise GuestSerializationError(where, kind.__name__, instead=serialization_remedies.instead_of(value))


def _tagged(tag: str, value: object, parts: Collected | None) -> dict[str, object]:
    if parts is not None:
        parts.price += decoding_budget.price(tag)
    return {TAG: tag, VALUE: value}


def _text_out(text: str, where: str) -> str:
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise GuestSerializationError(where, "str", "it has a lone surrogate, which UTF-8 cannot say") from None
    return text


def _int_out(value: int, _where: str, _depth: int, parts: Collected | None) -> object:
    return value if value.bit_length() <= PLAIN_INTEGER_BITS else _tagged("int", hex(value), parts)


def _float_out(value: float, _where: str, _depth: int, parts: Collected | None) -> object:
    return value if math.isfinite(value) else _tagged("float", repr(value), parts)


def _list_out(value: list[object], where: str, depth: int, parts: Collected | None) -> list[object]:
    if parts is not None:
        parts.count(len(value), where, "list")
    if len(value) > _FEW and _is_plain(value):
        return value
    made: list[object] = []
    try:
        for item in value:
            kind = type(item)
            # what `to_wire` would find: most items are one of these
            plain = kind in _PLAIN or (isinstance(item, str) and kind is str and item.isascii())
            made.append(item if plain else to_wire(item, HERE, depth + 1, parts))
    except GuestSerializationError as error:
        raise error.within(f"{where}[{len(made)}]") from None
    return made


def _is_plain(value: list[object]) -> bool:
    """Return whether all items are of one type that JSON has; found in C, where a long list costs most."""
    kinds = set(map(type, value))
    if len(kinds) != 1:
        return False
    (kind,) = kinds
    if kind is int:
        numbers = cast("list[int]", value)
        return min(numbers) >= -_SMALL and max(numbers) < _SMALL
    if kind is float:
        return all(map(math.isfinite, cast("list[float]", value)))
    return kind is str and all(map(str.isascii, cast("list[str]", value)))


def _tuple_out(value: tuple[object, ...], where: str, depth: int, parts: Collected | None) -> object:
    return _tagged("tuple", _list_out(list(value), where, depth, parts), parts)


def _set_out(value: set[object], where: str, depth: int, parts: Collected | None) -> object:
    return _tagged("set", _members_out(value, where, depth, parts), parts)


def _frozenset_out(value: frozenset[object], where: str, depth: int, parts: Collected | None) -> object:
    return _tagged("frozenset", _members_out(value, where, depth, parts), parts)


def _members_out(
    value: set[object] | frozenset[object], where: str, depth: int, parts: Collected | None
) -> list[object]:
    members = list(value)
    _pay_for_hashes(members, parts)
    return _list_out(members, where, depth, parts)


def _pay_for_hashes(members: list[object], parts: Collected | None) -> None:
    """Add the price of checking that hashes were not chosen to collide; the decoding side charges the same."""
    if parts is None or not parts.pays or set(map(type, members)) <= SECRET_HASHES:
        return
    parts.price += member_price(members)
    if len(members) > HARMLESS_HASHES:
        parts.price += decoding_budget.PROBE * sum(extra_steps(list(map(hash, members))))


def _dict_out(value: dict[object, object], where: str, depth: int, parts: Collected | None) -> object:
    if not all(type(key) is str for key in value) or TAG in value:
        return _tagged("dict", _pairs_out(value, where, depth, parts), parts)
    if parts is not None:
        parts.count(len(value), where, "dict")
    key: object = None
    made: dict[str, object] = {}
    try:
        for key, item in value.items():
            plain = type(item) in _PLAIN or (type(item) is str and item.isascii())
            made[cast("str", key)] = item if plain else to_wire(item, HERE, depth + 1, parts)
    except GuestSerializationError as error:
        raise error.within(f"{where}[{key!r:.80}]") from None
    for text in made:
        _text_out(text, f"a key of {where}")
    return made


def _pairs_out(value: dict[object, object], where: str, depth: int, parts: Collected | None) -> list[list[object]]:
    if parts is not None:
        parts.price += decoding_budget.PAIR * len(value)
        parts.count(2 * len(value), where, type(value).__name__)
    _pay_for_hashes(list(value), parts)
    key: object = None
    made: list[list[object]] = []
    try:
        for key, item in value.items():
            made.append([to_wire(key, _KEY, depth + 1, parts), to_wire(item, HERE, depth + 1, parts)])
    except GuestSerializationError as error:
        of_the_key = error.where.startswith(_KEY)
        raise error.within(where if of_the_key else f"{where}[{key!r:.80}]") from None
    return made


def _mapping_out(tag: str) -> _Encoder[dict[object, object]]:
    """Return the encoder of a standard library's subclass of `dict`; an instance's own attributes would be lost."""

    def out(value: dict[object, object], where: str, depth: int, parts: Collected | None) -> object:
        if vars(value):
            why = "it has attributes of its own, which would be lost"
            raise GuestSerializationError(where, type(value).__name__, why, instead="dict(value)")
        if parts is not None and tag == "ordered":
            parts.price += decoding_budget.ORDERED_PAIR * len(value)
        return _tagged(tag, _pairs_out(value, where, depth, parts), parts)

    return out


def _defaultdict_out(
    value: collections.defaultdict[object, object], where: str, depth: int, parts: Collected | None
) -> object:
    factory = value.default_factory
    name = FACTORY_NAMES.get(factory, NOTHING) if factory is None or type(factory) is type else NOTHING
    if name is NOTHING:
        why = "what it makes for a missing key is code, and no code travels"
        raise GuestSerializationError(where, "defaultdict", why, instead="dict(value)")
    return {**_tagged("defaultdict", _pairs_out(value, where, depth, parts), parts), "n": name}


def _deque_out(value: collections.deque[object], where: str, depth: int, parts: Collected | None) -> object:
    return {**_tagged("deque", _list_out(list(value), where, depth, parts), parts), "n": value.maxlen}


def _range_out(value: range, where: str, depth: int, parts: Collected | None) -> object:
    return _tagged("range", _list_out([value.start, value.stop, value.step], where, depth, parts), parts)


def _fraction_out(value: fractions.Fraction, where: str, depth: int, parts: Collected | None) -> object:
    if max(value.numerator.bit_length(), value.denominator.bit_length()) > MAX_FRACTION_BITS:
        why = f"its numerator or denominator has more than {MAX_FRACTION_BITS} bits"
        raise GuestSerializationError(where, "Fraction", why, instead="(value.numerator, value.denominator)")
    return _tagged("fraction", _list_out([value.numerator, value.denominator], where, depth, parts), parts)


def _path_out(value: pathlib.PurePath, where: str, _depth: int, parts: Collected | None) -> object:
    text = _text_out(str(value), where)
    if parts is not None:
        parts.price += path_price(text)
    return _tagged(_PATHS[type(value)], text, parts)


def _bytes_out(value: bytes | bytearray, where: str, _depth: int, parts: Collected | None) -> object:
    kind = type(value).__name__
    if parts is not None and len(value) >= THRESHOLD:
        return _tagged(kind, parts.add(memoryview(value), where, kind), parts)
    return _tagged(kind, base64.b64encode(value).decode("ascii"), parts)


def _timedelta_out(value: dt.timedelta, _where: str, _depth: int, parts: Collected | None) -> object:
    return _tagged("timedelta", [value.days, value.seconds, value.microseconds], parts)


def _complex_out(value: complex, where: str, depth: int, parts: Collected | None) -> object:
    pair = [_float_out(value.real, where, depth, parts), _float_out(value.imag, where, depth, parts)]
    return _tagged("complex", pair, parts)


def _as_text(tag: str) -> _Encoder[object]:
    return lambda value, where, _depth, parts: _tagged(tag, _text_out(str(value), where), parts)


def _date_out(value: dt.date, _where: str, _depth: int, parts: Collected | None) -> object:
    return _tagged("date", value.isoformat(), parts)


def _clock_out(value: dt.datetime | dt.time, where: str, _depth: int, parts: Collected | None) -> object:
    tag, offset = type(value).__name__, value.utcoffset()
    if offset is None and value.tzinfo is not None:
        why = "its time zone has no offset from UTC to travel with"
        raise GuestSerializationError(where, tag, why, instead="value.replace(tzinfo=None)")
    # `fromisoformat` takes it for UTC
    if offset and abs(offset) < _SECOND:
        raise GuestSerializationError(where, tag, "its offset from UTC is less than a second")
    form = _tagged(tag, value.isoformat(), parts)
    if value.fold:
        form["f"] = 1
        if parts is not None:
            parts.price += decoding_budget.FOLD
    return form


_PATHS: dict[type, str] = {pathlib.PosixPath: "path", pathlib.PurePosixPath: "purepath"}

# exact type → its encoder; a subclass is a different type and is not encoded as its parent
ENCODERS: dict[type, _Encoder[Never]] = {
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
    fractions.Fraction: _fraction_out,
    range: _range_out,
    collections.deque: _deque_out,
    collections.Counter: _mapping_out("counter"),
    collections.OrderedDict: _mapping_out("ordered"),
    collections.defaultdict: _defaultdict_out,
    pathlib.PosixPath: _path_out,
    pathlib.PurePosixPath: _path_out,
    dt.datetime: _clock_out,
    dt.date: _date_out,
    dt.time: _clock_out,
    dt.timedelta: _timedelta_out,
}
