"""25: `repr(outcome)` raised for a huge integer, and `engine.run(None, …)` was an AttributeError.

What is printed while looking for a fault never fails itself, and wrong use is a UsageError with what is wrong, why, and
how to mend it.
"""

import asyncio
import collections
import decimal
import fractions
from collections.abc import Callable
from pathlib import Path
from typing import Protocol, cast

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from poet_engine import Engine
from poet_engine._repr import short
from poet_engine.decorator import Execution
from poet_engine.errors import UsageError
from poet_engine.job import Job, Script
from poet_engine.outcome import ErrorInfo, Evidence, Outcome, Status

HEAD = 'version = 1\nname = "reprs"\nextends = "restricted"\n[static]\nmode = "warn"\n'
HUGE = 10**5000
MOST = 4000


class Broken:
    """An object that cannot be shown."""

    def __repr__(self) -> str:
        raise RuntimeError("no")


class Shapeless(Broken):
    """An object whose every attribute fails."""

    @property
    def shape(self) -> object:
        raise RuntimeError("no")


def holding_itself() -> list[object]:
    found: list[object] = []
    found.append(found)
    return found


VALUES: list[object] = [
    *(HUGE, -HUGE, [HUGE] * 100, {HUGE: HUGE}, (HUGE,), {1, HUGE}, fractions.Fraction(1, HUGE), range(HUGE)),
    *(decimal.Decimal(HUGE), complex("nan"), "a" * 10**6, b"a" * 10**6, bytearray(10**6), list(range(10**6))),
    *(dict.fromkeys(range(10**5)), set(range(10**5)), frozenset(range(10**5)), collections.deque(range(10**5))),
    *(Broken(), [Broken()], {"a": Broken()}, Shapeless(), holding_itself(), "\ud800", Broken, lambda: 1),
    *(np.zeros((1000, 1000)), np.array(1), np.float64(1), pd.DataFrame({"a": range(10**5)}), pd.Series(range(10**5))),
]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_an_outcome_with_any_value_is_shown_on_one_short_line(value: object) -> None:
    outcome = Outcome(status=Status.OK, value=value, stdout="x\n" * 10**5)
    execution = Execution(
        value=value, served_by="original", version="v1", outcome=outcome, execution_id="1", event_id="", attempts=1
    )
    for shown in (repr(outcome), str(outcome), repr(execution), f"{outcome}"):
        assert len(shown) < MOST
        assert "\n" not in shown
    assert repr(outcome).startswith("Outcome(status=<Status.OK: 'ok'>, value=")
    assert repr(execution).startswith("Execution(value=")


@given(st.recursive(st.none() | st.integers() | st.text() | st.binary() | st.floats(), st.lists, max_leaves=30))
@settings(deadline=None, max_examples=50)
def test_whatever_a_value_is_it_is_shown(value: object) -> None:
    shown = short(value)
    assert len(shown) <= 250
    assert "\n" not in shown


def test_what_is_as_always_is_left_out() -> None:
    shown = repr(Outcome(status=Status.ERROR, cause="exception", error=ErrorInfo("E", "m" * 10**5, "t" * 10**5)))
    assert shown.startswith("Outcome(status=<Status.ERROR: 'error'>, cause='exception', error=ErrorInfo(type='E'")
    assert "stdout" not in shown


def test_a_huge_number_as_evidence_is_told() -> None:
    outcome = Outcome(status=Status.REFUSED, cause="input", evidence=Evidence("x", HUGE, HUGE))
    assert outcome.describe().startswith("refused/input (x=<int of 16,610 bits> limit=<int of")


def test_a_huge_result_is_shown(open_engine: Callable[[str], Engine]) -> None:
    outcome = open_engine(HEAD).run("def f():\n    return [10 ** 5000, 1]\n", "f")
    assert outcome.value == [HUGE, 1]
    assert "value=[<int of 16,610 bits>, 1]" in repr(outcome)


F = "def f(*args, **kwargs): return 1"


class Loose(Protocol):
    """Something that is called in any way."""

    def __call__(self, *args: object, **kwargs: object) -> object:
        """Answer, or refuse."""


