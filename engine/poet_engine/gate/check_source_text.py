"""Checks before parsing: sizes, and characters that deceive the reader."""

import builtins
import keyword
import re
import unicodedata

from poet_engine.gate.reporter import Reporter
from poet_engine.gate.rules import RULES
from poet_engine.gate.ruleset import Caps

# Direction controls, zero-width and other invisible characters: needed in string literals only, where an escape does.
_HIDDEN = re.compile(
    "[\u034f\u061c\u115f\u1160\u17b4\u17b5\u3164\uffa0\U000e0000-\U000e0fff"
    "\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff\u00ad\u180e\ufff9-\ufffb\x00-\x08\x0b\x0e-\x1f\x7f]"
)
_JOINER = "\u200d"
_PICTURES = re.compile(
    "[\u2600-\u27bf\ufe0f\U0001f000-\U0001faff]\u200d[\u2600-\u27bf\U0001f000-\U0001faff]"
)  # no letters
_COOKIE = re.compile(r"[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)", re.ASCII)
_UTF8 = frozenset({"utf-8", "utf8", "utf_8"})
_LINE_ENDS = "\n\r\f\v\x1c\x1d\x1e\x85\u2028\u2029"  # of the parser, and of other functions that split into lines
_COOKIE_LINES = 2
_HIDDEN_FINDINGS = 20
_TAKEN = frozenset(dir(builtins)) | frozenset(keyword.kwlist)
_WORD = re.compile(r"\w+")
_LATIN = re.compile("[A-Za-z]")
# Scripts with many letters that look like Latin ones: Cyrillic, Armenian, Cherokee, full-width forms; of Greek, which
# formulas mix with Latin, only the letters that no eye can tell apart.
_ALIKE = re.compile(
    "[\u0400-\u052f\u0531-\u058f\u13a0-\u13ff\uab70-\uabbf\uff21-\uff5a"
    "\u0391\u0392\u0395-\u0397\u0399\u039a\u039c\u039d\u039f\u03a1\u03a4\u03a5\u03a7\u03bf\u03f2\u03f3]"
)
# Letters of other scripts by the Latin one that they look like: a whole word of them can be taken for another name.
_OTHERS = (
    "\u0430\u042c\u0441\u03f2\u0501\u0435\u0581\u04bb\u0570\u0456\u03b9\u0458\u03f3\u04cf\u0578\u043e"
    "\u03bf\u0585\u0440\u051b\u0455\u057d\u03bd\u0475\u051d\u0445\u0443\u0410\u0391\u0412\u0392\u0421"
    "\u0415\u0395\u041d\u0397\u0406\u0399\u0408\u041a\u039a\u041c\u039c\u039d\u041e\u039f\u0420\u03a1"
    "\u0405\u0422\u03a4\u0425\u03a7\u03a5\u0396"
)
_LOOKS = str.maketrans(_OTHERS, "abccdeghhiijjlnooopqsuvvwxyAABBCEEHHIIJKKMMNOOPPSTTXXYZ")


def sizes(text: str, size: int, caps: Caps, reporter: Reporter) -> bool:
    """Report a source that is too large to be parsed; return whether it is small enough.

    `size` is its bytes of UTF-8.
    """
    lines = sum(map(text.count, _LINE_ENDS)) - text.count("\r\n") + 1
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
        if match[0] == _JOINER and _PICTURES.match(text, match.start() - 1):
            continue
        name = unicodedata.name(match[0], "control character")
        reporter.add(RULES["POET103"], f"There is a hidden U+{ord(match[0]):04X} ({name})", _place(text, match.start()))
        if len(reporter.findings) > _HIDDEN_FINDINGS:
            return  # one long run of them makes no further point


def names(text: str, identifiers: frozenset[str], reporter: Reporter) -> None:
    """Report names that the parser reads as another name than the written one, and names of mixed scripts.

    Args:
        text: The source.
        identifiers: Every name in its tree, as the parser normalised it.
        reporter: Takes the findings.
    """
    if text.isascii():
        return
    written = frozenset(_WORD.findall(text))
    for match in _WORD.finditer(text):
        what = None if match[0].isascii() else _deception(match[0], identifiers, written)
        if what is None:
            continue
        reporter.add(RULES["POET104"], what, _place(text, match.start()))
        if reporter.dropped:
            return  # so many say no more


def _deception(word: str, identifiers: frozenset[str], written: frozenset[str]) -> str | None:
    """Return what is deceptive about a word that is a name in the source; None if nothing is."""
    normal = unicodedata.normalize("NFKC", word)
    if normal not in identifiers:
        return None  # it stands in a string or a comment
    if normal != word and (
        _LATIN.search(normal) or normal in written
    ):  # a Greek letter of formulas is not taken for another
        return f"The name {word[:60]!r} is read as {normal[:60]!r}"
    if _LATIN.search(word) and _ALIKE.search(word):
        return f"The name {word[:60]!r} ({ascii(word)[:80]}) mixes scripts that look alike"
    twin = word.translate(_LOOKS)
    if twin.isascii() and (twin in identifiers or twin in _TAKEN):
        return f"The name {word[:60]!r} ({ascii(word)[:80]}) looks like {twin[:60]!r}"
    return None


def _place(text: str, index: int) -> tuple[int, int]:
    """1-based line and column of an index."""
    return text.count("\n", 0, index) + 1, index - (text.rfind("\n", 0, index) + 1)
