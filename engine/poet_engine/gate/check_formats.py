"""Rule for format strings: `str.format` follows attributes, so its template has to be visible and plain."""

import ast
import re
import string

from poet_engine.gate import vocabulary
from poet_engine.gate.reporter import Reporter
from poet_engine.gate.source_model import Source

_DEEPEST = 2  # fields in the format of a field: Python itself follows them no deeper
_STEP = re.compile(r"\.([^.\[\]]*)")


def check(source: Source, judged: set[ast.AST], reporter: Reporter) -> None:
    """Report `format` on templates that are not visible, or whose fields lead out of the code's own data."""
    for node in source.of(ast.Attribute):
        if not isinstance(node, ast.Attribute) or node.attr not in vocabulary.FORMATS or node in judged:
            continue
        call = source.parents[node]
        if not isinstance(call, ast.Call) or call.func is not node:
            reporter.at("POET132", node, f"The method {node.attr!r} is passed around")
            continue
        texts = _texts(node.value, source)
        if texts is None:
            reporter.at("POET132", node, f"{node.attr!r} works on a text that the gate cannot see")
        elif any(_leads_out(text) for text in texts):
            reporter.at("POET132", node, "A field of the format text reads a private or special attribute")


def _texts(node: ast.expr, source: Source) -> list[str] | None:
    """Return the literal strings that an expression is built from, each complete in itself; None if it is unknown."""
    match node:
        case ast.Constant(value=str() as text):
            return [text]
        case ast.BinOp(op=ast.Add(), left=left, right=right):
            return _all([left, right], source)  # a field could be put together from both: so each has to be whole
        case ast.BinOp(op=ast.Mult(), left=left, right=right):
            times, pattern = (
                (left, right) if isinstance(left, ast.Constant) and _is_count(left, source) else (right, left)
            )
            return _texts(pattern, source) if _is_count(times, source) else None
        case ast.Call(func=ast.Attribute(value=ast.Constant() as between, attr="join"), args=[pieces], keywords=[]):
            parts = _parts(pieces, source)
            return _all([between, *parts], source) if parts is not None else None
        case ast.Name():
            values = [value for value in source.given(node) or () if not isinstance(value, ast.Name)]
            return _all(values, source) if values and len(values) == len(source.given(node) or ()) else None
        case _:
            return None


def _all(nodes: list[ast.expr], source: Source) -> list[str] | None:
    found = [_texts(node, source) for node in nodes]
    return [text for texts in found for text in texts or ()] if all(found) else None


def _is_count(node: ast.expr, source: Source) -> bool:
    """Whether a factor is certainly a number: anything else could return a string of its own from `*`."""
    match node:
        case ast.Constant(value=int()):
            return True
        case ast.Call(func=ast.Name(id="len") as name):
            return source.scope_of[name].home("len") is None
        case _:
            return False


def _parts(pieces: ast.expr, source: Source) -> list[ast.expr] | None:
    """Return the items that `join` gets from a literal list, a repeated one or a comprehension; None otherwise."""
    match pieces:
        case ast.List(elts=items) | ast.Tuple(elts=items):
            return items
        case ast.ListComp(elt=item) | ast.GeneratorExp(elt=item):
            return [item]
        case ast.BinOp(op=ast.Mult(), left=ast.List(elts=items), right=times) if _is_count(times, source):
            return items
        case _:
            return None


def _leads_out(text: str, deep: int = 0) -> bool:
    """Whether a field reads a private or special attribute; a template that does not parse counts as one that does."""
    if deep > _DEEPEST:
        return True
    try:
        fields = [(name or "", spec or "") for _, name, spec, _ in string.Formatter().parse(text)]
    except ValueError:
        return True
    return any(
        any(step.startswith("_") or step in vocabulary.INSIDE for step in _STEP.findall(name))
        or ("{" in spec and _leads_out(spec, deep + 1))
        for name, spec in fields
    )
