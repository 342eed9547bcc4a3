"""Text that others chose, made safe to show, and names that somebody may have meant.

Guests, files and daemons choose much of what is printed and logged. None of it may move a cursor, colour a screen or
turn the direction of text. `for_terminal` keeps what is only unusual, such as a space of another width; `visible` shows
even that, for reports on code and for logs, where a character that cannot be seen may matter.
"""

import re
from collections.abc import Iterable

from poet_engine.guest.names import visible

__all__ = ["close_names", "for_terminal", "suggest", "visible"]

# Control characters but newline and tab, the bidirectional controls, and halves of characters.
_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def for_terminal(text: str) -> str:
    """The text with every character that could act on a terminal as its escape in Python."""
    return _UNSAFE.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), text.replace("\r\n", "\n"))


def close_names(name: str, known: Iterable[str], *, most: int = 1) -> list[str]:
    """The known names that are most like one that is unknown, the closest first; none where nothing is close."""
    import difflib  # noqa: PLC0415 - only a mistake needs it

    return difflib.get_close_matches(name, list(known), n=most)


def suggest(name: str, known: Iterable[str]) -> str:
    """` (did you mean 'x'?)`, or nothing where nothing is close."""
    close = close_names(name, known)
    return f" (did you mean {close[0]!r}?)" if close else ""
