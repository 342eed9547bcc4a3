"""Notebooks, in every sandbox that runs code: cells share their names, and the last expression is the value."""

import dataclasses
from typing import TYPE_CHECKING, Protocol

import pytest

from poet_engine import _notebook
from poet_engine.job import Script
from poet_engine.outcome import Outcome, Status
from poet_engine.policy import Policy
from poet_engine.sandbox.base import Sandbox

if TYPE_CHECKING:
    from tests.conformance.conftest import Open

FIND_LOOP = """
import asyncio
try:
    asyncio.get_running_loop()
    print('a loop')
except RuntimeError:
    print('no loop')
"""


class RunCells(Protocol):
    """Runs a notebook with these cells."""

    def __call__(self, *cells: str) -> Outcome:
        """What came of it."""
        ...


def notebook_of(*cells: str) -> Script:
    """The cells as the engine gives them to a sandbox."""
    made = _notebook.joined([_notebook.Cell(number, text) for number, text in enumerate(cells, start=1)])
    return Script(source=made.text, filename="notebook.ipynb", cells=made.cells)


@pytest.fixture
def run_cells(real: Sandbox) -> RunCells:
    """`run_cells(*cells)` is the outcome of a notebook with these cells."""
    return lambda *cells: real.run_script(notebook_of(*cells))


VALUES: dict[str, tuple[tuple[str, ...], object]] = {
    "an expression": (("1 + 1",), 2),
    "names of earlier cells": (("x = 20", "def f():\n    return x + 1", "f() * 2"), 42),
    "the last cell that has code": (("1", "2", "# nothing", ""), 2),
    "a statement at the end": (("5", "x = 1"), None),
    "a semicolon": (("x = 1\nx + 1;  # hidden",), None),
    "an expression in parentheses": (("(1 +\n 2)",), 3),
    "await": (("import asyncio", "await asyncio.sleep(0, 'slept')"), "slept"),
    "a comprehension that awaits": (("async def f(x):\n    return x * 2", "[await f(n) for n in range(3)]"), [0, 2, 4]),
    "no cell": ((), None),
    "a table of bytes": (
        ("import datetime", "datetime.date(2024, 2, 29).isoformat(), {1: b'x'}"),
        ("2024-02-29", {1: b"x"}),
    ),
}


@pytest.mark.parametrize("name", VALUES)
def test_the_value_is_that_of_the_last_expression(run_cells: RunCells, name: str) -> None:
    cells, value = VALUES[name]
    outcome = run_cells(*cells)
    assert (outcome.status, outcome.value, outcome.value_text) == (Status.OK, value, ""), outcome


def test_a_large_value_travels_beside_files(real: Sandbox) -> None:
    """In a container its last part comes when the notebook has ended, before the files do."""
    notebook = notebook_of("open('a', 'w').write('left')", "x = bytes(200_000)\nx")
    outcome = real.run_script(dataclasses.replace(notebook, files_out=["*"]))
    assert (outcome.status, outcome.value, outcome.files) == (Status.OK, bytes(200_000), {"a": b"left"}), outcome
    text = real.run_script(dataclasses.replace(notebook_of("'x' * 200_000"), files_out=["*"]))
    assert (text.status, text.value, text.files) == (Status.OK, "x" * 200_000, {}), text


def test_a_value_that_cannot_travel_is_told_as_text(run_cells: RunCells) -> None:
    outcome = run_cells("class Model:\n    def __repr__(self):\n        return 'Model(k=3)'", "[Model()]")
    assert (outcome.status, outcome.value, outcome.value_text) == (Status.OK, None, "[Model(k=3)]")
    bundle = "class A:\n    def _repr_mimebundle_(self, **_):\n"
    bundle += "        return {'text/plain': 'as text', 'text/html': '<b>'}\nA()"
    assert run_cells(bundle).value_text == "as text"
    broken = run_cells("class A:\n    def __repr__(self):\n        raise ValueError\nA()")
    assert (broken.status, broken.value_text) == (Status.OK, "<A, whose text could not be had: ValueError>")
    assert len(run_cells("class A:\n    def __repr__(self):\n        return 'x' * 100_000\nA()").value_text) == 1 << 16


def test_a_value_that_is_too_large_is_a_limit_as_for_functions(run_cells: RunCells) -> None:
    outcome = run_cells("'x' * 300_000")
    assert (str(outcome.status), outcome.cause) == ("limit", "result_size")


