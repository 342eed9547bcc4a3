"""docs/policies.md knows every key, and says of each what the table of keys says."""

import re
from pathlib import Path

from poet_engine.policy import Policy, documents
from poet_engine.policy.keys import IMPORTS, KEYS
from poet_engine.policy.values import of

PAGE = Path(__file__).resolve().parents[3] / "docs" / "policies.md"
BEGIN, END = "<!-- keys -->\n", "<!-- /keys -->"


def _default(name: str) -> str:
    if name == IMPORTS:
        return "see below"
    text = KEYS[name].kind.write(of(Policy.load("restricted"))[name].value)
    return "nothing" if text == "[]" else f"`{text}`"


def _table() -> str:
    rows = [f"| `{key.name}` | {_default(key.name)} | {key.kind.range} | {key.meaning} |\n" for key in KEYS.values()]
    return "| key | default | may be | meaning |\n|---|---|---|---|\n" + "".join(rows)


def test_the_table_is_the_one_that_the_keys_make() -> None:
    """Run this file to write it anew: `.venv/bin/python tests/unit/policy/test_page.py`."""
    written = PAGE.read_text("utf-8").partition(BEGIN)[2].partition(END)[0]
    assert written == _table()


def test_the_page_tells_of_every_preset() -> None:
    told = re.findall(r"^\| `([a-z]+)` \|", PAGE.read_text("utf-8").partition("## Presets")[2], re.MULTILINE)
    assert set(documents.presets()) <= set(told)


if __name__ == "__main__":
    before, _, rest = PAGE.read_text("utf-8").partition(BEGIN)
    PAGE.write_text(f"{before}{BEGIN}{_table()}{END}{rest.partition(END)[2]}", encoding="utf-8")
