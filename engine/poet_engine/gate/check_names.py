"""Rules for syntax, builtins and special names."""

import ast
import re

from poet_engine.gate import vocabulary
from poet_engine.gate.reporter import Reporter
from poet_engine.gate.source_model import CLASS, COMPREHENSION, FUNCTION, MODULE, Scope, Source

_TYPE_PARTS = 3
_FIELDS = "__match_args__"
_ALIASING = (
    ast.Assign, ast.AnnAssign, ast.NamedExpr, ast.Return, ast.Yield, ast.Starred, ast.List, ast.Set, ast.Dict,
    ast.keyword, ast.Lambda, ast.IfExp, ast.arguments, ast.BoolOp,
)  # fmt: skip
_SPECIAL = re.compile(r"__\w*__")


def check(source: Source, reporter: Reporter) -> None:
    """Report syntax and builtins outside the allow-list, and special names that change the interpreter."""
    for kind, nodes in source.nodes.items():
        if kind.__name__ not in vocabulary.SYNTAX:
            for node in nodes:
                reporter.at("POET105", node, f"The syntax {kind.__name__!r} is not allowed")
    for name, scope in source.names:
        if name.id in vocabulary.BUILTINS or (name.id[:2] == "__" and _SPECIAL.fullmatch(name.id)):
            _use(name, scope, source, reporter)
    for scope in source.scopes:
        _special(scope, source, reporter)


def is_special(name: str) -> bool:
    """Whether a name has two underscores on both sides."""
    return _SPECIAL.fullmatch(name) is not None


def _use(name: ast.Name, scope: Scope, source: Source, reporter: Reporter) -> None:
    if is_own(name, scope, source) or (name.id in vocabulary.MODULE_NAMES and scope.home(name.id) is source.module):
        return
    if name.id not in vocabulary.ALLOWED_BUILTINS:
        instead = vocabulary.INSTEAD.get(name.id)
        reporter.at("POET120", name, f"{name.id!r} is not an allowed builtin{f': {instead}' if instead else ''}")
    elif name.id == "type":
        _type(name, source, reporter)


def _type(name: ast.Name, source: Source, reporter: Reporter) -> None:
    """Report `type` where it creates a class or goes by another name; asking and comparing are allowed."""
    outer = source.parents[name]
    if isinstance(outer, ast.Call):
        if outer.func is name:
            wrong = len(outer.args) != 1 or spreads(outer) or _makes(outer, source)
        else:
            wrong = not _only_asks(outer, source)
        if wrong:
            reporter.at("POET121", outer, "'type' makes a class out of data")
    elif _renames(outer, source):
        reporter.at("POET121", outer, "'type' goes by another name, under which it could make a class out of data")


def _renames(outer: ast.AST, source: Source) -> bool:
    """Whether the expression around `type` gives it another name."""
    if isinstance(outer, ast.Tuple):
        asked = source.parents[outer]
        index = isinstance(asked, ast.Subscript) and asked.slice is outer
        return not (index or (isinstance(asked, ast.Call) and _only_asks(asked, source)))
    if isinstance(outer, ast.Attribute):
        return outer.attr == "__call__" or (outer.attr == "__new__" and not _in_new(outer, source))
    return isinstance(outer, _ALIASING) and not (isinstance(outer, ast.keyword) and outer.arg == "key")


def _in_new(node: ast.AST, source: Source) -> bool:
    outer: ast.AST | None = node
    while outer is not None and not isinstance(outer, ast.FunctionDef):
        outer = source.parents.get(outer)
    return isinstance(outer, ast.FunctionDef) and outer.name == "__new__"


def _makes(call: ast.Call, source: Source) -> bool:
    """Whether the result of `type(...)` is called at once to create a class: `type(int)("X", (), {})`."""
    outer, of = source.parents[call], call.args[0]
    if (
        not isinstance(outer, ast.Call)
        or outer.func is not call
        or not (len(outer.args) >= _TYPE_PARTS or spreads(outer))
    ):
        return False
    return isinstance(of, ast.Call) or (isinstance(of, ast.Name) and (of.id in vocabulary.TYPES or of.id[:1].isupper()))


def _only_asks(call: ast.Call, source: Source) -> bool:
    """Whether a call is of the builtin `isinstance`, `issubclass` or a `map` over one iterable, not of a namesake."""
    if not isinstance(call.func, ast.Name) or source.scope_of[call.func].home(call.func.id) is not None:
        return False
    func = call.func.id
    return func in {"isinstance", "issubclass"} or (func == "map" and len(call.args) == 2)  # noqa: PLR2004 - it and the values


def is_own(name: ast.Name, scope: Scope, source: Source) -> bool:
    """Whether the source certainly bound the name itself before this use."""
    home = scope.home(name.id)
    if home is None:
        return False
    if home.kind == CLASS:
        return name.id not in vocabulary.BUILTINS  # a class body falls through to the builtin
    if home.kind in {FUNCTION, COMPREHENSION}:
        return True  # unbound there is an error, never the builtin
    return any(
        source.parents[binding.node] is source.tree and getattr(binding.node, "lineno", 0) < name.lineno
        for binding in home.bindings[name.id]
        if binding.kind in {"def", "class", "from"}
    ) and not any(isinstance(getattr(binding.node, "ctx", None), ast.Del) for binding in home.bindings[name.id])


def spreads(call: ast.Call) -> bool:
    """Whether a call has arguments by `*` or `**`, which are not visible."""
    return any(isinstance(arg, ast.Starred) for arg in call.args) or any(item.arg is None for item in call.keywords)


def _special(scope: Scope, source: Source, reporter: Reporter) -> None:
    """Report special names that a scope binds, except those that its kind has a use for."""
    allowed = {CLASS: vocabulary.CLASS_NAMES, MODULE: vocabulary.MODULE_NAMES}.get(scope.kind, frozenset())
    for name, bindings in scope.bindings.items():
        if scope.kind == CLASS and name in vocabulary.INSIDE:
            reporter.at("POET131", bindings[0].node, f"{name!r} is the name of something inside running code")
        if name[:2] != "__" or name in allowed or not is_special(name):
            continue
        for binding in bindings:
            if not (name == _FIELDS and scope.kind == CLASS and _lists_names(source.parents.get(binding.node))):
                reporter.at("POET134", binding.node, f"{name!r} is redefined")


def _lists_names(made: ast.AST | None) -> bool:
    """Whether a value is a tuple of ordinary names, as in `__match_args__ = ("x", "y")`."""
    if not isinstance(made, ast.Assign) or not isinstance(made.value, ast.Tuple):
        return False
    return all(
        isinstance(part, ast.Constant)
        and isinstance(part.value, str)
        and not part.value.startswith("__")
        and part.value not in vocabulary.INSIDE
        for part in made.value.elts
    )
