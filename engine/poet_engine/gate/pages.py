"""Generator of the pages in docs/rules. `python -m poet_engine.gate.pages docs/rules` writes them anew."""

import sys
from collections.abc import Mapping
from pathlib import Path

from poet_engine.gate.examples import EXAMPLES, RuleExample
from poet_engine.gate.rules import RULES, GateRule

_CAUSES = {
    "too_large": "`too_large`: the source cannot be looked at",
    "syntax": "`syntax`: there is no program to look at",
    "scan_ast": "`scan_ast`: the allow-list does not let it through",
    "scan_bandit": "`scan_bandit`: bandit does not let it through",
}


def pages() -> Mapping[str, str]:
    """Return file name → text of every page, the index included."""
    return {"README.md": _index(), **{f"{rule.id}.md": page(rule, EXAMPLES[rule.id]) for rule in RULES.values()}}


def page(rule: GateRule, example: RuleExample) -> str:
    """Return the page of one rule."""
    cwe = f"[CWE-{rule.cwe}](https://cwe.mitre.org/data/definitions/{rule.cwe}.html)" if rule.cwe else "none"
    lines = [
        f"# {rule.id}: {rule.title}",
        "",
        "| severity | reason of the report | weakness |",
        "|---|---|---|",
        f"| {rule.severity} | {_CAUSES[rule.cause]} | {cwe} |",
        "",
        f"{rule.why}",
        "",
        "**What would be fine.** " + rule.how,
        "",
    ]
    if example.rejected:
        lines += ["Turned down:", "", "```python", example.rejected.rstrip("\n"), "```", ""]
        lines += ["Let through:", "", "```python", example.accepted.rstrip("\n"), "```", ""]
    else:
        lines += [example.words, ""]
    return "\n".join(
        [*lines, "All rules: [README.md](README.md). How a source is scanned: [the gate](../gate.md).", ""]
    )


def _index() -> str:
    rows = [f"| [`{rule.id}`]({rule.id}.md) | {rule.severity} | {rule.title} |" for rule in RULES.values()]
    head = [
        "# Rules of the gate",
        "",
        "These pages are made from the rules themselves. [The gate](../gate.md) explains them as a whole.",
        "",
        "| id | severity | what |",
        "|---|---|---|",
    ]
    return "\n".join([*head, *rows, ""])


def main(folder: Path) -> None:
    """Write every page into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in pages().items():
        (folder / name).write_text(text, "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
