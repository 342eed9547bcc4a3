"""POET's own marks leave a source; every other character stays where it was."""

import ast

import pytest

from poet_engine.gate.undecorate import undecorate


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("@poet\ndef f(): pass\n", "     \ndef f(): pass\n"),
        ("@poet()\nasync def f(): pass\n", "       \nasync def f(): pass\n"),
        ("@poet_engine.poet(a=1)\ndef f(): pass\n", "                      \ndef f(): pass\n"),
        ("import poet_engine as pe\n@pe.poet\ndef f(): pass\n", "                        \n        \ndef f(): pass\n"),
        ("from poet_engine import poet as p\n@p\ndef f(): pass\n", " " * 33 + "\n  \ndef f(): pass\n"),
        ("@a\n@poet(\n  x='@',  # why\n)\n@b\ndef f(): pass", "@a\n      \n" + " " * 15 + "\n \n@b\ndef f(): pass"),
        ("@poet  # first\n# second\ndef f(): pass", "              \n        \ndef f(): pass"),
        ("class A:\n    @poet\n    def f(self): pass", "class A:\n         \n    def f(self): pass"),
        ("@ (poet)\ndef f(): pass", "        \ndef f(): pass"),
        ("import poet_engine, math\nx = math.pi", "import math             \nx = math.pi"),
        ("import math, poet_engine.policy as q, re as r", "import math, re as r" + " " * 25),
        ("from poet_engine import (\n    poet,\n)\nx = 1", " " * 25 + "\n" + " " * 9 + "\n \nx = 1"),
        ("def f():\n    import poet_engine\n", "def f():\n    pass" + " " * 14 + "\n"),
        ("import poet_engine; x = 1", "pass              ; x = 1"),
        ("x = 'é'; from poet_engine import poet", "x = 'é'; pass" + " " * 24),
        ("if a: import poet_engine\nelse: x = 1", "if a: pass              \nelse: x = 1"),
        ("import \\\n  math, poet_engine\n", "import math\n" + " " * 19 + "\n"),
        ("é = 1\r\n@poet\r\ndef f(): 'poet_engine'\r\n", "é = 1\r\n     \r\ndef f(): 'poet_engine'\r\n"),
        ("x = 1\f\n@poet\rdef f(): pass", "x = 1\f\n     \rdef f(): pass"),
        ("from .poet_engine import poet\nfrom poets import x", "from .poet_engine import poet\nfrom poets import x"),
        ("@poetry\n@other.poet\n@poet.other\ndef f(): pass", "@poetry\n@other.poet\n@poet.other\ndef f(): pass"),
    ],
)  # fmt: skip
def test_what_is_ours_is_blank(source: str, expected: str) -> None:
    assert undecorate(source) == expected


def test_lines_of_everything_else_stay() -> None:
    source = "from poet_engine import poet\n\n@poet(\n  a=1,\n)\ndef f(x):\n    y = x\n    return y\n"
    (function,) = [node for node in ast.parse(undecorate(source)).body if isinstance(node, ast.FunctionDef)]
    assert (function.lineno, function.body[1].lineno, function.decorator_list) == (6, 8, [])


@pytest.mark.parametrize("source", ["def f(:", "x = 1\0"])
def test_what_does_not_parse_is_an_error(source: str) -> None:
    with pytest.raises((SyntaxError, ValueError)):
        undecorate(source)
