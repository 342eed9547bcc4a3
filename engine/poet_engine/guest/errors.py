"""What the codec raises. Callers on the host translate all of it."""

# Stands in a path for the value that holds the part in question: what encloses a value knows its place, and a path is
# only made when there is something to say.
HERE = "\0"


_PLAIN_DATA = "Return plain data instead, such as numbers, text, lists and mappings"


class GuestSerializationError(ValueError):
    """A value without a safe form on the wire.

    Args:
        where: The path to it.
        kind: The name of its type.
        why: Which rule it breaks.
        mend: What to do about it, where that is the same on both sides.
        instead: What to pass or return in its place, such as `dict(value)`.
    """

    def __init__(
        self,
        where: str,
        kind: str,
        why: str = "this type has no safe form on the wire",
        *,
        mend: str = "",
        instead: str = "",
    ) -> None:
        super().__init__(where, kind, why)
        self.where, self.kind, self.why, self.mend, self.instead = where, kind, why, mend, instead

    def __str__(self) -> str:
        """What cannot travel, and why."""
        return f"{self.where} is a {self.kind}: {self.why}"

    def within(self, where: str) -> "GuestSerializationError":
        """The same error, told from outside."""
        self.where = self.where.replace(HERE, where, 1)
        return self

    def advice(self, verb: str) -> str:
        """How to mend it, in one sentence without its full stop; empty where nothing is known but to send plain data.

        Args:
            verb: What the reader does with the value: `Pass` or `Return`.
        """
        return f"{verb} {self.instead} instead" if self.instead else self.mend

    def told_inside(self) -> str:
        """All of it, to the code that returned the value."""
        return f"{self}. {self.advice('Return') or _PLAIN_DATA}"


class UndecodableError(ValueError):
    """Bytes that are not the wire form of a value; the message names the broken rule."""


class DeadlinePassedError(Exception):
    """The time of the call was over before its result was decoded."""
