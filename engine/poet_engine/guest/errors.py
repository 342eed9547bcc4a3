"""Define the codec's errors. Callers on the host translate all of them."""

# Stands in a path for the value that holds the part in question: what encloses a value knows its place, and a path is
# only made when there is an error.
HERE = "\0"


_PLAIN_DATA = "Return plain data instead, such as numbers, text, lists and mappings"


class GuestSerializationError(ValueError):
    """A value that cannot be encoded safely.

    Args:
        where: The path to it, such as `argument 'rows'[3]`.
        kind: The name of its type.
        why: The rule that it breaks.
        mend: The remedy, where that is the same on both sides.
        instead: An expression to pass or return in its place, such as `dict(value)`.
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
        """Say which value cannot travel, and why."""
        return f"{self.where} is a {self.kind}: {self.why}"

    def within(self, where: str) -> "GuestSerializationError":
        """Put the enclosing value's path in front of this error's; return the error itself."""
        self.where = self.where.replace(HERE, where, 1)
        return self

    def advice(self, verb: str) -> str:
        """Return the remedy in one sentence without its full stop; empty where only plain data can be advised.

        Args:
            verb: What the reader does with the value: `Pass` or `Return`.
        """
        return f"{verb} {self.instead} instead" if self.instead else self.mend

    def told_inside(self) -> str:
        """Return the message and the advice, for the code that returned the value."""
        return f"{self}. {self.advice('Return') or _PLAIN_DATA}"


class UndecodableError(ValueError):
    """Bytes that are not an encoded value; the message names the broken rule."""


class DeadlinePassedError(Exception):
    """The time of the call was over before its result was decoded."""
