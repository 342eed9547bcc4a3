"""Checked by mypy and never run: what callers see of the types of the public names."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeVar, assert_type

from poet_engine import Engine, InputRefused, Job, Outcome, PoetError, Policy, poet
from poet_engine.decorator import Execution
from poet_engine.events import Event
from poet_engine.outcome import Blame, ErrorInfo, Evidence, Finding, Status, Usage
from poet_engine.sandbox.base import IsolationCheck
from poet_engine.versions import StoredVersion

_Item = TypeVar("_Item")


@poet
def bare(left: int, right: int = 0) -> float:
    """A function, decorated without arguments."""
    return left / right


@poet(domain="ml_monitoring", optimize_for="accuracy", policy="data", timeout="5s", record=True)
def configured(current_data: list[float], reference_data: list[float]) -> dict[str, object]:
    """A function, decorated with arguments."""
    return {"drift_detected": current_data == reference_data}


def decorated_functions_keep_their_types() -> None:
    """The parameters and the returned type of a decorated function are those of the user's own."""
    assert_type(bare(1, right=2), float)
    assert_type(bare.original(1), float)
    assert_type(configured([1.0], reference_data=[2.0]), dict[str, object])
    bare("1")  # type: ignore[arg-type]  # an argument of the wrong type is found
    bare(1, wrong=2)  # type: ignore[call-arg]  # so is a parameter that does not exist


class Monitor:
    """Methods stay with the original, and keep their types as well."""

    @poet(domain="ml_monitoring")
    def check(self, value: int) -> str:
        """A method."""
        return f"{self} {value}"

    @staticmethod
    @poet
    def shared(value: int) -> str:
        """A function in a class."""
        return str(value)

    @classmethod
    @poet
    def named(cls, value: int) -> str:
        """A method of the class."""
        return f"{cls} {value}"

    @property
    @poet
    def limit(self) -> int:
        """A property."""
        return 1


def decorated_methods_are_bound(monitor: Monitor) -> None:
    """`self` is filled in where the method is taken from an object, and only there."""
    assert_type(monitor.check(1), str)
    assert_type(Monitor.check(monitor, 1), str)
    assert_type(Monitor.shared(1), str)
    assert_type(Monitor.named(1), str)  # type: ignore[call-arg, arg-type]  # mypy fills in `cls` for plain functions alone
    assert_type(monitor.limit, int)
    monitor.check("1")  # type: ignore[arg-type]  # an argument of the wrong type is found


@poet()
def generic(items: Sequence[_Item], /, *more: _Item, default: _Item | None = None, **named: _Item) -> list[_Item]:
    """A function of any kind of item, with every kind of parameter."""
    return [*items, *more, *named.values(), *([] if default is None else [default])]


def generic_functions_stay_generic() -> None:
    """What comes out has the type of what went in."""
    assert_type(generic(["a"], "b", key="c"), list[str])
    assert_type(generic([1], default=2), list[int])
    generic(items=[1])  # type: ignore[call-arg]  # a parameter that is positional only stays so


@poet
def numbers(count: int) -> Iterator[int]:
    """A generator function."""
    yield from range(count)


def generators_are_iterated() -> None:
    """Each item has its type."""
    for number in numbers(2):
        assert_type(number, int)


@poet(timeout=2.5, retries=None, idempotent=False, retry_on=(OSError, TimeoutError))
async def awaited(value: int) -> str:
    """An async function."""
    return str(value)


async def decorated_async_functions_are_awaited() -> None:
    """What is awaited has the type that the user's function gives."""
    assert_type(await awaited(1), str)
    assert_type(await awaited.original(1), str)
    assert_type(await awaited.poet.acall(1), Execution)
    await awaited("1")  # type: ignore[arg-type]  # an argument of the wrong type is found


