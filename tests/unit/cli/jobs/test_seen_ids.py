"""Ids with a mark and a line, in little memory."""

import sys

from hypothesis import given
from hypothesis import strategies as st

from poet_engine.cli.jobs.seen_ids import Ledger


def _ledger(entries: dict[str, tuple[int, int]]) -> Ledger:
    ledger = Ledger(b"salt")
    for name, (mark, line) in entries.items():
        ledger.add(name, mark, line)
    ledger.sort()
    return ledger


@given(st.dictionaries(st.text(), st.tuples(st.integers(0, 2**64 - 1), st.integers(1, 2**40)), max_size=2000))
def test_what_was_added_is_found_and_nothing_else(entries: dict[str, tuple[int, int]]) -> None:
    ledger = _ledger(entries)
    assert {name: ledger.find(name) for name in entries} == entries
    assert len(ledger) == len(entries)
    assert list(ledger.doubles()) == []
    assert ledger.find("x" * 300) is None


def test_every_double_is_named_with_its_lines() -> None:
    ledger = Ledger(b"salt")
    for line, name in enumerate(["a", "b", "a", "c", "b", "a"], 1):
        ledger.add(name, 0, line)
    ledger.sort()
    assert sorted(ledger.doubles()) == [(1, 3), (2, 5), (3, 6)]


def test_an_id_takes_24_bytes() -> None:
    """More or less: arrays keep some room to grow into."""
    ledger = _ledger({str(number): (number, number) for number in range(100_000)})
    columns = (*ledger._keys, *ledger._marks, *ledger._lines)
    assert sum(map(sys.getsizeof, columns)) < 100_000 * 32
