"""Attributes of values: special ones, introspection, methods refused whatever the type."""

import ast

from poet_engine.gate import vocabulary
from poet_engine.gate.check_names import is_special
from poet_engine.gate.model import Source
from poet_engine.gate.reporter import Reporter
from poet_engine.gate.ruleset import Allowance


def check(source: Source, allowance: Allowance, judged: frozenset[ast.AST], reporter: Reporter) -> None:
    """Report attributes that lead out of the code's own data. `judged` ones belong to the module rule."""
    methods = _refused(source, allowance)
    handlers = {getattr(node, "name", None) for node in source.of(ast.ExceptHandler)}
    for node in source.of(ast.Attribute):
        if isinstance(node, ast.Attribute) and node not in judged:
            _attribute(node, source, methods, handlers, reporter)
    for node in source.of(ast.Call, ast.MatchClass, ast.Constant):
        _elsewhere(node, methods, reporter)


def _elsewhere(node: ast.AST, methods: frozenset[str], reporter: Reporter) -> None:
    """Names of attributes that do not stand behind a dot."""
    match node:
        case ast.Call():
            _by_text(node, methods, reporter)
        case ast.MatchClass(kwd_attrs=names):
            for name in names:
                _name(name, node, reporter)
        case ast.Constant(value=str() as text) if text.strip() in vocabulary.REACHING:
            reporter.at("POET135", node, f"The text {text.strip()!r} names a special attribute")


def _refused(source: Source, allowance: Allowance) -> frozenset[str]:
    """The methods refused in this source: those of the libraries that the policy lets in.

    A class of the source that defines `query` is surely what its calls mean, as long as no table library comes in.
    """
    refused = vocabulary.ARRAY_METHODS if allowance.uses("numpy") or allowance.uses("pandas") else frozenset()
    if allowance.uses("pandas"):
        refused |= vocabulary.TABLE_METHODS | vocabulary.TEXT_METHODS
    if any(
        "pandas" in {binding.path.partition(".")[0] for binding in found} for found in source.module.bindings.values()
    ):
        return refused
    own = {name for scope in source.scopes if scope.kind == "class" for name in scope.bindings}
    return refused - own


def is_inside(name: str) -> bool:
    """Whether the attribute shows frames, code objects or tracebacks."""
    return name in vocabulary.INSIDE


def _attribute(
    node: ast.Attribute, source: Source, methods: frozenset[str], handlers: set[str | None], reporter: Reporter
) -> None:
    name, outer = node.attr, source.parents[node]
    if name == "__class__" and isinstance(node.ctx, ast.Load) and _of_class(node, outer):
        return
    if _name(name, node, reporter):
        return
    if name in methods:
        if name not in vocabulary.TEXT_METHODS or not _is_pathless(node, outer):
            reporter.at("POET133", node, f"The method {name!r} is refused on every value")
    elif vocabulary.READERS.fullmatch(name) and "query" in methods:
        reporter.at("POET133", node, f"The reader {name!r} is refused on every value")
    elif name == "obj" and isinstance(node.value, ast.Name) and node.value.id in handlers:
        reporter.at("POET131", node, "'obj' of an exception gives out the value that it is about")


def _name(name: str, node: ast.AST, reporter: Reporter) -> bool:
    """Report a name that no value may be asked for; whether it did."""
    if is_special(name) and name not in vocabulary.READABLE:
        reporter.at("POET130", node, f"The special attribute {name!r} is not allowed")
        return True
    if name in vocabulary.INSIDE:
        reporter.at("POET131", node, f"The attribute {name!r} looks inside running code")
        return True
    return False


def _of_class(node: ast.Attribute, outer: ast.AST) -> bool:
    """`x.__class__.__name__`, `isinstance(y, x.__class__)`, `self.__class__(...)`: how people write `type(x)`."""
    if isinstance(outer, ast.Attribute):
        return outer.attr in vocabulary.OF_CLASS
    if isinstance(outer, ast.Compare | ast.Call):
        return True
    return isinstance(node.value, ast.Name) and node.value.id in {"self", "other"}


def _is_pathless(node: ast.Attribute, outer: ast.AST) -> bool:
    if not isinstance(outer, ast.Call) or outer.func is not node:
        return False
    return not outer.args and not any(item.arg in vocabulary.PATHS for item in outer.keywords)


def _by_text(call: ast.Call, methods: frozenset[str], reporter: Reporter) -> None:
    """Names of attributes given as texts: to `getattr` and its like, and to the tables' own dispatch."""
    func = call.func
    by_name = isinstance(func, ast.Name) and func.id in {"getattr", "setattr", "delattr", "hasattr"}
    dispatch = isinstance(func, ast.Attribute) and func.attr in vocabulary.DISPATCH
    if not (by_name or dispatch):
        return
    for arg in call.args[:2]:
        if isinstance(arg, ast.Constant) and isinstance(arg.value, str):
            if by_name and _name(arg.value, arg, reporter):
                continue
            if arg.value in methods:
                reporter.at("POET133", arg, f"The method {arg.value!r} is refused on every value")
