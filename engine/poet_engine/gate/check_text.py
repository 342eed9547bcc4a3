"""What is looked at before parsing: sizes, and characters that deceive the reader."""

import re
import unicodedata

from poet_engine.gate.reporter import Reporter
from poet_engine.gate.rules import RULES
from poet_engine.gate.ruleset import Caps

# Direction controls, zero-width and other invisible characters: never needed outside a text, where an escape does.
_HIDDEN = re.compile(
    "[\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff\u00ad\u180e\ufff9-\ufffb\x00-\x08\x0b\x0e-\x1f\x7f]"
)
_COOKIE = re.compile(r"[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)", re.ASCII)
_UTF8 = frozenset({"utf-8", "utf8", "utf_8"})
_COOKIE_LINES = 2
_WORD = re.compile(r"\w+")
_LATIN = re.compile("[A-Za-z]")
# Scripts with many letters that look like Latin ones: Cyrillic, Armenian, Cherokee, full-width forms.
_ALIKE = re.compile("[\u0400-\u052f\u0531-\u058f\u13a0-\u13ff\uab70-\uabbf\uff21-\uff5a]")


def sizes(text: str, size: int, caps: Caps, reporter: Reporter) -> bool:
    """Whether the source is small enough to be parsed; reports where it is not. `size` is its bytes of UTF-8."""
    lines = text.count("\n") + 1
    if size > caps.bytes:
        reporter.add(RULES["POET101"], f"The source has {size:,} bytes; the policy allows {caps.bytes:,}")
    if lines > caps.lines:
        reporter.add(RULES["POET101"], f"The source has {lines:,} lines; the policy allows {caps.lines:,}")
    return reporter.cause is None


def characters(text: str, reporter: Reporter) -> None:
    """Report hidden characters, encoding cookies and words of mixed scripts."""
    for number, line in enumerate(text.split("\n")[:_COOKIE_LINES], start=1):
        cookie = _COOKIE.match(line)
        if cookie and cookie[1].lower() not in _UTF8:
            reporter.add(RULES["POET103"], f"The line names the encoding {cookie[1][:40]!r}", (number, 0))
    for match in _HIDDEN.finditer(text):
        name = unicodedata.name(match[0], "control character")
        reporter.add(RULES["POET103"], f"There is a hidden U+{ord(match[0]):04X} ({name})", _place(text, match.start()))
        if len(reporter.findings) > _COOKIE_LINES * 10:
            return  # one long run of them makes no further point


def names(text: str, identifiers: frozenset[str], reporter: Reporter) -> None:
    """Report words of the source that the parser read as another name than the one written, and mixed scripts.

    Args:
        text: The source.
        identifiers: Every name in its tree, as the parser normalised it.
        reporter: Takes the findings.
    """
    if text.isascii():
        return
    for match in _WORD.finditer(text):
        word = match[0]
        if word.isascii():
            continue
        normal = unicodedata.normalize("NFKC", word)
        if normal not in identifiers:
            continue  # it stands in a text or a comment
        if normal != word:
            what = f"The name {word[:60]!r} is read as {normal[:60]!r}"
        elif _LATIN.search(word) and _ALIKE.search(word):
            what = f"The name {word[:60]!r} ({ascii(word)[:80]}) mixes scripts that look alike"
        else:
            continue
        reporter.add(RULES["POET104"], what, _place(text, match.start()))


def _place(text: str, index: int) -> tuple[int, int]:
    """1-based line and column of an index."""
    return text.count("\n", 0, index) + 1, index - (text.rfind("\n", 0, index) + 1)
