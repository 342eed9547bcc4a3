"""`poet explain`: which journal knows the call, what is told of it, and what is said where none does."""

import dataclasses
import json
from pathlib import Path
from typing import TypedDict

import pytest

from poet_engine.cli import main
from poet_engine.events import AttemptNote, BreakerPayload, EventFactory, FeedbackPayload, RefusalNote
from poet_engine.journal import Journal
from poet_engine.journal.explain import look_next
from poet_engine.journal.recorder import Recorder, payload
from poet_engine.outcome import Blame, ErrorInfo, Evidence, Finding, Outcome, Severity, Status, Usage
from poet_engine.policy import Policy
from poet_engine.resilience.call_report import CallReport

POLICY = Policy.load("restricted")
SLOW = Outcome(
    status=Status.LIMIT, cause="cpu", blame=Blame.CODE, sandbox="process", evidence=Evidence("cpu_ms", 4003.1, 4000),
    limits_hit=("cpu",), usage=Usage(wall_ms=4100.0, cpu_ms=4003.1, memory_peak_bytes=2_000_000),
)  # fmt: skip
CALL = CallReport(
    function_name="detect_drift", version="v3", execution_id="the-call", start=1_000.0, end=1_005.0, outcome=SLOW,
    served_by="original", attempts=1, fallback_reason="limit/cpu", policy=POLICY, deadline=5.0,
    queue_wait=0.25,
    tries=(
        AttemptNote(by="generated", result="limit/cpu", after_ms=250.0, took_ms=4100.0),
        AttemptNote(by="original", result="ok", after_ms=4350.0, took_ms=10.0),
    ),
)  # fmt: skip
OPENED = BreakerPayload(
    function_name="detect_drift", version="v3", sandbox="process", old_state="closed", new_state="open",
    reason="failure rate 60 % of 10 calls, 50 % opens", calls=10, pinned=False, manual=False,
)  # fmt: skip


