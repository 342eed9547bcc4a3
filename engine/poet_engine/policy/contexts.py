"""The layers around folders, read once in a process for as long as nothing that they were read from has changed."""

import os
from collections.abc import Callable, Iterable
from pathlib import Path

from poet_engine.policy import read_files
from poet_engine.policy.layers import MACHINE_FILE, PolicyContext, policy_context

_MOST = 256  # folders; then all are read anew


class PolicyContexts:
    """Remembers policy contexts by what they were read from. Thread-safe: at worst one is read twice.

    A change of any file, of its owner or of its mode is seen, and so is a file that appears. What the time decides
    (the last day of a waiver) is no part of a context.

    Args:
        now: Seconds since the epoch.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._known: dict[tuple[object, ...], tuple[PolicyContext, read_files.ReadFiles]] = {}

    def __repr__(self) -> str:
        return f"<PolicyContexts {len(self._known)}>"

    def around(
        self, start: Path, organisation: str | None, machine: Path = MACHINE_FILE, named: Iterable[str | Path] = ()
    ) -> PolicyContext:
        """Return the layers around code that lies in a folder; see `policy_context`.

        Raises:
            PolicyError: One of them cannot be used.
        """
        start = start.absolute()
        key = (start, organisation, _working_folder() if organisation else None, machine, os.geteuid())
        context, files = self._known.get(key, (None, None))
        if context is not None and files is not None and files.unchanged():
            return context
        with read_files.noting() as read:
            context = policy_context(start, organisation, machine, named)
        if read.settled(self._now()):
            if len(self._known) >= _MOST:
                self._known.clear()
            self._known[key] = (context, read)
        return context


def _working_folder() -> str | None:
    """Return the folder that relative paths start from; None where it was removed."""
    try:
        return str(Path.cwd())
    except FileNotFoundError:
        return None
