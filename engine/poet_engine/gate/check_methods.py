"""Check that methods of the source's own classes get an instance for `self`.

Such a method may use private attributes because its first argument is an instance of its class. `Own.method(other)`
would make it read those of anything.
"""

import ast
import functools
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from poet_engine.gate.check_imports import Uses
from poet_engine.gate.check_names import spreads
from poet_engine.gate.class_statements import CLASS_METHOD, Method
from poet_engine.gate.escapes import gives_class
from poet_engine.gate.own_values import INSTANCE, KLASS, One, Value
from poet_engine.gate.ownership import Ownership
from poet_engine.gate.reporter import Reporter
from poet_engine.gate.source_model import Source
from poet_engine.gate.vocabulary import BY_NAME

_HARMLESS = frozenset(
    {"__doc__", "__name__", "__qualname__", "cache_clear", "cache_info"}
)  # attributes that lead to no call
_BEHIND = ("__delete__", "__get__", "__set__", "fdel", "fget", "fset", "func")  # the function of a property
_BY_TEXT = BY_NAME | {"attrgetter", "methodcaller"}


class MethodUses:
    """Check of the calls of methods that rely on their first argument being an instance.

    Args:
        source: The source.
        uses: The imported names that it uses.
        ownership: The analysis of which of its values are its own.
    """

    def __init__(self, source: Source, uses: Uses, ownership: Ownership) -> None:
        self._source, self._uses, self._ownership = source, uses, ownership
        self._relied: set[ast.AST] = set()

    def rely(self, nodes: Iterable[ast.AST]) -> None:
        """Record expressions that were accepted as the source's own values."""
        self._relied.update(nodes)

    def check(self, reporter: Reporter) -> None:
        """Report uses that may pass another first argument to a method that is relied on."""
        checked: set[Method] = set()
        while more := self._ownership.relied(self._relied) - checked:
            for method in more:
                self._check(method, reporter)
            checked |= more

    def _check(self, method: Method, reporter: Reporter) -> None:
        name, owner = method.node.name, method.owner.node.name
        what = f"The method {name!r}, which uses private attributes, may get something else here than an {owner!r}"
        for node in self._risky_uses(method):
            reporter.at("POET136", node, what)

    def _risky_uses(self, method: Method) -> Iterator[ast.AST]:
        """Yield the uses of a method that may pass something else than an instance."""
        loose = any(one in self._ownership.escaped for one in method.owner.descendants())
        loaded = self._ownership.attributes.loaded
        for name in method.names:
            yield from (one for one in loaded.get(name, ()) if not self._is_bound(one, method, loose=loose))
            yield from (one for one in self._texts.get(name, ()) if self._names(one, loose=loose))
        computed = self._ownership.attributes.computed_calls if loose else ()
        yield from (call for call in computed if not call.args or not self._is_instance(call.args[0]))
        for name in _BEHIND if method.computed else ():
            yield from (one for one in loaded.get(name, ()) if not self._is_instance(one.value))

    def _is_instance(self, node: ast.expr) -> bool:
        value = self._ownership.value(node)
        self._relied.add(node)
        return value is not None and not any(one.kind == KLASS or one.of.is_metaclass for one in value)

    def _is_bound(self, node: ast.Attribute, method: Method, *, loose: bool) -> bool:
        """Whether a method read through this attribute certainly gets an instance (a class method: its class)."""
        value = self._ownership.value(node.value)
        outer = self._source.parents[node]
        if method.computed and value is None:
            return True  # the ways from a property to its function are checked by themselves
        if method.kind == CLASS_METHOD and method.node.name != "__new__":
            return True
        if value is None:
            loose = loose or gives_class(node.value, self._ownership.classes)
            if not loose or (isinstance(outer, ast.Attribute) and outer.attr in _HARMLESS):
                return True
            return isinstance(outer, ast.Call) and outer.func is node and not _fits(outer, method)
        self._relied.add(node.value)
        if not any(self._is_class(one, method) for one in value):
            return True
        if isinstance(outer, ast.Attribute) and outer.attr in _HARMLESS:
            return True
        if not isinstance(outer, ast.Call) or outer.func is not node or not outer.args or method.computed:
            return False
        self._relied.add(outer.args[0])
        return self._is_for(self._ownership.value(outer.args[0]), method)

    def _is_class(self, one: One, method: Method) -> bool:
        """Whether a value may be a class that has the method; an instance of a metaclass is a class too."""
        if one.kind == INSTANCE and one.of.is_metaclass:
            return not method.owner.is_metaclass and method.owner in self._ownership.classes.family(one.of)
        return one.kind == KLASS and method.owner in self._ownership.classes.family(one.of)

    def _is_for(self, value: Value, method: Method) -> bool:
        """Whether a value is a right first argument: an instance of the class, or the class for a class method."""
        kind = KLASS if method.kind == CLASS_METHOD else INSTANCE
        return value is not None and all(one.kind == kind and method.owner in one.of.lineage() for one in value)

    @functools.cached_property
    def _texts(self) -> Mapping[str, list[ast.AST]]:
        """Name → the strings and patterns that may read an attribute of that name."""
        found = defaultdict[str, list[ast.AST]](list)
        for node in self._source.of(ast.Constant, ast.MatchClass):
            value: object = getattr(node, "value", None)
            if isinstance(node, ast.MatchClass):
                for name in node.kwd_attrs:
                    found[name].append(node)
            elif isinstance(value, str) and isinstance(self._source.parents[node], ast.Call | ast.Subscript):
                found[value].append(node)
        return found

    def _names(self, node: ast.AST, *, loose: bool) -> bool:
        """Whether a string or a pattern reads a method from something that may be the class."""
        outer = self._source.parents[node]
        if isinstance(node, ast.MatchClass):
            return loose
        if isinstance(outer, ast.Subscript):
            return isinstance(outer.value, ast.Attribute) and outer.value.attr == "__dict__"
        func = outer.func if isinstance(outer, ast.Call) else outer
        path = self._uses.paths.get(func)
        name = path.rpartition(".")[2] if path is not None else getattr(func, "id", "")
        if name not in _BY_TEXT or not isinstance(outer, ast.Call):
            return False
        value = self._ownership.value(outer.args[0]) if name in BY_NAME and outer.args else None
        return loose if value is None else any(one.kind == KLASS for one in value)


def _fits(call: ast.Call, method: Method) -> bool:
    """Whether the arguments of a call fit the plain function, its first argument passed explicitly."""
    args = method.node.args
    parameters = method.parameters
    named = {item.arg for item in call.keywords}
    if spreads(call) or parameters[0].arg in named:
        return True
    if method.wrapped:
        return bool(call.args)  # the wrapper may take other arguments
    if not call.args or (len(call.args) > len(parameters) and args.vararg is None):
        return False
    optional = len(args.defaults)
    needed = [one.arg for one in parameters[len(call.args) : len(parameters) - optional]]
    needed += [one.arg for one, default in zip(args.kwonlyargs, args.kw_defaults, strict=True) if default is None]
    return all(name in named for name in needed)
