"""What callers do with an outcome: read it, print it, unwrap it."""

import dataclasses
import enum

import pytest

from poet_engine import errors
from poet_engine.outcome import Blame, ErrorInfo, Evidence, Finding, Outcome, Severity, Status, Usage

EXPECTED = {
    Status.REFUSED: errors.InputRefused,
    Status.REJECTED: errors.RejectedError,
    Status.ERROR: errors.GuestError,
    Status.LIMIT: errors.LimitError,
    Status.CRASH: errors.CrashError,
    Status.VIOLATION: errors.ViolationError,
    Status.NO_RESULT: errors.NoResultError,
    Status.CANCELLED: errors.CancelledError,
    Status.INFRA: errors.InfraError,
}


@pytest.mark.parametrize("value", [None, 0, "", [1]])
def test_ok_unwraps_to_its_value(value: object) -> None:
    outcome = Outcome(status=Status.OK, value=value)
    assert outcome.ok
    assert outcome.unwrap() is value


@pytest.mark.parametrize("status", set(Status) - {Status.OK})
def test_every_other_status_raises_its_own_error_with_the_outcome_in_it(status: Status) -> None:
    outcome = Outcome(status=status, cause="why", value="never returned")
    assert not outcome.ok
    with pytest.raises(errors.OutcomeError, match=f"{status}/why") as caught:
        outcome.unwrap()
    assert type(caught.value) is EXPECTED[status]
    assert caught.value.outcome is outcome


def test_every_error_is_a_poet_error_and_a_refusal_is_a_value_error_too() -> None:
    assert all(issubclass(error, errors.PoetError) for error in EXPECTED.values())
    assert issubclass(errors.InputRefused, ValueError)


@pytest.mark.parametrize(
    ("outcome", "text"),
    [
        (Outcome(status=Status.OK), "ok"),
        (
            Outcome(status=Status.LIMIT, cause="cpu", evidence=Evidence("cpu_ms", 4012.5, 4000.0)),
            "limit/cpu (cpu_ms=4012.5 limit=4000)",
        ),
        (Outcome(status=Status.ERROR, cause="exception", error=ErrorInfo("E", "m")), "error/exception: E: m"),
        (Outcome(status=Status.ERROR, cause="exception", error=ErrorInfo("E", "")), "error/exception: E"),
        (
            Outcome(
                status=Status.REJECTED,
                cause="scan_ast",
                evidence=Evidence("POET110", source="gate"),
                findings=(Finding("POET110", Severity.HIGH, "no os here", line=3), Finding("B1", Severity.LOW, "x")),
            ),
            "rejected/scan_ast: POET110 on line 3: no os here (POET110)",
        ),
        (
            Outcome(status=Status.CRASH, cause="signal:SIGSEGV", findings=(Finding("B1", Severity.LOW, "x"),)),
            "crash/signal:SIGSEGV",
        ),
    ],
)
def test_one_sentence_says_status_cause_and_why(outcome: Outcome, text: str) -> None:
    assert outcome.describe() == text


@pytest.mark.parametrize(
    ("evidence", "text"),
    [
        (Evidence("counter"), "counter"),
        (Evidence("counter", 0), "counter=0"),
        (Evidence("counter", 0, 0), "counter=0 limit=0"),
        (Evidence("bytes", 268435456, 1 << 28), "bytes=268435456 limit=268435456"),
        (Evidence("ms", 1234567.891, 0.5), "ms=1.23457e+06 limit=0.5"),
        (Evidence("wait_status", "SIGKILL"), "wait_status=SIGKILL"),
    ],
)
def test_evidence_is_one_phrase(evidence: Evidence, text: str) -> None:
    assert str(evidence) == text


@pytest.mark.parametrize("kind", [Status, Blame, Severity])
def test_what_is_stored_and_compared_is_plain_text(kind: type[enum.StrEnum]) -> None:
    assert all(str(member) == member.value == member.value.lower() for member in kind)


def test_an_outcome_cannot_be_changed_behind_its_readers_back() -> None:
    for frozen in (
        Outcome(status=Status.OK),
        Usage(),
        Evidence("x"),
        ErrorInfo("E", "m"),
        Finding("r", Severity.LOW, ""),
    ):
        for field in dataclasses.fields(frozen):
            with pytest.raises(dataclasses.FrozenInstanceError):
                setattr(frozen, field.name, None)
