"""A waiver by file covers the file, however its path is spelled, in scans and in runs alike; and no other file."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from poet_engine import Engine, Job, Policy
from poet_engine.gate import Gate
from poet_engine.gate.policy_scan import policy_scan
from poet_engine.job import Script
from poet_engine.outcome import Status

SOURCE = "import os\n\n\ndef f():\n    return 3\n"  # the import is what is waived
Scan = Callable[[str, str], str | None]
POLICY = """
[[waivers]]
rule = "POET110"
scope = "{scope}"
owner = "us"
reason = "it is ours"
expires = 2999-12-31
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with a policy whose waiver names `a.py`, that file, and one of the same name in other folders."""
    for name in ("project/sub", "other", "project/deep/er"):
        (tmp_path / name).mkdir(parents=True)
    for name in ("project/a.py", "project/sub/a.py", "other/a.py", "project/deep/er/a.py"):
        (tmp_path / name).write_text(SOURCE)
    (tmp_path / "linked").symlink_to("project")
    (tmp_path / "project/away").symlink_to("../other")
    (tmp_path / "project/alias.py").symlink_to("a.py")
    (tmp_path / "project/mine.toml").write_text(POLICY.format(scope="a.py"))
    return tmp_path / "project"


@pytest.fixture(scope="module")
def gate() -> Iterator[Gate]:
    with Gate() as gate:
        yield gate


@pytest.fixture
def scan(gate: Gate, project: Path, monkeypatch: pytest.MonkeyPatch) -> Scan:
    """`scan(policy, path)` in the project's folder is the cause for which a file is turned down."""
    monkeypatch.chdir(project)
    return lambda policy, path: policy_scan(gate, SOURCE, Policy.load(policy), file=path, now=0).cause


# How the file may be called from its folder. `{}` is that folder, whole.
SPELLINGS = ("a.py", "./a.py", "sub/../a.py", "{}/a.py", "{}/../linked/a.py", "{}/./sub//../a.py", "alias.py")
# What is another file: `away/..` is not this folder, since `away` is a link to another one.
OTHERS = ("sub/a.py", "../other/a.py", "away/a.py", "away/../a.py", "deep/er/a.py", "{}/../other/a.py", "b.py")


def _poet(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(Path(sys.executable).with_name("poet")), *arguments],
        capture_output=True,
        text=True,
        cwd=folder,
        check=False,
    )


def _there(project: Path, spelling: str) -> str:
    path = spelling.format(project)
    Path(os.path.realpath(project / path)).touch()  # `b.py`, and `a.py` beside the folder that `away` leads to
    if not (project / path).read_text():
        (project / path).write_text(SOURCE)
    return path


@pytest.mark.parametrize("policy", ["mine.toml", "{}/mine.toml", "{}/../linked/mine.toml", "sub/../mine.toml"])
def test_a_scan_knows_the_file_by_every_spelling(scan: Scan, project: Path, policy: str) -> None:
    found = {one: scan(policy.format(project), one.format(project)) for one in SPELLINGS}
    assert found == dict.fromkeys(SPELLINGS)
    found = {one: scan(policy.format(project), one.format(project)) for one in OTHERS}
    assert found == dict.fromkeys(OTHERS, "scan_ast")


def test_the_command_line_scans_the_file_by_every_spelling_and_turns_the_others_down(project: Path) -> None:
    paths = [one.format(project) for one in SPELLINGS]
    done = _poet("scan", *paths, "--policy", "mine.toml", folder=project)
    assert done.returncode == 0, done.stdout + done.stderr
    paths = [_there(project, one) for one in OTHERS]
    done = _poet("scan", *paths, "--json", "--policy", "mine.toml", folder=project)
    assert [file["cause"] for file in json.loads(done.stdout)["files"]] == ["scan_ast"] * len(OTHERS)
    assert done.returncode == 1


def test_a_project_s_waiver_is_relative_to_the_project(project: Path) -> None:
    """Also from a folder below, where the same file has another path, and another file has the waived one."""
    (project / "mine.toml").unlink()
    table = POLICY.format(scope="a.py").replace("[[waivers]]", "[[tool.poet.policy.waivers]]")
    (project / "pyproject.toml").write_text(table)
    assert _poet("scan", "a.py", folder=project).returncode == 0
    assert _poet("scan", "../a.py", folder=project / "sub").returncode == 0
    assert _poet("scan", "a.py", folder=project / "sub").returncode == 1


