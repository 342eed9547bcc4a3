"""Decode tagged JSON, strictly, and without looking up any name that a message holds; see `codec`.

What comes out of a guest is hostile, so depth and cost are bounded before or while a value is built, and every surprise
is `UndecodableError`. It is in one piece because the form of each tag is read here, and nowhere else.
"""

import base64
import collections
import datetime as dt
import decimal
import fractions
import json
import operator
import pathlib
import uuid
from collections.abc import Callable
from typing import cast

from . import arrays, decoding_budget, json_shape, pandas_scalars, structures, tables
from .attachments import NOTHING, Attached, place
from .decoding_budget import DecodingBudget
from .errors import UndecodableError
from .wire_form import (
    FACTORIES,
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

MAX_EQUAL_HASHES = 64
_CONTAINERS = (list, tuple, dict, set, frozenset, collections.deque)
# How many pairs are read between two looks at the clock.
_PAIRS_UNSEEN = 1 << 14


def loads(
    data: bytes,
    attached: Attached = NOTHING,
    costs: DecodingBudget | None = None,
    *,
    classes: "structures.Classes | None" = None,
) -> object:
    """Decode the JSON of an untrusted value.

    Args:
        data: The JSON.
        attached: The attachments that came with it.
        costs: The budget that the work is charged to, with its deadline; None for no budget and no deadline.
        classes: What structures are rebuilt as; None where there may be none.

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
    reading = _DecodingState(attached, costs, structured=classes is not None)
    found = json_shape.check(data, costs)
    if is_long:
        costs.ask()
    value = _parsed(data, reading)
    if is_long:
        costs.ask()
    if found.deep:
        _refuse_depth(value)
    return classes.rebuild(value) if classes is not None and reading.structures else value


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
        structured: Whether structures may come, which are counted.
    """

    __slots__ = ("attached", "costs", "structured", "structures")

    def __init__(self, attached: Attached, costs: DecodingBudget, *, structured: bool = False) -> None:
        super().__init__(costs)
        self.attached, self.costs, self.structured, self.structures = attached, costs, structured, 0

    def take(self, raw: dict[str, object]) -> object:
        """Return a mapping that was read, or the value that it stands for."""
        self.pairs += len(raw)
        if self.pairs > self._next:
            self._next += _PAIRS_UNSEEN
            self._costs.ask()
        return self.untag(raw) if TAG in raw else raw

    def untag(self, raw: dict[str, object]) -> object:
        """Return the value of a tagged mapping.

        Raises:
            UndecodableError: It is not what its tag says.
        """
        tag = raw[TAG]
        if tag == structures.TAG and self.structured:
            self.structures += 1
            return structures.decode(raw, self.costs)
        decode = DECODERS.get(tag) if isinstance(tag, str) else None
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
        if depth > MAX_DEPTH + 1:
            raise UndecodableError(f"nested deeper than {MAX_DEPTH}")
        depth += 1
        inner = [cast("list[object] | dict[object, object]", one) for one in level if type(one) in _CONTAINERS]
        level = [part for one in inner for part in one]
        level += [part for one in inner if isinstance(one, dict) for part in one.values()]


def from_wire(raw: object, attached: Attached = NOTHING) -> object:
    """Decode JSON data that a trusted side has parsed."""
    if type(raw) is list and not _has_containers(raw):
        return raw
    return (
        _from_wire(raw, _DecodingState(attached, DecodingBudget(), structured=True))
        if isinstance(raw, list | dict)
        else raw
    )


def _has_containers(items: list[object]) -> bool:
    kinds = set(map(type, items))
    return list in kinds or dict in kinds


def _from_wire(raw: object, reading: _DecodingState) -> object:
    if isinstance(raw, list):
        return [_from_wire(item, reading) for item in raw] if _has_containers(raw) else raw
    if isinstance(raw, dict):
        parts = {key: _from_wire(item, reading) for key, item in raw.items()}
        return reading.untag(parts) if TAG in parts else parts
    return raw


def _text(raw: dict[str, object]) -> str:
    text = raw.get(VALUE)
    if not isinstance(text, str):
        raise UndecodableError("text was expected")
    return text


def _items(raw: dict[str, object]) -> list[object]:
    value = raw.get(VALUE)
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
    if set(map(type, items)) <= SECRET_HASHES:
        return items
    costs.charge(member_price(items))
    if len(items) > MAX_EQUAL_HASHES:
        hashes = list(map(hash, items))
        ordered = sorted(hashes)
        if any(map(operator.eq, ordered, ordered[MAX_EQUAL_HASHES:])):
            raise UndecodableError("too many keys with the same hash")
        if len(items) > HARMLESS_HASHES:
            for steps in extra_steps(hashes):
                costs.charge(decoding_budget.PROBE * steps)
    return items


def _pairs(raw: dict[str, object], costs: DecodingBudget) -> dict[object, object]:
    value = raw.get(VALUE)
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
    factory = cast("Callable[[], object] | None", FACTORIES[name])
    return collections.defaultdict(factory, _pairs(raw, reading.costs))


def _deque_in(raw: dict[str, object], _reading: _DecodingState) -> collections.deque[object]:
    items, most = _items(raw), raw.get("n")
    if most is not None and (type(most) is not int or most < len(items)):
        raise UndecodableError("a bad deque")
    return collections.deque(items, most)


def _fraction_in(raw: dict[str, object], _reading: _DecodingState) -> fractions.Fraction:
    above, below = _numbers(raw, 2, "fraction")
    if max(above.bit_length(), below.bit_length()) > MAX_FRACTION_BITS:
        raise UndecodableError("a long fraction")
    return fractions.Fraction(above, below)


def _path_in(kind: Callable[[str], object]) -> "_Decoder":
    def read(raw: dict[str, object], reading: _DecodingState) -> object:
        text = _text(raw)
        reading.costs.charge(path_price(text))
        return kind(text)

    return read


def _int_in(raw: dict[str, object], _reading: _DecodingState) -> int:
    text = _text(raw)
    if text.removeprefix("-")[:2] != "0x":
        raise UndecodableError("a bad integer")
    return int(text, 16)


def _float_in(raw: dict[str, object], _reading: _DecodingState) -> float:
    value = raw.get(VALUE)
    if value not in ("nan", "inf", "-inf"):
        raise UndecodableError("a bad float")
    return float(value)


def _bytes_in(raw: dict[str, object], reading: _DecodingState) -> bytes:
    value = raw.get(VALUE)
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
DECODERS: dict[str, _Decoder] = {
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
    pandas_scalars.TIMESTAMP_TAG: lambda raw, reading: pandas_scalars.timestamp(raw, reading.costs),
    pandas_scalars.DURATION_TAG: lambda raw, _reading: pandas_scalars.duration(raw),
    pandas_scalars.PERIOD_TAG: lambda raw, _reading: pandas_scalars.period(raw),
    pandas_scalars.MISSING_TAG: lambda raw, _reading: pandas_scalars.missing(raw),
    tables.COLUMN_TAG: lambda raw, reading: tables.column(raw, reading.costs),
    tables.LEVELS_TAG: lambda raw, reading: tables.levels(raw, reading.costs),
    tables.INDEX_TAG: lambda raw, reading: tables.index(raw, reading.costs),
    tables.SERIES_TAG: lambda raw, reading: tables.series(raw, reading.costs),
    tables.FRAME_TAG: lambda raw, reading: tables.frame(raw, reading.costs),
    tables.OLD_TAG: lambda raw, reading: tables.old_frame(raw, reading.costs),
}