class Desk:
    """A journal whose events are all recorded at a time of the test's choice."""

    def __init__(self, path: Path) -> None:
        self.path, self.now, self._ids = path, 1_005.0, 0

    def record(self, *recorded: CallReport | BreakerPayload | FeedbackPayload) -> None:
        factory = EventFactory(lambda: self.now, self._noise, "testing", "tests", "1.2")
        with Journal.open(self.path) as journal:
            recorder = Recorder(journal, factory)
            for one in recorded:
                if isinstance(one, CallReport):
                    recorder.record(one)
                elif isinstance(one, BreakerPayload):
                    recorder.transition(one)
                else:
                    journal.record(factory.feedback(one))

    def _noise(self, size: int) -> bytes:
        self._ids += 1
        return self._ids.to_bytes(size)


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """The journal of a function whose folder lies below the one that the command runs in."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("POET_HOME", str(tmp_path / "home"))
    return Desk(tmp_path / "package" / ".poet" / "events" / "journal.db")


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    code = main(["explain", *arguments])
    return code, capsys.readouterr().out


class Document(TypedDict):
    execution: dict[str, object]
    event: dict[str, object]
    journal: str
    breakers: list[dict[str, object]]
    feedback: list[dict[str, object]]
    look_next: list[str]


def document(capsys: pytest.CaptureFixture[str], *arguments: str) -> Document:
    found: Document = json.loads(run(capsys, *arguments, "--json")[1])
    return found


def test_the_whole_story_of_a_call(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    """Every part of it: who answered and why, lane, budgets, verdict, attempts, wait, breakers, feedback, what next."""
    said = FeedbackPayload(
        function_name="detect_drift", version="v3", execution_id="the-call", feedback_type="user", comments="too slow"
    )
    desk.record(CALL, OPENED, said)
    code, out = run(capsys, "the-call")
    assert code == 0
    for part in (
        "detect_drift, call the-call",
        "1970-01-01T00:16:40.000+00:00, took 5000.0 ms of 5000 ms",
        "by original, because limit/cpu",
        "v3 in the sandbox process",
        f"restricted, digest {POLICY.digest}",
        "let it through, no findings",
        "limit/cpu, blame: code",
        "cpu_ms=4003.1 limit=4000",
        "waited 250.0 ms for a place",
        "4,003.1 ms",
        "268,435,456 bytes",
        "generated  limit/cpu  250.0 ms",
        "detect_drift v3 (process): closed → open: failure rate 60 %",
        "user: too slow",
        "poet policy explain limits.cpu",
    ):
        assert part in out


def test_the_document_has_the_same_parts(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    desk.record(CALL, OPENED)
    found = document(capsys, "the-call")
    assert set(found) == Document.__required_keys__
    assert "budgets" in found["execution"]
    assert [event["type"] for event in found["breakers"]] == ["breaker.transition"]


def test_an_event_id_will_do(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    desk.record(CALL)
    with Journal.open(desk.path) as journal:
        [event] = journal.find()
    assert "call the-call" in run(capsys, event.id)[1]


@pytest.mark.parametrize(
    ("call", "breaker", "told"),
    [
        ("shop", ("detect_drift", "shop"), True),
        ("shop", ("detect_drift", "bank"), False),
        (None, ("detect_drift", "bank"), True),
        ("shop", ("Cart.detect_drift", "shop"), False),
        ("shop", ("package.shop.detect_drift", None), True),
        ("shop", ("backend process", None), True),
        ("shop", ("backend docker", None), False),
    ],
)
def test_breakers_are_those_of_the_call(
    desk: Desk, capsys: pytest.CaptureFixture[str], call: str | None, breaker: tuple[str, str | None], *, told: bool
) -> None:
    """Of its own function and backend; events of before name breakers by their folder, and those of calls no module."""
    name, module = breaker
    desk.record(dataclasses.replace(CALL, module=call), dataclasses.replace(OPENED, function_name=name, module=module))
    assert bool(document(capsys, "the-call")["breakers"]) is told


def test_a_call_that_a_breaker_turned_away_names_what_had_opened_it(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    """Not the breakers of other functions, nor what came after the call."""
    desk.now = 900.0
    desk.record(OPENED, dataclasses.replace(OPENED, function_name="other"))
    desk.now = 2_000.0
    refused = RefusalNote(by="breaker", reason="the breaker is open", retry_after=12.0)
    turned_away = dataclasses.replace(
        CALL, version="original", outcome=None, attempts=0, asked="v3", refusals=(refused,), tries=()
    )
    desk.record(turned_away, dataclasses.replace(OPENED, old_state="half_open"))
    found = document(capsys, "the-call")
    assert [event["timestamp"] for event in found["breakers"]] == [900.0]
    out = run(capsys, "the-call")[1]
    assert "v3 was to answer" in out
    assert "worth trying after 12 s" in out
    assert "poet breaker show" in out


def test_an_unknown_id_says_where_was_looked(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    desk.record(CALL)
    assert main(["explain", "nobody's"]) == 2
    error = capsys.readouterr().err
    assert 'no call has the id "nobody\'s"' in error
    assert "journal.db" in error


def test_without_any_journal_it_says_so(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    """And makes none."""
    assert main(["explain", "the-call"]) == 2
    assert "found no journal below this folder" in capsys.readouterr().err
    assert not desk.path.exists()


def test_a_journal_that_was_chosen_is_the_only_one(
    desk: Desk, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    desk.record(CALL)
    elsewhere = Desk(tmp_path / "elsewhere.db")
    elsewhere.record(OPENED)
    assert main(["explain", "the-call", "--journal", str(elsewhere.path)]) == 2
    assert main(["explain", "the-call", "--journal", str(desk.path)]) == 0
    assert main(["explain", "the-call", "--journal", "nowhere.db"]) == 2
    assert "there is no journal nowhere.db" in capsys.readouterr().err


def test_a_damaged_journal_does_not_hide_the_others(
    desk: Desk, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    damaged = tmp_path / ".poet" / "events" / "journal.db"
    damaged.parent.mkdir(parents=True)
    damaged.write_bytes(b"no database, and longer than a header" * 100)
    desk.record(CALL)
    assert main(["explain", "the-call"]) == 0
    assert "passed over" in capsys.readouterr().err


def test_text_of_a_guest_does_not_reach_the_terminal_as_it_is(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    error = ErrorInfo("ValueError", "\x1b[2Jgone", "Traceback\x07")
    desk.record(dataclasses.replace(CALL, outcome=dataclasses.replace(SLOW, error=error)))
    out = run(capsys, "the-call")[1]
    assert "\\x1b[2Jgone" in out
    assert "\x1b" not in out
    assert "\x07" not in out


FINDING = Finding("POET110", Severity.HIGH, "no")


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        (Outcome(status=Status.OK), ()),
        (Outcome(status=Status.REJECTED, cause="scan_ast", findings=(FINDING,)), ("docs/rules/POET110.md",)),
        (Outcome(status=Status.LIMIT, cause="fds"), ("limits.open_files",)),
        (Outcome(status=Status.LIMIT, cause="recursion"), (".poet/detect_drift/v3/code.py",)),
        (Outcome(status=Status.VIOLATION, cause="network"), ("poet breaker reset",)),
        (Outcome(status=Status.INFRA, cause="setup"), ("poet doctor",)),
        (Outcome(status=Status.ERROR, cause="exception"), (".poet/detect_drift/v3/code.py",)),
    ],
)
def test_where_to_look_next(outcome: Outcome, expected: tuple[str, ...]) -> None:
    found = look_next(payload(dataclasses.replace(CALL, outcome=outcome)))
    assert len(found) == len(expected)
    assert all(part in sentence for part, sentence in zip(expected, found, strict=True))
