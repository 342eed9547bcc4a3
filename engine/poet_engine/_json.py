"""Strict JSON: nothing that the standard library lets pass and JSON, or a float, has no place for."""

import collections
import json
import math

_SHOWN = 40  # characters of what is wrong


class LaxJsonError(ValueError):
    """JSON that the standard library would let pass. The text goes on from the name of what was read: `has NaN, …`."""


class NotANumberError(LaxJsonError):
    """NaN or an infinity, for which JSON has no form."""


def decode(text: str) -> object:
    """The value of a JSON text: no key twice in an object, no NaN and no infinity, no number that cannot be held.

    Raises:
        LaxJsonError: It breaks one of these rules.
        ValueError: It is not JSON; a json.JSONDecodeError, which says where.
        RecursionError: It is nested too deeply.
    """
    value: object = _DECODER.decode(text)
    return value


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        counts = collections.Counter(name for name, _ in pairs)
        raise LaxJsonError(f"has the key {counts.most_common(1)[0][0][:_SHOWN]!r} twice in one object")
    return found


def _no_constant(name: str) -> object:
    raise NotANumberError(f"has {name}, which is not JSON")


def _finite(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise LaxJsonError(f"has the number {text[:_SHOWN]}, which is more than a float can hold")
    return value


def _integer(text: str) -> int:
    try:
        return int(text)
    except ValueError:  # more digits than sys.get_int_max_str_digits() lets through
        raise LaxJsonError(f"has a whole number of {len(text)} digits, which is more than Python reads") from None


_DECODER = json.JSONDecoder(
    object_pairs_hook=_unique, parse_constant=_no_constant, parse_float=_finite, parse_int=_integer
)
