"""Attributes by name: `getattr` and its like are fine as long as the name is in sight."""

import ast

from poet_engine.gate import vocabulary
from poet_engine.gate.check_attributes import Attributes
from poet_engine.gate.check_names import is_own, spreads
from poet_engine.gate.model import Source
from poet_engine.gate.reporter import Reporter


def check(source: Source, attributes: Attributes, reporter: Reporter) -> None:
    """Report `getattr` and its like, and the methods behind them, where the name of the attribute is out of sight."""
    for name, scope in source.names:
        if name.id in vocabulary.BY_NAME and not is_own(name, scope, source):
            _function(name, source, attributes, reporter)
    for node in source.nodes.get(ast.Attribute, ()):
        if isinstance(node, ast.Attribute) and node.attr in vocabulary.HOOKS:
            _method(node, source, reporter)


def _function(name: ast.Name, source: Source, attributes: Attributes, reporter: Reporter) -> None:
    """They are fine as long as the name is written out, or so much of it that it can be none of the refused ones."""
    call = source.parents[name]
    if not isinstance(call, ast.Call) or call.func is not name or spreads(call) or len(call.args) < 2:  # noqa: PLR2004 - object and name
        reporter.at("POET121", name, f"{name.id!r} is used with a name that the gate cannot see")
        return
    text = call.args[1]
    if isinstance(text, ast.Constant) and isinstance(text.value, str):
        return
    if not all(_harmless(one, attributes) for one in source.given(text) or [text]):
        reporter.at("POET121", call, f"{name.id!r} takes a name that is made at run time")


def _harmless(text: ast.expr, attributes: Attributes) -> bool:
    """Whether the beginning of a text is in sight, and no refused name begins like that."""
    start = _start(text)
    return bool(start.strip("_")) and not attributes.starts_refused(start)


def _start(text: ast.expr) -> str:
    """What a text that is put together surely begins with."""
    while isinstance(text, ast.BinOp) and isinstance(text.op, ast.Add):
        text = text.left
    first: ast.expr = text.values[0] if isinstance(text, ast.JoinedStr) and text.values else text
    return first.value if isinstance(first, ast.Constant) and isinstance(first.value, str) else ""


def _method(node: ast.Attribute, source: Source, reporter: Reporter) -> None:
    """`object.__setattr__(self, "x", 1)`, and `super().__setattr__(name, value)` with the parameters of one's own."""
    call = source.parents[node]
    if isinstance(call, ast.Call) and call.func is node and not spreads(call):
        plain = isinstance(node.value, ast.Call)  # super(): the object is not among the arguments
        named = call.args[:1] if plain else call.args[1:2]
        if named and (_ordinary(named[0]) or _passed_on(named[0], node, source)):
            return
    reporter.at("POET121", node, f"{node.attr!r} takes a name that the gate cannot see")


def _ordinary(node: ast.expr) -> bool:
    name = node.value if isinstance(node, ast.Constant) else None
    return isinstance(name, str) and not name.startswith("__") and name not in vocabulary.INSIDE


def _passed_on(node: ast.expr, at: ast.AST, source: Source) -> bool:
    """Whether it is the name that the method of the same name was asked for, as it came."""
    outer: ast.AST | None = at
    while outer is not None and not isinstance(outer, ast.FunctionDef):
        outer = source.parents.get(outer)
    if not isinstance(node, ast.Name) or not isinstance(outer, ast.FunctionDef) or outer.name not in vocabulary.HOOKS:
        return False
    stored = (part for part in ast.walk(outer) if isinstance(part, ast.Name) and not isinstance(part.ctx, ast.Load))
    return node.id in {arg.arg for arg in outer.args.args[1:2]} and node.id not in {part.id for part in stored}
