"""Analyse a body in the order of execution, and stop at the first node that may do more than read.

No code is run. Names are resolved as Python would at this moment, so that `requests.get` is the object that it really
is; arguments have their values of the call. Whatever is unknown counts as more than reading. Operators and attributes
of objects are not analysed: the effect of adding or comparing objects is left to their classes.
All cases share the names of one body, so the module stays in one piece.
"""

import ast
import builtins
import dataclasses
import functools
import inspect
import os
import sys
import types
from collections.abc import Iterable, Mapping, Sequence

from poet_engine.decorator.read_only import known_calls
from poet_engine.decorator.read_only.values import (
    BOX,
    DATA,
    MISSING,
    PATH,
    STANDARD,
    UNKNOWN,
    Value,
    ValueKind,
    alike,
    element,
    joined,
    of_live,
    of_many,
)
from poet_engine.domains import tree_of
from poet_engine.domains.data_flow import FunctionNode
from poet_engine.errors import SourceUnavailableError

_MOST_STEPS = 20_000  # expressions, each as often as it is reached: some 50 ms
_ENTERED = frozenset((ValueKind.CLIENT, ValueKind.RESPONSE, ValueKind.ROWS, ValueKind.STANDARD))  # `with` enters these
_LONGEST_NAME = 60


class _MoreThanReadingError(Exception):
    """Raised at a node that is not known only to read; the text describes it."""


def first_effect(function: object, args: Sequence[object], kwargs: Mapping[str, object]) -> str | None:
    """Return the first effect of a body that is not known only to read; None where it only reads.

    Args:
        function: The user's function.
        args: Positional arguments of the call.
        kwargs: Keyword arguments of the call.
    """
    if not isinstance(function, types.FunctionType):
        return f"a {type(function).__name__} has no body that can be read"
    try:
        bound = inspect.signature(function).bind(*args, **kwargs)
    except (TypeError, ValueError):
        return "its arguments do not fit it"
    if any(hasattr(type(value), "__next__") for value in (*args, *kwargs.values())):
        return "one of its arguments is an iterator, which the first attempt has used up"
    bound.apply_defaults()
    try:
        given = {name: of_live(value) for name, value in bound.arguments.items()}
        _Body(function, _Visited()).run(given)
    except _MoreThanReadingError as effect:
        return str(effect)
    except SourceUnavailableError as error:
        return str(error)
    except RecursionError:
        return "its body is nested too deeply to be read"
    return None


@dataclasses.dataclass(slots=True)
class _Visited:
    """The functions under analysis, so that recursion ends, and the number of steps so far."""

    codes: set[types.CodeType] = dataclasses.field(default_factory=set)
    steps: int = 0

    def count(self) -> None:
        """Count a step; with too many, a call that has failed would wait too long."""
        self.steps += 1
        if self.steps > _MOST_STEPS:
            raise _MoreThanReadingError("it leads to more code than is looked through")


