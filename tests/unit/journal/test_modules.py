"""Functions of one name in several modules of a folder: whose events are found."""

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.unit.journal.test_journal import execution

from poet_engine.journal import Journal, OfModule


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "events.db"


@pytest.fixture
def journal(path: Path) -> Iterator[Journal]:
    with Journal.open(path) as opened:
        yield opened


def test_functions_of_one_name_are_told_apart_by_their_module(journal: Journal) -> None:
    """The limit is of those that match. Events of before name none, and are one of the two functions'."""
    unnamed, shop, bank = execution(), execution(module="shop"), execution(module="bank")
    odd = execution(module='shop" OR "1')
    for event in (unnamed, shop, bank, odd):
        journal.record(event)
    assert journal.find(of=OfModule("shop", unnamed=False), limit=1) == [shop]
    assert journal.find(function="f", of=OfModule("shop", unnamed=True)) == [shop, unnamed]
    assert journal.find(function="g", of=OfModule("shop", unnamed=True)) == []
    assert journal.find(of=OfModule('shop" OR "1', unnamed=False)) == [odd]
    for of in (OfModule("bank", unnamed=True), OfModule("bank", unnamed=False)):
        found = journal.find(of=of)
        assert [event for event in (odd, bank, shop, unnamed) if of.holds(event.payload.module)] == found


def test_rows_that_hold_no_event_hide_none_of_a_module(journal: Journal, path: Path) -> None:
    """What is no JSON names no module."""
    event = execution(module="shop")
    journal.record(event, durable=True)
    with contextlib.closing(sqlite3.connect(path)) as foreign:
        for number, body in enumerate(("{", "", "7", b"\xff\x00", '{"payload": 7}', "[" * 100_000)):
            row = (f"row-{number}", "function.execution", "f", None, 1.0, body)
            foreign.execute(
                "INSERT INTO event (id, type, function, execution_id, timestamp, body) VALUES (?, ?, ?, ?, ?, ?)",
                row,
            )
        foreign.commit()
    for unnamed in (True, False):
        assert journal.find(function="f", of=OfModule("shop", unnamed=unnamed)) == [event]
