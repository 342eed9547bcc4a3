"""The pages about the rules are those that tools/rule_pages.py would write now."""

from pathlib import Path

import pytest
from tests.scripts import script

from poet_engine.gate.rules import RULES

DOCS = Path(__file__).resolve().parents[3] / "docs"
rule_pages = script("rule_pages")
EXAMPLES, pages = rule_pages.EXAMPLES, rule_pages.pages


def test_every_rule_has_its_page_as_it_would_be_written_now() -> None:
    """After a change: python tools/rule_pages.py."""
    written = {path.name: path.read_text("utf-8") for path in (DOCS / "rules").iterdir()}
    assert written == dict(pages())
    assert set(EXAMPLES) == set(RULES)


@pytest.mark.parametrize("rule", sorted(RULES))
def test_a_page_says_what_why_and_how(rule: str) -> None:
    page = pages()[f"{rule}.md"]
    assert all(part in page for part in (RULES[rule].title, RULES[rule].why, RULES[rule].how))
    example = EXAMPLES[rule]
    assert all(part.rstrip() in page for part in (example.words, example.rejected, example.accepted))


def test_the_pages_are_written_where_one_says(tmp_path: Path) -> None:
    rule_pages.write(tmp_path / "rules")
    assert {path.name for path in (tmp_path / "rules").iterdir()} == set(pages())
