"""What a run, a scan and the walls look like: text for people, one document for programs."""

import dataclasses
import errno
import io
import json

import pytest

from poet_engine._text import for_terminal
from poet_engine.cli import formatting
from poet_engine.cli.commands import doctor, scan
from poet_engine.cli.console import Screen
from poet_engine.errors import UsageError
from poet_engine.outcome import Blame, ErrorInfo, Evidence, Finding, Outcome, Severity, Status, Usage
from poet_engine.sandbox.base import Diagnosis, IsolationCheck, Means

_FINDING = Finding("POET101", Severity.HIGH, "os may not be imported", line=2, column=4)
_LIMIT = Outcome(
    status=Status.LIMIT,
    cause="wall",
    error=ErrorInfo("Timeout", "too slow", "Traceback:\n  somewhere"),
    stdout="first\n\x1b[2Jsecond",
    stdout_truncated=True,
    evidence=Evidence("wall_ms", 5000.5, 5000.0),
    blame=Blame.CODE,
    limits_hit=("output", "wall"),
    usage=Usage(wall_ms=5000.5, cpu_ms=3.25, memory_peak_bytes=3 * 2**20, tasks_peak=2),
    findings=(_FINDING,),
    sandbox="process",
    execution_id="0190",
)
_OK = Outcome(status=Status.OK, value={"score": (1, float("nan")), "name": "é"})


def _wall(name: str, *, held: bool, remedy: str = "") -> IsolationCheck:
    return IsolationCheck(name, held, "opened /etc/passwd", "pivot_root", remedy)


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def _screen(*, as_json: bool = False) -> tuple[Screen, io.StringIO, io.StringIO]:
    out, err = io.StringIO(), io.StringIO()
    return Screen(out, err, as_json=as_json), out, err


@pytest.mark.parametrize(
    ("status", "code"),
    [(Status.OK, 0), (Status.ERROR, 1), (Status.REFUSED, 1), (Status.REJECTED, 1), (Status.INFRA, 2)],
)
def test_exit_codes_tell_a_failed_outcome_from_our_own_fault(status: Status, code: int) -> None:
    assert formatting.exit_code(Outcome(status=status)) == code


def test_a_failure_says_what_why_and_whose_fault() -> None:
    screen, out, _ = _screen()
    formatting.print_outcome(screen, _LIMIT)
    assert out.getvalue().splitlines() == [
        "limit/wall: Timeout: too slow (wall_ms=5000.5 limit=5000)",
        "blame: code",
        "evidence: wall_ms=5000.5 limit=5000, from the supervisor",
        "limits hit: output, wall",
        "Traceback:",
        "  somewhere",
        "line 2: POET101 high: os may not be imported",
        "",
        "stdout (cut):",
        "first",
        "\\x1b[2Jsecond",
        "",
        "limit/wall, 5000.5 ms wall, 3.2 ms cpu, 3.0 MiB peak, 2 tasks, sandbox process",
    ]


def test_a_value_is_printed_as_its_plain_form() -> None:
    screen, out, _ = _screen()
    formatting.print_outcome(screen, _OK)
    value, _, usage = out.getvalue().rpartition("\n\n")
    assert json.loads(value) == {"score": [1, {"$float": "nan"}], "name": "é"}
    assert usage == "ok, 0.0 ms wall, 0.0 ms cpu\n"


def test_the_document_of_an_outcome_holds_every_field() -> None:
    screen, out, _ = _screen(as_json=True)
    formatting.print_outcome(screen, _LIMIT)
    document = json.loads(out.getvalue())
    fields = {field.name for field in dataclasses.fields(Outcome)} - {"execution_id", "job_id", "audited"} | {"id"}
    assert set(document) == fields
    assert document["status"] == "limit"
    assert document["evidence"] == {"counter": "wall_ms", "value": 5000.5, "limit": 5000.0, "source": "supervisor"}
    assert document["findings"][0]["severity"] == "high"
    assert document["stdout"] == "first\n\x1b[2Jsecond"


@pytest.mark.parametrize("value", [float("nan"), [10**5000], "\ud800", b"\xff", {1: object()}])
def test_a_document_is_ascii_and_strict_whatever_the_value(value: object) -> None:
    screen, out, _ = _screen(as_json=True)
    formatting.print_outcome(screen, Outcome(status=Status.OK, value=value, evidence=Evidence("odd", float("inf"))))
    assert out.getvalue().isascii()
    assert json.loads(out.getvalue(), parse_constant=pytest.fail)["status"] == "ok"


def test_a_scan_names_the_place_of_each_finding() -> None:
    screen, out, _ = _screen()
    scanned = scan.ScannedFile("bad.py", "00ff", "enforce", "scan_ast", (_FINDING,))
    scan.print_scan(screen, [scanned, dataclasses.replace(scanned, path="good.py", cause=None, findings=())])
    assert out.getvalue().splitlines() == [
        "bad.py:2:5: POET101 high: os may not be imported",
        "bad.py: rejected (scan_ast)",
        "good.py: clean",
    ]


