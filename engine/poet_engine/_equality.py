"""Equality of two values of any kind; one of them may come from a guest, or from a foreign file."""

from poet_engine.guest import arrays, pandas_scalars, tables
from poet_engine.guest.codec import dumps, loads
from poet_engine.guest.errors import UndecodableError

# In the wire form every quotation mark of a text is escaped, so these occur in tags only.
_ARRAYS = tuple(f'"~":"{tag}"'.encode() for tag in (arrays.TAG, arrays.SCALAR_TAG, *tables.TAGS, *pandas_scalars.TAGS))


def same(one: object, other: object) -> bool | None:
    """Whether the values have the same wire form, or are equal when decoded; None where that is unknown.

    Equality alone is not enough: nan is not equal to itself. And arrays are compared by their wire form alone:
    numpy's own comparison broadcasts two shapes to fit each other, and a guest could choose one that takes all memory.
    """
    first, second = _form(one), _form(other)
    if first is None or second is None:
        return None
    if first == second:
        return True
    if any(mark in form for form in (first, second) for mark in _ARRAYS):
        return False
    try:
        return bool(loads(first) == loads(second))
    except UndecodableError:  # such as keys whose hashes collide
        return None


def _form(value: object) -> bytes | None:
    try:
        return dumps(value, "a value")
    except Exception:  # noqa: BLE001 - it has no wire form, or the user's own class fails when it is read
        return None
