"""Attributes of values: special ones, introspection, private ones of others, methods refused whatever the type."""

import ast
from collections.abc import Iterator

from poet_engine.gate import vocabulary
from poet_engine.gate.check_imports import Uses
from poet_engine.gate.check_names import is_special
from poet_engine.gate.model import CLASS, Source
from poet_engine.gate.reporter import Reporter
from poet_engine.gate.ruleset import Allowance


class Attributes:
    """Which attributes one source may ask of a value.

    Args:
        source: The source.
        allowance: What the policy lets in.
    """

    __slots__ = ("_methods", "_own", "_source", "tables")

    def __init__(self, source: Source, allowance: Allowance) -> None:
        self._source = source
        self.tables = allowance.uses("pandas")
        self._own = _own(source)
        self._methods = _refused(source, allowance)

    def refusal(self, name: str) -> tuple[str, str] | None:
        """The rule that no value may be asked for this attribute by, and what to say; None where it may."""
        if name in self._methods:
            return "POET133", f"The method {name!r} is refused on every value"
        if name[:1] == "_":
            if is_special(name):
                allowed = name in vocabulary.READABLE
                return None if allowed else ("POET130", f"The special attribute {name!r} is not allowed")
            if name not in self._own and name not in vocabulary.INSIDE:
                return "POET136", f"The private attribute {name!r} is not one that this source defines"
        if name in vocabulary.INSIDE:
            return "POET131", f"The attribute {name!r} looks inside running code"
        if self.tables and vocabulary.READERS.fullmatch(name):
            return "POET133", f"The reader {name!r} is refused on every value"
        return None

    def starts_refused(self, start: str) -> bool:
        """Whether a name that begins like this may turn out to be a refused one."""
        refused = (*vocabulary.INSIDE, *vocabulary.FORMATS, *self._methods, "read_" if self.tables else "")
        return start.startswith("__") or any(
            name.startswith(start) or start.startswith(name) for name in refused if name
        )


def check(source: Source, attributes: Attributes, uses: Uses, reporter: Reporter) -> None:
    """Report attributes that lead out of the code's own data."""
    handlers = {getattr(node, "name", None) for node in source.nodes.get(ast.ExceptHandler, ())}
    for node in source.nodes.get(ast.Attribute, ()):
        if isinstance(node, ast.Attribute) and node not in uses.judged:
            _attribute(node, source, attributes, reporter)
            if node.attr == "obj" and isinstance(node.value, ast.Name) and node.value.id in handlers:
                reporter.at("POET131", node, "'obj' of an exception gives out the value that it is about")
    _elsewhere(source, attributes, reporter)


def _elsewhere(source: Source, attributes: Attributes, reporter: Reporter) -> None:
    """Names of attributes that do not stand behind a dot."""
    for node in source.of(ast.Call, ast.MatchClass, ast.Constant):
        match node:
            case ast.Constant(value=value):
                if type(value) is str and value.lstrip()[:2] == "__" and value.strip() in vocabulary.REACHING:
                    reporter.at("POET135", node, f"The text {value.strip()!r} names a special attribute")
            case ast.Call():
                _by_text(node, attributes, reporter)
            case ast.MatchClass(kwd_attrs=names):
                for name in names:
                    _report(name, node, attributes, reporter)
            case _:
                raise AssertionError("three kinds were asked for")


def _own(source: Source) -> frozenset[str]:
    """Attributes that the source gives its own objects: set somewhere, bound in a class, or listed in its slots."""
    found = {name for scope in source.scopes if scope.kind == CLASS for name in scope.bindings}
    for node in source.nodes.get(ast.Attribute, ()):
        if isinstance(node, ast.Attribute) and type(node.ctx) is ast.Store:
            found.add(node.attr)
    for node in source.nodes.get(ast.Constant, ()):
        value: object = getattr(node, "value", None)
        if type(value) is str and value[:1] == "_" and _gives(node, source):
            found.add(value)
    return frozenset(found | vocabulary.PUBLISHED)


def _gives(text: ast.AST, source: Source) -> bool:
    """Whether a text names an attribute that is set by it: in `__slots__`, in `setattr` and the method behind it."""
    outer = source.parents[text]
    if isinstance(outer, ast.Call):
        func = outer.func
        return (func.id if isinstance(func, ast.Name) else getattr(func, "attr", "")) in {"setattr", "__setattr__"}
    if isinstance(outer, ast.Tuple | ast.List | ast.Set):
        outer = source.parents[outer]
    return isinstance(outer, ast.Assign) and any(getattr(to, "id", "") == "__slots__" for to in outer.targets)


