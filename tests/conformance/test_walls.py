"""The walls of real sandboxes: all of them hold, each was really tried, and a wall that is down is told to be down."""

from typing import TYPE_CHECKING

import pytest

from poet_engine.job import Job
from poet_engine.policy import Fresh, Policy
from poet_engine.sandbox import isolation_checks
from poet_engine.sandbox.base import Sandbox
from poet_engine.sandbox.process import ProcessSandbox

if TYPE_CHECKING:
    from tests.conformance.conftest import Open

# What must have been tried for a wall's report to mean anything.
TRIED = {
    "filesystem": ("read a file of the host", "see other processes in /proc", "write to the root folder"),
    "network": ("connect to a listener of the host",),
    "privilege": ("become root", "mount a file system", "change the root folder"),
    "syscalls": ("ptrace", "unshare a user namespace", "execute a program"),
    "memory": ("map more than the budget", "touch more than the budget through shared memory"),
    "tasks": ("start more threads than allowed", "fork"),
}

# The measures that together carry a wall: with all of them left out, the probe must get through.
CARRIERS = {
    "filesystem": "mounts landlock",
    "network": "netns seccomp landlock",
    "privilege": "ids capabilities seccomp landlock",
    "syscalls": "ids capabilities seccomp landlock",
    "memory": "cgroup rlimits",
    "tasks": "cgroup rlimits seccomp",
}

# What then happens for root and for an ordinary user alike, where that is not what is tried first.
HAPPENS = {"privilege": "change the root folder"}


def test_every_wall_holds_and_was_tried(real: Sandbox) -> None:
    reports = {report.wall: report for report in real.walls()}

    assert tuple(reports) == isolation_checks.NAMES
    assert {name: report.stopped_by for name, report in reports.items() if not report.held} == {}
    for name, deeds in TRIED.items():
        assert [deed for deed in deeds if deed not in reports[name].tried] == []
        assert reports[name].remedy == ""


def test_the_probe_leaves_the_sandbox_as_good_as_before(real: Sandbox) -> None:
    real.walls()

    assert [report.held for report in real.walls(thorough=False)] == [True] * len(isolation_checks.NAMES)


@pytest.mark.parametrize("fresh", Fresh)
def test_walls_are_tried_and_hold_however_fresh_a_call_is(open_real: "Open", fresh: Fresh) -> None:
    with open_real(Policy.parse(f'[isolation]\nfresh = "{fresh}"\n')) as sandbox:
        assert [report.stopped_by for report in sandbox.walls() if not report.held] == []
        assert sandbox.run(Job(source="def f():\n    return 6 * 7\n", entry="f")).value == 42


@pytest.mark.sandbox
@pytest.mark.parametrize("wall", CARRIERS)
def test_a_wall_whose_carriers_are_down_is_told_to_be_down(policy: Policy, wall: str) -> None:
    """The control of the probe: without it, a probe that tries nothing would report that all is well."""
    with ProcessSandbox(policy, without=frozenset(CARRIERS[wall].split())) as sandbox:
        report = next(report for report in sandbox.walls() if report.wall == wall)

    assert not report.held
    assert HAPPENS.get(wall, TRIED[wall][0]) in report.stopped_by
    assert report.remedy


@pytest.mark.sandbox
@pytest.mark.parametrize("measure", ["netns", "ids", "capabilities", "landlock", "cgroup"])
def test_with_one_measure_down_another_still_carries_its_walls(policy: Policy, measure: str) -> None:
    with ProcessSandbox(policy, without=frozenset({measure})) as sandbox:
        assert [report for report in sandbox.walls() if not report.held] == []


@pytest.mark.sandbox
@pytest.mark.parametrize("without", ["ids capabilities landlock", "seccomp landlock"], ids=["by filter", "by identity"])
def test_privileges_are_kept_away_twice(policy: Policy, without: str) -> None:
    """By the filter of system calls alone, and by having nothing to use them with alone."""
    with ProcessSandbox(policy, without=frozenset(without.split())) as sandbox:
        report = next(report for report in sandbox.walls(thorough=False) if report.wall == "privilege")

    assert report.held, report.stopped_by
