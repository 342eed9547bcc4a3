"""Whole scripts through the engine: the page that describes them is true."""

import re
from pathlib import Path

import pytest

from poet_engine import Engine, Policy
from poet_engine.outcome import Status

pytestmark = pytest.mark.sandbox

_PAGE = (Path(__file__).resolve().parents[2] / "docs" / "scripts.md").read_text(encoding="utf-8")
_BLOCKS = re.findall(r"```toml\n(.*?)```", _PAGE, re.DOTALL)
_POLICIES = {policy.name: policy for policy in map(Policy.parse, _BLOCKS)}
_EXAMPLE = re.findall(r'source = """\n(.*?)"""', _PAGE, re.DOTALL)[0]

STRICT = """
import csv
import sys
from pathlib import Path


def main():
    rows = list(csv.reader(Path("data.csv").read_text().splitlines()))
    Path("out.csv").write_text(f"{len(rows)} rows for {sys.stdin.readline().strip()}")


if __name__ == "__main__":
    main()
"""


def test_the_example_of_the_page_does_what_it_says(tmp_path: Path) -> None:
    (tmp_path / "more.txt").write_text("more", encoding="utf-8")
    with Engine.open(policy=_POLICIES["scripts"], journal=tmp_path / "journal.db") as engine:
        outcome = engine.run_script(
            _EXAMPLE,
            stdin="you\n",
            argv=["--quiet"],
            files_in={"data.csv": b"1,2\n3,4\n", "notes/more.txt": tmp_path / "more.txt"},
            files_out=["*.csv", "plots/**"],
        )
    assert (outcome.status, outcome.stdout) == (Status.OK, "2 rows for you ['--quiet']\n"), outcome.describe()
    assert outcome.files == {"data.csv": b"1,2\n3,4\n", "out.csv": b"3,4\r\n1,2\r\n"}
    assert outcome.files_skipped == {}
    assert {finding.rule for finding in outcome.findings} >= {"POET120"}


def test_the_strict_policy_of_the_page_takes_a_script_that_is_written_for_it(tmp_path: Path) -> None:
    with Engine.open(policy=_POLICIES["strict-scripts"], journal=tmp_path / "journal.db") as engine:
        outcome = engine.run_script(STRICT, stdin=b"you\n", files_in={"data.csv": b"1\n2\n"}, files_out=["out.csv"])
        rejected = engine.run_script(_EXAMPLE, files_out=["out.csv"])
    assert (outcome.status, outcome.findings) == (Status.OK, ()), outcome.describe()
    assert outcome.files == {"out.csv": b"2 rows for you"}
    assert (rejected.status, rejected.findings[0].rule) == (Status.REJECTED, "POET120")


@pytest.mark.parametrize("preset", ["restricted", "data"])
def test_under_the_presets_a_script_may_read_its_input_compute_and_print(preset: str, tmp_path: Path) -> None:
    with Engine.open(policy=preset, journal=tmp_path / "journal.db") as engine:
        outcome = engine.run_script(
            "if __name__ == '__main__':\n    print(sum(map(int, input().split())))\n", stdin="40 5"
        )
        refused = [engine.run_script(source).status for source in ("eval('1')", "open('a')", "import os\nos.abort()")]
    assert (outcome.status, outcome.stdout) == (Status.OK, "45\n")
    assert refused == [Status.REJECTED] * 3
