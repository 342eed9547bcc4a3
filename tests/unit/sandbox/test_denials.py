"""The record of denied calls: what is counted, and what the policy makes of it."""

import dataclasses

import pytest

from poet_engine.outcome import DeniedCall, Status
from poet_engine.policy import OnDenied, Policy
from poet_engine.sandbox.denials import DenialRecord

INTERNET, NETLINK = (2, 1, 0, 0, 0, 0), (16, 3, 0, 0, 0, 0)
ISOLATION = Policy.load("restricted").isolation


def test_calls_are_counted_by_name_in_the_order_of_their_first_time() -> None:
    record = DenialRecord(ISOLATION)
    for name, times in (("listxattr", 1), ("socket", 1), ("listxattr", 4)):
        assert record.saw(name, INTERNET, times) is None
    assert record.calls == (DeniedCall("listxattr", 5), DeniedCall("socket", 1))


@pytest.mark.parametrize(
    ("tried", "cause"),
    [
        ([("socket", NETLINK)], "seccomp:socket"),
        ([("socket", NETLINK), ("socket", INTERNET)], "network"),
        ([("socket", INTERNET), ("socket", NETLINK)], "network"),
        ([("listxattr", INTERNET), ("socket", NETLINK)], "seccomp:socket"),
    ],
)
def test_a_socket_makes_an_uncaught_error_a_violation(tried: list[tuple[str, tuple[int, ...]]], cause: str) -> None:
    record = DenialRecord(ISOLATION)
    for name, arguments in tried:
        record.saw(name, arguments)
    assert record.denial is not None
    assert (record.denial.violation.cause, record.denial.caught) == (cause, False)


def test_other_calls_make_none_unless_the_policy_forgives_nothing() -> None:
    forgiving, strict = DenialRecord(ISOLATION), DenialRecord(dataclasses.replace(ISOLATION, fail_on_denied=True))
    assert forgiving.denial is strict.denial is None
    for record in (forgiving, strict):
        record.saw("setpriority", (0,))
    assert forgiving.denial is None
    assert strict.denial is not None
    assert (strict.denial.violation.cause, strict.denial.caught) == ("seccomp:setpriority", True)


def test_a_policy_may_end_the_run_at_the_first() -> None:
    kill = DenialRecord(dataclasses.replace(ISOLATION, on_denied=OnDenied.KILL)).saw("socket", INTERNET)
    assert kill is not None
    assert (kill.status, kill.cause) == (Status.VIOLATION, "network")
