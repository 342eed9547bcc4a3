"""Every kind of syntax of the running Python is judged, or refused with a reason."""

import ast
import builtins
import sys
from collections.abc import Callable

import pytest

from poet_engine.gate import vocabulary
from poet_engine.gate.check_names import check
from poet_engine.gate.reporter import Reporter
from poet_engine.gate.source_model import Source
from poet_engine.outcome import Finding

Scan = Callable[[str, str], tuple[tuple[Finding, ...], str | None]]

# Classes that no parser makes: the abstract ones, and those that are kept for old programs.
_NO_NODES = {
    "AST", "alias_", "boolop", "cmpop", "excepthandler", "expr", "expr_context", "mod", "operator", "pattern", "slice",
    "stmt", "type_ignore", "type_param", "unaryop",
    "AugLoad", "AugStore", "Bytes", "Ellipsis", "ExtSlice", "Index", "NameConstant", "Num", "Param", "Str", "Suite",
}  # fmt: skip


def _kinds() -> set[str]:
    found = {name: kind for name, kind in vars(ast).items() if isinstance(kind, type) and issubclass(kind, ast.AST)}
    return {name for name in found if not name.startswith("_")} - _NO_NODES


def test_every_node_is_judged_or_refused_with_a_reason() -> None:
    assert _kinds() - vocabulary.SYNTAX - vocabulary.NOT_ALLOWED.keys() == set()
    assert not vocabulary.SYNTAX & vocabulary.NOT_ALLOWED.keys()
    assert all(reason for reason in vocabulary.NOT_ALLOWED.values())


def test_what_is_not_allowed_is_a_finding() -> None:
    """No source of every version has such a node, so one is made."""
    reporter = Reporter("x")
    check(Source(ast.Module([ast.Expression(ast.Constant(1))], [])), reporter)  # type: ignore[list-item]  # on purpose
    assert [finding.rule for finding in reporter.findings] == ["POET105"]


def test_every_builtin_exception_can_be_named() -> None:
    """Raising or catching one reaches nothing."""
    kinds = {name: kind for name, kind in vars(builtins).items() if isinstance(kind, type)}
    found = {name for name, kind in kinds.items() if issubclass(kind, BaseException) and not name.startswith("_")}
    assert found <= vocabulary.ALLOWED_BUILTINS


MODERN = {
    "match": (
        (3, 10),
        ("def f(x):\n    match x:\n        case {'a': [int(n), *rest], **more} if n:\n            return rest, more\n"
        "        case (1 | 2) as k:\n            return k\n        case _:\n            return None"),
    ),
    "walrus": ((3, 8), "def f(x):\n    return [y := 1, *(z for z in x if (w := z))], y, w"),
    "positional only": ((3, 8), "def f(a, /, b, *, c=1):\n    return a, b, c"),
    "except star": (
        (3, 11),
        "def f(g):\n    try:\n        g()\n    except* (ValueError, KeyError) as e:\n        return e",
    ),
    "starred index": ((3, 11), "def f(d, k):\n    return d[*k]"),
    "several contexts": ((3, 10), "def f(a, b):\n    with (a as x, b as y):\n        return x, y"),
    "nested formats": ((3, 6), "def f(x, w):\n    return f'{x!r:>{w}} {x=} {{}}'"),
    "formats with quotes of their own kind": ((3, 12), "def f(x):\n    return f'{x['a']} {f'{x}'}'"),
    "type statement": ((3, 12), "type Pair[T] = tuple[T, T]\ndef f(x: Pair[int]) -> int:\n    return x[0]"),
    "type parameters": (
        (3, 12),
        "class Box[T: (int, str), *Ts, **P]:\n    def get[U](self, x: U, y: T) -> tuple[U, T]:\n        return x, y",
    ),
    "defaults of type parameters": ((3, 13), "class Box[T = int]:\n    item: T"),
    "finally leaves": (
        (3, 8),
        "def f(x):\n    for i in x:\n        try:\n            i()\n        finally:\n            continue",
    ),
    "asynchronous comprehensions": ((3, 8), "async def f(x):\n    return [y async for y in x if await y]"),
    "groups without brackets": (
        (3, 14),
        "def f(g):\n    try:\n        g()\n    except ValueError, KeyError:\n        return 1",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", [name for name, (version, _) in MODERN.items() if sys.version_info >= version])
def test_modern_syntax_passes(scan_with: Scan, name: str) -> None:
    assert scan_with(MODERN[name][1], "restricted") == ((), None)


@pytest.mark.skipif(sys.version_info < (3, 12), reason="Python 3.12 has the type statement")
def test_a_parameter_of_a_type_statement_is_no_name_of_the_scope_around(scan_with: Scan) -> None:
    """Else a function could call `open` its own by naming such a parameter after it."""
    findings, cause = scan_with("def f():\n    type A[open] = int\n    return open('/etc/passwd')", "restricted")
    assert cause == "scan_ast"
    assert "POET120" in {finding.rule for finding in findings}


FLAT: dict[str, Callable[[int], str]] = {
    "operands": lambda n: "def f(x):\n    return " + " + ".join(f"{i} * x" for i in range(n)),
    "elif": lambda n: "def f(x):\n    if x == 0:\n        return 0\n" + "".join(
        f"    elif x == {i}:\n        return {i}\n" for i in range(n)),
    "conditions": lambda n: "def f(x):\n    return " + "".join(f"{i} if x == {i} else " for i in range(n)) + "0",
    "calls of a chain": lambda n: "def f(x):\n    return x" + ".strip()" * n,
    "attributes of a chain": lambda n: "def f(x):\n    return x" + ".real" * n,
    "indexes": lambda n: "def f(x):\n    return x" + "[0]" * n,
    "numbers": lambda n: "X = " + " * ".join(["1"] * n),
    "shifts": lambda n: "X = " + " << ".join(["1"] * n),
    "formats": lambda n: "def f(x):\n    return " + " + ".join(["f'{x}'"] * n),
    "texts": lambda n: "def f(x):\n    return " + " + ".join(["'a'", "x"] * (n // 2)),
    "decorators": lambda n: "def d(f):\n    return f\n" + "@d\n" * n + "def f():\n    return 1",
}  # fmt: skip


@pytest.mark.parametrize("count", [600, 1400])
@pytest.mark.parametrize("shape", FLAT)
def test_a_long_chain_is_no_nesting(scan_with: Scan, shape: str, count: int) -> None:
    """It passes, up to what Python itself can compile."""
    text = FLAT[shape](count)
    assert scan_with(text, "restricted") == ((), None)
    compile(text, "<chain>", "exec")


@pytest.mark.parametrize("nested", ["x = " + "not " * 70 + "1", "x = " + "[" * 70 + "]" * 70, "f(" * 70 + ")" * 70])
def test_nesting_is_nesting(scan_with: Scan, nested: str) -> None:
    findings, cause = scan_with(nested, "restricted")
    assert (findings[0].rule, cause) == ("POET101", "too_large")


def test_a_chain_that_python_cannot_compile_is_refused(scan_with: Scan) -> None:
    findings, cause = scan_with("x = " + "+".join(["1"] * 20_000), "restricted")
    assert (findings[0].rule, cause) == ("POET101", "too_large")
