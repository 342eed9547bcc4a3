"""Rule for `getattr` and its like: the name of the attribute has to be visible in the source."""

import ast

from poet_engine.gate import vocabulary
from poet_engine.gate.attributes import Attributes
from poet_engine.gate.check_names import is_own, spreads
from poet_engine.gate.reporter import Reporter
from poet_engine.gate.source_model import Source


def check(source: Source, attributes: Attributes, reporter: Reporter) -> None:
    """Report `getattr` and its like, and the methods behind them, where the attribute's name is not visible."""
    for name, scope in source.names:
        if name.id in vocabulary.BY_NAME and not is_own(name, scope, source):
            _function(name, source, attributes, reporter)
    for node in source.nodes.get(ast.Attribute, ()):
        if isinstance(node, ast.Attribute) and node.attr in vocabulary.HOOKS:
            _method(node, source, attributes, reporter)


def _function(name: ast.Name, source: Source, attributes: Attributes, reporter: Reporter) -> None:
    """Report `getattr` and its like unless the name is literal, or starts so that it cannot be a refused one."""
    call = source.parents[name]
    if not isinstance(call, ast.Call) or call.func is not name or spreads(call) or len(call.args) < 2:  # noqa: PLR2004 - object and name
        reporter.at("POET121", name, f"{name.id!r} is used with a name that the gate cannot see")
        return
    text = call.args[1]
    if isinstance(text, ast.Constant) and isinstance(text.value, str):
        return
    if not all(_harmless(one, call.args[0], attributes) for one in source.given(text) or [text]):
        reporter.at("POET121", call, f"{name.id!r} takes a name that is made at run time")


def _harmless(text: ast.expr, of: ast.expr, attributes: Attributes) -> bool:
    """Whether the start of a string is visible, and no name that is refused on the value starts like that."""
    start = _start(text)
    return bool(start.strip("_")) and not attributes.starts_refused(start, of)


def _start(text: ast.expr) -> str:
    """Return the literal start of a computed string; empty if there is none."""
    while isinstance(text, ast.BinOp) and isinstance(text.op, ast.Add):
        text = text.left
    first: ast.expr = text.values[0] if isinstance(text, ast.JoinedStr) and text.values else text
    return first.value if isinstance(first, ast.Constant) and isinstance(first.value, str) else ""


def _method(node: ast.Attribute, source: Source, attributes: Attributes, reporter: Reporter) -> None:
    """Report `object.__setattr__(self, name, 1)` unless `name` is a literal or the method's own parameter."""
    call = source.parents[node]
    if isinstance(call, ast.Call) and call.func is node and not spreads(call) and not call.keywords:
        behind = 1 if node.attr == "__setattr__" else 0  # how many arguments follow the name
        named = call.args[-1 - behind :][:1]
        before = call.args[: -1 - behind]  # the object, where the method is not read from it
        of = before[0] if before else node.value
        if len(before) <= 1 and named:
            name = named[0].value if isinstance(named[0], ast.Constant) else None
            plain = isinstance(name, str) and _ordinary(name) and attributes.refusal(name, of) is None
            if plain or _passed_on(named[0], of, node, source):
                return
    reporter.at("POET121", node, f"{node.attr!r} takes a name that the gate cannot see")


def _ordinary(name: str) -> bool:
    return not name.startswith("__") and name not in vocabulary.INSIDE


def _passed_on(node: ast.expr, of: ast.expr, at: ast.Attribute, source: Source) -> bool:
    """Whether the name is an unchanged parameter of the method of the same name, and the object its `self`.

    A name that is set or deleted is visible somewhere else. A name that is read need not be: `hasattr` takes any.
    """
    outer: ast.AST | None = at
    while outer is not None and not isinstance(outer, ast.FunctionDef):
        outer = source.parents.get(outer)
    if not isinstance(node, ast.Name) or not isinstance(outer, ast.FunctionDef) or outer.name != at.attr:
        return False
    if outer.name == "__getattr__":
        return False
    stored = {part.id for part in ast.walk(outer) if isinstance(part, ast.Name) and not isinstance(part.ctx, ast.Load)}
    parameters = [arg.arg for arg in outer.args.args[:2]]
    same = source.is_super(of) or (isinstance(of, ast.Name) and parameters[:1] == [of.id] and of.id not in stored)
    return same and parameters[1:] == [node.id] and node.id not in stored
