"""A source as the pool tells versions apart."""

from typing import NamedTuple


class Version(NamedTuple):
    """A source as a payload knows it."""

    source: str
    filename: str
