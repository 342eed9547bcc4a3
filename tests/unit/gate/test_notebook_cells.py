"""Cells of a notebook become Python only where they are none."""

import ast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from poet_engine.gate import Gate
from poet_engine.gate.notebook_cells import python_cells

FUZZ = settings(deadline=None, max_examples=200)  # a shared machine is slow at times, which says nothing


@pytest.mark.parametrize(
    "cell",
    [
        "x = 1\ny = x % 2",
        'text = """\n%d items\n!important\n"""',
        "x = (5\n% 3)",
        "x = 5 \\\n% 3",
        "await f()\nasync for x in y:\n    pass\n[z async for z in q]",
        "",
        "# %matplotlib inline",
        "x = 1;",
    ],
)
def test_what_is_python_stays_as_it_is(cell: str) -> None:
    assert python_cells([cell]) == [cell]


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("%matplotlib inline\nx = 1", "pass\nx = 1"),
        ("x = 1\n  \n%pprint", "x = 1\n  \npass"),
        ("def f():\n    %time g()\nf()", "def f():\n    g()\nf()"),
        ("!pip install it's\nx = 1", "__import__('os').system(\"!pip install it's\")\nx = 1"),
        ("for x in y:\n    !ls {x}", "for x in y:\n    __import__('os').system('!ls {x}')"),
        ("%load_ext thing", "exec('%load_ext thing')"),
        ("\n%%time\nx = 1\n%pdb", "\npass\nx = 1\npass"),
        ("%%bash\nls\nid", "__import__('os').system('%%bash\\nls\\nid')\n\n"),
        ('text = """\n%d\n"""\n%matplotlib', 'text = """\n%d\n"""\npass'),
        ("%time x = f('a')", "x = f('a')"),
        ("%time !id", "__import__('os').system('!id')"),
        ("%config InlineBackend.figure_format = 'retina'", "pass"),
        ("%config A.b = f('id')", "exec(\"%config A.b = f('id')\")"),
        ("a = 1\r\n%pdb\rb = 2", "a = 1\npass\nb = 2"),
    ],
)
def test_what_only_a_notebook_runs_is_written_as_python(cell: str, expected: str) -> None:
    assert python_cells([cell]) == [expected]


@pytest.mark.parametrize("cell", ["def", "files = !ls", "x = \\", "?help", "'''", "(", "\0", "x\ud800", "(" * 500])
def test_what_cannot_be_told_stays_as_it_is(cell: str) -> None:
    assert python_cells([cell]) == [cell]


@FUZZ
@given(st.text(alphabet="%!x=1 \n'\"(t)imes", max_size=60))
def test_lines_keep_their_places_and_python_its_text(cell: str) -> None:
    (found,) = python_cells([cell])
    assert found.count("\n") == cell.count("\n")
    try:
        ast.parse(cell)
    except SyntaxError:
        return
    assert found == cell


def test_the_worker_reads_them_and_survives_those_that_it_cannot() -> None:
    with Gate() as gate:
        assert gate.python_cells(["%pdb", "x = 1"]) == ["pass", "x = 1"]
        hostile = "\n".join(f"%time {'-' * 200}{number}" for number in range(20_000))
        assert gate.python_cells([hostile]) == [hostile]
        assert gate.python_cells(["%pdb"]) == ["pass"]
