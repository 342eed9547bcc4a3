"""Recorded values of calls: wire forms of bounded size, and how to read them."""

import dataclasses
from collections.abc import Mapping, Sequence

from poet_engine.errors import UsageError
from poet_engine.guest.attachments import Collected
from poet_engine.guest.codec import dumps, loads
from poet_engine.guest.decoding_budget import DecodingBudget
from poet_engine.guest.errors import GuestSerializationError, UndecodableError

# Of arguments and of the result, each. The wire form is ASCII, and an event at most doubles it (`"` becomes `\"`), so
# that two of them leave room for the rest of an event of 1 MB.
MOST_BYTES = 240_000
# The budget for decoding a form, in bytes (docs/values.md): more than any recorded form needs, and a bound for forged.
_MOST_COST = 1 << 26


@dataclasses.dataclass(frozen=True, slots=True)
class Kept:
    """A recorded value.

    Attributes:
        text: The wire form; None where the value is left out.
        left_out: The reason to leave it out.
    """

    text: str | None = None
    left_out: str | None = None


def kept(value: object, name: str) -> Kept:
    """Return the form in which a value is recorded; never raises.

    Args:
        value: The value to record.
        name: The name of the value in a reason.
    """
    try:
        # Large arrays and bytes stay beside the first form, so that one that is not kept is not copied either.
        beside = Collected(items=MOST_BYTES)
        form = dumps(value, name, beside)
        if beside.size and len(form) + beside.size <= MOST_BYTES:
            beside, form = Collected(), dumps(value, name)
    except GuestSerializationError as error:
        return Kept(left_out=str(error))
    except Exception as error:  # noqa: BLE001 - the user's own class may fail when it is read; the call must not fail for that
        return Kept(left_out=f"{name} cannot be read: {type(error).__name__}")
    size = len(form) + beside.size
    if size > MOST_BYTES:
        return Kept(left_out=f"{name} takes {size:,} bytes, and a recording keeps at most {MOST_BYTES:,}")
    return Kept(form.decode("ascii"))


def kept_arguments(args: Sequence[object], kwargs: Mapping[str, object]) -> Kept:
    """Return the form in which the arguments of a call are recorded."""
    return kept({"args": list(args), "kwargs": dict(kwargs)}, "call")


def read(text: str) -> object:
    """Return the value of a recorded form, which may be forged.

    Raises:
        UsageError: The text is no wire form.
    """
    try:
        return loads(text.encode(), costs=DecodingBudget(_MOST_COST))
    except (UndecodableError, UnicodeEncodeError) as error:
        raise UsageError(f"what was recorded cannot be read: {error}; the journal was changed, or is damaged") from None


def read_arguments(text: str) -> tuple[tuple[object, ...], dict[str, object]]:
    """Return the positional and the keyword arguments of a recorded form.

    Raises:
        UsageError: The form is not that of arguments.
    """
    found = read(text)
    if isinstance(found, dict) and found.keys() == {"args", "kwargs"}:
        args, kwargs = found["args"], found["kwargs"]
        if isinstance(args, list) and isinstance(kwargs, dict) and all(isinstance(name, str) for name in kwargs):
            return tuple(args), kwargs
    raise UsageError("what was recorded is not the arguments of a call; the journal was changed, or is damaged")
