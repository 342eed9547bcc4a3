"""The table of rules and the pages about it say the same."""

import re
from pathlib import Path

import pytest

from poet_engine.gate.examples import EXAMPLES
from poet_engine.gate.pages import main, pages
from poet_engine.gate.rules import CAUSES, RULES

DOCS = Path(__file__).resolve().parents[3] / "docs"


def test_the_page_lists_every_rule_as_it_is() -> None:
    text = (DOCS / "gate.md").read_text("utf-8")
    rows = [row.strip("| ").split(" | ") for row in text.splitlines() if row.startswith("| [`POET")]
    assert [row[:5] for row in rows] == [
        [f"[`{rule.id}`](rules/{rule.id}.md)", str(rule.severity), rule.title, rule.why, rule.how]
        for rule in RULES.values()
    ]
    assert [re.findall(r"^\[(\d+)\]", row[5]) for row in rows] == [
        [str(rule.cwe)] if rule.cwe else [] for rule in RULES.values()
    ]


def test_ids_are_unique_sorted_and_complete_sentences_follow() -> None:
    assert list(RULES) == sorted(RULES)
    for rule in RULES.values():
        assert re.fullmatch(r"POET1\d\d", rule.id)
        assert rule.cause in CAUSES
        assert rule.why.endswith(".")
        assert rule.how.endswith(".")


def test_every_rule_has_its_page_as_it_would_be_written_now() -> None:
    """After a change: python -m poet_engine.gate.pages docs/rules."""
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
    main(tmp_path / "rules")
    assert {path.name for path in (tmp_path / "rules").iterdir()} == set(pages())
