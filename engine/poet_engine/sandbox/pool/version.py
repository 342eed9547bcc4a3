"""Define the key by which the pool tells versions apart."""

from typing import NamedTuple


class SourceKey(NamedTuple):
    """A source and its file name, as a payload serves it."""

    source: str
    filename: str
