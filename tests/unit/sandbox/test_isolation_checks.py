"""What is said of a wall from what a probe came back with; the probe itself runs in the sandbox's own tests."""

import socket
import stat
from pathlib import Path

import pytest

from poet_engine.job import Job
from poet_engine.outcome import Evidence, Outcome, Status
from poet_engine.policy import Policy
from poet_engine.sandbox import isolation_checks
from poet_engine.sandbox.base import IsolationCheck
from poet_engine.sandbox.fake import failed, ok

LIMITS = Policy.load("restricted").limits
STOPPED = {"deed": "try it", "through": False, "answer": "EPERM"}
THROUGH = {"deed": "try it twice", "through": True, "answer": "42"}
ALL_STOPPED: dict[str, object] = {name: [STOPPED] for name in isolation_checks.NAMES}
OVER_MEMORY = Outcome(status=Status.LIMIT, cause="memory", evidence=Evidence("memory.oom_kill", 1))


def probe(attempts: object, growth: Outcome = OVER_MEMORY, *, thorough: bool = True) -> dict[str, IsolationCheck]:
    """Reports by wall, of a sandbox in which the two probes come to this."""

    def run(job: Job) -> Outcome:
        return ok(attempts) if job.entry == "attempt_all" else growth

    reports = isolation_checks.probe(run, LIMITS, counted_by="cgroup v1", thorough=thorough)
    assert [report.wall for report in reports] == list(isolation_checks.NAMES)
    return {report.wall: report for report in reports}


def test_walls_that_stopped_everything_stand() -> None:
    reports = probe(ALL_STOPPED)
    assert all(report.held for report in reports.values())
    assert (reports["network"].tried, reports["network"].stopped_by) == ("try it", "EPERM")
    assert reports["tasks"].stopped_by == "cgroup v1: EPERM"


def test_one_deed_that_got_through_brings_the_wall_down() -> None:
    report = probe({**ALL_STOPPED, "network": [STOPPED, THROUGH]})["network"]
    assert not report.held
    assert report.tried == "try it; try it twice"
    assert report.stopped_by == "nothing: try it twice: 42"
    assert report.remedy


@pytest.mark.parametrize(
    "attempts",
    [
        None,
        [],
        "held",
        {},
        1,
        [{"deed": "x", "answer": "y"}],
        [None],
        [{"through": 0}],
        [{"through": "no"}],
        [STOPPED, 1],
    ],
)
def test_a_wall_stands_only_when_every_deed_was_reached_and_stopped(attempts: object) -> None:
    """Nothing tried, nothing said, or anything but a plain no: all of that is a wall that does not stand."""
    assert not probe({**ALL_STOPPED, "filesystem": attempts})["filesystem"].held


def test_a_wall_that_no_probe_spoke_of_does_not_stand() -> None:
    reports = probe({})
    assert not any(report.held for report in reports.values())
    assert all(report.remedy for report in reports.values())


@pytest.mark.parametrize(
    "outcome", [failed(Status.INFRA, "setup"), failed(Status.ERROR, "exception"), ok([1]), ok(None)]
)
def test_without_a_probe_no_wall_stands(outcome: Outcome) -> None:
    reports = isolation_checks.probe(lambda _job: outcome, LIMITS, counted_by="rlimits")
    assert [report.wall for report in reports] == list(isolation_checks.NAMES)
    assert not any(report.held for report in reports)
    assert all(report.tried == "the probe did not run" for report in reports)


class TestGrowth:
    @pytest.mark.parametrize(
        ("growth", "held"),
        [
            (OVER_MEMORY, True),
            (failed(Status.CRASH, "signal:SIGBUS"), True),
            (ok(None), False),
            (failed(Status.LIMIT, "wall"), False),
            (failed(Status.ERROR, "exception"), False),
        ],
    )
    def test_memory_stands_when_using_it_up_was_stopped(self, growth: Outcome, held: bool) -> None:  # noqa: FBT001 - a table
        report = probe(ALL_STOPPED, growth)["memory"]
        assert report.held is held
        assert bool(report.remedy) is not held

    def test_it_is_not_tried_when_only_a_quick_look_was_asked_for(self) -> None:
        assert probe(ALL_STOPPED, ok(None), thorough=False)["memory"].held

    def test_it_is_not_tried_when_the_wall_is_down_already(self) -> None:
        report = probe({**ALL_STOPPED, "memory": [THROUGH]})["memory"]
        assert report.stopped_by == "nothing: try it twice: 42"


def test_the_probe_gets_a_readable_file_and_a_listener_of_the_host() -> None:
    """Else a wall could be said to stand because there was nothing behind it."""
    jobs: list[Job] = []

    def run(job: Job) -> Outcome:
        path, port = job.args[0], job.args[1]
        assert isinstance(path, str)
        assert isinstance(port, int)
        assert Path(path).stat().st_mode & stat.S_IROTH
        assert Path(path).read_bytes()
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
        jobs.append(job)
        return ok({})

    isolation_checks.probe(run, LIMITS, counted_by="rlimits", thorough=False)
    assert len(jobs) == 1


class TestWhatIsTried:
    @pytest.mark.parametrize("limits", ["", "processes = 56\nthreads = 200", 'memory = "1GiB"'])
    @pytest.mark.parametrize("thorough", [True, False])
    def test_a_policy_that_can_be_used_up_is_tried_itself(self, limits: str, *, thorough: bool) -> None:
        policy = Policy.parse(f"version = 1\n[limits]\n{limits}", source="mine.toml")
        assert isolation_checks.triable(policy, thorough=thorough) is policy

    @pytest.mark.parametrize("processes", [0, 1, 200, 4096])
    def test_of_thousands_of_tasks_some_hundreds_are_tried(self, processes: int) -> None:
        """A policy without processes is tried without them: the filter refuses them, and nothing counts them."""
        policy = Policy.parse(f"version = 1\n[limits]\nprocesses = {processes}\nthreads = 4096", source="mine.toml")
        tried = isolation_checks.triable(policy, thorough=False).limits
        assert (tried.processes > 0) is (processes > 0)
        assert 0 < tried.processes + tried.threads <= 256

    def test_memory_is_used_up_no_further_than_a_machine_may_have(self) -> None:
        policy = Policy.parse('version = 1\n[limits]\nmemory = "1024GiB"', source="mine.toml")
        assert isolation_checks.triable(policy, thorough=False) is policy
        assert isolation_checks.triable(policy, thorough=True).limits.memory == 1 << 30

    def test_a_probe_has_time_and_can_speak_however_short_the_codes_budgets_are(self) -> None:
        short = Policy.parse(
            'version = 1\n[limits]\nwall = "10ms"\ncpu = "10ms"\noutput = 0\nresult = 1024', source="a.toml"
        )
        own = isolation_checks.own_budgets(short.limits)
        assert (own.wall, own.output, own.result) == (30.0, 1 << 20, 1 << 20)
        assert own.cpu >= own.wall
        assert own.memory == short.limits.memory


def test_missing_walls_are_those_required_and_down() -> None:
    reports = [
        IsolationCheck("network", held=False, tried="", stopped_by=""),
        IsolationCheck("tasks", held=True, tried="", stopped_by=""),
    ]

    def named(*required: str) -> list[str]:
        return [report.wall for report in isolation_checks.missing(reports, frozenset(required))]

    assert named("network", "tasks") == ["network"]
    assert named("tasks") == []
    assert named() == []