def the_handle_tells_everything() -> None:
    """`.poet` takes the function's own parameters and gives values that have types."""
    execution = configured.poet.call([1.0], reference_data=[2.0])
    assert_type(execution, Execution)
    assert_type(execution.value, object)
    assert_type(execution.outcome, Outcome)
    assert_type(execution.fallback_reason, str | None)
    assert_type(execution.queue_wait, float | None)
    assert_type(configured.poet.versions(), list[StoredVersion])
    assert_type(configured.poet.current, StoredVersion | None)
    assert_type(configured.poet.reason, str | None)
    assert_type(configured.poet.adopt("def configured(): ..."), StoredVersion)
    assert_type(configured.poet.event(execution.event_id), Event | None)
    assert_type(configured.poet.doctor(), tuple[IsolationCheck, ...])
    configured.poet.rollback("v1", reason="too many alarms")
    assert_type(configured.poet.feedback(execution.execution_id, rating=0.5, comments="good", type="user"), str)
    configured.poet.feedback(execution.execution_id, type="praise")  # type: ignore[arg-type]  # no kind of feedback
    configured.poet.call([1.0], wrong=1)  # type: ignore[call-arg]  # so is a parameter that does not exist
    poet(domain=1)  # type: ignore[call-overload]  # and an option of the wrong type
    poet(retry_on=KeyError)
    poet(retry_on=(KeyboardInterrupt,))  # type: ignore[arg-type]  # what is no Exception is not tried again


def an_engine_answers_with_outcomes(source: str) -> None:
    """Running never raises for what the code did: the outcome says it."""
    with Engine.open(policy="restricted", sandbox="auto") as engine:
        outcome = engine.run(source, "entry", 1, key="value")
        assert_type(outcome, Outcome)
        assert_type(engine.run_job(Job(source=source, entry="entry", args=[1])), Outcome)
        for mapped in engine.map([Job(source=source, entry="entry", id="a")], concurrency=2, ordered=False):
            assert_type(mapped, Outcome)
            assert_type(mapped.job_id, str)
        engine.map(source, order=True)  # type: ignore[call-arg, arg-type]  # an option or jobs of the wrong kind are found
        assert_type(engine.undecorate(source), str)
        script = engine.run_script(source, stdin="text", files_in={"a": b"1", "b": Path("b")}, files_out=["*.csv"])
        assert_type(script, Outcome)
        notebook = engine.run_notebook(["x = 1", source], modules={"m": source}, on_output=print)
        assert_type(notebook, Outcome)
        assert_type(notebook.value_text, str)
        engine.run_notebook(Path("a.ipynb"), argv=["x"])  # type: ignore[call-arg]  # nobody passes a notebook arguments
        engine.run(source, "entry", on_output=lambda stream, text: stream.upper() + text.upper())
        engine.run_script(source, on_output=print)
        engine.run_script(source, on_output="print")  # type: ignore[arg-type]  # a function is called with the output
        engine.run_script(source, files_in={"a": "1"})  # type: ignore[dict-item]  # text has no bytes until it is encoded
        assert_type(engine.sandbox_name, str)


def an_outcome_tells_the_whole_story(outcome: Outcome) -> object:
    """Every field has a type of its own, and `unwrap()` raises errors that callers may catch."""
    assert_type(outcome.status, Status)
    assert_type(outcome.cause, str | None)
    assert_type(outcome.error, ErrorInfo | None)
    assert_type(outcome.evidence, Evidence | None)
    assert_type(outcome.blame, Blame | None)
    assert_type(outcome.usage, Usage)
    assert_type(outcome.findings, tuple[Finding, ...])
    assert_type(outcome.limits_hit, tuple[str, ...])
    assert_type(outcome.files, Mapping[str, bytes])
    assert_type(outcome.files_skipped, Mapping[str, str])
    try:
        return outcome.unwrap()
    except InputRefused as refused:
        return refused.outcome
    except PoetError:
        return None


def a_policy_is_loaded_by_name_or_path() -> None:
    """Both ways end in the same type."""
    assert_type(Policy.load("restricted"), Policy)
    assert_type(Policy.parse("version = 1"), Policy)
    Policy.load(b"restricted")  # type: ignore[arg-type]  # bytes are no name
