"""The methods of own classes: their first argument, their names, and whether other code may call them."""

import ast
from collections import defaultdict
from collections.abc import Callable

from poet_engine.gate import own_decorators, vocabulary
from poet_engine.gate.class_statements import CLASS_METHOD, INSTANCE_METHOD, STATIC_METHOD, Method, OwnClass
from poet_engine.gate.source_model import Scope, Source

# Class methods without a decorator; the caller of the first passes the class itself.
_IMPLICIT = frozenset({"__class_getitem__", "__init_subclass__", "__new__"})
_ACCESSORS = frozenset({"deleter", "getter", "setter"})
_DISPATCHER = "functools.singledispatchmethod"
_PROPERTIES = frozenset({"abc.abstractproperty", "enum.property", "functools.cached_property"})


class Methods:
    """Collector of the methods of one source.

    Args:
        source: The source.
        paths: The dotted paths of the imported names in it.
        path: Returns the dotted path that a name or attribute certainly refers to.

    Attributes:
        of: A function in the body of a class → the method.
        by_name: The name of a method → every method of that name.
    """

    def __init__(self, source: Source, paths: dict[ast.AST, str], path: Callable[[ast.AST], str | None]) -> None:
        self._source, self._paths, self._path = source, paths, path
        self.of: dict[ast.AST, Method] = {}
        self.by_name: defaultdict[str, list[Method]] = defaultdict(list)

    def gather(self, scope: Scope, owner: OwnClass) -> None:
        """Add the methods in the body of a class."""
        for name, bindings in scope.bindings.items():
            for binding in bindings:
                if isinstance(binding.node, ast.FunctionDef | ast.AsyncFunctionDef):
                    found = self._method(binding.node, owner, scope)
                    self.of[binding.node] = found
                    for alias in found.names | {name}:
                        self.by_name[alias].append(found)

    def _method(self, node: ast.FunctionDef | ast.AsyncFunctionDef, owner: OwnClass, scope: Scope) -> Method:
        kind = CLASS_METHOD if node.name in _IMPLICIT else INSTANCE_METHOD
        computed, plain, sure, wrapped = False, isinstance(node, ast.FunctionDef), True, False
        for decorator in node.decorator_list:
            maker = decorator.func if isinstance(decorator, ast.Call) else decorator
            path = self._path(maker)
            if path in {"builtins.staticmethod", "abc.abstractstaticmethod"}:
                kind = STATIC_METHOD
            elif path in {"builtins.classmethod", "abc.abstractclassmethod"}:
                kind = CLASS_METHOD
            elif path == "builtins.property" or path in _PROPERTIES or self._is_accessor(maker, scope):
                computed = True
            elif path in vocabulary.METHOD_DECORATORS:
                plain = plain and path in vocabulary.MARKS
            else:
                plain = False
                own = own_decorators.wrapper(decorator, self._source, self._paths) is not None
                wrapped, sure = wrapped or own, sure and (own or self._is_registered(maker, scope))
        names = self._aliases(node, scope)
        first = [*node.args.posonlyargs, *node.args.args][:1]
        defaults = len(node.args.defaults) >= len([*node.args.posonlyargs, *node.args.args])
        sure = sure and names is not None and bool(first) and not defaults
        return Method(node, owner, kind, names or {node.name}, computed, plain, sure, wrapped)

    def wrappers(self) -> dict[ast.AST, list[Method]]:
        """Return the functions by which own decorators replace methods, where these are all that they replace."""
        found: dict[ast.AST, list[Method]] = {}
        for method in self.of.values():
            for decorator in method.node.decorator_list if method.wrapped else ():
                wrapper = own_decorators.wrapper(decorator, self._source, self._paths)
                others = own_decorators.decorated(decorator, self._source) if wrapper is not None else None
                methods = [self.of.get(other) for other in others or ()]
                known = [one for one in methods if one is not None and one.sure and one.kind != STATIC_METHOD]
                if wrapper is not None and others is not None and len(known) == len(others):
                    found[wrapper] = known
        return found

    def _is_accessor(self, maker: ast.expr, scope: Scope) -> bool:
        """Whether a decorator is `@x.setter` or its like, of a property `x` of the same class."""
        if (
            not isinstance(maker, ast.Attribute)
            or maker.attr not in _ACCESSORS
            or not isinstance(maker.value, ast.Name)
        ):
            return False
        return self._has_decorator(maker.value, scope, {"builtins.property", "abc.abstractproperty", "enum.property"})

    def _is_registered(self, maker: ast.expr, scope: Scope) -> bool:
        """Whether a decorator is `@x.register`, of a generic method `x` of the same class."""
        if not isinstance(maker, ast.Attribute) or maker.attr != "register" or not isinstance(maker.value, ast.Name):
            return False
        return self._has_decorator(maker.value, scope, {_DISPATCHER})

    def _has_decorator(self, name: ast.Name, scope: Scope, paths: set[str]) -> bool:
        """Whether all bindings of this name are functions, the first of them with one of these decorators."""
        found = scope.bindings.get(name.id, [])
        if not found or not all(isinstance(one.node, ast.FunctionDef) for one in found):
            return False
        first = found[0].node
        return isinstance(first, ast.FunctionDef) and any(self._path(one) in paths for one in first.decorator_list)

    def _aliases(self, node: ast.FunctionDef | ast.AsyncFunctionDef, scope: Scope) -> set[str] | None:
        """Return the names that a class body gives a function; None where the body does anything else with it."""
        names = {node.name}
        for name in self._source.loads(scope, node.name):
            outer = self._source.parents[name]
            if isinstance(outer, ast.Assign) and all(isinstance(to, ast.Name) for to in outer.targets):
                names |= {to.id for to in outer.targets if isinstance(to, ast.Name)}
            elif (
                isinstance(outer, ast.Call) and outer.func is not name and self._path(outer.func) == "builtins.property"
            ):
                made = self._source.parents[outer]
                if not isinstance(made, ast.Assign) or not all(isinstance(to, ast.Name) for to in made.targets):
                    return None
                names |= {to.id for to in made.targets if isinstance(to, ast.Name)}
            elif not isinstance(outer, ast.Attribute) or outer not in self._accessors(scope):
                return None
        return names

    def _accessors(self, scope: Scope) -> set[ast.AST]:
        """Return the decorators in a class body, those that are called without their call."""
        found = (one.node for bindings in scope.bindings.values() for one in bindings)
        return {
            decorator.func if isinstance(decorator, ast.Call) else decorator
            for node in found
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            for decorator in node.decorator_list
        }
