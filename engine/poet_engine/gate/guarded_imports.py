"""Imports that the source itself expects to fail: they become absent where the policy does not list them.

An absent import raises ModuleNotFoundError in the sandbox, whatever is there: guest/absent_imports.py puts the `raise`
in its place before anything runs. So it does not matter here whether its guard holds, only that people mean it so.
"""

import ast
import dataclasses
from collections.abc import Mapping

from poet_engine.gate.ruleset import Allowance
from poet_engine.gate.source_model import Binding, Source

ABSENT = "absent"  # the kind of the bindings: none of them is ever made
_CATCHING = frozenset({"BaseException", "Exception", "ImportError", "ModuleNotFoundError"})
_NAME_MISSING = _CATCHING - {"ModuleNotFoundError"}  # a module without the name is an ImportError
_OTHER_CODE = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)
_FOR_CHECKERS = "TYPE_CHECKING"


@dataclasses.dataclass(frozen=True, slots=True)
class GuardedImports:
    """The imports of a source that are absent.

    Attributes:
        missing: Path (a module, or a module and a name in it) → the part of it that the error names.
        of: Import statement → the paths of it that are absent.
    """

    missing: Mapping[str, str]
    of: Mapping[ast.AST, frozenset[str]]

    def has(self, node: ast.AST, path: str) -> bool:
        """Whether a statement's import of a path is absent."""
        return path in self.of.get(node, ())


NO_GUARDS = GuardedImports({}, {})


def settle(source: Source, allowance: Allowance) -> GuardedImports:
    """Return the guarded imports of what is not listed; their bindings count as imports no more."""
    missing: dict[str, str] = {}
    of: dict[ast.AST, frozenset[str]] = {}
    for node in source.of(ast.Import, ast.ImportFrom):
        found = _unlisted(node, allowance)
        names_only = isinstance(node, ast.ImportFrom) and node.module not in found
        if found and _is_guarded(node, source, _NAME_MISSING if names_only else _CATCHING):
            missing |= found
            of[node] = frozenset(found)
    if of:
        _unbind(source, of)
    return GuardedImports(missing, of)


def _unlisted(node: ast.AST, allowance: Allowance) -> dict[str, str]:
    """Return the paths of an import that the policy does not list, each with the part that is missing."""
    if isinstance(node, ast.Import):
        return {
            alias.name: _missing(alias.name, allowance)
            for alias in node.names
            if alias.name not in allowance.namespaces
        }
    if not isinstance(node, ast.ImportFrom) or node.level or not node.module or node.module == "__future__":
        return {}
    if any(alias.name == "*" for alias in node.names):
        return {}  # nobody knows what it would bind
    if node.module not in allowance.namespaces:
        return {node.module: _missing(node.module, allowance)}
    paths = [f"{node.module}.{alias.name}" for alias in node.names]
    return {path: path for path in paths if path not in allowance.namespaces and not allowance.allows(path)}


def _missing(module: str, allowance: Allowance) -> str:
    """Return the first package on the way to a module that is not there, as the import system names it."""
    parts = module.split(".")
    ways = [".".join(parts[:end]) for end in range(1, len(parts) + 1)]
    return next(way for way in ways if way not in allowance.namespaces)


def _is_guarded(node: ast.AST, source: Source, catching: frozenset[str]) -> bool:
    """Whether the source says that the import may fail: under TYPE_CHECKING, or where its error is caught."""
    inner, outer = node, source.parents.get(node)
    while outer is not None and not isinstance(inner, _OTHER_CODE):
        if _guards(outer, inner, catching):
            return True
        inner, outer = outer, source.parents.get(outer)
    return False


def _guards(outer: ast.AST, inner: ast.AST, catching: frozenset[str]) -> bool:
    """Whether a statement expects that an import in the part `inner` of it fails."""
    match outer:
        case ast.Try() | ast.TryStar():
            return inner in outer.body and any(_names(handler.type, catching) for handler in outer.handlers)
        case ast.If():
            return inner in outer.body and _for_checkers(outer.test)
        case ast.With():
            return any(_suppresses(item.context_expr, catching) for item in outer.items)
        case _:
            return False


def _names(kind: ast.expr | None, catching: frozenset[str]) -> bool:
    """Whether a handler catches one of these classes; a bare one catches all."""
    if kind is None:
        return True
    kinds = kind.elts if isinstance(kind, ast.Tuple) else [kind]
    return any(isinstance(one, ast.Name) and one.id in catching for one in kinds)


def _for_checkers(test: ast.expr) -> bool:
    return (isinstance(test, ast.Name) and test.id == _FOR_CHECKERS) or (
        isinstance(test, ast.Attribute) and test.attr == _FOR_CHECKERS
    )


def _suppresses(context: ast.expr, catching: frozenset[str]) -> bool:
    if not isinstance(context, ast.Call):
        return False
    func = context.func
    name = func.id if isinstance(func, ast.Name) else func.attr if isinstance(func, ast.Attribute) else ""
    return name == "suppress" and any(_names(argument, catching) for argument in context.args)


def _bound(node: ast.AST, absent: frozenset[str]) -> set[str]:
    """Return the names that an import would bind to what is absent."""
    if isinstance(node, ast.Import):
        gone = [alias for alias in node.names if alias.name in absent]
        return {alias.asname or alias.name.partition(".")[0] for alias in gone}
    if isinstance(node, ast.ImportFrom):
        whole = node.module in absent
        gone = [alias for alias in node.names if whole or f"{node.module}.{alias.name}" in absent]
        return {alias.asname or alias.name for alias in gone}
    return set()


def _unbind(source: Source, absent: Mapping[ast.AST, frozenset[str]]) -> None:
    """Make the bindings of absent imports what they are: names that stay unbound."""
    gone = {node: _bound(node, paths) for node, paths in absent.items()}
    for scope in source.scopes:
        for name in list(scope.imports):
            bindings = [
                Binding(ABSENT, one.node) if name in gone.get(one.node, ()) else one for one in scope.bindings[name]
            ]
            scope.bindings[name] = bindings
            if not any(one.path for one in bindings):
                scope.imports.discard(name)
