"""Encode and decode values as tagged JSON, strictly, and without looking up any name that a message holds.

What JSON cannot say is a mapping with the key `~`: `{"~": "tuple", "v": [1, 2]}`. What is big and in one piece may stay
out of it, as an attachment. Both sides use this module; what comes out of a guest is hostile, so `loads` bounds depth
and cost before or while it builds, and every surprise is `UndecodableError`. The types that can travel, and the types
that they arrive as, are in docs/values.md. It is in one piece because each tag is written and read here, and nowhere
else.
"""

import base64
import collections
import datetime as dt
import decimal
import fractions
import json
import math
import operator
import os
import pathlib
import uuid
from collections.abc import Callable, Iterator
from typing import Never, Protocol, TypeVar, cast

from . import arrays, decoding_budget, json_shape, serialization_remedies, tables
from .attachments import NOTHING, THRESHOLD, Attached, Collected, place
from .decoding_budget import DecodingBudget
from .errors import HERE, GuestSerializationError, UndecodableError

_TAG, _VALUE = "~", "v"
_MAX_DEPTH = json_shape.MAX_DEPTH
# JSON integers up to here keep their form; larger ones go as hexadecimal, which is linear to read
_PLAIN_INTEGER_BITS = 1024
_SMALL = 1 << 63
_FEW = 8
_KEY = f"a key of {HERE}"
# The greatest common divisor, which a fraction is reduced by, takes time by the square of their length.
_MAX_FRACTION_BITS = 1 << 12
_MAX_EQUAL_HASHES = 64
# Collections of hashes up to here are built unseen: the worst that can be made of them takes under a millisecond.
_HARMLESS_HASHES = 1000
# Steps of probing that an item may take on average; the worst honest set that was tried, floats in steps of 1/1024,
# takes 11.
_MAX_MEAN_STEPS = 16
_WORD = (1 << 64) - 1
_SECOND = dt.timedelta(seconds=1)
_PLAIN = frozenset((bool, type(None)))
# Their hashes are keyed with a secret of the process, so they cannot be chosen to collide.
_SECRET_HASHES = frozenset((str, bytes))
_NUMBERS = frozenset((int, float, bool, type(None)))
_CONTAINERS = (list, tuple, dict, set, frozenset, collections.deque)
# How many pairs are read between two looks at the clock.
_PAIRS_UNSEEN = 1 << 14
# The factories of a `defaultdict` that travel, by their fixed names.
_FACTORIES: dict[object, object] = {None: None, **{kind.__name__: kind for kind in (bool, bytes, complex, dict, float)}}
_FACTORIES |= {kind.__name__: kind for kind in (frozenset, int, list, set, str, tuple)}
_FACTORY_NAMES = {factory: name for name, factory in _FACTORIES.items()}
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
    encode = _ENCODERS.get(kind)
    if encode is not None:
        if depth > _MAX_DEPTH:
            raise GuestSerializationError(
                where, kind.__name__, f"it is nested deeper than {_MAX_DEPTH}, or contains itself"
            )
        return encode(cast("Never", value), where, depth, parts)  # the table pairs each type with its encoder

    def out(part: object, name: str) -> object:
        return to_wire(part, name, depth + 1, parts)

    for travelling_form in (arrays.travelling_form, tables.travelling_form):
        form = travelling_form(value, where, parts, out)
        if form is not arrays.NOT_MINE:
            return form
    raise GuestSerializationError(where, kind.__name__, instead=serialization_remedies.instead_of(value))


def _tagged(tag: str, value: object, parts: Collected | None) -> dict[str, object]:
    if parts is not None:
        parts.price += decoding_budget.price(tag)
    return {_TAG: tag, _VALUE: value}


def _text_out(text: str, where: str) -> str:
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise GuestSerializationError(where, "str", "it has a lone surrogate, which UTF-8 cannot say") from None
    return text


def _int_out(value: int, _where: str, _depth: int, parts: Collected | None) -> object:
    return value if value.bit_length() <= _PLAIN_INTEGER_BITS else _tagged("int", hex(value), parts)


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
    if parts is None or not parts.pays or set(map(type, members)) <= _SECRET_HASHES:
        return
    parts.price += _member_price(members)
    if len(members) > _HARMLESS_HASHES:
        parts.price += decoding_budget.PROBE * sum(_extra_steps(list(map(hash, members))))


