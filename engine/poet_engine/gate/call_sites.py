"""Find every call of a function that cannot be called from elsewhere: its arguments are then known."""

import ast
from collections.abc import Callable
from typing import NamedTuple

from poet_engine.gate.attribute_uses import AttributeUses
from poet_engine.gate.check_names import is_special
from poet_engine.gate.class_statements import CLASS_METHOD, INSTANCE_METHOD, Method, OwnClass
from poet_engine.gate.escapes import gives_class
from poet_engine.gate.own_classes import OwnClasses
from poet_engine.gate.source_model import Source

_START = "__init__"


class Site(NamedTuple):
    """A call, and the number of arguments that its function gets before the written ones."""

    call: ast.Call
    bound: int


class CallSites:
    """Finder of the calls of the functions of one source.

    Args:
        source: The source.
        classes: Its classes.
        attributes: Its attributes by name.
        escaped: The classes that may be reached under names that cannot be followed.
        closed: Whether no library that the policy lists calls methods of others with values of its own.
    """

    def __init__(
        self,
        source: Source,
        classes: OwnClasses,
        attributes: AttributeUses,
        *,
        escaped: set[OwnClass],
        closed: bool,
    ) -> None:
        self._source, self._classes, self._attributes = source, classes, attributes
        self._escaped, self._closed = escaped, closed

    def of(self, function: ast.FunctionDef, is_instance: Callable[[ast.expr], bool]) -> list[Site] | None:
        """Return every call of a function; None where code that is not in the source may call it.

        Args:
            function: A method, or a function within another. Anybody may call one of a module.
            is_instance: Whether an expression is an instance, never a class.
        """
        method = self._classes.methods.get(function)
        if method is None:
            return self._of_inner(function)
        name = function.name
        if self._attributes.computed_get or name in self._attributes.texts or not method.sure or method.names != {name}:
            return None
        if name == _START:
            return self._of_start(method)
        private = name[:1] == "_" and not is_special(name)
        if is_special(name) or not method.plain or method.computed or not (private or self._closed):
            return None
        return self._of_method(method, is_instance) if self._classes.owns(method.owner, name) else None

    def _of_method(self, method: Method, is_instance: Callable[[ast.expr], bool]) -> list[Site] | None:
        sites: list[Site] = []
        for node in self._attributes.loaded.get(method.node.name, ()):
            call = self._source.parents[node]
            if not isinstance(call, ast.Call) or call.func is not node:
                return None
            if method.kind != INSTANCE_METHOD:
                sites.append(Site(call, 1 if method.kind == CLASS_METHOD else 0))
            else:
                sites += [Site(call, bound) for bound in ([1] if is_instance(node.value) else [1, 0])]
        return sites

    def _of_start(self, method: Method) -> list[Site] | None:
        """Return the calls of a class that has no subclass, is unknown to other code, and is never used as a value."""
        own = method.owner
        inner = own.node.name[:1] == "_" or self._source.parents[own.node] is not self._source.tree
        alone = own.descendants() == [own] and own not in self._escaped and own.kept and own.metaclass is None
        other = (node for node in self._attributes.loaded.get(_START, ()) if not self._source.is_super(node.value))
        if not inner or not alone or any(other) or self._makes_itself(own) or not self._classes.is_pure(own):
            return None
        named = [
            name for name, _ in self._source.names if name.id == own.node.name and self._classes.named(name) is own
        ]
        calls = [self._source.parents[name] for name in named]
        found = [
            call for name, call in zip(named, calls, strict=True) if isinstance(call, ast.Call) and call.func is name
        ]
        by_name = sum(own.node.name == name.id for name, _ in self._source.names) == len(named)
        by_attribute = own.node.name in self._attributes.loaded
        return [Site(call, 1) for call in found] if by_name and not by_attribute else None

    def _makes_itself(self, own: OwnClass) -> bool:
        """Whether instances of the class may be created through `cls`, `type(x)` or another object."""
        methods = self._classes.methods.values()
        if any(method.owner is own and method.kind == CLASS_METHOD for method in methods):
            return True
        return any(
            isinstance(call, ast.Call) and gives_class(call.func, self._classes) for call in self._source.of(ast.Call)
        )

    def _of_inner(self, function: ast.FunctionDef) -> list[Site] | None:
        """Return the calls of a function within another."""
        around = self._attributes.function(function)
        if around is None or function.decorator_list or isinstance(self._source.parents[function], ast.ClassDef):
            return None
        sites: list[Site] = []
        for name, scope in self._source.names:
            if name.id == function.name and any(one.node is function for one in scope.meanings(name.id)):
                call = self._source.parents[name]
                if not isinstance(call, ast.Call) or call.func is not name:
                    return None
                sites.append(Site(call, 0))
        return sites