def test_what_is_displayed_comes_in_order(run_cells: RunCells) -> None:
    """Values of earlier cells are displayed, as in Jupyter; that of the last one is the notebook's."""
    table = "class Table:\n    def __repr__(self):\n        return 'a table'\n"
    table += "    def _repr_html_(self):\n        return '<table>'"
    shown = "display('x', [1], Table(), raw=True)\nNone"
    outcome = run_cells(table, "print('first')\nTable()", shown, "2;", "'shown'", "7")
    assert (outcome.stdout, outcome.value) == ("first\na table\n'x'\n[1]\na table\n'shown'\n", 7)


def test_one_event_loop_serves_all_cells(run_cells: RunCells) -> None:
    """A task that one cell starts goes on while a later one awaits; the loop is there in cells that do not await."""
    outcome = run_cells(
        "import asyncio\nasync def work():\n    await asyncio.sleep(0.01)\n    return asyncio.get_running_loop()",
        "task = asyncio.create_task(work())",
        "async with asyncio.timeout(5):\n    found = await task",
        "async def numbers():\n    yield 1\nasync for number in numbers():\n    print(number)",
        "found is asyncio.get_running_loop()",
    )
    assert (outcome.status, outcome.value, outcome.stdout) == (Status.OK, True, "1\n"), outcome


def test_without_an_await_no_loop_runs(run_cells: RunCells) -> None:
    outcome = run_cells("import asyncio\nasync def f():\n    return 1", "asyncio.run(f())")
    assert (outcome.status, outcome.value) == (Status.OK, 1)
    assert run_cells(FIND_LOOP).stdout == "no loop\n"
    assert run_cells(FIND_LOOP, "await asyncio.sleep(0)").stdout == "a loop\n"


TRACE = 'Traceback (most recent call last):\n  File "<cell 2>", line '
STOPPED = TRACE + "1, in <module>\n    next(iter([]))\nStopIteration\n"
ERRORS = {
    "in a function of another cell": (
        ("def f(x):\n    return 1 / x", "\nf(0)"),
        TRACE
        + '2, in <module>\n    f(0)\n  File "<cell 1>", line 2, in f\n    return 1 / x\n'
        + "ZeroDivisionError: division by zero\n",
    ),
    "behind an await": (
        ("async def f():\n    raise KeyError(1)", "await f()"),
        TRACE + '1, in <module>\n    await f()\n  File "<cell 1>", line 2, in f\n    raise KeyError(1)\nKeyError: 1\n',
    ),
    "no loop": (("1", "next(iter([]))"), STOPPED),
    "in a loop": (("import asyncio\nawait asyncio.sleep(0)", "next(iter([]))"), STOPPED),
    "while it is compiled": (
        ("1", "\nreturn 2"),
        "  File \"<cell 2>\", line 2\nSyntaxError: 'return' outside function\n",
    ),
}


@pytest.mark.parametrize("name", ERRORS)
def test_tracebacks_name_the_cell_and_its_line(run_cells: RunCells, name: str) -> None:
    cells, text = ERRORS[name]
    outcome = run_cells(*cells)
    assert (str(outcome.status), outcome.cause, outcome.exit_code, outcome.value) == ("error", "exception", 1, None)
    assert outcome.error is not None
    shown = _without_marks(outcome.error.traceback)
    assert shown.replace("    return 2\n", "") == text  # some versions show the line of a syntax error as well
    assert outcome.stderr == outcome.error.traceback


def _without_marks(text: str) -> str:
    """Versions of Python mark the place in a line in different ways."""
    return "".join(line for line in text.splitlines(keepends=True) if line.strip().strip("~^"))


def test_source_lines_are_found(run_cells: RunCells) -> None:
    outcome = run_cells("import inspect", "\ndef f():\n    # a remark\n    return 1", "inspect.getsource(f)")
    assert outcome.value == "def f():\n    # a remark\n    return 1\n"


def test_features_of_the_future_hold_in_later_cells(run_cells: RunCells) -> None:
    outcome = run_cells("1", "from __future__ import annotations", "def f(x: unknown): pass\nf.__annotations__")
    assert (outcome.status, outcome.value) == (Status.OK, {"x": "unknown"})


def test_its_surroundings_are_those_of_a_script_without_a_file(run_cells: RunCells) -> None:
    outcome = run_cells("import os, sys", "__name__, sys.argv, os.listdir(), '__file__' in globals()")
    assert outcome.value == ("__main__", ["notebook.ipynb"], [], False)


def test_it_ends_as_a_script_does(run_cells: RunCells) -> None:
    outcome = run_cells("import atexit, sys\natexit.register(print, 'goodbye');", "sys.exit(3)", "print('never')")
    assert (outcome.cause, outcome.exit_code, outcome.stdout) == ("nonzero_exit", 3, "goodbye\n")


