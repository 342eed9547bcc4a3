"""A source as the pool tells versions apart."""

from typing import NamedTuple


class SourceKey(NamedTuple):
    """A source as a payload knows it."""

    source: str
    filename: str
