"""Split identifiers into words."""

import re

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[^\W\d_A-Z]+|\d+")


def words_of(name: str) -> tuple[str, ...]:
    """Return the lower-case words of an identifier: `customerId_2` has `customer`, `id` and `2`."""
    return tuple(word.lower() for word in _WORD.findall(name))


def word_set(text: str) -> frozenset[str]:
    """Return the words of a text, split at whitespace: a readable way to write a table of words."""
    return frozenset(text.split())
