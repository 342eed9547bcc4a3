"""What the codec raises. Callers on the host translate both."""


class UntravellableError(ValueError):
    """A value without a safe form on the wire.

    Args:
        where: The path to it.
        kind: The name of its type.
        why: Which rule it breaks.
        mend: What to do about it; empty where that is to pass something else.
    """

    def __init__(
        self, where: str, kind: str, why: str = "this type has no safe form on the wire", *, mend: str = ""
    ) -> None:
        super().__init__(f"{where} is a {kind}: {why}")
        self.where, self.kind, self.why, self.mend = where, kind, why, mend


class UndecodableError(ValueError):
    """Bytes that are not the wire form of a value; the message names the broken rule."""
