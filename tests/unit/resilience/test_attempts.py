"""What can be told from an answer: whether the body ran, whether another attempt is worth it, how long to wait."""

import email.message
import types

import pytest

from poet_engine.outcome import ErrorInfo, Outcome, Status
from poet_engine.resilience.attempts import AttemptResult, Transient, asked_to_wait, body_never_started
from poet_engine.sandbox.fake import failed, ok
from poet_engine.sandbox.verdict import TABLE

DEFAULT = Transient.of((ConnectionError, TimeoutError))
NEVER_STARTED = {
    *(("rejected", cause) for cause in ("scan_ast", "scan_bandit", "policy", "syntax", "too_large")),
    *(("infra", cause) for cause in ("setup", "queue_timeout", "queue_stalled", "queue_full")),
}


def raised(name: str, cause: str = "exception") -> AttemptResult:
    return AttemptResult(outcome=Outcome(status=Status.ERROR, cause=cause, error=ErrorInfo(name, "no")))


@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row.status}/{row.cause}")
def test_only_what_certainly_came_before_the_release_did_not_start(row: "types.SimpleNamespace") -> None:
    """Every line of the table of verdicts; a cancelled call and a lost lane may have had effects."""
    answer = AttemptResult(outcome=failed(row.status, row.cause, row.blame))
    assert body_never_started(answer) is ((str(row.status), row.cause) in NEVER_STARTED)


def test_an_argument_that_cannot_travel_started_nothing_and_a_value_something() -> None:
    assert body_never_started(AttemptResult(untried="argument 'x' cannot travel"))
    assert not body_never_started(AttemptResult(outcome=ok(1)))
    assert not body_never_started(AttemptResult(error=ConnectionError()))


class TestTransient:
    @pytest.mark.parametrize(
        ("answer", "expected"),
        [
            (AttemptResult(error=ConnectionResetError()), True),
            (AttemptResult(error=TimeoutError()), True),
            (AttemptResult(error=ValueError()), False),
            (AttemptResult(error=KeyboardInterrupt()), False),
            (raised("ConnectionError"), True),
            (raised("BrokenPipeError"), True),
            (raised("TimeoutError"), True),
            (raised("OSError"), False),
            (raised("ConnectionError", "nonzero_exit"), False),
            (AttemptResult(outcome=failed(Status.INFRA, "lane_lost")), True),
            (AttemptResult(outcome=failed(Status.LIMIT, "wall")), False),
            (AttemptResult(outcome=failed(Status.CANCELLED, "shutdown")), False),
            (AttemptResult(untried="cannot travel"), False),
            (AttemptResult(value=1), False),
        ],
    )
    def test_by_default(self, answer: AttemptResult, expected: bool) -> None:  # noqa: FBT001 - a column of the table above
        assert DEFAULT.holds(answer) is expected

    def test_subclasses_of_others_are_not_known_by_name(self) -> None:
        """A name that a version gives is compared with what Python itself has, whatever is loaded on the host."""

        class MineError(ConnectionError):
            pass

        assert DEFAULT.names == {
            "ConnectionError",
            "TimeoutError",
            "BrokenPipeError",
            "ConnectionAbortedError",
            "ConnectionRefusedError",
            "ConnectionResetError",
        }
        assert not DEFAULT.holds(raised("MineError"))
        assert DEFAULT.holds(AttemptResult(error=MineError()))
        assert Transient.of((MineError,)).holds(raised("MineError"))


class AskingError(Exception):
    """An error that asks for a pause, in one of the ways in which libraries do."""

    def __init__(self, **attributes: object) -> None:
        super().__init__()
        vars(self).update(attributes)


class BrokenError(Exception):
    @property
    def retry_after(self) -> float:
        raise RuntimeError("no number")


def responding(value: str) -> AskingError:
    return AskingError(response=types.SimpleNamespace(headers={"Retry-After": value}))


def urllibs(value: str) -> AskingError:
    headers = email.message.Message()
    headers["retry-after"] = value
    return AskingError(headers=headers)


@pytest.mark.parametrize(
    ("error", "seconds"),
    [
        (AskingError(retry_after=2), 2.0),
        (AskingError(retry_after="3"), 3.0),
        (AskingError(retry_after=-1), None),
        (AskingError(retry_after=float("nan")), None),
        (AskingError(retry_after=True), None),
        (responding("7"), 7.0),
        (responding("Thu, 01 Jan 1970 00:01:10 GMT"), 60.0),
        (responding("Thu, 01 Jan 1970 00:00:01 GMT"), 0.0),
        (responding("soon"), None),
        (responding("9" * 1000), None),
        (urllibs("5"), 5.0),
        (BrokenError(), None),
        (ValueError(), None),
    ],
    ids=repr,
)
def test_what_a_failure_asks_for(error: Exception, seconds: float | None) -> None:
    """It is 1970-01-01 00:00:10."""
    assert asked_to_wait(AttemptResult(error=error), now=lambda: 10.0) == seconds


def test_a_version_cannot_ask_to_be_waited_for() -> None:
    assert asked_to_wait(raised("ConnectionError"), now=lambda: 0.0) is None
