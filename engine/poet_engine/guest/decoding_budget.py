"""Charge decoding to the message that is decoded, in bytes: a guest pays for the host's work with what it sends.

Most of what a message can say costs less than the bytes that say it. What costs more has a price, and a message whose
prices come to more than its bytes is refused. An honest guest knows them and sends blanks for the rest, so such values
travel, and count as what they cost. A byte stands for about 30 ns of one core (docs/values.md has the prices,
benchmarks/decoding.py measures them).
"""

from collections.abc import Callable

from .errors import DeadlinePassedError, GuestSerializationError, UndecodableError

# The price that every message may have, however short it is.
FREE = 1 << 16
# Prices of what JSON itself says. An object of a collection costs the most, its pass through the collector of garbage
# included; a float is read by a slow routine.
LIST, MAPPING, FLOAT = 24, 24, 8
# The price of looking at an item of a message that is nested deep.
NODE = 4
# Prices of tags, beside those of their mapping and their lists. These cost most for what they hold:
PAIR, ORDERED_PAIR = 12, 28
# a member of a set or a key that is no text, because hashes that can be chosen are tried before they are used: a
# number, anything else, and each step of probing beyond the first `FREE_STEPS` of a member;
MEMBER, OBJECT_MEMBER, PROBE, FREE_STEPS = 20, 64, 5, 2
# a part of a path; a value in a column of Python objects or of text; a type and a column of a frame;
PATH_PART, CELL, BLOCK, COLUMN = 8, 8, 1 << 11, 3 << 9
# a frequency, and a value of an index that has one, which is checked by arithmetic or by stepping through it in Python.
FREQUENCY, TICK, STEP = 1 << 12, 4, 1 << 10
# The second of two times that a clock shows twice, which is marked on a copy.
FOLD = 28
# A zone of a time of pandas, which takes two conversions; and a column of pandas' own types.
ZONE, OWN_COLUMN = 480, 3 << 9
_USUAL = 20
_PRICES = {
    "tuple": 0,
    "set": 12,
    "frozenset": 12,
    "deque": 12,
    "range": 20,
    "datetime": 28,
    "bytearray": 28,
    "timedelta": 28,
    "dict": 32,
    "defaultdict": 40,
    "scalar": 48,
    "uuid": 52,
    "fraction": 52,
    "ordered": 56,
    "counter": 104,
    "path": 92,
    "purepath": 92,
    "array": 220,
    "structure": 480,
    "timestamp": 180,
    "duration": 180,
    "period": 320,
    "missing": 48,
    "column": 20,
    "levels": 1 << 11,
    "index": 3 << 9,
    "series": 1 << 11,
    "table": 1 << 12,
    "frame": 1 << 12,
}


def price(tag: str) -> int:
    """Return a tag's price in bytes, beside its mapping, its lists, and what it holds."""
    return _PRICES.get(tag, _USUAL)


# The price that is spent between two looks at the clock: about 2 ms of work.
_PATIENCE = 1 << 16


def never() -> bool:
    """Return False, as the deadline of decoding that has none."""
    return False


class DecodingBudget:
    """Budget of decoding one message, in bytes, with a deadline.

    Args:
        received: Bytes of the message, which pay; None where nothing has to be paid.
        late: Returns whether the deadline has passed; called again and again while there is work.
    """

    __slots__ = ("_late", "_most", "_next", "_received", "spent")

    def __init__(self, received: int | None = None, late: Callable[[], bool] = never) -> None:
        self._received, self._late, self.spent = received, late, 0
        self._most = (1 << 62) if received is None else received + FREE
        self._next = min(self._most, _PATIENCE)

    def charge(self, price: int) -> None:
        """Charge a price for the next piece of work, before it is done.

        Raises:
            UndecodableError: The message has not paid for it.
            DeadlinePassedError: There is no time left.
        """
        self.spent += price
        if self.spent > self._next:
            self._look()

    def ask(self) -> None:
        """Check the deadline now.

        Raises:
            DeadlinePassedError: There is no time left.
        """
        if self._late():
            raise DeadlinePassedError

    def _look(self) -> None:
        if self.spent > self._most:
            raise UndecodableError(
                f"a value that counts for more than the {self._received} bytes that came: "
                "fewer and larger pieces cost less, such as one table in place of many"
            )
        self.ask()
        self._next = min(self._most, self.spent + _PATIENCE)


def paid(content: bytes, price: int, most: int, where: str) -> bytes:
    """Return a message with as many blanks after it as its price is above its bytes.

    Args:
        content: The message.
        price: The sum of its prices, in bytes.
        most: Bytes that it may have.
        where: What an error calls the value.

    Raises:
        GuestSerializationError: Its price is above `most`, and its own bytes are not.
    """
    owed = price - len(content) - FREE
    if owed <= 0 or len(content) > most:
        return content
    if len(content) + owed > most:
        kind = f"value that counts for {len(content) + owed} bytes"
        why = f"there is room for {most} (limits.result), and what is expensive to make counts for more than its bytes"
        instead = "fewer and larger pieces, such as one table, one array or one list in place of many"
        raise GuestSerializationError(where, kind, why, mend=f"Return {instead}")
    return content + b" " * owed
