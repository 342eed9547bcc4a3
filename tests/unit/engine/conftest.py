"""A gate and a journal for engines."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from poet_engine.gate import Gate
from poet_engine.journal import Journal


@pytest.fixture(scope="module")
def gate() -> Iterator[Gate]:
    """One worker process for the whole file."""
    with Gate() as shared:
        yield shared


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    """One that holds nothing yet."""
    with Journal.open(tmp_path / "journal.db") as opened:
        yield opened
