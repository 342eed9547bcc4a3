"""What a recording keeps of a call: wire forms of bounded size, and the way back from them."""

import dataclasses
from collections.abc import Mapping, Sequence

from poet_engine.errors import UsageError
from poet_engine.guest.attachments import Collected
from poet_engine.guest.codec import dumps, loads
from poet_engine.guest.decoding_budget import DecodingBudget
from poet_engine.guest.errors import GuestSerializationError, UndecodableError

# Of arguments and of the answer, each. The wire form is ASCII, and an event at most doubles it (`"` becomes `\"`), so
# that two of them leave room for the rest of an event of 1 MB.
MOST_BYTES = 240_000
# What reading a form may cost, in bytes (docs/values.md): more than any that was kept, and an end to forged ones.
_MOST_COST = 1 << 26


@dataclasses.dataclass(frozen=True, slots=True)
class Kept:
    """A value as it is kept.

    Attributes:
        text: Its wire form; None where it is left out.
        left_out: Why it is.
    """

    text: str | None = None
    left_out: str | None = None


def kept(value: object, name: str) -> Kept:
    """The form in which a value is kept; never raises.

    Args:
        value: What is to be kept.
        name: What a reason calls it.
    """
    try:
        # Large arrays and bytes stay beside the first form, so that one that is not kept is not copied either.
        beside = Collected(items=MOST_BYTES)
        form = dumps(value, name, beside)
        if beside.size and len(form) + beside.size <= MOST_BYTES:
            beside, form = Collected(), dumps(value, name)
    except GuestSerializationError as error:
        return Kept(left_out=str(error))
    except Exception as error:  # noqa: BLE001 - the user's own class that fails when it is read; that costs no call its answer
        return Kept(left_out=f"{name} cannot be read: {type(error).__name__}")
    size = len(form) + beside.size
    if size > MOST_BYTES:
        return Kept(left_out=f"{name} takes {size:,} bytes, and a recording keeps at most {MOST_BYTES:,}")
    return Kept(form.decode("ascii"))


def kept_arguments(args: Sequence[object], kwargs: Mapping[str, object]) -> Kept:
    """The form in which the arguments of a call are kept."""
    return kept({"args": list(args), "kwargs": dict(kwargs)}, "call")


def read(text: str) -> object:
    """The value of a kept form, whoever wrote it.

    Raises:
        UsageError: It is no wire form.
    """
    try:
        return loads(text.encode(), costs=DecodingBudget(_MOST_COST))
    except (UndecodableError, UnicodeEncodeError) as error:
        raise UsageError(f"what was recorded cannot be read: {error}; the journal was changed, or is damaged") from None


def read_arguments(text: str) -> tuple[tuple[object, ...], dict[str, object]]:
    """The positional and the keyword arguments of a kept form.

    Raises:
        UsageError: It holds something else.
    """
    found = read(text)
    if isinstance(found, dict) and found.keys() == {"args", "kwargs"}:
        args, kwargs = found["args"], found["kwargs"]
        if isinstance(args, list) and isinstance(kwargs, dict) and all(isinstance(name, str) for name in kwargs):
            return tuple(args), kwargs
    raise UsageError("what was recorded is not the arguments of a call; the journal was changed, or is damaged")
