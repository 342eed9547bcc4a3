"""Find the parameters that a body divides by in any case."""

import ast
from collections.abc import Iterator

from poet_engine.domains.parsing import parse

_STRAIGHT = (ast.Assign, ast.AnnAssign, ast.AugAssign, ast.Expr, ast.Return)
_BRANCHES = (ast.IfExp, ast.BoolOp, ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


def divisors(source: str, parameters: tuple[str, ...]) -> frozenset[str]:
    """Return the parameters by which the body divides before anything in it can decide otherwise.

    Only the straight lines at its start count: a branch, a loop, a `try` or another value for the name ends the search.
    """
    try:
        [function] = parse(source).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return frozenset()
    if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
        return frozenset()
    found, free = set[str](), set(parameters)
    for statement in function.body:
        if not isinstance(statement, _STRAIGHT):
            break
        found |= {name for name in _divided_by(statement) if name in free}
        free -= {
            node.id for node in ast.walk(statement) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
        }
    return frozenset(found)


def _divided_by(node: ast.AST) -> Iterator[str]:
    if isinstance(node, _BRANCHES):
        return
    match node:
        case ast.BinOp(op=ast.Div() | ast.FloorDiv(), right=ast.Name(id=name)):
            yield name
        case ast.AugAssign(op=ast.Div() | ast.FloorDiv(), value=ast.Name(id=name)):
            yield name
        case _:
            pass
    for child in ast.iter_child_nodes(node):
        yield from _divided_by(child)