def _member_price(members: list[object]) -> int:
    numbers = set(map(type, members)) <= _NUMBERS
    return len(members) * (decoding_budget.MEMBER if numbers else decoding_budget.OBJECT_MEMBER)


def _dict_out(value: dict[object, object], where: str, depth: int, parts: Collected | None) -> object:
    if not all(type(key) is str for key in value) or _TAG in value:
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
    name = _FACTORY_NAMES.get(factory, NOTHING) if factory is None or type(factory) is type else NOTHING
    if name is NOTHING:
        why = "what it makes for a missing key is code, and no code travels"
        raise GuestSerializationError(where, "defaultdict", why, instead="dict(value)")
    return {**_tagged("defaultdict", _pairs_out(value, where, depth, parts), parts), "n": name}


def _deque_out(value: collections.deque[object], where: str, depth: int, parts: Collected | None) -> object:
    return {**_tagged("deque", _list_out(list(value), where, depth, parts), parts), "n": value.maxlen}


def _range_out(value: range, where: str, depth: int, parts: Collected | None) -> object:
    return _tagged("range", _list_out([value.start, value.stop, value.step], where, depth, parts), parts)


def _fraction_out(value: fractions.Fraction, where: str, depth: int, parts: Collected | None) -> object:
    if max(value.numerator.bit_length(), value.denominator.bit_length()) > _MAX_FRACTION_BITS:
        why = f"its numerator or denominator has more than {_MAX_FRACTION_BITS} bits"
        raise GuestSerializationError(where, "Fraction", why, instead="(value.numerator, value.denominator)")
    return _tagged("fraction", _list_out([value.numerator, value.denominator], where, depth, parts), parts)


def _path_out(value: pathlib.PurePath, where: str, _depth: int, parts: Collected | None) -> object:
    text = _text_out(str(value), where)
    if parts is not None:
        parts.price += _path_price(text)
    return _tagged(_PATHS[type(value)], text, parts)


def _path_price(text: str) -> int:
    return decoding_budget.PATH_PART * text.count("/")


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


def loads(data: bytes, attached: Attached = NOTHING, costs: DecodingBudget | None = None) -> object:
    """Decode the JSON of an untrusted value.

    Args:
        data: The JSON.
        attached: The attachments that came with it.
        costs: The budget that the work is charged to, with its deadline; None for no budget and no deadline.

    Raises:
        UndecodableError: It breaks a rule of the format; the message names the rule.
        DeadlinePassedError: There is no time left.
    """
    if json_shape.is_harmless(data):
        return _decoded(data, _plain_decoder)
    costs = costs or DecodingBudget()
    is_long = len(data) > decoding_budget.FREE
    data = data.rstrip(b" ")  # they have paid, and that was all
    json_shape.check_characters(data)
    reading = _DecodingState(attached, costs)
    found = json_shape.check(data, costs)
    if is_long:
        costs.ask()
    value = _parsed(data, reading)
    if is_long:
        costs.ask()
    if found.deep:
        _refuse_depth(value)
    return value


def parse(data: bytes) -> object:
    """Parse untrusted bytes as plain JSON data: strict UTF-8, no key twice, nothing that JSON does not know.

    Raises:
        UndecodableError: It breaks a rule; the message names the rule.
    """
    costs = DecodingBudget()
    json_shape.check(data, costs)
    return _parsed(data, _Pairs(costs))


def _parsed(data: bytes, reading: "_Pairs") -> object:
    decoder = _plain_decoder
    if b"{" in data:
        decoder = json.JSONDecoder(object_hook=reading.take, parse_constant=_no_constant)
    value = _decoded(data, decoder)
    # colons in texts are counted only where it matters
    if reading.pairs != data.count(b":") and reading.pairs != json_shape.pairs(data):
        raise UndecodableError(_TWICE)
    return value


