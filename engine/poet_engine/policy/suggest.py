"""What somebody may have meant."""

from collections.abc import Iterable


def suggest(name: str, known: Iterable[str]) -> str:
    """` (did you mean 'x'?)`, or nothing where nothing is close."""
    import difflib  # noqa: PLC0415 - only a mistake needs it

    close = difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.6)
    return f" (did you mean {close[0]!r}?)" if close else ""
