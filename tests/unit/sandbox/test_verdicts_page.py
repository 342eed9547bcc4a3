"""The published table of verdicts is the one in the code. Run as a script, this file writes it anew."""

from pathlib import Path

import pytest

from poet_engine.outcome import Blame
from poet_engine.sandbox.verdict import TABLE

PAGE = Path(__file__).resolve().parents[3] / "docs" / "verdicts.md"
COMMAND = "python tests/unit/sandbox/test_verdicts_page.py"
BEGIN, END = f"<!-- table: `{COMMAND}` writes it anew -->\n", "<!-- end of table -->\n"


def table() -> str:
    rows = [f"| `{row.status}` | `{row.cause}` | {row.blame} | {row.when} |" for row in TABLE]
    return "\n".join(["| status | cause | blame | when |", "|---|---|---|---|", *rows, ""])


def with_table(page: str) -> str:
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}{table()}{END}{after}"


def test_the_page_has_the_table_of_the_code() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert page.count(BEGIN) == page.count(END) == 1
    if page != with_table(page):
        pytest.fail(f"docs/verdicts.md and verdict.TABLE differ; bring the page up to date with: {COMMAND}")


@pytest.mark.parametrize("blame", Blame)
def test_the_page_explains_every_blame(blame: Blame) -> None:
    assert f"\n| `{blame}` | " in PAGE.read_text(encoding="utf-8")


def test_nothing_in_the_table_breaks_its_columns() -> None:
    assert all("|" not in row.when + row.cause for row in TABLE)


if __name__ == "__main__":
    PAGE.write_text(with_table(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
