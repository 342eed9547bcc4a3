"""Find the own classes that a source passes around: under another name, their methods may get any arguments."""

import ast

from poet_engine.gate.check_imports import Uses
from poet_engine.gate.class_statements import CLASS_METHOD, INSTANCE_METHOD, OwnClass
from poet_engine.gate.own_classes import OwnClasses
from poet_engine.gate.source_model import Source
from poet_engine.gate.vocabulary import FIELDS

_TAKING = frozenset(
    f"builtins.{name}"
    for name in ("bool", "hash", "id", "isinstance", "issubclass", "print", "repr", "str", "super", "type")
)
_TYPE_PARTS = (ast.BinOp, ast.List, ast.Subscript, ast.Tuple)
_SEEN = (ast.Attribute, ast.ClassDef, ast.Expr, ast.FormattedValue, ast.MatchClass, ast.Raise)


def escaped(source: Source, classes: OwnClasses, uses: Uses) -> set[OwnClass]:
    """Return the classes that may be reached under a name that cannot be followed."""
    found: set[OwnClass] = {one for one in classes.of.values() if not one.kept}
    quoted = bool(FIELDS & set(uses.paths.values()))  # fields return annotations
    for name, scope in source.names:
        named = [own for one in scope.meanings(name.id) for own in _named(one.node, source, classes)]
        if named and _passed(name, source, classes, quoted=quoted):
            found.update(heir for own in named for heir in own.descendants())
    inner = {own.node.name: own for own in classes.of.values() if isinstance(source.parents[own.node], ast.ClassDef)}
    for node in source.of(ast.Call, ast.Attribute):
        asked = getattr(node, "attr", "")
        if (asked in inner or gives_class(node, classes)) and _passed(node, source, classes, quoted=quoted):
            found.update(inner[asked].descendants() if asked in inner else classes.of.values())
    return found


def _named(node: ast.AST, source: Source, classes: OwnClasses) -> list[OwnClass]:
    """Return the classes that a binding may give to a name: by a class statement, or as a parameter of a method."""
    own = classes.made_by(node)
    if own is not None or not isinstance(node, ast.arg):
        return [own] if own is not None else []
    function = source.parents[source.parents[node]]
    method = classes.methods.get(function)
    methods = [method] if method is not None else classes.wrappers.get(function, [])
    return [
        one.owner
        for one in methods
        if one.kind == CLASS_METHOD or (one.kind == INSTANCE_METHOD and one.owner.is_metaclass)
    ]


def gives_class(node: ast.AST, classes: OwnClasses) -> bool:
    """Whether an expression is `type(x)` or `x.__class__`."""
    if isinstance(node, ast.Attribute):
        return node.attr == "__class__"
    return isinstance(node, ast.Call) and len(node.args) == 1 and classes.path(node.func) == "builtins.type"


def _passed(node: ast.AST, source: Source, classes: OwnClasses, *, quoted: bool) -> bool:
    """Whether a class is passed to code that may call its methods."""
    inner, outer = node, source.parents[node]
    while isinstance(outer, _TYPE_PARTS):
        inner, outer = outer, source.parents[outer]
    match outer:
        case ast.arg() | ast.AnnAssign() if inner is outer.annotation:
            return quoted
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            return False  # its result, or its decorator
        case ast.ExceptHandler() | ast.keyword(arg="metaclass"):
            return False
        case ast.Call(func=func, args=args):
            if inner is func:
                return inner is not node  # an item of a list is called: it may be any of them
            made = isinstance(func, ast.Attribute) and func.attr == "__new__" and args[:1] == [inner]
            return not (made or classes.path(func) in _TAKING)
        case ast.Compare(left=left, ops=operators, comparators=others):
            sides = any(gives_class(side, classes) for side in (left, *others))  # comparing classes reads none of them
            return not (sides or all(isinstance(one, ast.Is | ast.IsNot) for one in operators))
        case _:
            return not (isinstance(outer, _SEEN) and (inner is node or isinstance(outer, ast.ClassDef)))
