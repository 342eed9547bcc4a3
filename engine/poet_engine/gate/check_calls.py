"""Allowed functions and patterns that read attributes by names out of sight, or run a text, unless used plainly."""

import ast

from poet_engine.gate import vocabulary
from poet_engine.gate.check_imports import Uses
from poet_engine.gate.model import Binding, Scope, Source
from poet_engine.gate.reporter import Reporter

_PLAIN = (ast.Name, ast.Attribute, ast.Subscript, ast.Tuple, ast.BinOp, ast.BitOr, ast.Load)
_NAMED = frozenset({"class", "import", "from"})


def check(source: Source, uses: Uses, reporter: Reporter) -> None:
    """Report calls with arguments that are not allowed, class patterns by position, and annotations run as code."""
    for node, path in uses.paths.items():
        shape = vocabulary.SHAPES.get(path)
        if shape is not None and not _fits(node, source.parents[node], shape):
            names = ", ".join(sorted(shape.keywords)) or "no arguments"
            what = f"{path!r} may only be called, with at most {shape.positional} positional arguments and {names}"
            reporter.at("POET116", node, f"{what}: otherwise {shape.why}")
        elif path in vocabulary.METACLASSES and not _is_plain_metaclass(node, source.parents[node]):
            reporter.at("POET121", node, f"{path!r} makes a class out of data")
    generic = any(path in vocabulary.GENERIC for path in uses.paths.values())
    if generic or ast.MatchClass in source.nodes:
        _with_scopes(source, dict(source.names), uses, reporter, generic=generic)


def _with_scopes(
    source: Source, scopes: dict[ast.Name, Scope], uses: Uses, reporter: Reporter, *, generic: bool
) -> None:
    """What needs to know what names mean."""
    for node in source.of(ast.MatchClass, *([ast.Attribute] if generic else [])):
        if isinstance(node, ast.MatchClass):
            if node.patterns and not _known(node.cls, scopes, source, uses):
                what = "A class pattern reads fields by position from a class that is out of sight"
                reporter.at("POET121", node, what)
        elif isinstance(node, ast.Attribute) and node.attr == "register" and node not in uses.judged:
            _register(node, scopes, source, reporter)


def _is_plain_metaclass(node: ast.AST, outer: ast.AST) -> bool:
    if isinstance(outer, ast.keyword):
        return outer.arg == "metaclass"
    return isinstance(outer, ast.ClassDef) and node in outer.bases


def _fits(node: ast.AST, call: ast.AST, shape: vocabulary.Shape) -> bool:
    if not isinstance(call, ast.Call) or call.func is not node:
        return False
    if len(call.args) > shape.positional or any(isinstance(arg, ast.Starred) for arg in call.args):
        return False
    return all(item.arg in shape.keywords for item in call.keywords)


def _known(cls: ast.expr, scopes: dict[ast.Name, Scope], source: Source, uses: Uses) -> bool:
    """Whether it is plain to see which fields the class of a pattern has: builtin, imported, or made here."""
    if not isinstance(cls, ast.Name):
        return cls in uses.paths
    meanings = scopes[cls].meanings(cls.id)
    return all(_plainly_made(binding, source, uses) for binding in meanings) and (
        bool(meanings) or cls.id in vocabulary.TYPES
    )


def _plainly_made(binding: Binding, source: Source, uses: Uses) -> bool:
    node = binding.node
    if isinstance(node, ast.ClassDef):
        return not any(item.arg == "metaclass" or item.arg is None for item in node.keywords)
    if binding.kind == "from":
        return True
    made = source.parents.get(node)
    value = made.value if isinstance(made, ast.Assign | ast.AnnAssign) else None
    return isinstance(value, ast.Call) and uses.paths.get(value.func) in vocabulary.RECORDS


def _register(node: ast.Attribute, scopes: dict[ast.Name, Scope], source: Source, reporter: Reporter) -> None:
    """`@generic.register` looks at annotations and runs those that are texts; with a class it does not look."""
    outer = source.parents[node]
    looked_at: list[ast.expr] | None = None
    if isinstance(outer, ast.Call) and outer.func is node:
        looked_at = outer.args[:1] or None
    elif isinstance(outer, ast.FunctionDef | ast.AsyncFunctionDef) and node in outer.decorator_list:
        looked_at = _annotations(outer)
    if looked_at is None or not all(_is_plain(one, scopes) for one in looked_at):
        what = "'register' of a generic function gets an annotation or a function that is no plain type"
        reporter.at("POET122", node, what)


def _annotations(node: ast.FunctionDef | ast.AsyncFunctionDef) -> list[ast.expr]:
    args = node.args
    every = (*args.posonlyargs, *args.args, *args.kwonlyargs, args.vararg, args.kwarg)
    found = [arg.annotation for arg in every if arg is not None and arg.annotation is not None]
    return [*found, node.returns] if node.returns is not None else found


def _is_plain(node: ast.expr, scopes: dict[ast.Name, Scope]) -> bool:
    """Whether an expression is a type written out: no text, no call, no name that stands for something computed."""
    return all(_is_plain_part(part, scopes) for part in ast.walk(node))


def _is_plain_part(part: ast.AST, scopes: dict[ast.Name, Scope]) -> bool:
    if isinstance(part, ast.Constant):
        return part.value is None or part.value is ...
    if isinstance(part, ast.Name) and part in scopes:
        return all(binding.kind in _NAMED for binding in scopes[part].meanings(part.id))
    return isinstance(part, _PLAIN)
