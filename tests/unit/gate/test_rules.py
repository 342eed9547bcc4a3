"""The table of rules and the page about the gate say the same."""

import re
from pathlib import Path

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
