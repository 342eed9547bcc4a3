"""Show a value of any kind in a few words, without failing: it may be huge, hostile, or of a class that misbehaves."""

import dataclasses
import itertools
import reprlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

_MOST_ITEMS, _MOST_LEVELS, _MOST_CHARACTERS = 6, 4, 120
# Python writes no more than 4,300 decimal digits of a number, and a host may allow as few as 640; 2 ** 1024 has 309.
_MOST_BITS = 1024
_MOST_OF_ALL = 200


class _ShortRepr(reprlib.Repr):
    """Represents values shortly, in time that does not depend on their size where they are of built-in types."""

    def __init__(self) -> None:
        super().__init__()
        self.maxlevel = _MOST_LEVELS
        self.maxtuple = self.maxlist = self.maxarray = self.maxdict = _MOST_ITEMS
        self.maxset = self.maxfrozenset = self.maxdeque = _MOST_ITEMS
        self.maxstring = self.maxlong = self.maxother = _MOST_CHARACTERS

    def repr1(self, x: object, level: int) -> str:
        """Represent a value; one whose class fails to do so is named by its type."""
        try:
            return super().repr1(x, level)
        except Exception:  # noqa: BLE001 - whatever a foreign class raises; whoever prints an outcome asks for no error
            return f"<{type(x).__name__} that cannot be shown>"

    def repr_int(self, x: int, level: int) -> str:
        """Represent an integer; one of many digits by its size, since Python refuses to write it."""
        return super().repr_int(x, level) if x.bit_length() <= _MOST_BITS else f"<int of {x.bit_length():,} bits>"

    def repr_bytes(self, x: bytes, _level: int) -> str:
        """Represent bytes by their beginning."""
        return repr(x) if len(x) <= _MOST_ITEMS * 8 else f"<{type(x).__name__} of {len(x):,} bytes>"

    repr_bytearray = repr_bytes

    def repr_set(self, x: set[object], level: int) -> str:
        """Represent a set without sorting all of it."""
        return super().repr_set(x, level) if len(x) <= _MOST_ITEMS else f"<set of {len(x):,} members>"

    def repr_frozenset(self, x: frozenset[object], level: int) -> str:
        """Represent a frozen set without sorting all of it."""
        return super().repr_frozenset(x, level) if len(x) <= _MOST_ITEMS else f"<frozenset of {len(x):,} members>"

    def repr_dict(self, x: dict[object, object], level: int) -> str:
        """Represent a mapping by its first pairs, in its own order."""
        if level <= 0:
            return "{...}"
        first = itertools.islice(x.items(), _MOST_ITEMS)
        pairs = [f"{self.repr1(key, level - 1)}: {self.repr1(item, level - 1)}" for key, item in first]
        return "{" + ", ".join([*pairs, *(["..."] if len(x) > len(pairs) else [])]) + "}"

    def repr_instance(self, x: object, level: int) -> str:
        """Represent a value of any other type on one line; a table, a column or an array by its type and its shape."""
        shape = getattr(x, "shape", None)
        if isinstance(shape, tuple) and shape:
            return f"<{type(x).__name__} of shape {'x'.join(map(str, shape))}>"
        return " ".join(super().repr_instance(x, level).split())


_short = _ShortRepr()


def short(value: object) -> str:
    """Return a value's representation: on one line, of some two hundred characters at the most. Never raises."""
    text = _short.repr(value)
    return text if len(text) <= _MOST_OF_ALL else f"{text[:_MOST_OF_ALL]}..."


def of_fields(value: "DataclassInstance") -> str:
    """Return the representation of a dataclass: its fields that are shown and are not what they are by default."""
    shown = []
    for field in dataclasses.fields(value):
        held = getattr(value, field.name)
        default = field.default if field.default_factory is dataclasses.MISSING else field.default_factory()
        if field.repr and not _is_default(held, default):
            shown.append(f"{field.name}={short(held)}")
    return f"{type(value).__name__}({', '.join(shown)})"


def _is_default(held: object, default: object) -> bool:
    return held is default or (type(held) is type(default) and held == default)