def test_a_forked_child_answers_nothing(open_real: "Open") -> None:
    """Its value would come in the place of the notebook's, or over it."""
    with open_real(Policy.parse("[limits]\nprocesses = 4\n")) as sandbox:
        outcome = sandbox.run_script(
            notebook_of(
                "import os\nchild = os.fork()",
                "bytes([child > 0]) * 100_000;",
                "x = 1",
                "if child:\n    os.waitpid(child, 0)\nbytes([child > 0]) * 100_000",
            )
        )
        assert (outcome.status, outcome.value) == (Status.OK, b"\x01" * 100_000), outcome


def test_it_may_run_out_of_memory(run_cells: RunCells) -> None:
    for cells in (("x = []", "while True:\n    x.append(bytes(1 << 20))"), ("x = bytes(1 << 40)",)):
        outcome = run_cells(*cells)
        assert (str(outcome.status), outcome.cause) == ("limit", "memory"), outcome
        assert outcome.error is None or "notebook.py" not in outcome.error.traceback


def test_a_script_has_no_value_and_awaits_nothing(real: Sandbox) -> None:
    """What a script does is not changed by there being notebooks."""
    outcome = real.run_script(Script(source="1 + 1"))
    assert (outcome.status, outcome.value, outcome.value_text, outcome.stdout) == (Status.OK, None, "", "")
    assert real.run_script(Script(source="await f()")).error is not None
    undefined = real.run_script(Script(source="display(1)")).error
    assert undefined is not None
    assert undefined.type == "NameError"


def test_output_while_it_runs(real: Sandbox) -> None:
    told: list[str] = []
    notebook = notebook_of("1", "print('x')", "display('y')")
    outcome = real.run_script(dataclasses.replace(notebook, on_output=lambda _stream, text: told.append(text)))
    assert ("".join(told), outcome.stdout) == ("1\nx\n'y'\n",) * 2


def test_absent_imports_are_absent_in_cells(real: Sandbox) -> None:
    notebook = notebook_of("x = 1", "try:\n    import json\nexcept ImportError as error:\n    x = str(error)", "x")
    outcome = real.run_script(dataclasses.replace(notebook, absent=[("json", "json")]))
    assert outcome.value == "No module named 'json'"


def test_where_payloads_are_kept_a_notebook_gets_one_of_its_own(open_real: "Open") -> None:
    with open_real(Policy.parse('[isolation]\nfresh = "none"\n')) as sandbox:
        for _ in range(3):
            outcome = sandbox.run_script(notebook_of("import sys", "seen = hasattr(sys, 'seen')\nsys.seen = 1\nseen"))
            assert outcome.value is False


def _forged(content: bytes) -> str:
    """A cell that answers by itself, and leaves without the run loop."""
    frame = bytes([2]) + len(content).to_bytes(4, "big") + content
    return f"import os\nprint('reached', flush=True)\nos.write(3, {frame!r})\nos._exit(0)"


@pytest.mark.parametrize(
    ("content", "value", "text"),
    [
        (b'{"value":1}', 1, ""),
        (b'{"text":"x"}', None, "x"),
        (b'{"text":5}', None, ""),
        (b'{"text":"' + b"x" * 70_000 + b'"}', None, "x" * (1 << 16)),
        (b"[1]", None, ""),
        (b"null", None, ""),
        (b"{}", None, ""),
    ],
)
def test_a_forged_answer_is_as_good_as_the_notebooks(
    run_cells: RunCells, content: bytes, value: object, text: str
) -> None:
    outcome = run_cells(_forged(content))
    assert (outcome.stdout, outcome.status) == ("reached\n", Status.OK), outcome
    assert (outcome.value, outcome.value_text) == (value, text)


@pytest.mark.parametrize("content", [b"", b"{", b'{"value":1,"value":2}', b'{"value":{"~":"os.system","v":"true"}}'])
def test_an_answer_that_cannot_be_read_is_no_result(run_cells: RunCells, content: bytes) -> None:
    outcome = run_cells(_forged(content))
    assert (outcome.status, outcome.cause, outcome.value) == (Status.NO_RESULT, "result_undecodable", None)


def test_a_script_that_answers_like_a_notebook_has_no_value(real: Sandbox) -> None:
    outcome = real.run_script(Script(source=_forged(b'{"value":1}')))
    assert (outcome.value, outcome.value_text) == (None, "")
