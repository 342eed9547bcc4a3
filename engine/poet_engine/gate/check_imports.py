"""The module rule: the name of a module may only stand before a complete, listed name."""

import ast
import dataclasses
import sys

from poet_engine._text import close_names
from poet_engine.gate import vocabulary
from poet_engine.gate.guarded_imports import ABSENT, GuardedImports
from poet_engine.gate.reporter import Reporter
from poet_engine.gate.ruleset import Allowance, installed
from poet_engine.gate.source_model import CLASS, Binding, Scope, Source

FUTURE = "__future__"
_VERSION = "__version__"  # a plain text
_NO_IMPORT = frozenset({"ImportError", "ModuleNotFoundError"})
_REMARKS = 20  # findings that say more: each looks through the source, or for files
_USES = 3  # names that a message shows
_SUGGESTIONS = 5  # comparing a name with hundreds of others takes a while


@dataclasses.dataclass(frozen=True, slots=True)
class Uses:
    """The uses of imported names in a tree, as the module rule resolved them.

    Attributes:
        judged: The attributes behind a module's name, which the module rule has checked.
        paths: Name or attribute → the dotted path that it stands for.
    """

    judged: set[ast.AST]
    paths: dict[ast.AST, str]


def check(source: Source, allowance: Allowance, guarded: GuardedImports, reporter: Reporter) -> Uses:
    """Report uses of modules that the policy does not list, and return the uses of imported names."""
    for node in source.of(ast.Import):
        _import(node, source, allowance, guarded, reporter)
    for node in source.of(ast.ImportFrom):
        _import_from(node, allowance, guarded, reporter)
    for scope in source.scopes:
        _bindings(scope, source, allowance, reporter)
    uses = Uses(set(), {})
    imported = {name for scope in source.scopes for name in scope.imports}
    for name, scope in source.names:
        if name.id not in imported:
            continue
        meanings = scope.meanings(name.id)
        path = _module(meanings, allowance)
        if path and path in allowance.namespaces:  # the import of any other module is a finding already
            end, path = _follow(name, path, source, allowance, uses)
            _end(end or name, path, allowance, uses, reporter)
        else:
            paths = [one.path for one in meanings if one.kind == "from"]
            if paths:
                uses.paths[name] = next((one for one in paths if one in vocabulary.JUDGED), paths[0])
    return uses


def _import(node: ast.AST, source: Source, allowance: Allowance, guarded: GuardedImports, reporter: Reporter) -> None:
    if not isinstance(node, ast.Import):
        return
    for alias in node.names:
        if alias.name not in allowance.namespaces and not guarded.has(node, alias.name):
            few = len(reporter.findings) < _REMARKS
            what = f"Import of {alias.name!r}{_used(alias, source) if few else ''}, which the policy does not list"
            reporter.at("POET110", alias, f"{what}{_installed(alias.name) if few else ''}")


def _installed(module: str) -> str:
    """Return a remark with the remedy for a library that is installed here; empty for any other module."""
    top = module.partition(".")[0]
    if top in sys.stdlib_module_names or not installed(top):
        return ""
    return f'. {top} is installed here; add {top} = ["*"] to [static.imports] of a policy of your own'


def _used(alias: ast.alias, source: Source) -> str:
    """Return a remark with the first names that a source uses of a module; empty where it uses none by its path."""
    name, path = (alias.asname, alias.name) if alias.asname else (alias.name.partition(".")[0],) * 2
    found: dict[str, None] = {}
    for node, scope in source.names:
        if node.id != name or len(found) > _USES:
            continue
        outer = source.parents[node]
        if isinstance(outer, ast.Attribute) and any(one.path == path for one in scope.meanings(name)):
            found[f"{path}.{outer.attr}"] = None
    shown = [*list(found)[:_USES], *(["others"] if len(found) > _USES else [])]
    return f" (for {', '.join(shown)})" if shown else ""


