"""Format texts: `str.format` follows attributes, so its text has to be in sight and plain."""

import ast
import re
import string

from poet_engine.gate import vocabulary
from poet_engine.gate.model import Scope, Source
from poet_engine.gate.reporter import Reporter

_DEEPEST = 2  # fields in the format of a field: Python itself follows them no deeper
_STEP = re.compile(r"\.([^.\[\]]*)")


def check(source: Source, judged: set[ast.AST], reporter: Reporter) -> None:
    """Report `format` on texts that are out of sight or whose fields lead out of the code's own data."""
    scopes = dict(source.names)
    for node in source.of(ast.Attribute):
        if not isinstance(node, ast.Attribute) or node.attr not in vocabulary.FORMATS or node in judged:
            continue
        call = source.parents[node]
        if not isinstance(call, ast.Call) or call.func is not node:
            reporter.at("POET132", node, f"The method {node.attr!r} is passed around")
            continue
        texts = _texts(node.value, source, scopes)
        if texts is None:
            reporter.at("POET132", node, f"{node.attr!r} works on a text that the gate cannot see")
        elif any(_leads_out(text) for text in texts):
            reporter.at("POET132", node, "A field of the format text reads a private or special attribute")


def _texts(node: ast.expr, source: Source, scopes: dict[ast.Name, Scope]) -> list[str] | None:
    """Every text that the expression can be, or None where that is not plain to see."""
    if isinstance(node, ast.Constant):
        return [node.value] if isinstance(node.value, str) else None
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        left, right = _texts(node.left, source, scopes), _texts(node.right, source, scopes)
        # each half has to be whole by itself: a field could be put together from both
        return [*left, *right] if left is not None and right is not None else None
    if isinstance(node, ast.Name) and node in scopes:
        return _values(node.id, scopes[node], source)
    return None


def _values(name: str, scope: Scope, source: Source) -> list[str] | None:
    """The texts that a name is ever given, when nothing but literal texts is ever assigned to it."""
    home = scope.home(name)
    texts: list[str] = []
    for binding in home.bindings[name] if home is not None else ():
        assignment = source.parents.get(binding.node)
        if not isinstance(assignment, ast.Assign | ast.AnnAssign) or not isinstance(assignment.value, ast.Constant):
            return None
        if not isinstance(assignment.value.value, str):
            return None
        texts.append(assignment.value.value)
    return texts or None


def _leads_out(text: str, deep: int = 0) -> bool:
    """Whether a field reads a private or special attribute; a text that does not parse counts as if it did."""
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
