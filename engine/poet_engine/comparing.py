"""Whether two values are the same, whatever they are."""

from poet_engine.guest.codec import dumps


def same(one: object, other: object) -> bool | None:
    """Whether the values are equal, or have the same wire form; None where neither can be told.

    Equality alone is not enough: nan is not equal to itself, and arrays are compared item by item.
    """
    return _equal(one, other) or _alike(one, other)


def _equal(one: object, other: object) -> bool:
    try:
        return bool(one == other)
    except Exception:  # noqa: BLE001 - arrays have no single answer, and the user's own classes may fail
        return False


def _alike(one: object, other: object) -> bool | None:
    try:
        return dumps(one, "a value") == dumps(other, "a value")
    except Exception:  # noqa: BLE001 - what cannot travel, or the user's own class that fails when it is read
        return None