@pytest.mark.sandbox
@pytest.mark.parametrize("spelling", ["./a.py", "sub/../a.py", "{}/a.py", "{}/../linked/a.py"])
def test_the_command_line_runs_the_file_by_every_spelling(project: Path, spelling: str) -> None:
    target = f"{spelling.format(project)}:f"
    done = _poet("run", target, "--policy", "mine.toml", "--sandbox", "process", "--json", folder=project)
    assert (done.returncode, json.loads(done.stdout)["value"]) == (0, 3)


@pytest.mark.sandbox
@pytest.mark.parametrize("spelling", ["sub/a.py", "away/../a.py"])
def test_the_command_line_does_not_run_the_others(project: Path, spelling: str) -> None:
    target = f"{_there(project, spelling)}:f"
    done = _poet("run", target, "--policy", "mine.toml", "--sandbox", "process", "--json", folder=project)
    assert json.loads(done.stdout)["status"] == "rejected"


@pytest.mark.sandbox
def test_a_job_goes_by_the_name_that_its_host_gives_it(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project)
    with Engine.open(Policy.load("mine.toml"), "process", journal=project.parent / "events.db") as engine:
        for spelling in SPELLINGS:
            path = spelling.format(project)
            assert engine.run_job(Job(source=SOURCE, entry="f", filename=path)).unwrap() == 3
            assert engine.scan(SOURCE, "f", path).cause is None
        for spelling in (*OTHERS, "<generated>"):
            path = spelling.format(project)
            assert engine.run_job(Job(source=SOURCE, entry="f", filename=path)).status is Status.REJECTED
            assert engine.scan(SOURCE, "f", path).cause == "scan_ast"
        assert engine.execute(Script(source=SOURCE, filename="./a.py")).outcome.ok
        assert engine.execute(Script(source=SOURCE, filename="sub/a.py")).outcome.status is Status.REJECTED


# What a source may say of where it comes from; none of it counts.
CLAIMS = (
    "# -*- coding: utf-8; filename: a.py -*-\n",
    "#line 1 'a.py'\n",
    "# file: a.py\n",
    "__file__ = 'a.py'\n",
    "'''a.py'''\n",
    "__name__ = 'a'\n",
)


@pytest.mark.parametrize("claim", CLAIMS)
def test_a_source_cannot_say_which_file_it_is(gate: Gate, project: Path, claim: str) -> None:
    policy = Policy.load(project / "mine.toml")
    for file in (str(project / "sub/a.py"), None):
        assert policy_scan(gate, claim + SOURCE, policy, names=["f"], file=file, now=0).cause == "scan_ast"


@pytest.mark.parametrize(
    ("scope", "paths"),
    [
        ("sub/*.py", (("sub/a.py", "sub/../sub/a.py"), ("a.py", "away/a.py"))),
        ("../other/*", (("../other/a.py", "away/a.py"), ("a.py",))),
        ("away/a.py", (("../other/a.py", "away/a.py"), ("a.py", "sub/a.py"))),
        ("deep/*.py", (("deep/er/a.py",), ("a.py", "sub/a.py"))),
        ("*.py", (("a.py", "sub/a.py", "deep/er/a.py"), ("../other/a.py", "away/../a.py"))),
        ("alias.py", (("alias.py", "a.py"), ("sub/a.py",))),
        ("al*.py", (("alias.py", "./alias.py"), ("a.py",))),
        ("{}/sub/a.py", (("sub/a.py",), ("a.py",))),
        ("{}/../linked/a.py", (("a.py",), ("sub/a.py",))),
    ],
)
def test_a_scope_is_relative_to_its_policy_s_folder(
    scan: Scan, project: Path, scope: str, paths: tuple[tuple[str, ...], tuple[str, ...]]
) -> None:
    """The first paths are covered, the second are not."""
    (project / "ours.toml").write_text(POLICY.format(scope=scope.format(project)))
    covered, others = paths
    assert [scan("ours.toml", path) for path in covered] == [None] * len(covered)
    assert [scan("ours.toml", path) for path in others] == ["scan_ast"] * len(others)


def test_a_folder_with_the_signs_of_a_pattern_is_taken_as_it_is_written(tmp_path: Path) -> None:
    for name in ("[ab]", "a"):
        (tmp_path / name).mkdir()
    (tmp_path / "[ab]/mine.toml").write_text(POLICY.format(scope="x.py"))
    (waiver,) = Policy.load(tmp_path / "[ab]/mine.toml").waivers
    assert waiver.covers("0" * 64, (), (os.path.realpath(tmp_path / "[ab]/x.py"),))
    assert not waiver.covers("0" * 64, (), (os.path.realpath(tmp_path / "a/x.py"),))
