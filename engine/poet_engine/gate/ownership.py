"""Ownership analysis: find the values that are certainly instances of the source's own classes.

Names, annotations and patterns in the source grant nothing. Each variable, attribute, parameter and result has the set
of own classes whose instances it may hold, or is unknown. The sets grow until nothing changes (a least fixpoint), so
that every assignment counts. The module is in one piece because each kind of value is found by way of the others.
"""

import ast
from collections import defaultdict
from collections.abc import Iterable

from poet_engine.gate.attribute_uses import AttributeUses, given, grafted
from poet_engine.gate.call_sites import CallSites, Site
from poet_engine.gate.check_imports import Uses
from poet_engine.gate.check_names import is_special, spreads
from poet_engine.gate.class_statements import CLASS_METHOD, INSTANCE_METHOD, STATIC_METHOD, Method, OwnClass
from poet_engine.gate.narrowing import Narrowing, Question
from poet_engine.gate.own_classes import OwnClasses
from poet_engine.gate.own_values import (
    ABSENT,
    INSTANCE,
    KLASS,
    LANGUAGE,
    NONE,
    NOTHING,
    PLAIN,
    Attribute,
    Key,
    One,
    OwnVariable,
    Result,
    Value,
    classes_of,
    joined,
)
from poet_engine.gate.source_model import CLASS, Binding, Source

_DISPLAYS = (
    ast.Constant, ast.Dict, ast.DictComp, ast.GeneratorExp, ast.JoinedStr, ast.Lambda, ast.List, ast.ListComp, ast.Set,
    ast.SetComp, ast.Tuple,
)  # fmt: skip
_MAKERS = frozenset(
    f"builtins.{name}" for name in ("dict", "frozenset", "len", "list", "range", "set", "sorted", "tuple")
)
_COPIERS = frozenset({"copy.copy", "copy.deepcopy"})
_ANSWERING = ("__getattr__", "__setattr__")


