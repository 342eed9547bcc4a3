"""The module rule: a module's name stands only in front of a complete, listed name."""

import ast

from poet_engine.gate.model import CLASS, Binding, Scope, Source
from poet_engine.gate.reporter import Reporter
from poet_engine.gate.ruleset import Allowance

FUTURE = "__future__"


def check(source: Source, allowance: Allowance, reporter: Reporter) -> frozenset[ast.AST]:
    """Report what breaks the module rule; returns the attributes that it has already judged."""
    for node in source.of(ast.Import):
        _import(node, allowance, reporter)
    for node in source.of(ast.ImportFrom):
        _import_from(node, allowance, reporter)
    for scope in source.scopes:
        _bindings(scope, allowance, reporter)
    judged: set[ast.AST] = set()
    for name, scope in source.names:
        path = _module(scope.meanings(name.id), allowance)
        if path and path in allowance.namespaces:  # the import of any other module is a finding already
            judged.update(_use(name, path, source, allowance, reporter))
    return frozenset(judged)


def _import(node: ast.AST, allowance: Allowance, reporter: Reporter) -> None:
    if not isinstance(node, ast.Import):
        return
    for alias in node.names:
        if alias.name not in allowance.namespaces:
            reporter.at("POET110", alias, f"Import of {alias.name!r}, which the policy does not list")


def _import_from(node: ast.AST, allowance: Allowance, reporter: Reporter) -> None:
    if not isinstance(node, ast.ImportFrom) or node.module == FUTURE:
        return
    if node.level:
        reporter.at("POET112", node, "Relative import")
        return
    module = node.module or ""
    if module not in allowance.namespaces:
        reporter.at("POET110", node, f"Import from {module!r}, which the policy does not list")
        return
    for alias in node.names:
        path = f"{module}.{alias.name}"
        if alias.name == "*":
            reporter.at("POET112", node, f"Star import from {module!r}")
        elif path not in allowance.namespaces and not allowance.allows(path):
            reporter.at("POET111", alias, f"Import of {path!r}, which the policy does not list")


def _module(meanings: list[Binding], allowance: Allowance) -> str:
    """The module that a name stands for, or an empty text. `from` brings in modules too."""
    for binding in meanings:
        if binding.kind == "import" or (binding.kind == "from" and binding.path in allowance.namespaces):
            return binding.path
    return ""


def _bindings(scope: Scope, allowance: Allowance, reporter: Reporter) -> None:
    """An imported name keeps its one meaning in its scope, and a class body imports nothing."""
    for name, bindings in list(scope.bindings.items()):
        imported = [binding for binding in bindings if binding.kind in {"import", "from"}]
        if scope.kind == CLASS:
            for binding in imported:
                reporter.at("POET115", binding.node, f"{name!r} is imported in a class body")
            outside = scope.outer.meanings(name) if scope.outer is not None else []
            imported += [binding for binding in outside if _module([binding], allowance)]
        if not imported:
            continue
        for binding in bindings:
            if binding.path != imported[0].path:
                reporter.at("POET114", binding.node, f"{name!r} is imported and bound again")


def _use(name: ast.Name, path: str, source: Source, allowance: Allowance, reporter: Reporter) -> list[ast.AST]:
    """Follow the attributes behind a module's name until the path is complete."""
    node: ast.AST = name
    judged: list[ast.AST] = []
    while True:
        outer = source.parents[node]
        if not isinstance(outer, ast.Attribute):
            reporter.at("POET113", name, f"The module {path!r} is used as a value")
            return judged
        node, path = outer, f"{path}.{outer.attr}"
        judged.append(outer)
        if not isinstance(outer.ctx, ast.Load):
            reporter.at("POET114", outer, f"{path!r} is changed")
            return judged
        if path in allowance.namespaces:
            continue
        if not allowance.allows(path):
            reporter.at("POET111", outer, f"Use of {path!r}, which the policy does not list")
        return judged
