"""docs/policies.md knows every key, and its defaults are the real ones."""

import dataclasses
import re
from pathlib import Path

from poet_engine.policy import Isolation, Limits, Network, Policy, Static, units

PAGE = Path(__file__).resolve().parents[3] / "docs" / "policies.md"
SECTIONS = {"static": Static, "limits": Limits, "network": Network, "isolation": Isolation}


def _rows() -> dict[str, str]:
    return dict(re.findall(r"^\| `([a-z_.]+)` \| ([^|]+) \|", PAGE.read_text("utf-8"), re.MULTILINE))


def test_the_page_lists_every_key() -> None:
    keys = {f"{name}.{field.name}" for name, kind in SECTIONS.items() for field in dataclasses.fields(kind)}
    rows = _rows()
    assert {key for key in rows if key not in {"restricted", "data", "lab"}} == {"version", "name", "extends", *keys}


def test_the_defaults_of_the_limits_are_the_real_ones() -> None:
    limits, rows = Policy.load("restricted").limits, _rows()
    for field in dataclasses.fields(Limits):
        said = rows[f"limits.{field.name}"].strip()
        actual: object = getattr(limits, field.name)
        if field.name in {"wall", "cpu"}:
            assert units.seconds(said) == actual
        elif field.name == "cores":
            assert float(said) == actual
        else:
            assert units.size(said) == actual
