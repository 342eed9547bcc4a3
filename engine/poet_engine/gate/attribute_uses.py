"""Index of the attribute names that a source sets, reads and defines, and of the ways to set them indirectly."""

import ast
from collections import defaultdict

from poet_engine.gate.check_imports import Uses
from poet_engine.gate.source_model import CLASS, Binding, Source
from poet_engine.gate.vocabulary import BY_NAME, HOOKS

_UPDATE, _WRAPS = "functools.update_wrapper", "functools.wraps"  # they copy the attributes of one object to another
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


class AttributeUses:
    """Index of the attributes of one source by name.

    Args:
        source: The source.
        uses: The imported names that it uses.

    Attributes:
        stored: Name → the values assigned to attributes of that name; None for a value that cannot be determined.
        loaded: Name → the nodes that read it.
        members: Name → the bindings of it in class bodies, each with its class.
        texts: All string constants but those in `__slots__`: each may name an attribute that is set or read.
        computed_get: Whether attributes are read by names computed at run time.
        computed_set: Whether attributes are set by names computed at run time.
        computed_calls: The calls of `getattr` and its like with a computed name.
        describes: Whether a class defines `__get__`, and so decides what an attribute of another class is.
    """

    def __init__(self, source: Source, uses: Uses) -> None:
        self._source = source
        self.stored: defaultdict[str, list[ast.expr | None]] = defaultdict(list)
        self.loaded: defaultdict[str, list[ast.Attribute]] = defaultdict(list)
        for node in source.of(ast.Attribute):
            if isinstance(node, ast.Attribute) and node not in uses.judged:
                if isinstance(node.ctx, ast.Load):
                    self.loaded[node.attr].append(node)
                elif isinstance(node.ctx, ast.Store):
                    self.stored[node.attr].append(given(node, source))
        self.members: defaultdict[str, list[tuple[Binding, ast.AST]]] = defaultdict(list)
        for scope in source.scopes:
            if scope.kind == CLASS and scope.node is not None:
                for name, bindings in scope.bindings.items():
                    self.members[name] += [(binding, scope.node) for binding in bindings]
        self.describes = "__get__" in self.members
        self.texts = self._texts()
        self.computed_calls = [call for call in source.of(ast.Call) if isinstance(call, ast.Call) and _computes(call)]
        names = {getattr(call.func, "id", "") for call in self.computed_calls}
        self.computed_get = "getattr" in names
        parsed = any(path.startswith("argparse.") for path in uses.paths.values())  # it fills its namespace
        self.computed_set = "setattr" in names or parsed or self._sets_out_of_sight()

    def is_set_out_of_sight(self, name: str) -> bool:
        """Whether an attribute of this name may get a value that is not in `stored`."""
        return self.computed_set or name in self.texts

    def is_set(self, name: str) -> bool:
        """Whether an attribute of this name may be set anywhere but in a class body."""
        return name in self.stored or self.is_set_out_of_sight(name)

    def _texts(self) -> set[str]:
        found: set[str] = set()
        for node in self._source.of(ast.Constant, ast.MatchClass):
            value: object = getattr(node, "value", None)
            if isinstance(value, str) and not self._is_slot(node):
                found.add(value)
            elif isinstance(node, ast.MatchClass):
                found.update(node.kwd_attrs)
        return found

    def _is_slot(self, node: ast.AST) -> bool:
        outer = self._source.parents.get(node)
        if isinstance(outer, ast.Tuple | ast.List | ast.Set):
            outer = self._source.parents.get(outer)
        return isinstance(outer, ast.Assign) and any(getattr(to, "id", "") == "__slots__" for to in outer.targets)

    def _sets_out_of_sight(self) -> bool:
        """Whether attributes are set by way of `__dict__`, or by the method behind `setattr`, with computed names."""
        if "__set__" in self.loaded or "__set__" in self.texts:  # of a slot
            return True
        for node in self.loaded.get("__dict__", ()):
            outer = self._source.parents[node]
            if isinstance(outer, ast.Attribute) or (
                isinstance(outer, ast.Subscript) and not isinstance(outer.slice, ast.Constant)
            ):
                return True
        if "__dict__" in self.stored:
            return True
        for hook in HOOKS:
            for node in self.loaded.get(hook, ()):
                call = self._source.parents[node]
                if not isinstance(call, ast.Call) or not any(isinstance(arg, ast.Constant) for arg in call.args[:2]):
                    return True
        return False

    def function(self, node: ast.AST) -> ast.AST | None:
        """Return the innermost function or lambda around a node; None at module level."""
        outer = self._source.parents.get(node)
        while outer is not None and not isinstance(outer, (*_FUNCTIONS, ast.Lambda)):
            outer = self._source.parents.get(outer)
        return outer


def _computes(call: ast.Call) -> bool:
    if not isinstance(call.func, ast.Name) or call.func.id not in BY_NAME:
        return False
    return not isinstance(call.args[1] if len(call.args) > 1 else None, ast.Constant)


def given(target: ast.expr, source: Source) -> ast.expr | None:
    """Return the value that an assignment gives to one of its targets; None where it cannot be determined."""
    outer = source.parents[target]
    match outer:
        case ast.Assign(value=value):
            return value
        case ast.AnnAssign(value=value) | ast.NamedExpr(value=value):
            return value if value is not None else ast.Constant(None)
        case ast.Tuple(elts=targets) | ast.List(elts=targets):
            around = source.parents[outer]
            value = around.value if isinstance(around, ast.Assign) and outer in around.targets else None
            if not isinstance(value, ast.Tuple | ast.List) or len(value.elts) != len(targets):
                return None
            starred = any(isinstance(one, ast.Starred) for one in (*targets, *value.elts))
            return None if starred else value.elts[targets.index(target)]
        case _:
            return None


def grafted(source: Source, uses: Uses) -> list[tuple[ast.AST, ast.expr | None]]:
    """Return where one object's attributes are copied to another: each with that other; None where it is unknown."""
    found: list[tuple[ast.AST, ast.expr | None]] = []
    for node, path in uses.paths.items():
        call = source.parents[node]
        if path == _UPDATE:
            found.append(
                (node, call.args[0] if isinstance(call, ast.Call) and call.func is node and call.args else None)
            )
        elif path == _WRAPS:
            outer = source.parents.get(call)
            if isinstance(outer, _FUNCTIONS) and call in outer.decorator_list:
                continue
            to = outer.args[0] if isinstance(outer, ast.Call) and outer.func is call and outer.args else None
            found.append((node, to))
    return found
