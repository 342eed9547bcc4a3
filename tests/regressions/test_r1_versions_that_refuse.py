"""R1: a version that refuses what the function's own rules allow is given up, and the original answers."""

from tests.unit.decorator.conftest import Workshop

from poet_engine.errors import InputRefused
from poet_engine.job import Job
from poet_engine.outcome import Blame, ErrorInfo, Outcome, Status
from poet_engine.sandbox.fake import ok

CALLS = 60
FUNCTION = """\
from poet_engine.decorator import poet


@poet(domain="ml_monitoring")
def detect_drift(current, reference):
    {docstring}return {{"drift_detected": False}}
"""
REFUSAL = Outcome(
    status=Status.REFUSED,
    cause="input",
    blame=Blame.CALLER,
    error=ErrorInfo("InputRefused", "current: must be a table"),
)


def _who_answered(workshop: Workshop, docstring: str = "", current: object = 1.0) -> list[str]:
    """Who served each of many calls; `none` where the caller got the refusal."""
    detect = workshop.load(FUNCTION.format(docstring=docstring))
    served = []
    for _ in range(CALLS):
        try:
            served.append(detect.poet.call(current, 2.0).served_by)
        except InputRefused:
            served.append("none")
    return served


def test_one_that_refuses_every_call_is_given_up(workshop: Workshop) -> None:
    workshop.answer = REFUSAL
    served = _who_answered(workshop)
    assert served[-1] == "original"
    assert served.count("none") <= 10, "so many calls as a breaker needs for a rate"


def test_one_that_refuses_now_and_then_serves_on(workshop: Workshop) -> None:
    numbers = iter(range(CALLS))

    def answer(_: Job) -> Outcome:
        return REFUSAL if next(numbers) % 3 == 0 else ok({"drift_detected": True})

    workshop.answer = answer
    served = _who_answered(workshop)
    assert {who: served.count(who) for who in set(served)} == {"none": CALLS // 3, "generated": CALLS * 2 // 3}


def test_what_the_function_itself_refuses_counts_against_nobody(workshop: Workshop) -> None:
    """The host refuses it before the version is asked."""
    workshop.answer = ok({"drift_detected": True})
    assert set(_who_answered(workshop, '"""Current must be positive."""\n    ', -1.0)) == {"none"}
    assert workshop.load(FUNCTION.format(docstring="")).poet.call(1.0, 2.0).served_by == "generated"
