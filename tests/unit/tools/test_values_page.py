"""The tables in docs/values.md are those that tools/values_page.py would write now."""

from pathlib import Path

import pytest
from tests.scripts import script

DOCS = Path(__file__).resolve().parents[3] / "docs"
values_page = script("values_page")


def test_the_page_has_the_tables_as_they_would_be_written_now() -> None:
    """After a change: python tools/values_page.py."""
    page = (DOCS / "values.md").read_text("utf-8")
    assert values_page.written(page) == page


def test_every_row_has_samples_and_shows_what_they_advise() -> None:
    assert all(row.samples for row in (*values_page.TRAVELLING, *values_page.REFUSED))
    for row in values_page.REFUSED:
        shown = row.shown.replace("…", "").replace("'", "")
        for _sample, instead in row.samples:
            assert instead.partition("(")[0] in shown or "…" in row.shown, (row.kinds, instead)


def test_a_page_without_marks_is_refused() -> None:
    with pytest.raises(ValueError, match="no marks for the table 'what travels'"):
        values_page.written("# Values\n")
