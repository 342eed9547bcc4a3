"""The words in identifiers, which is what names are judged by."""

import re

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[^\W\d_A-Z]+|\d+")


def words_of(name: str) -> tuple[str, ...]:
    """The lower-case words of an identifier: `customerId_2` has `customer`, `id` and `2`."""
    return tuple(word.lower() for word in _WORD.findall(name))


def word_set(text: str) -> frozenset[str]:
    """The words of a text between its blanks: a table of words that reads as one."""
    return frozenset(text.split())
