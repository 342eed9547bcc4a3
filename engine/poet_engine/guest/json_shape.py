"""Measure a JSON message before it is parsed: its depth, its price, and its count of pairs.

All of it is counted in C. A parser that asks Python about every part is ten times as slow, and a guest chooses how many
parts there are.
"""

import array
import itertools
import re
from typing import NamedTuple

from . import decoding_budget
from .errors import UndecodableError

MAX_DEPTH = 100
# a mapping with keys that are no text takes three levels of JSON for one of its own
_MAX_JSON_DEPTH = 3 * MAX_DEPTH + 10
# More than any plain integer has, and any float; a host that lifted the interpreter's own limit must not parse in
# quadratic time, and CPython reads floats with more digits slowly.
MAX_DIGITS, MAX_FLOAT_DIGITS = 400, 40
_ALL = bytes(range(256))
_NOT_BRACKETS = bytes(set(_ALL) - set(b"[]{}"))
_STEPS = bytes.maketrans(b"[{]}", b"\x01\x01\xff\xff")  # signed bytes: one up, one down
_ZEROS = bytes.maketrans(b"123456789", b"000000000")
_LONG_RUN = b"0" * (MAX_FLOAT_DIGITS + 1)
_RUN = re.compile(rb"0+")
_FLOAT_AFTER = (b".", b"e", b"E")
_FLOAT_BEFORE = re.compile(rb"[.eE][+-]?\Z")
# Escapes that are no half of a character, or two halves in order.
_WHOLE_CHARACTERS = re.compile(
    rb"(?:[^\\]++|\\[^u]|\\u(?![dD][89a-fA-F])|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})*+", re.DOTALL
)


class JsonShape(NamedTuple):
    """Depth and price of a message.

    Attributes:
        deep: Whether its JSON is nested deeper than a value may be; with tags, its value may be less deep.
        price: Price in bytes of its lists, mappings and floats, and of looking at all of it where it is deep.
    """

    deep: bool = False
    price: int = 0


_FLAT = JsonShape()


def check(data: bytes, costs: decoding_budget.DecodingBudget) -> JsonShape:
    """Return the shape of an untrusted message.

    Args:
        data: The message.
        costs: The budget that its price is charged to.

    Raises:
        UndecodableError: It is nested too deep, has a number that is too long, or has not paid.
    """
    openers = data.count(b"[") + data.count(b"{")
    long_numbers = len(data) > MAX_FLOAT_DIGITS and _LONG_RUN in data.translate(_ZEROS)
    if not long_numbers and openers <= MAX_DEPTH and _is_free(data):
        return _FLAT
    bare = outline(data)
    if long_numbers:
        _refuse_long_numbers(bare)
    found = _measure(bare, tagged=b"~" in data)
    costs.charge(found.price)
    return found


def is_harmless(data: bytes) -> bool:
    """Return whether a message is plain JSON, and too short to break a rule of its shape or to cost anything."""
    if len(data) > MAX_DEPTH or b"~" in data or b"\\" in data:
        return False
    return len(data) <= MAX_FLOAT_DIGITS or _LONG_RUN not in data.translate(_ZEROS)


def price(data: bytes) -> int:
    """Return the price of a message's lists, mappings and floats, in bytes."""
    return _measure(outline(data), tagged=True).price


def pairs(data: bytes) -> int:
    """Return how many pairs of key and value a message claims to have."""
    return outline(data).count(b":")


def _is_free(data: bytes) -> bool:
    """Return whether a message's bytes pay for it even if none of it is text; with tags, they pay for those as well."""
    most = decoding_budget.FREE + (0 if b"~" in data else len(data))
    return len(data) * decoding_budget.MAPPING <= decoding_budget.FREE or _price(data, _signs(data)) <= most


def may_cost(data: bytes) -> bool:
    """Return whether a message may cost more than the free allowance of every message."""
    return (
        len(data) * decoding_budget.MAPPING > decoding_budget.FREE and _price(data, _signs(data)) > decoding_budget.FREE
    )


def _measure(bare: bytes, *, tagged: bool) -> JsonShape:
    """Count a message that has been reduced to its outline.

    The depth comes before parsing: the parser recurses in C for as deep as the host's own recursion limit says, and one
    that was raised for other reasons would let nesting overflow the stack.
    """
    openers = bare.count(b"[") + bare.count(b"{")
    deep = False
    if openers > MAX_DEPTH:
        steps = array.array("b", bare.translate(_STEPS, _NOT_BRACKETS))
        depth = max(itertools.accumulate(steps), default=0)
        deep = depth > MAX_DEPTH + 1
        if deep and (not tagged or depth > _MAX_JSON_DEPTH):
            raise UndecodableError(f"nested deeper than {MAX_DEPTH}")
    floats = max(0, _signs(bare) - bare.count(b"true") - bare.count(b"false"))
    price = _price(bare, floats) + (decoding_budget.NODE * (openers + bare.count(b",")) if deep else 0)
    return JsonShape(deep, price)


def _signs(data: bytes) -> int:
    """Count the signs of a float: points and exponents."""
    return data.count(b".") + data.count(b"e") + data.count(b"E")


def _price(data: bytes, floats: int) -> int:
    return (
        data.count(b"[") * decoding_budget.LIST
        + data.count(b"{") * decoding_budget.MAPPING
        + floats * decoding_budget.FLOAT
    )


def outline(data: bytes) -> bytes:
    """Return a message without its texts; what is no JSON is reduced up to where that shows."""
    if b"\\" in data:
        data = data.replace(b"\\\\", b"").replace(b'\\"', b"")
    return b"".join(data.split(b'"')[::2])


def check_characters(data: bytes) -> None:
    """Refuse half of a surrogate pair, which would make the host's own printing and encoding fail later.

    Raises:
        UndecodableError: The message has one.
    """
    if b"\\ud" not in data and b"\\uD" not in data:
        return
    found = _WHOLE_CHARACTERS.match(data)
    if found is None or found.end() != len(data):
        raise UndecodableError("a lone surrogate in text")


def _refuse_long_numbers(bare: bytes) -> None:
    zeros, end = bare.translate(_ZEROS), 0
    while (begin := zeros.find(_LONG_RUN, end)) >= 0:
        found = _RUN.match(zeros, begin)
        end = len(zeros) if found is None else found.end()
        if end - begin > MAX_DIGITS:
            raise UndecodableError(f"an integer of more than {MAX_DIGITS} digits that is not in hexadecimal")
        if bare[end : end + 1] in _FLOAT_AFTER or _FLOAT_BEFORE.search(bare, max(0, begin - 2), begin):
            raise UndecodableError(f"a float of more than {MAX_FLOAT_DIGITS} digits")
