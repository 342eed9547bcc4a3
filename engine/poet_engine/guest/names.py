"""Check the names of files that go into or come out of a sandbox: relative, in normal form, safe to show and write."""

from collections.abc import Callable

MOST_DEPTH = 32  # folders and file together
_MOST_BYTES, _MOST_PART = 1024, 255

_RULES: tuple[tuple[Callable[[str], bool], str], ...] = (
    (lambda name: not name.isprintable(), "its name has characters that cannot be shown"),
    (lambda name: "\\" in name, "its name has a backslash, which other systems read as a folder"),
    (
        lambda name: not {"", ".", ".."}.isdisjoint(name.split("/")),
        "its name is absolute or has an empty, . or .. part",
    ),
    (lambda name: name.count("/") >= MOST_DEPTH, f"it lies deeper than {MOST_DEPTH} levels"),
    (
        lambda name: (
            len(name.encode()) > _MOST_BYTES or any(len(part.encode()) > _MOST_PART for part in name.split("/"))
        ),
        f"its name is longer than {_MOST_PART} bytes a part or {_MOST_BYTES} in all",
    ),
)


def why_odd(name: str) -> str | None:
    """Return what is wrong with a name that should be relative and plain; None when nothing is."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return "its name is not UTF-8"
    return next((why for breaks, why in _RULES if breaks(name)), None)


def visible(text: str, keep: str = "") -> str:
    """Return the text with every character that cannot be seen written as its escape in Python.

    Args:
        text: Any, whatever bytes it was made of.
        keep: Characters that stay, such as a tab.
    """
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() or one in keep else one.encode("unicode_escape").decode() for one in text)
