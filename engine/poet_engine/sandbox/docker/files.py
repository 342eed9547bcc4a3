"""The files that a script left, as its container's first process tells of them. Nothing of it is believed unseen."""

import json
from collections.abc import Sequence

from poet_engine.guest import names
from poet_engine.guest.harvest import MOST_FILES, Harvest
from poet_engine.outcome import Outcome
from poet_engine.sandbox import conclusion

_HEADER_LENGTH = 4
_MOST_TEXT = 2000


class Files:
    """What is brought out.

    Args:
        wanted: Names and patterns.
        most_bytes: Of all of them together.
    """

    def __init__(self, wanted: Sequence[str], most_bytes: int) -> None:
        self.wanted, self._most_bytes = wanted, most_bytes
        self._files: dict[str, bytes] = {}
        self._skipped: dict[str, str] = {}
        self._told = False

    def take(self, content: bytes) -> None:
        """What the container says; what is odd is left out, and said to be."""
        self._told = True
        try:
            start = _HEADER_LENGTH + int.from_bytes(content[:_HEADER_LENGTH], "big")
            header = json.loads(content[_HEADER_LENGTH:start])
            sizes = [(str(name), int(size)) for name, size in header["files"]][:MOST_FILES]
            skipped = {str(name)[:_MOST_TEXT]: str(why)[:_MOST_TEXT] for name, why in header["skipped"].items()}
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
            self._skipped = dict.fromkeys(self.wanted, "what the container said of the files cannot be read")
            return
        self._skipped = skipped
        left = self._most_bytes
        for name, size in sizes:
            data, start, left = content[start : start + max(0, size)], start + max(0, size), left - max(0, size)
            why = names.why_odd(name) or ("there is no room for it" if left < 0 else None)
            if why is None and len(data) == size:
                self._files[name] = data
            else:
                self._skipped[names.shown(name)] = why or "its content did not come"

    def bring_out(self, outcome: Outcome, *, ended: bool) -> Outcome:
        """The outcome with the files that were wanted.

        Args:
            outcome: What came of the run.
            ended: Whether nothing that could write to the folder is left.
        """
        # a container that was lost tells nothing
        found = None if ended and not self._told else lambda: Harvest(self._files, self._skipped)
        return conclusion.with_files(outcome, self.wanted, found, ended=ended)