def _decoded(data: bytes, decoder: json.JSONDecoder) -> object:
    try:
        value: object = decoder.decode(data.decode())
    except UndecodableError:
        raise
    except RecursionError:
        # the depth is bounded, but a caller that is near the end of its own stack has no room for that much
        raise UndecodableError("nested deeper than the stack of the caller has room for") from None
    except ValueError as error:  # JSON and UTF-8
        raise UndecodableError(f"not readable: {type(error).__name__}") from None
    return value


def _no_constant(name: str) -> object:
    raise UndecodableError(f"a bare {name}")


def _without_twins(pairs: list[tuple[str, object]]) -> dict[str, object]:
    mapping = dict(pairs)
    if len(mapping) != len(pairs):
        raise UndecodableError(_TWICE)
    return mapping


_TWICE = "a key stands twice in one mapping"
_plain_decoder = json.JSONDecoder(object_pairs_hook=_without_twins, parse_constant=_no_constant)


class _Pairs:
    """Counts the pairs of the mappings that are read: of a key that stands twice, one is lost.

    Args:
        costs: The budget whose deadline is looked at as pairs are read.
    """

    __slots__ = ("_costs", "_next", "pairs")

    def __init__(self, costs: DecodingBudget) -> None:
        self._costs, self.pairs, self._next = costs, 0, _PAIRS_UNSEEN

    def take(self, raw: dict[str, object]) -> object:
        """Count a mapping that was read, whose parts have been taken already."""
        self.pairs += len(raw)
        if self.pairs > self._next:
            self._next += _PAIRS_UNSEEN
            self._costs.ask()
        return raw


class _DecodingState(_Pairs):
    """Decodes tagged mappings, and counts the pairs of all.

    Args:
        attached: The attachments that came with the message.
        costs: The budget that the work is charged to.
    """

    __slots__ = ("attached", "costs")

    def __init__(self, attached: Attached, costs: DecodingBudget) -> None:
        super().__init__(costs)
        self.attached, self.costs = attached, costs

    def take(self, raw: dict[str, object]) -> object:
        """Return a mapping that was read, or the value that it stands for."""
        self.pairs += len(raw)
        if self.pairs > self._next:
            self._next += _PAIRS_UNSEEN
            self._costs.ask()
        return self.untag(raw) if _TAG in raw else raw

    def untag(self, raw: dict[str, object]) -> object:
        """Return the value of a tagged mapping.

        Raises:
            UndecodableError: It is not what its tag says.
        """
        tag = raw[_TAG]
        decode = _DECODERS.get(tag) if isinstance(tag, str) else None
        if decode is None or not isinstance(tag, str):
            raise UndecodableError("an unknown tag")
        self.costs.charge(decoding_budget.price(tag))
        try:
            return decode(raw, self)
        except UndecodableError:
            raise
        except (ValueError, TypeError, ArithmeticError, AttributeError, LookupError, Warning) as error:
            # whatever a constructor says of hostile content; none of it is a fault of ours
            raise UndecodableError(f"a bad {tag}: {type(error).__name__}") from None


def _refuse_depth(value: object) -> None:
    """Refuse a value that is nested too deep, level by level: with tags, its JSON may be deeper than the value is."""
    level: list[object] = [value]
    depth = 0
    while level:
        if depth > _MAX_DEPTH + 1:
            raise UndecodableError(f"nested deeper than {_MAX_DEPTH}")
        depth += 1
        inner = [cast("list[object] | dict[object, object]", one) for one in level if type(one) in _CONTAINERS]
        level = [part for one in inner for part in one]
        level += [part for one in inner if isinstance(one, dict) for part in one.values()]


def from_wire(raw: object, attached: Attached = NOTHING) -> object:
    """Decode JSON data that a trusted side has parsed."""
    if type(raw) is list and not _has_containers(raw):
        return raw
    return _from_wire(raw, _DecodingState(attached, DecodingBudget())) if isinstance(raw, list | dict) else raw


def _has_containers(items: list[object]) -> bool:
    kinds = set(map(type, items))
    return list in kinds or dict in kinds


