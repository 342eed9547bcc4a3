"""`poet breaker`: which function a target names, what is shown, what is set, and the exit codes."""

import json
from pathlib import Path

import pytest

from poet_engine.cli import main
from poet_engine.versions import FunctionStore, Metadata, VersionStore

METADATA = Metadata(
    created=1.0, domain="d", policy="p", policy_digest="0", original_digest="1", python="3.11", poet_version="0",
    origin="built_in",
)  # fmt: skip


@pytest.fixture
def function(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FunctionStore:
    """A function with two versions, of which the second serves, in the folder that the command runs in."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "shop.py").write_text("def total(): ...\n")
    function = VersionStore(tmp_path / ".poet", clock=lambda: 1000.0).function("total")
    for number in (1, 2):
        function.add(code=f"def total(): return {number}\n", params={}, metadata=METADATA)
    function.promote("v2", actor="tests", reason="tests")
    return function


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    code = main(["breaker", *arguments])
    return code, capsys.readouterr().out


def document(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[dict[str, object]]:
    found = json.loads(run(capsys, *arguments, "--json")[1])
    assert found["function"] == "total"
    breakers: list[dict[str, object]] = found["breakers"]
    return breakers


@pytest.mark.parametrize("target", ["shop.py:total", "shop:total", "./shop.py:total"])
def test_versions_of_which_nothing_is_stored_are_closed(
    function: FunctionStore, capsys: pytest.CaptureFixture[str], target: str
) -> None:
    code, out = run(capsys, "list", target)
    assert (code, len(function.names())) == (0, 2)
    assert [line.split() for line in out.splitlines()[1:]] == [
        ["v1", "any", "closed"],
        ["v2", "(serves)", "any", "closed"],
    ]


def test_forced_and_reset(function: FunctionStore, capsys: pytest.CaptureFixture[str]) -> None:
    """The version that serves, in every sandbox; other versions are left alone."""
    code, out = run(capsys, "force", "shop.py:total", "--reason", "looks odd")
    assert (code, out.splitlines()[0]) == (0, "total v2 (serves), sandbox docker: forced_open, pinned")
    code, out = run(capsys, "show", "shop.py:total")
    assert code == 1
    assert "looks odd" in out
    assert run(capsys, "list", "shop.py:total")[0] == 1
    assert run(capsys, "show", "shop.py:total", "--version", "v1")[0] == 0
    assert run(capsys, "reset", "shop.py:total")[0] == 0
    found = document(capsys, "show", "shop.py:total")
    assert {(one["sandbox"], one["state"], one["pinned"], one["revision"]) for one in found} == {
        ("docker", "closed", False, 2),
        ("process", "closed", False, 2),
    }
    entries = [json.loads(line) for line in (function.path / "audit.jsonl").read_text().splitlines()]
    assert [(one["actor"], one["action"]) for one in entries[-2:]] == [
        ("command line", "breaker forced_open"),
        ("command line", "breaker closed"),
    ]


def test_one_sandbox_alone(function: FunctionStore, capsys: pytest.CaptureFixture[str]) -> None:
    run(capsys, "force", "shop.py:total", "--version", "v1", "--sandbox", "docker")
    found = document(capsys, "list", "shop.py:total")
    assert [(one["version"], one["sandbox"], one["state"], one["refuses"]) for one in found] == [
        ("v1", "docker", "forced_open", True),
        ("v2", None, "closed", False),
    ]
    assert function.state("v2") is None


def store_open(function: FunctionStore, open_until: float) -> None:
    entry = {"state": "open", "reason": "failures", "attempts": 1, "pinned": False, "wait": 60.0}
    entry |= {"open_until": open_until, "since": 1.0, "revision": 0}
    content = {"breakers": {"schema_version": 1, "sandboxes": {"process": entry}}}
    function.change_state("v2", lambda _before: content)


@pytest.mark.parametrize(
    ("open_until", "code", "text"), [(9e9, 1, "open until 2255-"), (5.0, 0, "half-open at the next")]
)
def test_an_open_one_says_until_when(
    function: FunctionStore, capsys: pytest.CaptureFixture[str], open_until: float, code: int, text: str
) -> None:
    store_open(function, open_until)
    found, out = run(capsys, "show", "shop.py:total")
    assert found == code
    assert text in out


@pytest.mark.parametrize("content", ["{", '{"breakers": 7}'])
def test_a_damaged_one_is_told(function: FunctionStore, capsys: pytest.CaptureFixture[str], content: str) -> None:
    (function.path / "v2" / "state.json").write_text(content)
    code, out = run(capsys, "list", "shop.py:total")
    assert code == 1
    assert "forced_open, pinned (its stored state is damaged)" in out


def test_a_reset_mends_a_damaged_entry_but_throws_no_file_away(
    function: FunctionStore, capsys: pytest.CaptureFixture[str]
) -> None:
    path = function.path / "v2" / "state.json"
    path.write_text('{"breakers": 7, "learnt": 1}')
    assert run(capsys, "reset", "shop.py:total", "--version", "v2")[0] == 0
    assert run(capsys, "list", "shop.py:total")[0] == 0
    assert json.loads(path.read_text())["learnt"] == 1
    path.write_text("{")
    assert main(["breaker", "reset", "shop.py:total", "--version", "v2"]) == 2
    assert "restore the file or remove the version" in capsys.readouterr().err
    assert path.read_text() == "{"


def test_what_a_file_says_reaches_no_terminal_as_it_is(
    function: FunctionStore, capsys: pytest.CaptureFixture[str]
) -> None:
    run(capsys, "force", "shop.py:total", "--reason", "\x1b[2J\u202egone")
    assert "\\x1b[2J\\u202egone" in run(capsys, "show", "shop.py:total")[1]
    assert len(function.names()) == 2


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["show", "shop.py"], "does not name a file and a function"),
        (["show", "shop.py:other"], "other has no versions in"),
        (["show", "nowhere:total"], "no module 'nowhere'"),
        (["show", "shop.py:total", "--version", "v7"], "total has no version v7; it has v1, v2"),
        (["force", "shop.py:total", "--version", "../v1"], "has no version"),
    ],
)
def test_wrong_use_says_what_is_wrong(
    function: FunctionStore, capsys: pytest.CaptureFixture[str], arguments: list[str], why: str
) -> None:
    assert main(["breaker", *arguments]) == 2
    assert why in " ".join(capsys.readouterr().err.split())
    assert function.state("v2") is None


def test_without_a_version_that_serves_one_must_be_named(
    function: FunctionStore, capsys: pytest.CaptureFixture[str]
) -> None:
    (function.path / "current").unlink()
    assert main(["breaker", "force", "shop.py:total"]) == 2
    assert "no version of total serves; choose one with --version: v1, v2" in capsys.readouterr().err
