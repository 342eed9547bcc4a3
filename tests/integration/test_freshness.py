"""How new the process of a call is: the promises of `[isolation] fresh`, each with the contrary case."""

import pytest

from poet_engine.job import Job
from poet_engine.outcome import Status
from poet_engine.policy import Policy
from poet_engine.sandbox.process import ProcessSandbox

pytestmark = pytest.mark.sandbox

_SOURCE = """
import os
calls = 0

def state():
    global calls
    calls += 1
    left = os.path.exists("/tmp/left")
    open("/tmp/left", "w").close()
    return {"calls": calls, "left": left, "seed": hash("seed"), "where": id(state)}

def fail():
    raise ValueError("no")
"""


def _sandbox(fresh: str) -> ProcessSandbox:
    return ProcessSandbox(Policy.parse(f'[isolation]\nfresh = "{fresh}"\n'))


def _states(sandbox: ProcessSandbox, count: int) -> list[dict[str, object]]:
    outcomes = [sandbox.run(Job(source=_SOURCE, entry="state")) for _ in range(count)]
    assert [outcome.status for outcome in outcomes] == [Status.OK] * count
    return [outcome.value for outcome in outcomes if isinstance(outcome.value, dict)]


def test_process_is_new_in_state_and_files_and_shares_the_hash_seed() -> None:
    with _sandbox("process") as sandbox:
        states = _states(sandbox, 6)
    assert {(state["calls"], state["left"]) for state in states} == {(1, False)}
    assert len({state["seed"] for state in states}) == 1


def test_exec_is_new_in_hash_seed_and_layout_too() -> None:
    with _sandbox("exec") as sandbox:
        states = _states(sandbox, 5)
        assert sandbox.statistics().zygotes_started >= 5
    assert {(state["calls"], state["left"]) for state in states} == {(1, False)}
    assert len({state["seed"] for state in states}) == 5
    assert len({state["where"] for state in states}) > 1


def test_none_keeps_one_version_in_one_process() -> None:
    with _sandbox("none") as sandbox:
        states = _states(sandbox, 4)
    assert [state["calls"] for state in states] == [1, 2, 3, 4]
    assert [state["left"] for state in states] == [False, True, True, True]


def test_none_never_lets_two_versions_share_a_process() -> None:
    with _sandbox("none") as sandbox:
        _states(sandbox, 2)
        for number in range(5):
            outcome = sandbox.run(Job(source=f"{_SOURCE}\n# version {number}\n", entry="state"))
            assert isinstance(outcome.value, dict)
            assert (outcome.value["calls"], outcome.value["left"]) == (1, False)


def test_none_starts_anew_after_anything_but_a_result() -> None:
    with _sandbox("none") as sandbox:
        assert _states(sandbox, 2)[-1]["calls"] == 2
        assert sandbox.run(Job(source=_SOURCE, entry="fail")).cause == "exception"
        assert _states(sandbox, 1)[0]["calls"] == 1


def test_none_does_not_take_an_answer_that_came_before_the_question() -> None:
    """A kept payload that speaks between calls is let go; its word is nobody's answer."""
    talks = """
import os, stat, threading

def ask(number):
    def later():
        os.write(request, b"\\x02\\x00\\x00\\x00\\x0299")
    if number == 0:
        threading.Timer(0.05, later).start()
    return number


request = next(fd for fd in range(3, 64) if stat.S_ISSOCK(os.fstat(fd).st_mode))
"""
    with _sandbox("none") as sandbox:
        assert sandbox.run(Job(source=talks, entry="ask", args=(0,))).value == 0
        wait = "import time\ndef wait():\n    time.sleep(0.3)\n    return True\n"
        assert sandbox.run(Job(source=wait, entry="wait")).value is True
        assert [sandbox.run(Job(source=talks, entry="ask", args=(number,))).value for number in (1, 2, 3)] == [1, 2, 3]