def _from_wire(raw: object, reading: _DecodingState) -> object:
    if isinstance(raw, list):
        return [_from_wire(item, reading) for item in raw] if _has_containers(raw) else raw
    if isinstance(raw, dict):
        parts = {key: _from_wire(item, reading) for key, item in raw.items()}
        return reading.untag(parts) if _TAG in parts else parts
    return raw


def _text(raw: dict[str, object]) -> str:
    text = raw.get(_VALUE)
    if not isinstance(text, str):
        raise UndecodableError("text was expected")
    return text


def _items(raw: dict[str, object]) -> list[object]:
    value = raw.get(_VALUE)
    if not isinstance(value, list):
        raise UndecodableError("a list was expected")
    return value


def _numbers(raw: dict[str, object], count: int, what: str) -> list[int]:
    numbers = _items(raw)
    if len(numbers) != count or not all(type(number) is int for number in numbers):
        raise UndecodableError(f"a bad {what}")
    return cast("list[int]", numbers)


def _hashable(items: list[object], costs: DecodingBudget) -> list[object]:
    """Return items for a set or for keys; refuse those chosen to collide, which would make building it quadratic."""
    if set(map(type, items)) <= _SECRET_HASHES:
        return items
    costs.charge(_member_price(items))
    if len(items) > _MAX_EQUAL_HASHES:
        hashes = list(map(hash, items))
        ordered = sorted(hashes)
        if any(map(operator.eq, ordered, ordered[_MAX_EQUAL_HASHES:])):
            raise UndecodableError("too many keys with the same hash")
        if len(items) > _HARMLESS_HASHES:
            for steps in _extra_steps(hashes):
                costs.charge(decoding_budget.PROBE * steps)
    return items


