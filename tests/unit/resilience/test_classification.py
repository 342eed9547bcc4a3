"""Whose fault an outcome is, row by row of the verdicts."""

import pytest

from poet_engine.outcome import Outcome, Status
from poet_engine.resilience.classification import Classification, Count, classify
from poet_engine.sandbox.verdict import TABLE, VerdictRow

SUCCESS, FAILURE, NOTHING = Count.SUCCESS, Count.FAILURE, Count.NOTHING

# What differs from the rule of its blame.
EXPECTED = {
    # the host held the arguments against the rules of the function before, and let them pass
    ("refused", "input"): Classification(FAILURE, SUCCESS),
    ("rejected", "scan_ast"): Classification(FAILURE, NOTHING),
    ("rejected", "scan_bandit"): Classification(FAILURE, NOTHING),
    ("rejected", "syntax"): Classification(FAILURE, NOTHING),
    ("rejected", "too_large"): Classification(FAILURE, NOTHING),
    ("rejected", "policy"): Classification(NOTHING, NOTHING),
    ("cancelled", "caller"): Classification(NOTHING, NOTHING),
    ("cancelled", "shutdown"): Classification(NOTHING, NOTHING),
    ("infra", "queue_full"): Classification(NOTHING, NOTHING),
    ("infra", "queue_timeout"): Classification(NOTHING, NOTHING),
}
BY_BLAME = {
    "code": Classification(FAILURE, SUCCESS),
    "caller": Classification(NOTHING, SUCCESS),
    "engine": Classification(NOTHING, FAILURE),
}


def of(row: VerdictRow) -> Outcome:
    return Outcome(status=row.status, cause=row.cause, blame=row.blame)


@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row.status}/{row.cause}")
def test_each_verdict_counts_against_whom_it_blames(row: VerdictRow) -> None:
    found = classify(of(row))
    expected = EXPECTED.get((str(row.status), row.cause)) or BY_BLAME[str(row.blame)]
    assert (found.version, found.backend) == (expected.version, expected.backend)
    assert (found.pin is not None) == (row.status is Status.VIOLATION)


def test_a_value_is_a_success_for_both() -> None:
    assert classify(Outcome(status=Status.OK)) == Classification(SUCCESS, SUCCESS)


def test_a_violation_pins_and_says_why() -> None:
    row = next(row for row in TABLE if row.status is Status.VIOLATION)
    assert str(classify(of(row)).pin).startswith("violation/")


@pytest.mark.parametrize("status", [Status.LIMIT, Status.CRASH, Status.NO_RESULT, Status.VIOLATION, Status.INFRA])
def test_that_the_original_raises_too_excuses_an_error_and_nothing_else(status: Status) -> None:
    row = next(row for row in TABLE if row.status is status)
    assert classify(of(row), original_raises=True) == classify(of(row))
    error = next(row for row in TABLE if row.status is Status.ERROR)
    assert classify(of(error), original_raises=True) == Classification(NOTHING, SUCCESS)


def test_a_wall_that_the_deadline_had_cut_short_is_nobodys_fault() -> None:
    rows = {row.cause: of(row) for row in TABLE if row.status is Status.LIMIT}
    assert classify(rows["wall"], wall_clipped=True) == Classification(NOTHING, SUCCESS)
    assert classify(rows["cpu"], wall_clipped=True) == Classification(FAILURE, SUCCESS)


def test_an_outcome_without_blame_counts_for_nobody() -> None:
    assert classify(Outcome(status=Status.INFRA)) == Classification(NOTHING, NOTHING)
