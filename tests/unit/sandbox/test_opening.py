"""A sandbox that is still being opened, with one behind it whose opening the test holds up."""

import os
import threading
from collections.abc import Callable

import pytest

from poet_engine.errors import ClosedError, SandboxUnavailableError
from poet_engine.job import Job, Script
from poet_engine.outcome import Blame, Outcome, Status
from poet_engine.sandbox.base import Sandbox, SandboxStatistics
from poet_engine.sandbox.fake import ScriptedSandbox
from poet_engine.sandbox.opening import OpeningSandbox

JOB = Job(source="def f(): return 1", entry="f")
DOWN = "isolation check 'network' does not hold; give it a network namespace"


class HeldUp:
    """Opens a scripted sandbox when it is let."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.let = threading.Event()
        self.behind = ScriptedSandbox([Outcome(status=Status.OK, value=1)])
        self._error = error

    def __call__(self) -> Sandbox:
        assert self.let.wait(30)
        if self._error is not None:
            raise self._error
        return self.behind


def _in_a_thread(act: Callable[[], object]) -> tuple[threading.Thread, list[object]]:
    came: list[object] = []
    thread = threading.Thread(target=lambda: came.append(act()))
    thread.start()
    return thread, came


def test_it_is_there_at_once_and_a_call_waits_for_the_walls() -> None:
    held_up = HeldUp()
    with OpeningSandbox("auto", held_up) as sandbox:
        thread, came = _in_a_thread(lambda: sandbox.run(JOB))
        assert (sandbox.name, sandbox.statistics(), came) == ("auto", SandboxStatistics(), [])
        held_up.let.set()
        thread.join()
        assert [outcome.value for outcome in came if isinstance(outcome, Outcome)] == [1]
        assert sandbox.name == "scripted"
        assert sandbox.statistics().calls == 1


@pytest.mark.parametrize("what", [JOB, Script(source="1")])
def test_no_code_runs_where_a_wall_does_not_stand(what: Job | Script) -> None:
    held_up = HeldUp(SandboxUnavailableError(DOWN))
    held_up.let.set()
    with OpeningSandbox("auto", held_up) as sandbox:
        outcome = sandbox.run_script(what) if isinstance(what, Script) else sandbox.run(what)
        assert (outcome.status, outcome.cause, outcome.blame) == (Status.INFRA, "setup", Blame.ENGINE)
        assert outcome.evidence is not None
        assert outcome.evidence.value == DOWN
        with pytest.raises(SandboxUnavailableError, match="network namespace"):
            sandbox.walls()
    assert held_up.behind.statistics().calls == 0


def test_a_fault_of_ours_is_raised_where_it_is_met() -> None:
    held_up = HeldUp(ZeroDivisionError("ours"))
    held_up.let.set()
    with OpeningSandbox("process", held_up) as sandbox, pytest.raises(ZeroDivisionError, match="ours"):
        sandbox.run(JOB)


def test_closing_it_closes_what_was_opened_in_the_meantime() -> None:
    held_up = HeldUp()
    sandbox = OpeningSandbox("auto", held_up)
    thread, _came = _in_a_thread(sandbox.close)
    held_up.let.set()
    thread.join()
    with pytest.raises(ClosedError):
        held_up.behind.run(JOB)


def test_in_a_forked_child_nobody_waits_for_a_thread_that_is_not_there() -> None:
    held_up = HeldUp()
    with OpeningSandbox("auto", held_up) as sandbox:
        pid = os.fork()
        if pid == 0:
            try:
                sandbox.run(JOB)
            except ClosedError:
                os._exit(7)
            os._exit(1)
        _pid, status = os.waitpid(pid, 0)
        held_up.let.set()
    assert os.waitstatus_to_exitcode(status) == 7
