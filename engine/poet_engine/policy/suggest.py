"""Suggestions for a misspelled name."""

from collections.abc import Iterable


def suggest(name: str, known: Iterable[str]) -> str:
    """Return ` (did you mean 'x'?)`, or an empty text where no known name is similar."""
    import difflib  # noqa: PLC0415 - only a mistake needs it

    close = difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.6)
    return f" (did you mean {close[0]!r}?)" if close else ""
