"""Cells of a notebook, compiled from the tree that the gate has scanned."""

import ast
import sys
import types

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from poet_engine import _notebook
from poet_engine.guest import notebook

FUZZ = settings(deadline=None, max_examples=100)  # a shared machine is slow at times, which says nothing


@pytest.fixture(autouse=True)
def hook(monkeypatch: pytest.MonkeyPatch) -> None:
    """Running a notebook replaces the hook of its process."""
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)


def run(*cells: str) -> object:
    made = _notebook.joined([_notebook.Cell(number, text) for number, text in enumerate(cells, start=1)])
    return notebook.run(made.text, list(made.cells), {}, {"__builtins__": __builtins__})


PIECES = ["x = 1", "x", "x;", "def f():\n    return x", "", "# a remark", "if x:\n    y = 2", "for x in 'ab':\n    x"]


@FUZZ
@given(st.lists(st.lists(st.sampled_from(PIECES)).map("\n".join), max_size=6))
def test_what_runs_is_the_tree_of_the_scanned_source(cells: list[str]) -> None:
    """Each statement is in one cell's code, with its own lines, and in order."""
    made = _notebook.joined([_notebook.Cell(number, text) for number, text in enumerate(cells, start=1)])
    compiled: list[ast.AST] = []

    def record(tree: ast.Module | ast.Expression, number: int, _flags: int) -> types.CodeType:
        start = made.starts[number - 1]
        if isinstance(tree, ast.Module):
            compiled.extend(ast.increment_lineno(statement, start) for statement in tree.body)
        else:
            compiled.append(ast.increment_lineno(ast.copy_location(ast.Expr(tree.body), tree.body), start))
        return compile("", "", "exec")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(notebook, "_code", record)
        notebook._compile(made.text, list(made.cells), {})
    ours = ast.dump(ast.Module(compiled, []), include_attributes=True)  # type: ignore[arg-type] # statements all
    assert ours == ast.dump(ast.parse(made.text), include_attributes=True)


@pytest.mark.parametrize(
    ("cell", "value"), [("1; 2", 2), ("1; 2;", None), ("1 # ;", 1), ("'ü';", None), ("'ü'", "ü"), ("(1\n)\\\n;", 1)]
)
def test_a_semicolon_at_the_end_hides_the_value(cell: str, value: object) -> None:
    assert run(cell) == value


def test_deep_sums_compile_as_in_a_script() -> None:
    assert run("1" + " + 1" * 2000) == 2001


def test_many_cells_are_compiled_quickly() -> None:
    cells = [f"x{number} = {number}" for number in range(5000)]
    assert run(*cells, "x4999") == 4999