class _Body:
    """The analysis of one function with the names that it sees."""

    def __init__(self, function: types.FunctionType, visited: _Visited) -> None:
        self._function, self._visited = function, visited
        self._visited.codes.add(function.__code__)
        self._node = tree_of(function)
        self._file = os.path.basename(function.__code__.co_filename)  # noqa: PTH119 - a name such as <ipython-input-1> is no path
        self._globals = function.__globals__
        self._cells = dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=True))
        self._names: dict[str, Value] = {}
        self._own: set[str] = set()
        self._outer: set[str] = set()
        self._answers: list[Value] = []
        self._arguments: dict[ast.Call, list[tuple[ast.expr, Value]]] = {}  # of each call, as last analysed
        self._running: list[FunctionNode | ast.Lambda] = []  # inner functions under analysis

    def run(self, given: Mapping[str, Value]) -> Value:
        """Analyse the body and return its return value.

        Raises:
            _MoreThanReadingError: The body does more than read.
        """
        return self._inner(self._node, given)

    def _inner(self, node: FunctionNode | ast.Lambda, given: Mapping[str, Value]) -> Value:
        """Analyse a function as it is called, the body itself or an inner one, and return its return value."""
        names, own, answers = dict(self._names), set(self._own), self._answers
        parameters = _parameters(node)
        self._own |= parameters | _stored(node)
        self._names.update({name: given.get(name, UNKNOWN) for name in parameters})
        self._answers = []
        if isinstance(node, ast.Lambda):
            value = self._value(node.body)
        else:
            self._block(node.body)
            value = functools.reduce(joined, self._answers) if self._answers else DATA
        self._names, self._own, self._answers = names, own, answers
        return value

    def _block(self, statements: Iterable[ast.stmt]) -> None:
        for statement in statements:
            self._statement(statement)

    def _statement(self, statement: ast.stmt) -> None:  # noqa: C901, PLR0912 - one case for each kind of statement
        match statement:
            case ast.Return(value=value):
                self._answers.append(DATA if value is None else self._value(value))
            case ast.Assign(targets=targets, value=value):
                found = self._value(value)
                for target in targets:
                    self._store(target, found)
            case ast.AnnAssign(target=target, value=value):
                if value is not None:
                    self._store(target, self._value(value))
            case ast.AugAssign(target=target, value=value):
                self._change(target, self._value(value))
            case ast.Delete(targets=targets):
                for target in targets:
                    if not isinstance(target, ast.Name):
                        self._store(target, DATA)
            case ast.Global(names=names) | ast.Nonlocal(names=names):
                self._outer |= set(names)
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                if statement.decorator_list:
                    raise self._effect(statement, f"decorates {statement.name}")
                self._store(ast.Name(statement.name), Value(ValueKind.FUNCTION, node=statement))
            case ast.ClassDef(name=name):
                raise self._effect(statement, f"defines the class {name}")
            case ast.Import() | ast.ImportFrom():
                self._import(statement)
            case _:
                self._compound(statement)

    def _compound(self, statement: ast.stmt) -> None:  # noqa: C901, PLR0912 - the same
        match statement:
            case ast.If(test=test, body=body, orelse=orelse):
                self._value(test)
                self._branches([body, orelse])
            case ast.For() | ast.AsyncFor():
                found = element(self._value(statement.iter))
                self._loop([statement.body], statement.target, found)
                self._block(statement.orelse)
            case ast.While(test=test, body=body, orelse=orelse):
                self._value(test)
                self._loop([body], None, UNKNOWN)
                self._value(test)
                self._block(orelse)
            case ast.With() | ast.AsyncWith():
                for item in statement.items:
                    entered = self._value(item.context_expr)
                    if entered.kind not in _ENTERED:
                        raise self._effect(item.context_expr, f"enters {_shown(item.context_expr)}")
                    if item.optional_vars is not None:
                        self._store(item.optional_vars, entered)
                self._block(statement.body)
            case ast.Try() | ast.TryStar():
                self._block(statement.body)
                for handler in statement.handlers:
                    if handler.name is not None:
                        self._store(ast.Name(handler.name), UNKNOWN)
                self._branches([statement.orelse, *(handler.body for handler in statement.handlers)])
                self._block(statement.finalbody)
            case ast.Match(subject=subject, cases=cases):
                self._value(subject)
                for case in cases:
                    for name in _stored(case.pattern):
                        self._store(ast.Name(name), UNKNOWN)
                    if case.guard is not None:
                        self._value(case.guard)
                self._branches([case.body for case in cases])
            case _:  # expressions, raise, assert, pass, break, continue
                for part in ast.iter_child_nodes(statement):
                    if isinstance(part, ast.expr):
                        self._value(part)

    def _branches(self, bodies: Iterable[Sequence[ast.stmt]]) -> None:
        before = dict(self._names)
        after = dict(before)
        for body in bodies:
            self._names = dict(before)
            self._block(body)
            for name, value in self._names.items():
                after[name] = joined(after.get(name, value), value) if name in before or name in after else value
        self._names = after

    def _loop(self, bodies: Sequence[Sequence[ast.stmt]], target: ast.expr | None, item: Value) -> None:
        while True:
            before = dict(self._names)
            if target is not None:
                self._store(target, item)
            self._branches([*bodies, []])
            if all(alike(self._names[name], before.get(name)) for name in self._names):
                return

    def _store(self, target: ast.expr, value: Value) -> None:
        match target:
            case ast.Name(id=name):
                if name in self._outer:
                    raise self._effect(target, f"sets {name} outside itself")
                self._names[name] = value
                self._own.add(name)
            case ast.Tuple(elts=parts) | ast.List(elts=parts):
                for part in parts:
                    self._store(part, element(value))
            case ast.Starred(value=inner):
                self._store(inner, BOX)
            case ast.Subscript(value=base, slice=place):
                self._value(place)
                holder = self._value(base)
                if not holder.fresh or holder.kind not in {ValueKind.DATA, ValueKind.BOX, ValueKind.STANDARD}:
                    raise self._effect(target, f"sets {_shown(target)}")
                self._mix(base, value)
            case ast.Attribute(value=base):
                holder = self._value(base)
                if not holder.fresh or holder.kind is not ValueKind.NEW:
                    raise self._effect(target, f"sets {_shown(target)}")
            case _:
                raise self._effect(target, f"sets {_shown(target)}")

    def _mix(self, base: ast.expr, *values: Value) -> None:
        """Mark a container as mixed that gets values which are not plain data, or which others have too."""
        if of_many(values) is not DATA:
            while isinstance(base, ast.Subscript):
                base = base.value
            if isinstance(base, ast.Name) and self._names.get(base.id, UNKNOWN).kind is ValueKind.DATA:
                self._names[base.id] = BOX

    def _change(self, target: ast.expr, value: Value) -> None:
        """Analyse `+=` and the like: a list is changed in place, which others that have it see."""
        if not isinstance(target, ast.Name):
            self._store(target, value)
            return
        before = self._value(target)
        if target.id in self._outer:
            raise self._effect(target, f"changes {target.id} outside itself")
        if not before.fresh:
            raise self._effect(target, f"changes {target.id}, which others may have too")
        # The result belongs to the body, be it a new number or its own list; its items may be shared.
        self._store(target, DATA if before.kind is ValueKind.DATA and of_many([value]) is DATA else BOX)

    def _import(self, statement: ast.Import | ast.ImportFrom) -> None:
        """Bind imported names: a loaded module is known; any other may do anything while it loads, but only once."""
        for alias in statement.names:
            if isinstance(statement, ast.Import):
                name = alias.asname or alias.name.partition(".")[0]
                module = sys.modules.get(alias.name if alias.asname else name)
                found: object = MISSING if module is None else module
            else:
                module = sys.modules.get(statement.module or "") if not statement.level else None
                name = alias.asname or alias.name
                found = vars(module).get(alias.name, MISSING) if module is not None else MISSING
            self._store(ast.Name(name), UNKNOWN if found is MISSING else of_live(found))

    def _value(self, node: ast.expr) -> Value:  # noqa: C901, PLR0911 - one case for each kind of expression
        """Return the value of an expression, after analysing all calls in it."""
        self._visited.count()
        match node:
            case ast.Constant(value=value):
                return Value(ValueKind.DATA, fresh=True, live=value)
            case ast.Name(id=name):
                return self._named(node, name)
            case ast.Attribute(value=base, attr=name):
                return _attribute(self._value(base), name)
            case ast.Call():
                return self._call(node)
            case ast.NamedExpr(target=target, value=value):
                found = self._value(value)
                self._store(target, found)
                return found
            case ast.Lambda():
                return Value(ValueKind.FUNCTION, node=node)
            case ast.Await(value=value):
                return self._await(node, value)
            case ast.Yield() | ast.YieldFrom():
                raise self._effect(node, "is a generator")
            case ast.ListComp() | ast.SetComp() | ast.GeneratorExp() | ast.DictComp():
                return self._comprehension(node)
            case ast.Subscript(value=base, slice=place):
                self._value(place)
                return element(self._value(base))
            case _:
                return self._compound_value(node)

    def _compound_value(self, node: ast.expr) -> Value:
        parts = [self._value(part) for part in _parts(node)]
        match node:
            case ast.List() | ast.Set() | ast.Dict() | ast.Tuple():
                return of_many(parts)
            case ast.JoinedStr() | ast.Compare() | ast.Slice():
                return DATA
            case ast.BinOp(op=ast.Add()):
                left, right = (one.live for one in parts)
                if isinstance(left, str) and isinstance(right, str):
                    return Value(ValueKind.DATA, fresh=True, live=left + right)
            case ast.BinOp(op=ast.Div()) if PATH.kind in {one.kind for one in parts}:
                return PATH
            case ast.IfExp() | ast.BoolOp():
                return functools.reduce(joined, parts[1:] if isinstance(node, ast.IfExp) else parts)
            case _:
                pass
        if all(one.kind is ValueKind.DATA for one in parts):
            return DATA
        return STANDARD if all(one.kind in {ValueKind.DATA, ValueKind.STANDARD} for one in parts) else UNKNOWN

    def _named(self, node: ast.expr, name: str) -> Value:
        if name in self._names:
            return self._names[name]
        if name in self._own and name not in self._outer:
            return UNKNOWN
        live = self._resolve(name)
        if live is not MISSING and hasattr(type(live), "__next__"):
            raise self._effect(node, f"uses up the iterator {name}")
        return UNKNOWN if live is MISSING else of_live(live)

    def _resolve(self, name: str) -> object:
        if name in self._cells:
            try:
                return self._cells[name].cell_contents
            except ValueError:  # the cell is not set yet
                return MISSING
        if name in self._globals:
            return self._globals[name]
        return vars(builtins).get(name, MISSING)

    def _comprehension(self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp) -> Value:
        names, own = dict(self._names), set(self._own)
        for generator in node.generators:
            self._store(generator.target, element(self._value(generator.iter)))
            for condition in generator.ifs:
                self._value(condition)
        items = [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
        found = of_many([self._value(item) for item in items])
        self._names, self._own = names, own
        return found

    def _await(self, node: ast.Await, value: ast.expr) -> Value:
        found = self._value(value)
        if isinstance(value, ast.Call) or found.kind is not ValueKind.UNKNOWN:
            return found
        raise self._effect(node, f"waits for {_shown(value)}")

    def _call(self, node: ast.Call) -> Value:
        given = [self._value(one.value if isinstance(one, ast.Starred) else one) for one in node.args]
        values = [self._value(word.value) for word in node.keywords]
        words = {word.arg: value for word, value in zip(node.keywords, values, strict=True)}
        arguments = [*node.args, *(word.value for word in node.keywords)]
        self._arguments[node] = list(zip(arguments, [*given, *values], strict=True))
        if isinstance(node.func, ast.Attribute) and self._is_super(node.func.value):
            return DATA  # `__init__` of an exception or of a plain object: see `_created`
        function = self._value(node.func.value) if isinstance(node.func, ast.Attribute) else self._value(node.func)
        if isinstance(node.func, ast.Attribute):
            found = self._method(node, node.func, function, given)
        elif function.kind is ValueKind.FUNCTION:
            found = self._local(function.node, given, words)
        else:
            found = None if function.live is MISSING else self._known(function.live, node, given, words)
        if found is None:
            raise self._effect(node, f"calls {_shown(node.func)}(…)")
        return found

    def _is_super(self, node: ast.expr) -> bool:
        return (
            self._node.name == "__init__"
            and isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id == "super"
            and self._resolve("super") is super
        )

    def _method(self, node: ast.Call, method: ast.Attribute, holder: Value, given: Sequence[Value]) -> Value | None:
        if isinstance(holder.live, types.ModuleType | type):
            live = _attribute(holder, method.attr).live
            return None if live is MISSING else self._known(live, node, given, {})
        self._check_callbacks(method.attr, node, method=True)
        if method.attr in known_calls.CHANGES:
            self._mix(method.value, *given)
        return known_calls.of_method(holder, method.attr, node, given[0] if given else UNKNOWN)

    def _known(
        self, live: object, node: ast.Call, given: Sequence[Value], words: Mapping[str | None, Value]
    ) -> Value | None:
        if isinstance(live, functools._lru_cache_wrapper):  # noqa: SLF001 - the type has no public name
            live = live.__wrapped__
        if isinstance(live, types.FunctionType) and live.__globals__ is self._globals:
            return self._own_function(live, given, words)
        if isinstance(live, type) and live.__module__ == self._globals.get("__name__"):
            return self._created(live, given, words)
        name = getattr(live, "__name__", "")
        self._check_callbacks(name if isinstance(name, str) else "", node)
        return known_calls.of_call(live, node, given)

    def _own_function(
        self, live: types.FunctionType, given: Sequence[Value], words: Mapping[str | None, Value]
    ) -> Value:
        """Analyse a function of the same module, and return its return value."""
        if live.__code__ in self._visited.codes:
            return UNKNOWN
        body = _Body(live, self._visited)
        found = body.run(_bound(body._node, given, words))
        self._visited.codes.discard(live.__code__)  # another call may have other arguments
        return found

    def _created(self, live: type, given: Sequence[Value], words: Mapping[str | None, Value]) -> Value | None:
        """Analyse the creation of an object of a class of the same module; None where it is unknown."""
        if type(live) is not type or isinstance(inspect.getattr_static(live, "__new__"), staticmethod):
            return None
        start = inspect.getattr_static(live, "__init__")
        new = Value(ValueKind.NEW, fresh=True)
        if isinstance(start, types.FunctionType):
            written = start.__code__.co_filename.startswith("<")
            if written and dataclasses.is_dataclass(live):  # generated by `dataclass`, which calls `__post_init__`
                return None if hasattr(live, "__post_init__") else new
            if start.__globals__ is not self._globals:
                return None
            self._own_function(start, [new, *given], words)
        return new

    def _local(self, node: object, given: Sequence[Value], words: Mapping[str | None, Value]) -> Value:
        """Analyse a call of an inner function."""
        if not isinstance(node, FunctionNode | ast.Lambda):
            return UNKNOWN
        if node in self._running:
            return UNKNOWN
        self._running.append(node)
        found = self._inner(node, _bound(node, given, words))
        self._running.pop()
        return found

    def _check_callbacks(self, name: str, node: ast.Call, *, method: bool = False) -> None:
        """Analyse functions among the arguments of a known call: it may call them."""
        called = known_calls.handed_over(name, node, method=method)
        for one, function in () if known_calls.only_compares(name) else self._arguments[node]:
            if function.kind is ValueKind.FUNCTION:
                self._local(function.node, (), {})
            elif function.live is not MISSING and callable(function.live):
                if self._known(function.live, self._bare_call(one), [UNKNOWN], {}) is None:
                    raise self._effect(one, f"hands over {_shown(one)} to be called")
            elif one in called and function.kind is not ValueKind.DATA:
                raise self._effect(one, f"hands over {_shown(one)} to be called")

    def _bare_call(self, function: ast.expr) -> ast.Call:
        call = ast.Call(function, [], [])
        self._arguments[call] = []
        return call

    def _effect(self, node: ast.AST, what: str) -> _MoreThanReadingError:
        line = getattr(node, "lineno", 0) or self._node.lineno
        return _MoreThanReadingError(f"line {line} of {self._file} {what}, which is not known only to read")


def _attribute(holder: Value, name: str) -> Value:
    live = holder.live
    if isinstance(live, types.ModuleType):
        found: object = vars(live).get(name, MISSING)
        return UNKNOWN if found is MISSING else of_live(found)
    if isinstance(live, type):
        # A descriptor of the user's own could do anything here, so only functions and plain values are taken.
        static = inspect.getattr_static(live, name, MISSING)
        builtin = isinstance(static, types.ClassMethodDescriptorType | classmethod | staticmethod)
        found = getattr(live, name) if builtin else static
        return UNKNOWN if found is MISSING else of_live(found)
    match holder.kind:
        case ValueKind.DATA | ValueKind.RESPONSE:
            return Value(ValueKind.DATA, fresh=holder.fresh)
        case ValueKind.STANDARD | ValueKind.PATH:
            return Value(holder.kind, fresh=holder.fresh)
        case _:
            return UNKNOWN


def _parts(node: ast.AST) -> list[ast.expr]:
    """Return the expressions directly inside an expression, in their order."""
    found: list[ast.expr] = []
    for child in ast.iter_child_nodes(node):
        found += [child] if isinstance(child, ast.expr) else _parts(child)
    return found


def _parameters(node: FunctionNode | ast.Lambda) -> set[str]:
    given = node.args
    every = (*given.posonlyargs, *given.args, *given.kwonlyargs, given.vararg, given.kwarg)
    return {one.arg for one in every if one is not None}


def _bound(
    node: FunctionNode | ast.Lambda, given: Sequence[Value], words: Mapping[str | None, Value]
) -> dict[str, Value]:
    """Return the values of a function's parameters in a call, as far as they are known."""
    places = [one.arg for one in (*node.args.posonlyargs, *node.args.args)]
    named = {name: value for name, value in words.items() if name is not None}
    return {**dict(zip(places, given, strict=False)), **named}


def _stored(node: ast.AST) -> set[str]:
    """Return the names that a tree binds."""
    found = set()
    for one in ast.walk(node):
        match one:
            case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
                found.add(name)
            case (
                ast.MatchAs(name=str() as name)
                | ast.MatchStar(name=str() as name)
                | ast.MatchMapping(rest=str() as name)
            ):
                found.add(name)
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name) if (
                one is not node
            ):
                found.add(name)
            case ast.ExceptHandler(name=str() as name):
                found.add(name)
            case ast.alias(name=name, asname=asname):
                found.add(asname or name.partition(".")[0])
            case _:
                pass
    return found


def _shown(node: ast.AST) -> str:
    text = ast.unparse(node)
    return text if len(text) <= _LONGEST_NAME else f"{text[:_LONGEST_NAME]}…"
