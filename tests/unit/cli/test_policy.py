"""`poet policy`, and what `poet scan` makes of waivers and modes."""

import json
from pathlib import Path

import pytest

from poet_engine.cli import main
from poet_engine.cli.commands import policy
from poet_engine.cli.console import Screen
from poet_engine.policy import Policy, schema

WAIVER = '[[waivers]]\nrule = "POET110"\nscope = "reader.py"\nowner = "us"\nreason = "needs it"\nexpires = {}\n'
READER = "import os\n\n\ndef read():\n    return os.getpid()\n"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("POET_POLICY", "POET_ORGANISATION_POLICY"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "pyproject.toml").write_text('[tool.poet.policy.limits]\nwall = "2s"\n')
    return tmp_path


def _document(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> dict[str, object]:
    assert main([*arguments, "--json"]) == code
    found = json.loads(capsys.readouterr().out)
    assert isinstance(found, dict)
    return found


def test_show_prints_every_value_with_who_set_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["policy", "show", "data"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("# data, extends restricted, digest ")
    assert 'limits.wall = "2s"  # pyproject.toml:2' in lines
    assert 'limits.memory = "512MiB"  # data' in lines
    assert 'static.imports."scipy.cluster.vq" = ["kmeans", "kmeans2", "vq", "whiten"]  # data' in lines


def test_show_as_a_document_has_the_digest_that_holds(capsys: pytest.CaptureFixture[str]) -> None:
    found = _document(capsys, "policy", "show", "restricted")
    assert found["digest"] == Policy.parse('[limits]\nwall = "2s"').digest
    values = found["values"]
    assert isinstance(values, dict)
    assert values["limits.wall"] == {"value": '"2s"', "origin": "pyproject.toml:2"}


def test_show_follows_the_environment(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    Path("company.toml").write_text("[limits]\nthreads = 3\n")
    monkeypatch.setenv("POET_ORGANISATION_POLICY", "company.toml")
    monkeypatch.setenv("POET_POLICY", "data")
    assert main(["policy", "show"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("# data, ")
    assert "limits.threads = 3  # company.toml:2\n" in out


def test_explain_tells_meaning_range_and_every_layer(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["policy", "explain", "limits.wall", "--policy", "data"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "limits.wall: time of one attempt, clipped to what the deadline leaves",
        "  may be: 10ms to 86400s; tighter is: less",
        '  here: "2s", set by pyproject.toml:2',
        '  preset: "5s" (restricted)',
        '  project: "2s" (pyproject.toml:2)',
        '  function: "2s": restricted has "5s", and pyproject.toml:2 allows no more',
    ]


def test_explain_knows_modules_listed_or_not(capsys: pytest.CaptureFixture[str]) -> None:
    assert _document(capsys, "policy", "explain", "static.imports.json")["origin"] == "restricted"
    found = _document(capsys, "policy", "explain", "static.imports.socket")
    assert (found["value"], found["origin"], found["steps"]) == ("[]", "nobody", [])


def test_explain_suggests_a_key(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["policy", "explain", "limits.wal"]) == 2
    assert "did you mean 'limits.wall'?" in capsys.readouterr().err


def test_check_says_what_is_wrong_where(capsys: pytest.CaptureFixture[str]) -> None:
    Path("good.toml").write_text('extends = "data"\n')
    Path("bad.toml").write_text("[limits]\nmemry = 1\n")
    assert main(["policy", "check", "good.toml", "pyproject.toml"]) == 0
    assert capsys.readouterr().out == "good.toml: fine\npyproject.toml: fine\n"
    assert main(["policy", "check", "good.toml", "bad.toml"]) == 1
    assert "  bad.toml:2: limits.memry: unknown key (did you mean 'memory'?)" in capsys.readouterr().out
    files = _document(capsys, "policy", "check", "bad.toml", code=1)["files"]
    assert isinstance(files, list)
    assert (files[0]["line"], files[0]["key"]) == (2, "limits.memry")


def test_check_fails_for_a_waiver_whose_day_is_over(capsys: pytest.CaptureFixture[str]) -> None:
    Path("mine.toml").write_text(WAIVER.format("1970-01-02"))

    def at(now: float) -> int:
        import sys  # noqa: PLC0415 - the stream that is captured now

        return policy.check_files(Screen(sys.stdout, sys.stderr, as_json=False), ["mine.toml"], clock=lambda: now)

    assert at(2 * 86_400 - 1) == 0
    assert at(2 * 86_400) == 1
    assert "the waiver of us for POET110 in reader.py expired on 1970-01-02" in capsys.readouterr().out


def test_diff_says_which_way_each_value_went(capsys: pytest.CaptureFixture[str]) -> None:
    Path("mine.toml").write_text(
        'extends = "restricted"\n[limits]\nwall = "9s"\nthreads = 1\n[static.imports]\nmath = ["sqrt"]\n'
    )
    assert main(["policy", "diff", "restricted", "mine.toml"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        'static.imports.math: ["*"] -> ["sqrt"] (neither looser nor tighter)',
        'limits.wall: "5s" -> "9s" (looser)',
        "limits.threads: 8 -> 1 (tighter)",
    ]
    assert main(["policy", "diff", "restricted", "mine.toml", "--no-looser"]) == 1
    assert main(["policy", "diff", "lab", "restricted", "--no-looser"]) == 0
    assert main(["policy", "diff", "data", "data", "--no-looser"]) == 0
    assert "data and data say the same" in capsys.readouterr().out


def test_list_and_schema(capsys: pytest.CaptureFixture[str]) -> None:
    presets = _document(capsys, "policy", "list")["presets"]
    assert isinstance(presets, list)
    assert [one["name"] for one in presets] == ["api", "baseline", "data", "lab", "restricted"]
    assert main(["policy", "schema"]) == 0
    assert capsys.readouterr().out == schema.text()
    assert _document(capsys, "policy", "schema") == schema.schema()


class TestScan:
    def test_a_waived_file_is_clean_and_says_what_is_waived(self, capsys: pytest.CaptureFixture[str]) -> None:
        Path("reader.py").write_text(READER)
        assert main(["scan", "reader.py"]) == 1
        Path("mine.toml").write_text(WAIVER.format("9999-12-31"))
        capsys.readouterr()
        assert main(["scan", "reader.py", "--policy", "mine.toml"]) == 0
        out = capsys.readouterr().out
        assert "[waived: until 9999-12-31 by us: needs it]" in out
        assert out.endswith("reader.py: clean\n")

    def test_an_expired_waiver_fails_even_a_clean_file(self, capsys: pytest.CaptureFixture[str]) -> None:
        Path("clean.py").write_text("def f():\n    return 1\n")
        Path("mine.toml").write_text(WAIVER.format("1999-12-31"))
        assert main(["scan", "clean.py"]) == 0
        assert main(["scan", "clean.py", "--policy", "mine.toml"]) == 1
        assert "the waiver of us for POET110 in reader.py expired on 1999-12-31" in capsys.readouterr().out
        found = _document(capsys, "scan", "clean.py", "--policy", "mine.toml", code=1)
        assert (found["rejected"], len(found["expired_waivers"])) == (0, 1)  # type: ignore[arg-type]  # it is a list

    def test_what_is_recorded_only_is_shown_as_such(self, capsys: pytest.CaptureFixture[str]) -> None:
        Path("reader.py").write_text(READER)
        Path("mine.toml").write_text('[static]\naudit = ["restricted"]\n[static.imports]\nos = ["getpid"]\n')
        assert main(["scan", "reader.py", "--policy", "mine.toml"]) == 0
        assert "[audit: under 'restricted']" in capsys.readouterr().out
