"""Syntax, builtins and special names."""

import ast
import re

from poet_engine.gate import vocabulary
from poet_engine.gate.model import CLASS, COMPREHENSION, FUNCTION, MODULE, Scope, Source
from poet_engine.gate.reporter import Reporter

_TYPE_PARTS = 3
_SPECIAL = re.compile(r"__\w*__")


def check(source: Source, reporter: Reporter) -> None:
    """Report syntax outside the allow-list, builtins outside it, and special names that change the interpreter."""
    for kind, nodes in source.nodes.items():
        if kind.__name__ not in vocabulary.SYNTAX:
            for node in nodes:
                reporter.at("POET105", node, f"The syntax {kind.__name__!r} is not allowed")
    for name, scope in source.names:
        if name.id in vocabulary.BUILTINS or _SPECIAL.fullmatch(name.id):
            _use(name, scope, source, reporter)
    for scope in source.scopes:
        _special(scope, reporter)


def is_special(name: str) -> bool:
    """Whether a name has two underscores on both sides."""
    return _SPECIAL.fullmatch(name) is not None


def _use(name: ast.Name, scope: Scope, source: Source, reporter: Reporter) -> None:
    if _own(name, scope, source):
        return
    if name.id not in vocabulary.ALLOWED_BUILTINS:
        reporter.at("POET120", name, f"{name.id!r} is not an allowed builtin")
    elif name.id in vocabulary.BY_NAME:
        _by_name(name, source, reporter)
    elif name.id == "type":
        call = source.parents[name]
        if isinstance(call, ast.Call) and call.func is name and (len(call.args) >= _TYPE_PARTS or _spread(call)):
            reporter.at("POET121", call, "'type' makes a class out of data")


def _own(name: ast.Name, scope: Scope, source: Source) -> bool:
    """Whether the source itself surely gave the name its meaning before this use."""
    home = scope.home(name.id)
    if home is None or home.kind == CLASS:
        return False  # a class body falls through to the builtin
    if home.kind in {FUNCTION, COMPREHENSION}:
        return True  # unbound there is an error, never the builtin
    return any(
        source.parents[binding.node] is source.tree and getattr(binding.node, "lineno", 0) < name.lineno
        for binding in home.bindings[name.id]
        if binding.kind in {"def", "class", "from"}
    ) and not any(isinstance(getattr(binding.node, "ctx", None), ast.Del) for binding in home.bindings[name.id])


def _by_name(name: ast.Name, source: Source, reporter: Reporter) -> None:
    """`getattr` and its like are fine as long as the name is written out and is an ordinary one."""
    call = source.parents[name]
    if not isinstance(call, ast.Call) or call.func is not name or _spread(call) or len(call.args) < 2:  # noqa: PLR2004 - object and name
        reporter.at("POET121", name, f"{name.id!r} is used with a name that the gate cannot see")
        return
    text = call.args[1]
    if not isinstance(text, ast.Constant) or not isinstance(text.value, str):
        reporter.at("POET121", call, f"{name.id!r} takes a name that is made at run time")


def _spread(call: ast.Call) -> bool:
    return any(isinstance(arg, ast.Starred) for arg in call.args) or any(item.arg is None for item in call.keywords)


def _special(scope: Scope, reporter: Reporter) -> None:
    """Special names that a scope binds: only what its kind has a use for."""
    allowed = {CLASS: vocabulary.CLASS_NAMES, MODULE: vocabulary.MODULE_NAMES}.get(scope.kind, frozenset())
    for name, bindings in scope.bindings.items():
        if name in allowed or not is_special(name):
            continue
        for binding in bindings:
            reporter.at("POET134", binding.node, f"{name!r} is given a meaning of its own")
