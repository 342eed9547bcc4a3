"""Refuse a sandbox where it cannot work: in another process than it was opened in, or after it was closed."""

import os

from poet_engine.errors import ClosedError


def ensure_same_process(owner: int) -> None:
    """Raise ClosedError in a process that has forked from the one with this id."""
    if os.getpid() != owner:
        raise ClosedError(
            "this sandbox belongs to the process that opened it, and this is a fork; open one in each process"
        )


def ensure_usable(owner: int, *, closed: bool) -> None:
    """Raise ClosedError in another process than the one with this id, or when the sandbox was closed."""
    ensure_same_process(owner)
    if closed:
        raise ClosedError("this sandbox was closed; open another one")