def _extra_steps(hashes: list[int]) -> Iterator[int]:
    """Count the probing steps of the hashes in tables of every size that a set or dict of them grows through.

    Hashes of numbers are no secret, so different ones can be chosen to follow each other's probing; hashes of text are.
    The walk is that of CPython's Objects/dictobject.c, in tables filled to two thirds.

    Yields:
        For each size, the steps of probing beyond those that a member has for nothing.

    Raises:
        UndecodableError: They collide so often that somebody chose them for it.
    """
    size = 1 << _HARMLESS_HASHES.bit_length()
    while size < 8 * len(hashes):
        tried = hashes[: size * 2 // 3]
        yield max(0, _steps(tried, size) - decoding_budget.FREE_STEPS * len(tried))
        size *= 2


def _steps(hashes: list[int], size: int) -> int:
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
    return steps


def _pairs(raw: dict[str, object], costs: DecodingBudget) -> dict[object, object]:
    value = raw.get(_VALUE)
    if not isinstance(value, list) or not set(map(type, value)) <= {list} or not set(map(len, value)) <= {2}:
        raise UndecodableError("pairs were expected")
    costs.charge(decoding_budget.PAIR * len(value))
    keys = _hashable([pair[0] for pair in value], costs)
    result = dict(value)
    if len(result) != len(keys):
        raise UndecodableError("a key stands twice in one mapping")
    return result


def _counter_in(raw: dict[str, object], reading: _DecodingState) -> dict[object, object]:
    result: dict[object, object] = collections.Counter()  # type: ignore[assignment]  # the values may be anything
    dict.update(result, _pairs(raw, reading.costs))  # its own `update` would add the values up
    return result


def _ordered_in(raw: dict[str, object], reading: _DecodingState) -> collections.OrderedDict[object, object]:
    pairs = _pairs(raw, reading.costs)
    reading.costs.charge(decoding_budget.ORDERED_PAIR * len(pairs))
    return collections.OrderedDict(pairs)


def _defaultdict_in(raw: dict[str, object], reading: _DecodingState) -> collections.defaultdict[object, object]:
    name = raw.get("n")
    if name is not None and not isinstance(name, str):
        raise UndecodableError("a bad factory")
    factory = cast("Callable[[], object] | None", _FACTORIES[name])
    return collections.defaultdict(factory, _pairs(raw, reading.costs))


def _deque_in(raw: dict[str, object], _reading: _DecodingState) -> collections.deque[object]:
    items, most = _items(raw), raw.get("n")
    if most is not None and (type(most) is not int or most < len(items)):
        raise UndecodableError("a bad deque")
    return collections.deque(items, most)


def _fraction_in(raw: dict[str, object], _reading: _DecodingState) -> fractions.Fraction:
    above, below = _numbers(raw, 2, "fraction")
    if max(above.bit_length(), below.bit_length()) > _MAX_FRACTION_BITS:
        raise UndecodableError("a long fraction")
    return fractions.Fraction(above, below)


def _path_in(kind: Callable[[str], object]) -> "_Decoder":
    def read(raw: dict[str, object], reading: _DecodingState) -> object:
        text = _text(raw)
        reading.costs.charge(_path_price(text))
        return kind(text)

    return read


def _int_in(raw: dict[str, object], _reading: _DecodingState) -> int:
    text = _text(raw)
    if text.removeprefix("-")[:2] != "0x":
        raise UndecodableError("a bad integer")
    return int(text, 16)


def _float_in(raw: dict[str, object], _reading: _DecodingState) -> float:
    value = raw.get(_VALUE)
    if value not in ("nan", "inf", "-inf"):
        raise UndecodableError("a bad float")
    return float(value)


def _bytes_in(raw: dict[str, object], reading: _DecodingState) -> bytes:
    value = raw.get(_VALUE)
    if isinstance(value, list):
        return reading.attached.copy(*place(value))
    return base64.b64decode(_text(raw), validate=True)


def _complex_in(raw: dict[str, object], _reading: _DecodingState) -> complex:
    real, imaginary = _items(raw)
    if not isinstance(real, int | float) or not isinstance(imaginary, int | float):
        raise UndecodableError("a bad complex number")
    return complex(real, imaginary)


def _clock_in(kind: "type[dt.datetime | dt.time]") -> "_Decoder":
    def read(raw: dict[str, object], reading: _DecodingState) -> object:
        value = kind.fromisoformat(_text(raw))
        if raw.get("f") != 1:
            return value
        reading.costs.charge(decoding_budget.FOLD)
        return value.replace(fold=1)

    return read


_Decoder = Callable[[dict[str, object], _DecodingState], object]
# tag → its decoder, of a mapping whose parts are decoded already
_DECODERS: dict[str, _Decoder] = {
    "tuple": lambda raw, _reading: tuple(_items(raw)),
    "set": lambda raw, reading: set(_hashable(_items(raw), reading.costs)),
    "frozenset": lambda raw, reading: frozenset(_hashable(_items(raw), reading.costs)),
    "dict": lambda raw, reading: _pairs(raw, reading.costs),
    "counter": _counter_in,
    "ordered": _ordered_in,
    "defaultdict": _defaultdict_in,
    "deque": _deque_in,
    "range": lambda raw, _reading: range(*_numbers(raw, 3, "range")),
    "int": _int_in,
    "float": _float_in,
    "complex": _complex_in,
    "fraction": _fraction_in,
    "bytes": _bytes_in,
    "bytearray": lambda raw, reading: bytearray(_bytes_in(raw, reading)),
    "decimal": lambda raw, _reading: decimal.Decimal(_text(raw)),
    "uuid": lambda raw, _reading: uuid.UUID(_text(raw)),
    "path": _path_in(pathlib.Path),
    "purepath": _path_in(pathlib.PurePosixPath),
    "datetime": _clock_in(dt.datetime),
    "date": lambda raw, _reading: dt.date.fromisoformat(_text(raw)),
    "time": _clock_in(dt.time),
    "timedelta": lambda raw, _reading: dt.timedelta(*_numbers(raw, 3, "duration")),
    arrays.TAG: lambda raw, reading: arrays.rebuild(raw, reading.attached, reading.costs),
    arrays.SCALAR_TAG: lambda raw, _reading: arrays.scalar(raw),
    tables.INDEX_TAG: lambda raw, reading: tables.index(raw, reading.costs),
    tables.SERIES_TAG: lambda raw, reading: tables.series(raw, reading.costs),
    tables.FRAME_TAG: lambda raw, reading: tables.frame(raw, reading.costs),
    tables.OLD_TAG: lambda raw, reading: tables.old_frame(raw, reading.costs),
}
