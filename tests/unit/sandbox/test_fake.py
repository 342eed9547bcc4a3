"""The sandbox that answers from a script behaves like one, apart from running anything."""

import concurrent.futures
import dataclasses

import pytest

from poet_engine._cancellation import Cancellation
from poet_engine.errors import ClosedError, SerializationError, UsageError
from poet_engine.job import Job, Script
from poet_engine.outcome import Blame, Outcome, Status
from poet_engine.sandbox import isolation_checks
from poet_engine.sandbox.base import Sandbox
from poet_engine.sandbox.fake import ScriptedSandbox, failed, ok

JOB = Job(source="", entry="f", args=[2])


def name_of(sandbox: Sandbox) -> str:
    with sandbox as entered:
        return entered.name


def test_it_is_a_sandbox() -> None:
    assert name_of(ScriptedSandbox([ok(1)])) == "scripted"


def test_answers_come_in_order_and_the_last_one_stays() -> None:
    sandbox = ScriptedSandbox([ok(1), failed(Status.LIMIT, "wall"), ok(3)])
    outcomes = [sandbox.run(JOB) for _ in range(5)]
    assert [outcome.value for outcome in outcomes] == [1, None, 3, 3, 3]
    assert outcomes[1].status is Status.LIMIT
    assert sandbox.jobs == [JOB] * 5
    assert sandbox.statistics().calls == 5


def test_an_answer_may_be_computed_from_the_job() -> None:
    assert ScriptedSandbox([lambda job: ok(job.args)]).run(JOB).value == [2]


def test_a_failure_has_what_a_real_one_has() -> None:
    outcome = failed(Status.INFRA, "setup", Blame.ENGINE)
    assert (outcome.status, outcome.cause, outcome.blame) == (Status.INFRA, "setup", Blame.ENGINE)
    assert outcome.evidence is not None
    assert failed(Status.ERROR, "exception").blame is Blame.CODE


def test_an_empty_script_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one answer"):
        ScriptedSandbox([])


def test_arguments_must_be_able_to_travel_as_everywhere() -> None:
    sandbox = ScriptedSandbox([ok(1)])
    with pytest.raises(SerializationError):
        sandbox.run(Job(source="", entry="f", args=[object()]))
    assert sandbox.jobs == []


def test_a_closed_one_refuses() -> None:
    with ScriptedSandbox([ok(1)]) as sandbox:
        sandbox.run(JOB)
    sandbox.close()
    with pytest.raises(ClosedError):
        sandbox.run(JOB)


def test_walls_stand_but_for_those_that_the_script_takes_down() -> None:
    reports = ScriptedSandbox([ok(1)], down=frozenset({"network"})).walls()
    assert [report.wall for report in reports] == list(isolation_checks.NAMES)
    assert [report.wall for report in reports if not report.held] == ["network"]


def test_many_threads_get_one_answer_each() -> None:
    script: list[Outcome] = [ok(number) for number in range(64)]
    sandbox = ScriptedSandbox(script)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        got = list(pool.map(lambda _: sandbox.run(JOB).value, range(64)))
    assert sorted(got, key=str) == sorted(range(64), key=str)


SCRIPT = Script(source="print(1)", files_in={"a": b"1"}, files_out=["a"])


def test_a_script_ends_well_and_leaves_nothing_unless_it_is_told_otherwise() -> None:
    sandbox = ScriptedSandbox([ok(1)])
    outcome = sandbox.run_script(SCRIPT)
    assert (outcome.status, outcome.value, outcome.files) == (Status.OK, None, {})
    assert (sandbox.scripts, sandbox.jobs, sandbox.statistics().calls) == ([SCRIPT], [], 1)


def test_the_answer_for_scripts_may_be_given_or_computed() -> None:
    limited = failed(Status.LIMIT, "wall")
    assert ScriptedSandbox([ok(1)], for_script=limited).run_script(SCRIPT) is limited
    copying = ScriptedSandbox([ok(1)], for_script=lambda script: dataclasses.replace(ok(None), files=script.files_in))
    assert copying.run_script(SCRIPT).files == {"a": b"1"}


def test_the_names_of_a_script_must_be_plain_as_everywhere() -> None:
    sandbox = ScriptedSandbox([ok(1)])
    with pytest.raises(UsageError, match=r"\.\."):
        sandbox.run_script(Script(source="", files_in={"../a": b""}))
    assert sandbox.scripts == []


def test_a_script_can_be_cancelled_and_a_closed_sandbox_refuses_it() -> None:
    sandbox = ScriptedSandbox([ok(1)])
    with Cancellation() as cancellation:
        cancellation.cancel()
        assert sandbox.run_script(SCRIPT, cancellation=cancellation).status is Status.CANCELLED
    sandbox.close()
    with pytest.raises(ClosedError):
        sandbox.run_script(SCRIPT)
