"""What is said in the log: reasons once, and what a version printed, made safe to look at."""

import logging

from poet_engine.decorator.forks import ForkedLock
from poet_engine.outcome import Outcome

_logger = logging.getLogger("poet_engine")
_guest_logger = logging.getLogger("poet_engine.guest")

_MOST_CHARACTERS = 8000  # of one stream of one call; the outcome has all that was kept


class Teller:
    """Says things about one function; each kind of thing once in a process.

    Args:
        function: The function's qualified name.
    """

    def __init__(self, function: str) -> None:
        self._function = function
        self._lock = ForkedLock()
        self._told: set[str] = set()

    def __repr__(self) -> str:
        return f"<Teller {self._function} told={len(self._told)}>"

    def once(self, kind: str, text: str, error: Exception | None = None) -> None:
        """Warn, unless something of the same kind was said before.

        Args:
            kind: What counts as the same thing.
            text: What follows the function's name.
            error: Something unexpected, whose traceback is wanted.
        """
        with self._lock:
            if kind in self._told:
                return
            self._told.add(kind)
        _logger.warning("%s %s", self._function, harmless(text), exc_info=error)

    def output(self, outcome: Outcome) -> None:
        """Pass on what the version printed: standard output as information, standard error as a warning."""
        for text, level in ((outcome.stdout, logging.INFO), (outcome.stderr, logging.WARNING)):
            if text and _guest_logger.isEnabledFor(level):
                _guest_logger.log(level, "%s: %s", self._function, harmless(text.rstrip("\n")))


def harmless(text: str) -> str:
    """Text from a guest for a log: cut, nothing that acts on a terminal, and no line that could pass for a record.

    Line ends stay, and each further line is indented.
    """
    if len(text) > _MOST_CHARACTERS:
        text = f"{text[:_MOST_CHARACTERS]} … {len(text) - _MOST_CHARACTERS} more characters"
    if text.isprintable():
        return text
    return "".join(_shown(character) for character in text)


def _shown(character: str) -> str:
    if character == "\n":
        return "\n    "
    if character == "\t" or character.isprintable():
        return character
    return character.encode("unicode_escape").decode("ascii")
