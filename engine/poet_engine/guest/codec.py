"""Encode and decode values as tagged JSON, strictly, and without looking up any name that a message holds.

What JSON cannot say is a mapping with the key `~`: `{"~": "tuple", "v": [1, 2]}`. What is big and in one piece may stay
out of it, as an attachment. Both sides use this module; what comes out of a guest is hostile, so `loads` bounds depth
and cost before or while it builds, and every surprise is `UndecodableError`. The types that can travel, and the types
that they arrive as, are in docs/values.md.
"""

from .decoding import DECODERS, MAX_EQUAL_HASHES, from_wire, loads, parse
from .encoding import ENCODERS, PLAIN_INTEGER_BITS, deliver, dumps, encode, to_wire
from .wire_form import MAX_DEPTH, MAX_FRACTION_BITS

__all__ = [
    "DECODERS",
    "ENCODERS",
    "MAX_DEPTH",
    "MAX_EQUAL_HASHES",
    "MAX_FRACTION_BITS",
    "PLAIN_INTEGER_BITS",
    "deliver",
    "dumps",
    "encode",
    "from_wire",
    "loads",
    "parse",
    "to_wire",
]
