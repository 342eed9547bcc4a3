"""Receive the files that a script left from its container's first process, and check everything that it says."""

import json
from collections.abc import Sequence

from poet_engine.guest import names
from poet_engine.guest.collected_files import MOST_FILES, CollectedFiles
from poet_engine.outcome import Outcome
from poet_engine.sandbox import run_outcome

_HEADER_LENGTH = 4
_MOST_TEXT = 2000
_UNREADABLE = "what the container said of the files cannot be read"
_NO_ROOM = "there is no room for it"
_CUT_OFF = "bringing the files out was cut off: the container had no memory left to read them; raise limits.memory"


class Files:
    """The files that are collected from one script.

    Args:
        wanted: Names and patterns of the files.
        most_bytes: Bytes that they may have together.
        has_value: Whether the script is a notebook, which has a value.
    """

    def __init__(self, wanted: Sequence[str], most_bytes: int, *, has_value: bool = False) -> None:
        self.has_value = has_value
        self.wanted, self._left = wanted, most_bytes
        self._files: dict[str, bytearray] = {}
        self._skipped: dict[str, str] = {}
        self._started = self._whole = False

    def take(self, content: bytes) -> None:
        """Take the next frame of files; what breaks a rule is left out and reported as skipped."""
        self._started = True
        try:
            start = _HEADER_LENGTH + int.from_bytes(content[:_HEADER_LENGTH], "big")
            header = json.loads(content[_HEADER_LENGTH:start])
            sizes = [(str(name), int(size)) for name, size in header["files"]]
            skipped = {str(name)[:_MOST_TEXT]: str(why)[:_MOST_TEXT] for name, why in header.get("skipped", {}).items()}
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
            self._skipped, self._whole = dict.fromkeys(self.wanted, _UNREADABLE), True
            return
        for name, size in sizes[:MOST_FILES]:
            data, start = content[start : start + max(0, size)], start + max(0, size)
            self._keep(name, data, size)
        self._skipped |= skipped
        self._whole |= "skipped" in header

    def _keep(self, name: str, piece: bytes, size: int) -> None:
        """Add a piece of a file; a file that lacks a piece is left out."""
        self._left -= max(0, size)
        why = names.why_odd(name) or (_NO_ROOM if self._left < 0 or self._too_many(name) else None)
        if why is None and len(piece) != size:
            why = "its content did not come"
        if why is None and names.visible(name) not in self._skipped:
            self._files.setdefault(name, bytearray()).extend(piece)
        elif len(self._skipped) < MOST_FILES:
            self._skipped.setdefault(names.visible(name), why or "")

    def _too_many(self, name: str) -> bool:
        return name not in self._files and len(self._files) >= MOST_FILES

    def _found(self) -> CollectedFiles:
        if not self._whole:
            return CollectedFiles({}, dict.fromkeys(self.wanted, _CUT_OFF))
        kept = [name for name in self._files if names.visible(name) not in self._skipped]
        return CollectedFiles({name: bytes(self._files.pop(name)) for name in kept}, self._skipped)

    def bring_out(self, outcome: Outcome, *, ended: bool) -> Outcome:
        """Return the outcome with the files that were wanted.

        Args:
            outcome: The outcome of the run, without files.
            ended: Whether nothing that could write to the folder is left.
        """
        # a container that was lost sends nothing
        found = None if ended and not self._started else self._found
        return run_outcome.with_files(outcome, self.wanted, found, ended=ended, has_value=self.has_value)
