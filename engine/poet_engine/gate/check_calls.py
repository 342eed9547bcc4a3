"""Rules for positional class patterns, computed metaclasses and generic functions.

A positional pattern reads the fields that a class names as data; a generic function evaluates annotations as code.
"""

import ast

from poet_engine.gate import vocabulary
from poet_engine.gate.attributes import Attributes
from poet_engine.gate.check_arguments import names_members
from poet_engine.gate.check_imports import Uses
from poet_engine.gate.class_analysis import ClassAnalysis
from poet_engine.gate.reporter import Reporter
from poet_engine.gate.source_model import Binding, Source

_PLAIN = (ast.Name, ast.Attribute, ast.Subscript, ast.Tuple, ast.BinOp, ast.BitOr, ast.Load)
_SAME = frozenset({"classmethod", "staticmethod"})


def check(source: Source, attributes: Attributes, uses: Uses, reporter: Reporter) -> None:
    """Report positional patterns of unknown classes, calls that create classes, and annotations that run as code."""
    classes = ClassAnalysis(source, uses)
    _makers(source, uses, classes, reporter)
    for node in source.of(ast.MatchClass):
        if not isinstance(node, ast.MatchClass) or not node.patterns:
            continue
        own = attributes.classes.named(node.cls)
        if not classes.is_plain(node.cls):
            reporter.at("POET121", node, "A class pattern reads fields by position from a class that is out of sight")
        elif own is not None and attributes.classes.admits(own):
            reporter.at("POET121", node, "A class pattern reads fields by position, and others can pass for the class")
    if any(path in vocabulary.GENERIC for path in uses.paths.values()):
        _generics(source, uses, classes, reporter)


def _makers(source: Source, uses: Uses, classes: ClassAnalysis, reporter: Reporter) -> None:
    """Report metaclasses and enumerations that create classes from data."""
    for node, path in uses.paths.items():
        if path in vocabulary.METACLASSES and not _is_plain_metaclass(node, source.parents[node]):
            reporter.at("POET121", node, f"{path!r} makes a class out of data")
    for node, name in classes.metaclasses():
        reporter.at("POET121", node, f"The metaclass {name!r} makes classes out of data where it is more than named")
    for call in classes.enumerations():
        if not names_members(call, source):
            reporter.at("POET116", call, "An enumeration takes names of members that are written out")


def _generics(source: Source, uses: Uses, classes: ClassAnalysis, reporter: Reporter) -> None:
    for node in source.of(ast.Attribute, ast.Call, ast.MatchClass):
        if node not in uses.judged and _registers(node, classes, source):
            what = "'register' of a generic function gets an annotation or a function that is no plain type"
            reporter.at("POET122", node, what)


def _is_plain_metaclass(node: ast.AST, outer: ast.AST) -> bool:
    if isinstance(outer, ast.keyword):
        return outer.arg == "metaclass"
    return isinstance(outer, ast.ClassDef) and node in outer.bases


def _registers(node: ast.AST, classes: ClassAnalysis, source: Source) -> bool:
    """Whether `register` gets something that it may evaluate, or is read by its name as a string."""
    match node:
        case ast.Attribute(attr="register"):
            return not _is_plain_register(node, classes, source)
        case ast.Call(func=ast.Name(id=name), args=[_, text, *_]) if name in vocabulary.BY_NAME:
            value = text.value if isinstance(text, ast.Constant) else "register"
            return value == "register" and not _begins_otherwise(text)
        case ast.MatchClass(kwd_attrs=names):
            return "register" in names
        case _:
            return False


def _begins_otherwise(text: ast.expr) -> bool:
    """Whether a computed string certainly has another beginning than `register`."""
    first = text.values[0] if isinstance(text, ast.JoinedStr) and text.values else text
    while isinstance(first, ast.BinOp):
        first = first.left
    start: object = first.value if isinstance(first, ast.Constant) else ""
    return isinstance(start, str) and start != "" and not "register".startswith(start[:8]) and start[0] != "r"


def _is_plain_register(node: ast.Attribute, classes: ClassAnalysis, source: Source) -> bool:
    """Whether `register` gets plain types only.

    `@generic.register` evaluates annotations that are strings; with a class as its argument it does not read them.
    """
    outer = source.parents[node]
    if isinstance(outer, ast.Call) and outer.func is node:
        return bool(outer.args) and _is_plain(outer.args[0], classes, source)
    if not isinstance(outer, ast.FunctionDef | ast.AsyncFunctionDef) or node not in outer.decorator_list:
        return False
    inner = outer.decorator_list[outer.decorator_list.index(node) + 1 :]  # one of them may give another function back
    if not all(isinstance(one, ast.Name) and one.id in _SAME and not classes.meanings(one) for one in inner):
        return False
    return all(_is_plain(one, classes, source) for one in _annotations(outer))


def _annotations(node: ast.FunctionDef | ast.AsyncFunctionDef) -> list[ast.expr]:
    args = node.args
    every = (*args.posonlyargs, *args.args, *args.kwonlyargs, args.vararg, args.kwarg)
    found = [arg.annotation for arg in every if arg is not None and arg.annotation is not None]
    return [*found, node.returns] if node.returns is not None else found


def _is_plain(node: ast.expr, classes: ClassAnalysis, source: Source) -> bool:
    """Whether an expression is a type written out: no string, no call, no name of something computed."""
    return all(_is_plain_part(part, classes, source) for part in ast.walk(node))


def _is_plain_part(part: ast.AST, classes: ClassAnalysis, source: Source) -> bool:
    if isinstance(part, ast.Constant):
        return part.value is None or part.value is ...
    if isinstance(part, ast.Name) and part in source.scope_of:
        return all(_is_named(binding, classes) for binding in source.scope_of[part].meanings(part.id))
    return isinstance(part, _PLAIN)


def _is_named(binding: Binding, classes: ClassAnalysis) -> bool:
    """Whether a name is imported, or that of a class that no decorator replaces."""
    if isinstance(binding.node, ast.ClassDef):
        return classes.keeps_name(binding.node)
    return binding.kind in {"import", "from"}
