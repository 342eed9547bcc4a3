"""What the codec raises. Callers on the host translate all of it."""

# Stands in a path for the value that holds the part in question: what encloses a value knows its place, and a path is
# only made when there is something to say.
HERE = "\0"


class UntravellableError(ValueError):
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

    def within(self, where: str) -> "UntravellableError":
        """The same error, told from outside."""
        self.where = self.where.replace(HERE, where, 1)
        return self

    def advice(self, verb: str, otherwise: str = "") -> str:
        """How to mend it, in one sentence without its full stop.

        Args:
            verb: What the reader does with the value: `Pass` or `Return`.
            otherwise: What to say where nothing better is known.
        """
        if self.instead:
            return f"{verb} {self.instead} instead"
        return self.mend or otherwise


class UndecodableError(ValueError):
    """Bytes that are not the wire form of a value; the message names the broken rule."""


class DeadlinePassedError(Exception):
    """The time of the call was over before its result was decoded."""
