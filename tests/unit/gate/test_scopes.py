"""What a name can mean: Python's own scoping, which the module rule and the builtin rule stand on."""

import ast

import pytest

from poet_engine.gate.source_model import Source

# Each source uses `x` exactly once as `use(x)`; the kinds are what it can mean there.
MEANINGS = {
    "use(x)": [],
    "x = 1\nuse(x)": ["assign"],
    "def f(x):\n    use(x)": ["parameter"],
    "def f(*x):\n    use(x)": ["parameter"],
    "def f(y=lambda: use(x)):\n    x = 1": [],
    "import x\ndef f(x):\n    use(x)": ["parameter"],
    "import x\ndef f(y):\n    use(x)": ["import"],
    "import x.y.z\nuse(x)": ["import"],
    "import y as x\ndef f():\n    def g():\n        use(x)\n    return g": ["import"],
    "def f():\n    import x\nuse(x)": [],
    "class A:\n    x = 1\n    def f(self):\n        use(x)": [],
    "import x\nclass A:\n    x = 1\n    use(x)": ["assign", "import"],
    "class A:\n    x = 1\n    [use(x) for y in 'a']": [],
    "[use(x) for x in 'a']": ["assign"],
    "def f(x):\n    [1 for y in use(x)]": ["parameter"],
    "[1 for x in use(x)]": [],
    "[x := 1 for y in 'a']\nuse(x)": ["assign"],
    "def f():\n    global x\n    import x\nuse(x)": ["import"],
    "def f():\n    def g():\n        nonlocal x\n        x = 2\n    x = 1\n    use(x)": ["assign", "assign"],
    "try:\n    pass\nexcept ValueError as x:\n    use(x)": ["handler"],
    "match 1:\n    case [*x]:\n        use(x)": ["assign"],
    "match 1:\n    case {**x}:\n        use(x)": ["assign"],
    "match 1:\n    case 1 as x:\n        use(x)": ["assign"],
    "for x in 'a':\n    pass\nuse(x)": ["assign"],
    "from m import y as x\nuse(x)": ["from"],
    "def x():\n    use(x)": ["def"],
    "class x:\n    use(x)": ["class"],
}


@pytest.mark.parametrize("text", MEANINGS)
def test_a_name_means_what_python_says(text: str) -> None:
    source = Source(ast.parse(text))
    (found,) = [scope.meanings("x") for name, scope in source.names if name.id == "x"]
    assert sorted(binding.kind for binding in found) == MEANINGS[text]


@pytest.mark.parametrize("text", MEANINGS)
def test_the_walk_sees_every_node_once(text: str) -> None:
    tree = ast.parse(text)
    source = Source(tree)
    seen = [node for nodes in source.nodes.values() for node in nodes]
    shared = (ast.expr_context, ast.operator, ast.cmpop, ast.boolop, ast.unaryop)  # one object for all of a kind
    walked = [node for node in seen if not isinstance(node, shared)]
    expected = [node for node in ast.walk(tree) if not isinstance(node, shared)]
    assert len(walked) == len(expected)
    assert set(walked) == set(expected)


@pytest.mark.parametrize(
    ("text", "depth"),
    [
        ("x", 2),
        ("a + b + c + d + e", 2),
        ("a.b.c.d().e().f", 2),
        ("if a:\n    b\nelif c:\n    d\nelif e:\n    f", 3),
        ("[[[[a]]]]", 6),
    ],
)
def test_chains_do_not_nest(text: str, depth: int) -> None:
    """The depth cap is about what a reader would call nesting."""
    assert Source(ast.parse(text)).depth == depth
