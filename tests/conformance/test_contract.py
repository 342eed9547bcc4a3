"""What every sandbox promises its caller, whether it runs code or plays a script."""

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from poet_engine.errors import ClosedError, SerializationError
from poet_engine.job import Job
from poet_engine.outcome import Status
from poet_engine.policy import Policy
from poet_engine.sandbox import isolation_checks
from poet_engine.sandbox.base import Sandbox

if TYPE_CHECKING:
    from tests.conformance.conftest import Open

ECHO = "def echo(value, **more):\n    return value\n"


def _job(*args: object, **kwargs: object) -> Job:
    return Job(source=ECHO, entry="echo", args=args, kwargs=kwargs)


def test_a_value_comes_back(fresh: Sandbox) -> None:
    outcome = fresh.run(_job(["a", 1, (2.5, None)]))

    assert outcome.status is Status.OK
    assert outcome.unwrap() == ["a", 1, (2.5, None)]
    assert outcome.sandbox == fresh.name
    assert outcome.blame is None


def test_an_argument_that_cannot_travel_is_named_and_nothing_runs(fresh: Sandbox) -> None:
    before = fresh.statistics().calls

    with pytest.raises(SerializationError) as by_position:
        fresh.run(_job(1, [0, threading.Lock()]))
    with pytest.raises(SerializationError) as by_name:
        fresh.run(_job(1, rows={"first": object()}))

    assert by_position.value.where == "argument 2[1]"
    assert by_name.value.where == "argument 'rows'['first']"
    assert "object" in str(by_name.value)
    assert fresh.statistics().calls == before


def test_an_argument_that_contains_itself_is_refused(fresh: Sandbox) -> None:
    endless: list[object] = []
    endless.append(endless)

    with pytest.raises(SerializationError, match="argument 1"):
        fresh.run(_job(endless))


def test_closing_twice_is_closing_once(fresh: Sandbox) -> None:
    fresh.run(_job(1))

    fresh.close()
    fresh.close()

    with pytest.raises(ClosedError, match="open another"):
        fresh.run(_job(1))


def test_a_sandbox_that_never_ran_anything_can_be_closed(fresh: Sandbox) -> None:
    fresh.close()

    with pytest.raises(ClosedError):
        fresh.run(_job(1))


def test_leaving_the_block_closes(fresh: Sandbox) -> None:
    with fresh as same:
        assert same is fresh

    with pytest.raises(ClosedError):
        fresh.run(_job(1))


def test_many_threads_at_once_each_get_their_own_answer(fresh: Sandbox) -> None:
    with ThreadPoolExecutor(8) as threads:
        outcomes = list(threads.map(lambda number: fresh.run(_job(number)), range(64)))

    assert [outcome.value for outcome in outcomes] == list(range(64))
    assert fresh.statistics().calls == 64


def test_every_wall_is_reported_once(fresh: Sandbox) -> None:
    reports = fresh.walls(thorough=False)

    assert tuple(report.wall for report in reports) == isolation_checks.NAMES
    assert all(report.tried and report.stopped_by for report in reports)


def test_statistics_are_a_snapshot(fresh: Sandbox) -> None:
    before = fresh.statistics()

    fresh.run(_job(1))

    assert (before.calls, fresh.statistics().calls) == (0, 1)


def test_its_repr_counts_the_calls(fresh: Sandbox) -> None:
    fresh.run(_job(1))

    assert "calls=1" in repr(fresh)


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")  # from Python 3.12 on; it is the deed
def test_a_forked_child_is_refused_at_once(open_real: "Open", policy: Policy) -> None:
    """A fork has the lanes' descriptors but not the thread that keeps them: without the check it would wait."""
    with open_real(policy) as sandbox:
        sandbox.run(_job(1))
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            _say_how_it_went(sandbox, writing)
        os.close(writing)
        with open(reading, encoding="utf-8") as pipe:  # noqa: PTH123 - a descriptor has no path
            said = pipe.read()
        _pid, status = os.waitpid(child, 0)

        assert (status, said) == (0, "ClosedError: this sandbox belongs to the process that opened it")
        assert sandbox.run(_job("still mine")).value == "still mine"


def _say_how_it_went(sandbox: Sandbox, writing: int) -> None:
    """In the child: try a call and a close, write what came of it, and end without pytest's own exit or its buffers."""
    status = 1
    try:
        sandbox.run(_job(2))
    except ClosedError as error:
        os.write(writing, f"ClosedError: {str(error).partition(',')[0]}".encode())
        sandbox.close()
        status = 0
    finally:
        os._exit(status)
