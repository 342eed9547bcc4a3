"""Waivers: what one needs, what is wrong with one, and whom it covers until when."""

import datetime as dt
import os
import warnings
from pathlib import Path

import pytest

from poet_engine.errors import PolicyError
from poet_engine.gate import reporter
from poet_engine.gate.rules import RULES, SCAN_AST
from poet_engine.policy import Policy, enforcement
from poet_engine.policy.rule_ids import UNWAIVABLE, WAIVABLE
from poet_engine.policy.waivers import Waiver, file_pattern

FIRST = """[[waivers]]
rule = "POET110"
scope = "reports/*.py"
owner = "platform team"
reason = "reads its own settings"
expires = 2030-06-30
"""
SECOND = FIRST.replace("POET110", "B101").replace("2030-06-30", "2031-01-01")


def test_a_policy_can_have_several() -> None:
    policy = Policy.parse(FIRST + SECOND)
    assert [waiver.rule for waiver in policy.waivers] == ["B101", "POET110"]
    assert policy.waivers[1] == Waiver(
        rule="POET110",
        scope="reports/*.py",
        owner="platform team",
        reason="reads its own settings",
        expires=dt.date(2030, 6, 30),
    )
    assert policy.digest not in {Policy.parse(FIRST).digest, Policy.load("restricted").digest}


def test_those_of_a_child_join_those_of_its_parent(tmp_path: Path) -> None:
    (tmp_path / "parent.toml").write_text(FIRST)
    policy = Policy.parse(f'extends = "{tmp_path / "parent.toml"}"\n{SECOND}')
    assert [waiver.rule for waiver in policy.waivers] == ["B101", "POET110"]


@pytest.mark.parametrize("missing", ["rule", "scope", "owner", "reason", "expires"])
def test_a_field_that_is_missing_is_an_error_on_the_line_of_its_waiver(missing: str) -> None:
    second = "".join(line for line in SECOND.splitlines(keepends=True) if not line.startswith(missing))
    with pytest.raises(PolicyError, match=f"{missing} is missing") as caught:
        Policy.parse(FIRST + second, source="mine.toml")
    assert (caught.value.file, caught.value.line, caught.value.key) == ("mine.toml", 7, "waivers.1")


@pytest.mark.parametrize(
    ("line", "key", "said"),
    [
        ('rule = "POET999"', "rule", "there is no rule 'POET999'"),
        ('rule = "POET11"', "rule", "did you mean 'POET1"),
        ('rule = "B999"', "rule", "there is no rule 'B999'"),
        ("rule = 110", "rule", "there is no rule 110"),
        ('rule = "POET102"', "rule", "cannot be waived"),
        ('scope = "*"', "scope", "is everything"),
        ('scope = "**/*"', "scope", "is everything"),
        ('scope = ""', "scope", "one line of text"),
        ('scope = "sha256:abc"', "scope", "64 small hexadecimal digits"),
        ('owner = " "', "owner", "one line of text"),
        ("owner = 1", "owner", "one line of text"),
        ('reason = "a\\nb"', "reason", "one line of text"),
        ('expires = "2030-01-01"', "expires", "a day without quotes"),
        ("expires = 2030-01-01T00:00:00Z", "expires", "a day without quotes"),
    ],
)
def test_a_wrong_field_is_an_error_with_its_line(line: str, key: str, said: str) -> None:
    number = next(index for index, old in enumerate(FIRST.splitlines()) if old.startswith(key))
    lines = SECOND.splitlines()
    lines[number] = line
    with pytest.raises(PolicyError) as caught:
        Policy.parse(FIRST + "\n".join(lines), source="mine.toml")
    assert (caught.value.file, caught.value.line, caught.value.key) == ("mine.toml", 7 + number, f"waivers.1.{key}")
    assert said in str(caught.value)


def test_an_unknown_field_is_an_error_with_a_suggestion() -> None:
    with pytest.raises(PolicyError, match="did you mean 'owner'") as caught:
        Policy.parse(FIRST + 'ownr = "x"\n', source="mine.toml")
    assert (caught.value.line, caught.value.key) == (7, "waivers.0.ownr")


@pytest.mark.parametrize("text", ["waivers = 1", "waivers = [1]", "[waivers]\nrule = 1"])
def test_what_is_no_list_of_tables_is_an_error(text: str) -> None:
    with pytest.raises(PolicyError, match="expected"):
        Policy.parse(text)


def test_it_holds_to_the_end_of_its_last_day_in_utc() -> None:
    (waiver,) = Policy.parse(FIRST).waivers
    last = dt.datetime(2030, 6, 30, 23, 59, 59, tzinfo=dt.UTC).timestamp()
    assert not waiver.expired(last)
    assert waiver.expired(last + 1)


def test_it_covers_what_its_pattern_matches() -> None:
    (waiver,) = Policy.parse(FIRST).waivers
    assert waiver.covers("0" * 64, ("f", "reports/daily.py"))
    assert not waiver.covers("0" * 64, ("f", "Reports/daily.py", "reports/daily.txt"))
    assert not waiver.covers("0" * 64, ())


@pytest.mark.parametrize(
    ("scope", "pattern"),
    [
        ("a.py", "/nowhere/ours/a.py"),
        ("./a.py", "/nowhere/ours/a.py"),
        ("../a.py", "/nowhere/a.py"),
        ("sub/*.py", "/nowhere/ours/sub/*.py"),
        ("*.py", "/nowhere/ours/*.py"),
        ("/srv/*/a.py", "/srv/*/a.py"),
        ("/*.py", "/*.py"),
        ("<generated>", ""),
        (f"sha256:{'0' * 64}", ""),
    ],
)
def test_a_scope_is_a_pattern_of_whole_paths(scope: str, pattern: str) -> None:
    assert file_pattern(scope, "/nowhere/ours") == pattern


def test_a_file_goes_by_its_whole_path_and_not_by_its_name() -> None:
    (waiver,) = Policy.parse(FIRST).waivers
    here = os.path.realpath(os.curdir)
    assert waiver.covers("0" * 64, (), [f"{here}/reports/daily.py"])
    assert not waiver.covers("0" * 64, (), ["/elsewhere/reports/daily.py"])


def test_every_rule_of_the_gate_and_of_bandit_can_be_named_and_no_other() -> None:
    """After a new rule, add it to policy/rule_ids.py and run `poet policy schema > policies/policy.schema.json`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # bandit's loader warns of its own use of stevedore
        from bandit.core import extension_loader  # noqa: PLC0415 - as said above

    manager = extension_loader.MANAGER
    assert {*manager.plugins_by_id, *manager.blacklist_by_id} <= WAIVABLE
    assert {name for name in WAIVABLE | UNWAIVABLE if name.startswith("POET")} == set(RULES)
    assert not WAIVABLE & UNWAIVABLE
    assert {RULES[name].cause for name in WAIVABLE if name in RULES} == {SCAN_AST}


def test_the_judge_knows_how_many_findings_the_gate_shows() -> None:
    assert enforcement.MOST_FINDINGS == reporter.MOST