class Ownership:
    """The values of one source, as sets of own classes.

    Args:
        source: The source.
        uses: The imported names that it uses.
        classes: Its classes.
        escaped: The classes that may be reached under names that cannot be followed.
        closed: Whether no library that the policy lists calls methods of others with values of its own.
    """

    def __init__(
        self, source: Source, uses: Uses, classes: OwnClasses, *, escaped: set[OwnClass], closed: bool
    ) -> None:
        self._source, self._uses, self.classes, self.escaped = source, uses, classes, escaped
        self.attributes = AttributeUses(source, uses)
        self._sites = CallSites(source, classes, self.attributes, escaped=escaped, closed=closed)
        self._narrowing = Narrowing(source)
        self._plain_functions = True
        self._questions: dict[ast.Name, Question | None] = {}
        self._table: dict[Key, Value] = {}
        self._users: defaultdict[Key, set[Key]] = defaultdict(set)
        self._used: defaultdict[Key, set[Key]] = defaultdict(set)
        self._waiting: list[Key] = []
        self._current: Key | None = None
        self._returns: defaultdict[ast.AST, list[ast.Return]] = defaultdict(list)
        for node in source.of(ast.Return):
            if isinstance(node, ast.Return):
                self._returns[self.attributes.function(node) or source.tree].append(node)
        yields = source.of(ast.Yield, ast.YieldFrom)
        self._generators = {self.attributes.function(node) for node in yields}
        self._graft()

    def value(self, node: ast.expr) -> Value:
        """Return the set of values that an expression may have; None where it is unknown."""
        self._request(node)
        while self._waiting:
            key = self._current = self._waiting.pop()
            before, after = self._table[key], self._evaluate(key)
            joined = None if before is None or after is None else before | after
            if joined != before:
                self._table[key] = joined
                self._waiting.extend(self._users[key])
        self._current = None
        return self._table[node]

    def owns(self, node: ast.expr | None, name: str) -> bool:
        """Whether an attribute of this name, read from the value of an expression, can only be the source's own."""
        value = self.value(node) if node is not None else None
        return value is not None and all(self.classes.owns(one.of, name) for one in value)

    def relied(self, nodes: Iterable[ast.AST]) -> set[Method]:
        """Return the methods whose first argument must be an instance for the values of these expressions to hold."""
        seen: set[Key] = set()
        waiting: list[Key] = list(nodes)
        while waiting:
            key = waiting.pop()
            if key not in seen:
                seen.add(key)
                waiting.extend(self._used[key])
        return {method for key in seen if isinstance(key, ast.arg) for method in self._methods_of(key)}

    def _methods_of(self, argument: ast.arg) -> list[Method]:
        """Return the methods that get their instance or class by a parameter: one, or those that the function wraps."""
        method = self.method_of(argument)
        function = self._source.parents[self._source.parents[argument]]
        if method is not None or not isinstance(function, ast.FunctionDef):
            return [method] if method is not None else []
        first = [*function.args.posonlyargs, *function.args.args][:1] == [argument]
        return self.classes.wrappers.get(function, []) if first else []

    def method_of(self, argument: ast.arg) -> Method | None:
        """Return the method whose first parameter this is (`self` or `cls`, whatever its name); None for others."""
        function = self._source.parents[self._source.parents[argument]]
        method = self.classes.methods.get(function)
        first = method is not None and method.kind != STATIC_METHOD and method.parameters[:1] == [argument]
        return method if first else None

    def _graft(self) -> None:
        """Taint the classes that get attributes of other objects: `functools.update_wrapper(self, other)`."""
        for node, to in grafted(self._source, self._uses):
            method = self.classes.methods.get(self.attributes.function(node) or node)
            first = method.parameters[0].arg if method is not None and method.parameters else ""
            if isinstance(to, ast.Name) and to.id == first and method is not None:
                self.classes.taint(set(self.classes.family(method.owner)))
            elif isinstance(to, ast.Name) and self._function(to) is not None:
                self._plain_functions = False
            else:
                self._plain_functions = False
                self.classes.taint(set(self.classes.of.values()))

    # The value of a key.

    def _request(self, key: Key) -> Value:
        if self._current is not None:
            self._users[key].add(self._current)
            self._used[self._current].add(key)
        if key not in self._table:
            self._table[key] = NOTHING
            self._waiting.append(key)
        return self._table[key]

    def _evaluate(self, key: Key) -> Value:
        match key:
            case OwnVariable(home=home, name=name):
                return joined(self._bound(one) for one in home.bindings[name])
            case Attribute(name=name):
                return self._attribute(name)
            case Result(function=function):
                values = (one.value for one in self._returns[function])
                return joined([NONE, *(self._value_of(value) for value in values if value is not None)])
            case ast.arg():
                return self._parameter(key)
            case ast.expr():
                return self._value_of(key)
            case _:
                raise AssertionError("no such key is ever asked for")

    def _bound(self, binding: Binding) -> Value:  # noqa: PLR0911 - one answer for each kind of binding
        """Return the value that a binding gives to a name."""
        match binding.node:
            case ast.arg() as argument:
                return self._request(argument)
            case ast.ClassDef() as node:
                own = self.classes.of[node]
                return frozenset({One(KLASS, own)}) if own.kept else None
            case ast.FunctionDef(decorator_list=[]):
                return LANGUAGE if self._plain_functions else None
            case ast.ExceptHandler(type=ast.expr() as kind) as handler:
                if isinstance(self._source.parents[handler], ast.TryStar):
                    return None  # a group, which is of no own class whatever the handler names
                return self._instances(kind, exact=True)  # `except` ignores what `isinstance` may be made to say
            case ast.MatchAs(pattern=ast.MatchClass(cls=kind)):
                return self._instances(kind, exact=False)
            case ast.Name(ctx=ast.Del()):
                return NOTHING
            case ast.Name() as name:
                value = given(name, self._source)
                return self._value_of(value) if value is not None else None
            case _:
                return None

    def _attribute(self, name: str) -> Value:
        """Return the values that attributes of this name may have on own values."""
        if self.attributes.is_set_out_of_sight(name):
            return None
        stored, members = self.attributes.stored.get(name, ()), self.attributes.members.get(name, ())
        return joined([
            *(self._value_of(value) if value is not None else None for value in stored),
            *(self._member(binding, owner) for binding, owner in members),
        ])  # fmt: skip

    def _member(self, binding: Binding, owner: ast.AST) -> Value:
        """Return the value that the body of a class gives to a name, as its instances see it."""
        node = binding.node
        method = self.classes.methods.get(node)
        if method is not None:
            plain = method.computed and self._runs(method) and isinstance(method.node, ast.FunctionDef)
            return self._request(Result(method.node)) if plain and isinstance(method.node, ast.FunctionDef) else None
        own = self.classes.made_by(owner)
        if own is None or not own.is_simple:
            return None  # a library sets it, or turns it into a member
        annotated = isinstance(self._source.parents.get(node), ast.AnnAssign)
        if annotated and (own.node.decorator_list or own in self.escaped):
            return None  # it is or may become the field of a dataclass
        value = self._bound(binding)
        described = self.attributes.describes and value is not None and any(one.kind == INSTANCE for one in value)
        return None if described else value

    def _runs(self, method: Method) -> bool:
        """Whether reading a property, or calling a method, results in the return value of its function."""
        plain = isinstance(method.node, ast.FunctionDef) and method.node not in self._generators
        return plain and method.sure and (method.plain or method.computed)

    def _parameter(self, argument: ast.arg) -> Value:
        if methods := self._methods_of(argument):
            kinds = {INSTANCE_METHOD: INSTANCE, CLASS_METHOD: KLASS}
            sure = all(method.sure for method in methods)
            return frozenset(One(kinds[method.kind], method.owner) for method in methods) if sure else None
        function = self._source.parents[self._source.parents[argument]]
        args = self._source.parents[argument]
        if not isinstance(args, ast.arguments) or not isinstance(function, ast.FunctionDef):
            return None
        if argument in {args.vararg, args.kwarg}:
            return LANGUAGE  # a tuple, or a dictionary
        calls = self._sites.of(function, self._is_instance)
        return None if calls is None else joined(self._passed(argument, args, calls))

    def _is_instance(self, node: ast.expr) -> bool:
        value = self._value_of(node)
        return value is not None and all(one.kind == INSTANCE for one in value)

    def _passed(self, argument: ast.arg, args: ast.arguments, calls: Iterable[Site]) -> Iterable[Value]:
        """Yield the values that calls pass to a parameter, its default included."""
        positional = [*args.posonlyargs, *args.args]
        index = positional.index(argument) if argument in positional else None
        for site in calls:
            call, bound = site.call, site.bound
            if spreads(call):
                yield None
            for item in call.keywords:
                if item.arg == argument.arg:
                    yield self._value_of(item.value)
            if index is not None and 0 <= index - bound < len(call.args):
                yield self._value_of(call.args[index - bound])
        defaults = dict(zip(reversed(positional), reversed(args.defaults), strict=False))
        named = dict(zip(args.kwonlyargs, args.kw_defaults, strict=True))
        default = defaults.get(argument) or named.get(argument)
        if default is not None:
            yield self._value_of(default)

    # The value of an expression.

    def _value_of(self, node: ast.expr) -> Value:
        match node:
            case ast.Name():
                return self._name(node)
            case ast.Attribute():
                return self._attribute_value(node)
            case ast.Call():
                return self._call(node)
            case ast.IfExp(body=one, orelse=other):
                return joined([self._value_of(one), self._value_of(other)])
            case ast.BoolOp(values=values):
                return joined(self._value_of(value) for value in values)
            case ast.NamedExpr(value=value):
                return self._value_of(value)
            case ast.Constant(value=None):
                return NONE
            case _:
                return LANGUAGE if isinstance(node, _DISPLAYS) else None

    def _name(self, node: ast.Name) -> Value:
        scope = self._source.scope_of.get(node)
        home = scope.home(node.id) if scope is not None else None
        if home is None or self._source.may_be_builtin(node):
            return None
        if node not in self._questions:
            self._questions[node] = self._narrowing.question(node)
        question = self._questions[node]
        found = self._instances(question.asked, exact=question.exact) if question is not None else None
        if found is not None:
            return found
        if home.kind == CLASS:  # its body falls through to the names around it
            own = self.classes.named(node)
            return frozenset({One(KLASS, own)}) if own is not None and own.kept else None
        return self._request(OwnVariable(home, node.id))

    def _instances(self, kind: ast.expr, *, exact: bool) -> Value:
        """Return instances of the classes that an expression names; None where other values can pass for one."""
        if isinstance(kind, ast.Tuple):
            return joined(self._instances(one, exact=exact) for one in kind.elts)
        if isinstance(kind, ast.BinOp) and isinstance(kind.op, ast.BitOr):
            return joined([self._instances(kind.left, exact=exact), self._instances(kind.right, exact=exact)])
        value = self._value_of(kind)
        if value is None or not all(one.kind == KLASS and (exact or self.classes.asks(one.of)) for one in value):
            return None
        return frozenset(One(INSTANCE, one.of) for one in value)

    def _attribute_value(self, node: ast.Attribute) -> Value:
        """Return the values that reading an attribute may result in."""
        value = self._value_of(node.value)
        if value is None:
            return None
        if node.attr == "__class__":
            return classes_of(value)
        private = node.attr[:1] == "_"
        found = [one for one in value if not (one.kind == ABSENT or (private and one.kind == PLAIN))]  # others raise
        if any(one.kind == PLAIN or not self._is_plain(one, node.attr) for one in found):
            return None
        return self._request(Attribute(node.attr)) if found else NOTHING

    def _is_plain(self, one: One, name: str) -> bool:
        """Whether an attribute of a value is one that the source sets or defines."""
        if is_special(name) or not self.classes.owns(one.of, name):
            return False
        family = self.classes.family(one.of)
        bodies = {each.node for each in family}
        return all(each.is_simple for each in family) and not any(
            owner in bodies for hook in _ANSWERING for _, owner in self.attributes.members.get(hook, ())
        )

    def _call(self, node: ast.Call) -> Value:
        path = self.classes.path(node.func)
        if path in _MAKERS:
            return LANGUAGE
        if path == "builtins.super":
            return self._super(node)
        if path == "builtins.type" and len(node.args) == 1 and not node.keywords:
            return classes_of(self._value_of(node.args[0]))
        if path in _COPIERS and node.args:
            return self._copied(node.args[0])
        return self._result(node.func, node)

    def _result(self, func: ast.expr, node: ast.Call) -> Value:
        """Return the value of a call of the source's own function, method or class."""
        if isinstance(func, ast.Attribute):
            if func.attr == "__new__" and node.args:
                return self._new(func.value, node.args[0])
            found = self._methods(func.value, func.attr)
            if found is not None:
                return joined(self._request(Result(one)) for one in found)
        function = self._function(func) if isinstance(func, ast.Name) else None
        if function is not None:
            return self._request(Result(function)) if function not in self._generators else LANGUAGE
        value = self._value_of(func)
        if value is None or any(one.kind != KLASS for one in value - NONE):
            return None
        return joined(self._instance(one.of) for one in value - NONE)

    def _function(self, name: ast.Name) -> ast.FunctionDef | None:
        """Return the one undecorated function that a name refers to; None for any other name."""
        scope = self._source.scope_of.get(name)
        found = scope.meanings(name.id) if scope is not None and not self._source.may_be_builtin(name) else []
        node = found[0].node if len(found) == 1 else None
        return node if isinstance(node, ast.FunctionDef) and not node.decorator_list else None

    def _methods(self, of: ast.expr, name: str) -> list[ast.FunctionDef] | None:
        """Return the functions of which one runs when a method of this name is called; None where it is unknown."""
        value = self._value_of(of)
        if value is None or self.attributes.is_set(name):
            return None
        value = value - NONE
        if not value or not all(one.kind != PLAIN and self._is_plain(one, name) for one in value):
            return None if value else []
        bodies = {each.node for one in value for each in self.classes.family(one.of)}
        members = [binding.node for binding, owner in self.attributes.members.get(name, ()) if owner in bodies]
        methods = [self.classes.methods.get(member) for member in members]
        found = [
            method.node
            for method in methods
            if method is not None
            and not method.computed
            and self._runs(method)
            and isinstance(method.node, ast.FunctionDef)
        ]
        return found if found and len(found) == len(members) else None

    def _super(self, node: ast.Call) -> Value:
        if len(node.args) == 2:  # noqa: PLR2004 - the class, and the object
            return self._value_of(node.args[1])
        method = self.classes.methods.get(self.attributes.function(node) or node)
        return (
            self._request(method.parameters[0]) if method is not None and method.parameters and not node.args else None
        )

    def _copied(self, node: ast.expr) -> Value:
        value = self._value_of(node)
        hooks = [hook for hook in ("__copy__", "__deepcopy__", "__new__") if hook in self.attributes.members]
        if value is None or hooks or not all(self.classes.is_pure(one.of) for one in value):
            return None
        return value

    def _instance(self, own: OwnClass) -> Value:
        """Return the value of calling an own class."""
        family = self.classes.family(own)  # `cls` may be any class that derives from it
        if not self.classes.is_pure(own) or any(one.metaclass is not None for one in family):
            return None
        makers = [method for method in self.classes.by_name.get("__new__", ()) if method.owner in family]
        if not makers:
            return frozenset({One(INSTANCE, own)})
        if not all(isinstance(one.node, ast.FunctionDef) and self._runs(one) for one in makers):
            return None
        return joined(self._request(Result(one.node)) for one in makers if isinstance(one.node, ast.FunctionDef))

    def _new(self, of: ast.expr, kind: ast.expr) -> Value:
        """Return the value of `object.__new__(cls)` or `super().__new__(cls)`, where no other own `__new__` runs."""
        value = self._value_of(kind)
        if value is None or any(one.kind != KLASS or not self.classes.is_pure(one.of) for one in value):
            return None
        path = self.classes.path(of)
        further = isinstance(of, ast.Call) and self.classes.path(of.func) == "builtins.super"
        if path is not None and path.startswith("builtins."):
            return frozenset(One(INSTANCE, one.of) for one in value)
        makers = self.classes.by_name.get("__new__", ())
        own = self._value_of(of)
        plain = own is not None and all(one.kind == KLASS for one in own) and not makers
        return frozenset(One(INSTANCE, one.of) for one in value) if plain or (further and len(makers) <= 1) else None
