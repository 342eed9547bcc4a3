"""Rule for plots of tables: their parameter `backend` imports a module by its name."""

import ast
from collections.abc import Iterator

from poet_engine.gate.attributes import Attributes
from poet_engine.gate.check_imports import Uses
from poet_engine.gate.reporter import Reporter
from poet_engine.gate.source_model import Source
from poet_engine.gate.vocabulary import BY_NAME, DISPATCH, GETTERS

_PLOT = "plot"
_PLOTTERS = frozenset({"boxplot", "hist", _PLOT})
_MOST = 9  # the tenth argument of boxplot and hist may be the module
_WRITTEN = "takes arguments that are written out, and no 'backend'"
_PASSING = frozenset({"functools.partial", "functools.partialmethod", "operator.methodcaller"})


def check(source: Source, attributes: Attributes, uses: Uses, reporter: Reporter) -> None:
    """Report arguments that may name the plotting module, where the policy allows tables."""
    if not attributes.tables:
        return
    for call in source.of(ast.Call):
        if isinstance(call, ast.Call):
            for node, what in (*_modules(call, attributes, uses), *_by_text(call, attributes, uses)):
                reporter.at("POET116", node, what)
    for node in source.of(ast.Attribute):
        if not isinstance(node, ast.Attribute) or node.attr not in _PLOTTERS or node in uses.judged:
            continue
        if not _is_visible(node, source) and not attributes.owns(node.value, node.attr):
            reporter.at("POET116", node, f"{node.attr!r} {_WRITTEN}")


def _modules(call: ast.Call, attributes: Attributes, uses: Uses) -> Iterator[tuple[ast.AST, str]]:
    """Yield the arguments by which a call may name the module, each with its message."""
    func, path = call.func, uses.paths.get(call.func)
    if path not in _PASSING and (path is not None or isinstance(func, ast.Name)):
        return  # a function that the policy lists, or one of the source's own
    for item in call.keywords:
        if item.arg == "backend" and not (isinstance(item.value, ast.Constant) and item.value.value is None):
            if path is None and isinstance(func, ast.Attribute) and attributes.owns(func.value, func.attr):
                continue
            yield item.value, "The parameter 'backend' imports a module by its name"


def _by_text(call: ast.Call, attributes: Attributes, uses: Uses) -> Iterator[tuple[ast.AST, str]]:
    """Yield the strings in a call that name a method which takes the module, each with its message."""
    func, path = call.func, uses.paths.get(call.func)
    named = isinstance(func, ast.Name) and func.id in BY_NAME
    dispatched = isinstance(func, ast.Attribute) and path is None and func.attr in DISPATCH
    for arg in (*call.args, *(item.value for item in call.keywords)) if named or dispatched or path in GETTERS else ():
        if isinstance(arg, ast.Constant) and arg.value in _PLOTTERS and not _is_of_own(call, arg.value, attributes):
            yield arg, f"{arg.value!r} {_WRITTEN}"


def _is_of_own(call: ast.Call, name: object, attributes: Attributes) -> bool:
    """Whether a call is `getattr(own, "plot")`, with a value of the source's own."""
    named = isinstance(call.func, ast.Name) and isinstance(name, str) and bool(call.args)
    return named and attributes.owns(call.args[0], str(name))


def _is_visible(node: ast.Attribute, source: Source) -> bool:
    """Whether a method (or a kind of plot: `plot.bar`) is called at once, with no hidden arguments."""
    if not isinstance(node.ctx, ast.Load):
        return True
    outer = source.parents[node]
    if node.attr == _PLOT and isinstance(outer, ast.Attribute):
        node, outer = outer, source.parents[outer]
    if not isinstance(outer, ast.Call) or outer.func is not node:
        return False
    written = not any(isinstance(arg, ast.Starred) for arg in outer.args) and len(outer.args) <= _MOST
    return written and all(item.arg is not None for item in outer.keywords)