class Loosely:
    """An engine without its types, to be used in wrong ways."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def __getattr__(self, name: str) -> Loose:
        found: Loose = getattr(self._engine, name)
        return found


job = cast("Loose", Job)
script = cast("Loose", Script)
opened = cast("Loose", Engine.open)
listed = cast("Loose", list)
awaited = cast("Loose", asyncio.run)
WRONG: dict[str, tuple[Callable[[Loosely], object], str]] = {
    "no source": (lambda engine: engine.run(None, "f"), "pass the whole text of a module"),
    "bytes": (lambda engine: engine.run(b"def f(): pass", "f"), "source.decode()"),
    "a path": (lambda engine: engine.run(Path("f.py"), "f"), "source.read_text()"),
    "a function": (lambda engine: engine.run(len, "f"), "inspect.getsource(function)"),
    "no entry": (lambda engine: engine.run(F, None), "pass a function's name"),
    "a function as entry": (lambda engine: engine.run(F, len), "pass its name, 'len'"),
    "no name": (lambda engine: engine.run(F, "f()"), "name a function at the top level"),
    "for asyncio": (lambda engine: awaited(engine.arun(None, "f")), "pass the whole text"),
    "no job": (lambda engine: engine.run_job("f"), "pass Job(source=…, entry=…)"),
    "arguments": (lambda engine: engine.run_job(job(source=F, entry="f", args=3)), "pass a tuple or a list"),
    "one text": (lambda engine: engine.run_job(job(source=F, entry="f", args="ab")), "pass a tuple or a list"),
    "keywords": (lambda engine: engine.run_job(job(source=F, entry="f", kwargs={1: 2})), "keys are text"),
    "a wall": (lambda engine: engine.run_job(job(source=F, entry="f", wall="5s")), "pass seconds such as 2.5"),
    "nan": (lambda engine: engine.run_job(job(source=F, entry="f", wall=float("nan"))), "pass seconds such as 2.5"),
    "a filename": (lambda engine: engine.run_job(job(source=F, entry="f", filename=3)), "pass a text"),
    "an id": (lambda engine: engine.run_job(job(source=F, entry="f", id=3)), "pass a text"),
    "a script": (lambda engine: engine.run_script(None), "pass the whole text"),
    "a script's source": (lambda engine: engine.execute(script(source=b"1")), "source.decode()"),
    "argv": (lambda engine: engine.run_script("1", argv=3), "pass a list of texts"),
    "files in": (lambda engine: engine.run_script("1", files_in=["a"]), "pass {name: content}"),
    "files out": (lambda engine: engine.run_script("1", files_out=3), "pass a list of texts"),
    "jobs": (lambda engine: listed(engine.map(3)), "pass a list or a generator"),
    "concurrency": (lambda engine: listed(engine.map([], concurrency="2")), "give a number of jobs"),
    "scan": (lambda engine: engine.scan(None), "pass the whole text"),
    "scanned name": (lambda engine: engine.scan(F, 3), "pass a function's name"),
    "undecorate": (lambda engine: engine.undecorate(None), "pass the whole text"),
    "load": (lambda engine: engine.load(None, "f"), "pass the whole text"),
    "loaded name": (lambda engine: engine.load(F, None), "pass a function's name"),
    "a policy": (lambda _: opened(3), "a preset's name such as 'restricted'"),
    "a sandbox": (lambda _: opened("restricted", None), "choose one of auto"),
    "a journal": (lambda _: opened("restricted", journal=3), "pass its path"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_use_says_what_why_and_how_to_mend_it(open_engine: Callable[[str], Engine], name: str) -> None:
    call, mend = WRONG[name]
    with pytest.raises(UsageError) as caught:
        call(Loosely(open_engine(HEAD)))
    assert mend in str(caught.value)


def test_a_wrong_job_among_many_has_an_outcome(open_engine: Callable[[str], Engine]) -> None:
    jobs = [3, job(source=None, entry="f", id="a"), job(source=F, entry="f", id="b")]
    found = list(open_engine(HEAD).map(cast("list[Job]", jobs)))
    told = [(one.status, one.job_id) for one in found]
    assert told == [(Status.REFUSED, ""), (Status.REFUSED, "a"), (Status.OK, "b")]