def test_walls_that_did_not_hold_come_with_their_remedy() -> None:
    screen, out, _ = _screen()
    walls = (_wall("filesystem", held=True), _wall("memory", held=False, remedy="mend it"))
    doctor.print_diagnosis(screen, Diagnosis("process", walls, None))
    assert out.getvalue().splitlines() == [
        "sandbox: process, grade: weak",
        "check       held  tried               stopped by",
        "filesystem  yes   opened /etc/passwd  pivot_root",
        "memory      NO    opened /etc/passwd  pivot_root",
        "memory: mend it",
    ]


def test_walls_as_a_document() -> None:
    screen, out, _ = _screen(as_json=True)
    means = Means(counted_by="cgroup v1", own_uid=True, landlock=7, user_namespace=False)
    doctor.print_diagnosis(screen, Diagnosis("process", (_wall("memory", held=False),), means))
    document = json.loads(out.getvalue())
    assert document["grade"] == "weak"
    assert document["means"]["counted_by"] == "cgroup v1"
    assert document["remedies"] == ["memory: "]
    assert (document["sandbox"], document["all_held"], document["walls"][0]["held"]) == ("process", False, False)


def test_what_would_raise_the_grade_is_told_where_all_walls_hold() -> None:
    screen, out, _ = _screen()
    means = Means(counted_by="rlimits", own_uid=False, landlock=7, user_namespace=True)
    doctor.print_diagnosis(screen, Diagnosis("process", (_wall("memory", held=True),), means))
    *_, cgroup, user = out.getvalue().splitlines()
    assert "systemd-run --user --scope -p Delegate=yes" in cgroup
    assert "/etc/subuid" in user


def test_a_strong_sandbox_comes_without_remedies() -> None:
    means = Means(counted_by="cgroup v2", own_uid=True, landlock=7, user_namespace=True)
    assert Diagnosis("process", (_wall("memory", held=True),), means).remedies == ()


def test_a_pipe_gets_whole_values_and_no_codes() -> None:
    screen, out, _ = _screen()
    long = "x" * 500
    screen.line(f"[bold]{long}", style="bold")
    screen.table(("name", "value"), [(long, "a\nb")])
    assert out.getvalue() == f"[bold]{long}\nname{' ' * 498}value\n{long}  a b\n"


def test_a_terminal_gets_colour_and_a_drawn_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    out = _Terminal()
    screen = Screen(out, io.StringIO(), as_json=False)
    screen.line("text", style="bold")
    screen.table(("name",), [("one\x1b[2J",)])
    assert "\x1b[1mtext" in out.getvalue()
    assert "\\x1b[2J" in out.getvalue()
    assert "\x1b[2J" not in out.getvalue()


def test_an_error_is_one_line_on_standard_error_and_a_document() -> None:
    screen, out, err = _screen(as_json=True)
    screen.fail(ValueError("first\nsecond \x07"), exit_code=2)
    assert err.getvalue() == "poet: error: first second \\x07\n"
    assert json.loads(out.getvalue())["error"]["exit_code"] == 2


@pytest.mark.parametrize("character", ["\x00", "\x07", "\x1b", "\r", "\x9b", "\u202e", "\u2066", "\ud800", "\x7f"])
def test_no_character_that_acts_on_a_terminal_is_printed(character: str) -> None:
    assert character not in for_terminal(f"a{character}b")
    assert for_terminal("tab\tand\nnewline é 漢") == "tab\tand\nnewline é 漢"


class _FullDisk(io.StringIO):
    def write(self, text: str) -> int:
        del text
        raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("as_json", [False, True])
def test_an_output_that_cannot_be_written_is_an_error_of_one_sentence(*, as_json: bool) -> None:
    err = io.StringIO()
    screen = Screen(_FullDisk(), err, as_json=as_json)
    with pytest.raises(UsageError, match="standard output cannot be written: No space left") as caught:
        formatting.print_outcome(screen, _OK)
    screen.fail(caught.value, exit_code=2)
    assert err.getvalue() == "poet: error: standard output cannot be written: No space left on device\n"


def test_a_long_value_is_printed_on_many_lines() -> None:
    screen, out, _ = _screen()
    formatting.print_outcome(screen, Outcome(status=Status.OK, value=list(range(100))))
    assert out.getvalue().startswith("[\n  0,\n  1,\n")


@pytest.mark.parametrize(
    ("held", "counted_by", "own_uid", "grade"),
    [
        (True, "cgroup v1", True, "strong"),
        (True, "rlimits", True, "standard"),
        (True, "cgroup v2", False, "standard"),
        (False, "cgroup v1", True, "weak"),
    ],
)
def test_the_grade_follows_from_walls_and_means(held: bool, counted_by: str, own_uid: bool, grade: str) -> None:  # noqa: FBT001 - a table of cases
    means = Means(counted_by=counted_by, own_uid=own_uid, landlock=0, user_namespace=False)
    assert str(Diagnosis("process", (_wall("memory", held=held),), means).grade) == grade