def _refused(source: Source, allowance: Allowance) -> frozenset[str]:
    """The methods refused in this source: those of the libraries that the policy lets in.

    A class of the source that defines `query` is surely what its calls mean, as long as no table library comes in.
    """
    imported = {
        binding.path.partition(".")[0]
        for scope in source.scopes
        for name in scope.imports
        for binding in scope.bindings[name]
    }
    refused = vocabulary.ARRAY_METHODS if allowance.uses("numpy") or allowance.uses("pandas") else frozenset()
    if allowance.uses("pandas"):
        refused |= vocabulary.TABLE_METHODS | vocabulary.TEXT_METHODS
    if "sys" in imported:
        refused |= vocabulary.STREAM_METHODS
    if "pandas" in imported:
        return refused
    return refused - {name for scope in source.scopes if scope.kind == CLASS for name in scope.bindings}


def _attribute(node: ast.Attribute, source: Source, attributes: Attributes, reporter: Reporter) -> None:
    refusal = attributes.refusal(node.attr)
    if refusal is None:
        return
    rule, what = refusal
    outer = source.parents[node]
    read = isinstance(node.ctx, ast.Load)
    if node.attr == "__class__" and read and _of_class(node, outer):
        return
    if node.attr == "__dict__" and read and _compared(outer):
        return
    if rule == "POET133" and node.attr in vocabulary.TEXT_METHODS and _is_pathless(node, outer):
        return
    reporter.at(rule, node, what)


def _report(name: str, node: ast.AST, attributes: Attributes, reporter: Reporter) -> None:
    """Report a name, written as a text or in a pattern, that no value may be asked for."""
    refusal = attributes.refusal(name)
    if name in vocabulary.FORMATS:
        refusal = "POET132", f"The method {name!r} is passed around"
    if refusal is not None:
        reporter.at(refusal[0], node, refusal[1])


def _of_class(node: ast.Attribute, outer: ast.AST) -> bool:
    """`x.__class__.__name__`, `isinstance(y, x.__class__)`, `self.__class__(...)`: how people write `type(x)`."""
    if isinstance(outer, ast.Attribute):
        return outer.attr in vocabulary.OF_CLASS
    if isinstance(outer, ast.Compare | ast.Call):
        return True
    return isinstance(node.value, ast.Name) and node.value.id in {"self", "other"}


def _compared(outer: ast.AST) -> bool:
    """`self.__dict__ == other.__dict__`: neither dictionary gets out."""
    sides = [outer.left, *outer.comparators] if isinstance(outer, ast.Compare) else [None]
    return all(isinstance(side, ast.Attribute) and side.attr == "__dict__" for side in sides)


def _is_pathless(node: ast.Attribute, outer: ast.AST) -> bool:
    if not isinstance(outer, ast.Call) or outer.func is not node:
        return False
    return not outer.args and not any(item.arg in vocabulary.PATHS for item in outer.keywords)


def _by_text(call: ast.Call, attributes: Attributes, reporter: Reporter) -> None:
    """Names of attributes given as texts: to `getattr` and its like, and to the tables' own dispatch."""
    func = call.func
    if isinstance(func, ast.Name) and func.id in vocabulary.BY_NAME:
        for arg in call.args[1:2]:
            if isinstance(arg, ast.Constant) and isinstance(arg.value, str):
                _report(arg.value, arg, attributes, reporter)
    elif isinstance(func, ast.Attribute) and func.attr in vocabulary.DISPATCH and attributes.tables:
        for text in _texts(call):
            refusal = attributes.refusal(text.value) if isinstance(text.value, str) else None
            if refusal is not None and refusal[0] == "POET133":
                reporter.at(refusal[0], text, refusal[1])


def _texts(call: ast.Call) -> Iterator[ast.Constant]:
    """The literal texts in the arguments of a call, those in lists, tuples and dictionaries too."""
    waiting: list[ast.AST] = [*call.args, *(item.value for item in call.keywords)]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Constant):
            yield node
        elif isinstance(node, ast.List | ast.Tuple | ast.Dict | ast.Starred):
            waiting.extend(ast.iter_child_nodes(node))
