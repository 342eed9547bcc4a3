"""The workshop of the decorator's unit tests, for regressions that need no sandbox."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from tests.unit.decorator.conftest import LentGate, Workshop

from poet_engine import decorator
from poet_engine.decorator import wiring


@contextlib.contextmanager
def opened_gate() -> Iterator[LentGate]:
    """A gate for many workshops."""
    lent = LentGate()
    try:
        yield lent
    finally:
        lent.end()


@contextlib.contextmanager
def opened_workshop(folder: Path, gate: LentGate) -> Iterator[Workshop]:
    """What decorated functions use for the length of one test; its clock stands until it is advanced."""
    before = list(wiring._installed)
    shop = Workshop(folder, gate)
    decorator.install(shop)
    try:
        yield shop
    finally:
        shop.close()  # a preparation that goes on still asks for what is installed
        wiring._installed[:] = before