def _import_from(node: ast.AST, allowance: Allowance, guarded: GuardedImports, reporter: Reporter) -> None:
    if not isinstance(node, ast.ImportFrom) or node.module == FUTURE:
        return
    if node.level:
        reporter.at("POET112", node, "Relative import")
        return
    module = node.module or ""
    if guarded.has(node, module):
        return
    if module not in allowance.namespaces:
        remark = _installed(module) if len(reporter.findings) < _REMARKS else ""
        reporter.at("POET110", node, f"Import from {module!r}, which the policy does not list{remark}")
        return
    for alias in node.names:
        path = f"{module}.{alias.name}"
        if alias.name == "*":
            reporter.at("POET112", node, f"Star import from {module!r}")
        elif not (path in allowance.namespaces or allowance.allows(path) or guarded.has(node, path)):
            reporter.at("POET111", alias, f"Import of {path!r}, which the policy does not list")


def _module(meanings: list[Binding], allowance: Allowance) -> str:
    """Return the module that a name stands for, or an empty string. `from` imports modules too."""
    for binding in meanings:
        if binding.kind == "import" or (binding.kind == "from" and binding.path in allowance.namespaces):
            return binding.path
    return ""


def _bindings(scope: Scope, source: Source, allowance: Allowance, reporter: Reporter) -> None:
    """Report imported names that are bound again, and imports in class bodies."""
    for name in scope.bindings if scope.kind == CLASS else list(scope.imports):
        bindings = scope.bindings[name]
        imported = [binding for binding in bindings if binding.kind in {"import", "from"}]
        if scope.kind == CLASS:
            for binding in imported:
                reporter.at("POET115", binding.node, f"{name!r} is imported in a class body")
            outside = scope.outer.meanings(name) if scope.outer is not None else []
            imported += [binding for binding in outside if _module([binding], allowance)]
        if not imported:
            continue
        for binding in bindings:
            if (
                binding.kind != ABSENT
                and binding.path != imported[0].path
                and not _instead(binding, imported, source, allowance)
            ):
                reporter.at("POET114", binding.node, f"{name!r} is imported and bound again")


def _instead(binding: Binding, imported: list[Binding], source: Source, allowance: Allowance) -> bool:
    """Whether a second binding is a fallback: another `from` import of it, or a value where its import failed."""
    if any(
        one.kind == "import" or one.path in allowance.namespaces | vocabulary.JUDGED for one in (*imported, binding)
    ):
        return False
    outer = source.parents.get(source.parents.get(binding.node, binding.node))
    wanted = ast.unparse(outer.type) if isinstance(outer, ast.ExceptHandler) and outer.type is not None else ""
    return binding.kind == "from" or (binding.kind == "assign" and wanted in _NO_IMPORT)


def _follow(
    name: ast.Name, path: str, source: Source, allowance: Allowance, uses: Uses
) -> tuple[ast.Attribute | None, str]:
    """Return the attribute at which a path from a module's name leaves the modules, or None, and the path."""
    node: ast.AST = name
    while True:
        outer = source.parents[node]
        if not isinstance(outer, ast.Attribute):
            return None, path
        node, path = outer, f"{path}.{outer.attr}"
        uses.judged.add(outer)
        if path not in allowance.namespaces or not isinstance(outer.ctx, ast.Load):
            return outer, path


def _end(end: ast.Attribute | ast.Name, path: str, allowance: Allowance, uses: Uses, reporter: Reporter) -> None:
    if isinstance(end, ast.Name):
        reporter.at("POET113", end, f"The module {path!r} is used as a value")
    elif not isinstance(end.ctx, ast.Load):
        reporter.at("POET114", end, f"{path!r} is changed")
    else:
        uses.paths[end] = path
        if not allowance.allows(path) and end.attr != _VERSION:
            near = _near(path, allowance) if len(reporter.findings) < _SUGGESTIONS else ""
            reporter.at("POET111", end, f"Use of {path!r}, which the policy does not list{near}")


def _near(path: str, allowance: Allowance) -> str:
    """Return a hint with the similar names that the policy lists in the same module; empty if there are none."""
    module, _, name = path.rpartition(".")
    close = close_names(name, allowance.listed(module), most=3)
    return f" (it lists {', '.join(close)})" if close else ""
