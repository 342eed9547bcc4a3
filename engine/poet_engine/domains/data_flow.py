"""Data flow analysis: find the inputs that a function ignores, from its tree. No code is run.

An input is ignored when its value reaches neither the return value nor an effect. Whatever is uncertain counts as
reached, since a function whose body computes must keep it. These do not count as reaching:

- validation: a test whose only consequence is an exception, or that gives the same return value either way, and a test
  of the type (`isinstance`) or for None;
- noise: `print`, `warnings.warn` and records of a logger;
- names that are never read: `_ = reference`, `del reference`, `reference = None`.

The functions of this module read one tree in one pass and share one set of names, so it stays in one piece.
"""

import ast
from collections.abc import Iterable, Iterator, Mapping, Sequence

from poet_engine.domains.identifier_words import word_set

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef

# Packages that compute and touch nothing: code that uses them has no effect besides its value.
PURE_PACKAGES = word_set(
    "__future__ abc bisect collections dataclasses datetime decimal enum fractions functools heapq itertools math "
    "numbers numpy operator pandas re scipy sklearn statistics string typing warnings",
)
_PURE_BUILTINS = word_set(
    "abs all any ascii bin bool bytearray bytes callable chr complex dict divmod enumerate filter float format "
    "frozenset getattr hasattr hash hex id int isinstance issubclass iter len list map max min next object oct ord pow "
    "range repr reversed round set slice sorted str sum tuple type zip",
)
# Their effects on names, and their uses of names, are not visible in the tree.
_INVISIBLE = word_set("locals vars globals eval exec")
_CALLS_ITS_ARGUMENT = word_set("map filter reduce starmap takewhile dropwhile filterfalse accumulate")
# Methods that read their object, whatever it is: of containers and text, of arrays and frames.
_READING_METHODS = word_set(
    "all any argmax argmin astype capitalize casefold copy corr count cov cumsum decode describe dropna encode "
    "endswith find flatten format get head index isalpha isdigit isin isna isnull items join keys kurt lower "
    "lstrip max mean median min mode most_common notna notnull nunique partition prod ptp quantile rank ravel "
    "replace reshape round rpartition rstrip sample select_dtypes skew split splitlines squeeze startswith std "
    "strip sum tail title to_dict to_list to_numpy tolist transpose unique upper value_counts values var zfill",
)
# In the pure packages, names that write, or change their arguments: their beginnings, and whole names.
_CHANGING = tuple(word_set("save to_ dump write put copyto fill place shuffle seed heap insort set del"))
_CHANGING_NAMES = word_set("at iadd iand iconcat ifloordiv imul ior ipow isub itruediv ixor")
_FRESH_CALLS = word_set("dict list set bytearray defaultdict Counter OrderedDict deque")
_MOST_STEPS = 100_000
_LOG_METHODS = word_set("debug info warning warn error exception critical log")


def ignored_input(
    node: FunctionNode, inputs: Sequence[str], *, imports: Mapping[str, str], loggers: frozenset[str] = frozenset()
) -> str | None:
    """Return the first of the inputs that the function ignores; None where it uses all of them.

    Args:
        node: The function.
        inputs: The names of its parameters, in the order to try them.
        imports: Name that an import binds → the module that it comes from.
        loggers: Global names that hold a logger.
    """
    return next((name for name in inputs if not _Flow(node, name, imports, loggers).reaches()), None)


def is_noise(call: ast.Call, imports: Mapping[str, str], loggers: frozenset[str]) -> bool:
    """Whether a call only informs people: `print`, a warning, a record of a logger."""
    match call.func:
        case ast.Name(id="print"):
            return all(word.arg != "file" for word in call.keywords)
        case ast.Name(id=name):
            return imports.get(name, "") in {"logging", "warnings"} and name in _LOG_METHODS
        case ast.Attribute(value=ast.Name(id=name), attr=attribute):
            if name in loggers or imports.get(name) == "logging":
                return attribute in _LOG_METHODS
            return imports.get(name) == "warnings" and attribute == "warn"
        case ast.Attribute(
            value=ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr="getLogger")), attr=attribute
        ):
            return imports.get(name) == "logging" and attribute in _LOG_METHODS
        case _:
            return False


def own_nodes(node: ast.AST) -> Iterator[ast.AST]:
    """Yield all nodes inside a function in source order, except the bodies of functions and classes inside it."""
    for child in ast.iter_child_nodes(node):
        yield child
        if not isinstance(child, FunctionNode | ast.ClassDef | ast.Lambda):
            yield from own_nodes(child)


class _Flow:
    """Analysis of one input of one function.

    `carriers` is the set of names whose value depends on the input. `governed` means that the input decides whether
    the statement at hand runs at all.
    """

    def __init__(self, node: FunctionNode, source: str, imports: Mapping[str, str], loggers: frozenset[str]) -> None:
        self._node, self._imports, self._loggers = node, imports, loggers
        self._carriers = {source}
        self._reached = False
        self._left_early = False  # an earlier return depends on the input
        self._jumped = False  # the same for break and continue in the current loop
        self._inside = 0  # depth of functions inside the function
        self._entered: set[str] = set()
        self._touched = self._steps = 0
        self._outer: set[str] = set()
        self._defined: dict[str, FunctionNode] = {}
        self._bound = _bound_names(node)
        self._fresh = _fresh_names(node)
        self._one_answer = _one_answer(node)

    def reaches(self) -> bool:
        """Whether the input reaches the return value or an effect."""
        self._block(self._node.body, governed=False)
        return self._reached

    def _block(self, statements: Iterable[ast.stmt], *, governed: bool) -> None:
        for statement in statements:
            self._statement(statement, governed=governed or self._left_early)

    def _statement(self, statement: ast.stmt, *, governed: bool) -> None:  # noqa: C901, PLR0912 - one case for each kind of statement
        match statement:
            case ast.Return(value=value):
                self._return(value, governed=governed)
            case ast.Assign(targets=targets, value=value):
                carries = self._value(value, governed=governed) or governed
                for target in targets:
                    self._store(target, carries=carries, governed=governed)
            case ast.AnnAssign(target=target, value=value) if value is not None:
                self._store(target, carries=self._value(value, governed=governed) or governed, governed=governed)
            case ast.AugAssign(target=target, value=value):
                self._change(target, value, governed=governed)
            case ast.Raise(exc=exc):
                for part in [*exc.args, *(word.value for word in exc.keywords)] if isinstance(exc, ast.Call) else []:
                    self._value(part, governed=False)
            case ast.Assert(test=test):
                self._value(test, governed=governed)
            case ast.Delete(targets=targets):
                self._carriers -= {target.id for target in targets if isinstance(target, ast.Name)}
                if any(not isinstance(target, ast.Name) for target in targets):
                    self._reached |= governed or any(self._value(target, governed=governed) for target in targets)
            case ast.Expr(value=value):
                self._value(value, governed=governed)
            case ast.Global(names=names) | ast.Nonlocal(names=names):
                self._outer |= set(names)
            case ast.Break() | ast.Continue():
                self._jumped |= governed
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                self._defined[statement.name] = statement
            case ast.ClassDef():
                self._reached |= self._mentions(statement)
            case _:
                self._compound(statement, governed=governed)

    def _compound(self, statement: ast.stmt, *, governed: bool) -> None:
        match statement:
            case ast.If(test=test, body=body, orelse=orelse):
                decides = self._decides(test, governed=governed) or governed
                self._branches([body, orelse], governed=decides)
            case ast.For() | ast.AsyncFor():
                decides = self._value(statement.iter, governed=governed) or governed
                decides = self._loop(statement.body, governed=decides, target=statement.target)
                self._block(statement.orelse, governed=decides)
            case ast.While(test=test, body=body, orelse=orelse):
                decides = self._decides(test, governed=governed) or governed
                self._block(orelse, governed=self._loop(body, governed=decides, test=test))
            case ast.With() | ast.AsyncWith():
                for item in statement.items:
                    carries = self._value(item.context_expr, governed=governed)
                    self._reached |= carries  # its `__enter__` may do anything with the value
                    if item.optional_vars is not None:
                        self._store(item.optional_vars, carries=carries or governed, governed=governed)
                self._block(statement.body, governed=governed)
            case ast.Try() | ast.TryStar():
                before = self._touched
                self._block(statement.body, governed=governed)
                decides = governed or self._touched > before
                self._branches([statement.orelse, *(one.body for one in statement.handlers)], governed=decides)
                self._block(statement.finalbody, governed=governed)
            case ast.Match(subject=subject, cases=cases):
                decides = self._value(subject, governed=governed) or governed
                for case in cases:
                    names = {name for found in ast.walk(case.pattern) if (name := _captured(found)) is not None}
                    self._carriers |= names if decides else set()
                    decides |= case.guard is not None and self._value(case.guard, governed=decides)
                self._branches([case.body for case in cases], governed=decides)
            case _:  # pass, imports
                pass

    def _return(self, value: ast.expr | None, *, governed: bool) -> None:
        carries = value is not None and self._value(value, governed=governed)
        if self._inside:
            return  # its return value counts at its calls
        self._reached |= carries or (governed and not self._one_answer)
        self._left_early |= governed

    def _branches(self, bodies: Iterable[Sequence[ast.stmt]], *, governed: bool) -> None:
        before, after = set(self._carriers), set(self._carriers)
        for body in bodies:
            self._carriers = set(before)
            self._block(body, governed=governed)
            after |= self._carriers
        # A name that every branch overwrites stays in the set: a stub may miss its version, but no body is replaced.
        self._carriers = after

    def _loop(
        self, body: Sequence[ast.stmt], *, governed: bool, target: ast.expr | None = None, test: ast.expr | None = None
    ) -> bool:
        """Analyse a loop until nothing changes; return whether the input decides how often it runs."""
        jumped, self._jumped = self._jumped, False
        while True:
            before, left = set(self._carriers), self._left_early
            governed = governed or self._jumped or (test is not None and self._decides(test, governed=governed))
            if target is not None:
                self._store(target, carries=governed, governed=governed)
            self._block(body, governed=governed)
            self._carriers |= before
            if self._carriers == before and left == self._left_early and governed >= self._jumped:
                self._jumped = jumped
                return governed

    def _store(self, target: ast.expr, *, carries: bool, governed: bool) -> None:
        match target:
            case ast.Name(id=name):
                self._reached |= carries and name in self._outer
                if carries:
                    self._carriers.add(name)
                else:
                    self._carriers.discard(name)
            case ast.Tuple(elts=parts) | ast.List(elts=parts):
                for part in parts:
                    self._store(part, carries=carries, governed=governed)
            case ast.Starred(value=value):
                self._store(value, carries=carries, governed=governed)
            case ast.Attribute() | ast.Subscript():
                carries |= isinstance(target, ast.Subscript) and self._value(target.slice, governed=governed)
                root = _root(target)
                if carries and root in self._fresh:
                    self._carriers.add(root)
                else:
                    self._reached |= carries  # other code may hold the object
            case _:
                self._reached |= carries

    def _change(self, target: ast.expr, value: ast.expr, *, governed: bool) -> None:
        carries = self._value(value, governed=governed) or governed
        if not isinstance(target, ast.Name):
            self._store(target, carries=carries or self._value(target, governed=governed), governed=governed)
        elif carries or target.id in self._carriers:
            # `+=` changes a list where it is, and the caller has it too.
            self._reached |= target.id in self._outer or target.id in _parameters(self._node)
            self._carriers.add(target.id)

    def _value(self, node: ast.expr, *, governed: bool) -> bool:
        """Whether the value of an expression depends on the input; effects of its calls are recorded."""
        self._steps += 1
        if self._steps > _MOST_STEPS:  # deeply nested loops: a body that is so long to analyse computes
            self._reached = True
            return True
        carries = self._carries(node, governed=governed)
        self._touched += carries
        return carries

    def _carries(self, node: ast.expr, *, governed: bool) -> bool:  # noqa: C901, PLR0911 - one case for each kind of expression
        match node:
            case ast.Name(id=name):
                self._reached |= name in _INVISIBLE and name not in self._bound
                return name in self._carriers or (name in self._defined and self._mentions(self._defined[name]))
            case ast.Call():
                return self._call(node, governed=governed)
            case ast.NamedExpr(target=target, value=value):
                carries = self._value(value, governed=governed) or governed
                self._store(target, carries=carries, governed=governed)
                return carries
            case ast.Lambda(body=body):
                return self._value(body, governed=governed) or self._mentions(node)
            case ast.ListComp() | ast.SetComp() | ast.GeneratorExp() | ast.DictComp():
                return self._comprehension(node, governed=governed)
            case ast.Yield(value=value):
                self._reached |= governed or (value is not None and self._value(value, governed=governed))
                return False
            case ast.YieldFrom(value=value):
                self._reached |= self._value(value, governed=governed) or governed
                return False
            case ast.IfExp(test=test, body=body, orelse=orelse):
                decides = self._decides(test, governed=governed) and ast.dump(body) != ast.dump(orelse)
                inner = governed or decides
                either = [self._value(part, governed=inner) for part in (body, orelse)]
                return decides or any(either)
            case ast.BoolOp(values=values):
                found = False
                for value in values:  # the values before decide whether the rest is evaluated
                    found |= self._value(value, governed=governed or found)
                return found
            case _:
                return self._any(_parts(node), governed=governed)

    def _decides(self, test: ast.expr, *, governed: bool) -> bool:
        """Whether the input decides a test; a test of its type or for None is validation."""
        match test:
            case ast.BoolOp(values=values):
                found = [self._decides(value, governed=governed) for value in values]
                return any(found)
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return self._decides(operand, governed=governed)
            case (
                ast.Call(func=ast.Name(id="isinstance" | "issubclass"))
                | ast.Compare(ops=[ast.Is() | ast.IsNot()], comparators=[ast.Constant(value=None)])
            ):
                self._value(test, governed=governed)
                return False
            case _:
                return self._value(test, governed=governed)

    def _any(self, parts: Iterable[ast.expr], *, governed: bool) -> bool:
        """Whether one of the parts depends on the input; all are analysed, for the effects of their calls."""
        found = [self._value(part, governed=governed) for part in parts]
        return any(found)

    def _comprehension(
        self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp, *, governed: bool
    ) -> bool:
        before, found = set(self._carriers), governed
        for generator in node.generators:
            found |= self._value(generator.iter, governed=found)
            self._store(generator.target, carries=found, governed=found)
            for condition in generator.ifs:
                found |= self._value(condition, governed=found)
        parts = [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
        found = self._any(parts, governed=found) or found
        self._carriers |= before  # its own names hide the function's only inside
        return found

    def _call(self, node: ast.Call, *, governed: bool) -> bool:
        given = [*node.args, *(word.value for word in node.keywords)]
        carried = self._any(given, governed=governed)
        if is_noise(node, self._imports, self._loggers):
            return False
        match node.func:
            case ast.Name(id=name) if name in self._defined:
                return self._enter(name, carried=carried, governed=governed)
            case ast.Name(id=name) if self._is_pure(name) and not (carried and self._hands_over(node)):
                return carried
            case ast.Name(id=name) if name in self._carriers:
                self._reached = True
                return True
            case ast.Attribute():
                return self._method(node, node.func, carried=carried, governed=governed)
            case _:
                carried |= self._value(node.func, governed=governed)
        self._reached |= carried or governed  # its effects are unknown
        return carried

    def _method(self, node: ast.Call, method: ast.Attribute, *, carried: bool, governed: bool) -> bool:
        root = _root(method)
        if (
            root is not None
            and root not in self._bound
            and self._imports.get(root, "").partition(".")[0] in PURE_PACKAGES
        ):
            changes = _changes(method.attr) or self._hands_over(node) or _fills(node)
            self._reached |= changes and (carried or governed)
            return carried
        carried |= self._value(method.value, governed=governed)
        if not _fills(node) and (
            method.attr in _READING_METHODS or isinstance(method.value, ast.Constant | ast.JoinedStr)
        ):
            return carried
        if isinstance(method.value, ast.Name) and root in self._fresh:
            if carried or governed:
                self._carriers.add(method.value.id)
            return carried
        self._reached |= carried or governed
        return carried

    def _hands_over(self, node: ast.Call) -> bool:
        """Whether a call passes on an unknown function, which may then be called with anything."""
        keys = [word.value for word in node.keywords if word.arg in {"key", "func", "function", "default"}]
        last = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        taken = [*keys, *(node.args[:1] if last in _CALLS_ITS_ARGUMENT else [])]
        return any(not self._known_function(one) for one in taken)

    def _known_function(self, node: ast.expr) -> bool:
        match node:
            case ast.Lambda() | ast.Constant(value=None):
                return True
            case ast.Name(id=name):
                if name in self._defined:
                    self._enter(name, carried=True, governed=False)
                return name in self._defined or self._is_pure(name)
            case ast.Attribute():
                root = _root(node)
                return root is not None and self._imports.get(root, "").partition(".")[0] in PURE_PACKAGES
            case _:
                return False

    def _is_pure(self, name: str) -> bool:
        if name in self._bound:
            return False
        if name in self._imports:
            return self._imports[name].partition(".")[0] in PURE_PACKAGES and not _changes(name)
        return name in _PURE_BUILTINS

    def _enter(self, name: str, *, carried: bool, governed: bool) -> bool:
        """Analyse the call of an inner function; return whether its result depends on the input."""
        inner = self._defined[name]
        depends = carried or self._mentions(inner)
        if name not in self._entered and (depends or governed):
            self._entered.add(name)
            self._carriers |= _parameters(inner) if carried else frozenset()
            self._inside += 1
            self._block(inner.body, governed=governed)
            self._inside -= 1
        return depends

    def _mentions(self, node: ast.AST) -> bool:
        return any(isinstance(found, ast.Name) and found.id in self._carriers for found in ast.walk(node))


def _changes(name: str) -> bool:
    return name.startswith(_CHANGING) or name in _CHANGING_NAMES


def _fills(node: ast.Call) -> bool:
    """Whether a call has a keyword for an argument that it changes."""
    return any(word.arg in {"out", "inplace", "copy"} for word in node.keywords)


def _parts(node: ast.AST) -> Iterator[ast.expr]:
    """Yield the expressions directly inside an expression."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.expr):
            yield child
        elif not isinstance(child, ast.stmt):
            yield from _parts(child)


def _captured(pattern: ast.AST) -> str | None:
    match pattern:
        case ast.MatchAs(name=name) | ast.MatchStar(name=name):
            return name
        case ast.MatchMapping(rest=rest):
            return rest
        case _:
            return None


def _root(node: ast.expr) -> str | None:
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    return node.id if isinstance(node, ast.Name) else None


def _parameters(node: FunctionNode) -> frozenset[str]:
    given = node.args
    every = (*given.posonlyargs, *given.args, *given.kwonlyargs, given.vararg, given.kwarg)
    return frozenset(one.arg for one in every if one is not None)


def _bound_names(node: FunctionNode) -> frozenset[str]:
    """Return the names that the function binds itself; they are neither builtins nor imports of the module."""
    stored = (one.id for one in ast.walk(node) if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store))
    return _parameters(node) | frozenset(stored)


def _fresh_names(node: FunctionNode) -> frozenset[str]:
    """Return local names that only ever hold containers that the function itself creates."""
    made: dict[str, bool] = {}
    plain: set[int] = set()
    for found in ast.walk(node):
        match found:
            case (
                ast.Assign(targets=[ast.Name(id=name) as target], value=value)
                | ast.AnnAssign(target=ast.Name(id=name) as target, value=ast.expr() as value)
            ):
                made[name] = made.get(name, True) and _is_fresh(value)
                plain.add(id(target))
            case ast.Name(id=name, ctx=ast.Store()) if id(found) not in plain:
                made[name] = False
            case _:
                pass
    return frozenset(name for name, fresh in made.items() if fresh) - _parameters(node)


def _is_fresh(value: ast.expr) -> bool:
    match value:
        case ast.List() | ast.Dict() | ast.Set() | ast.ListComp() | ast.DictComp() | ast.SetComp():
            return True
        case ast.Call(func=ast.Name(id=name)):
            return name in _FRESH_CALLS
        case _:
            return False


def _one_answer(node: FunctionNode) -> bool:
    """Whether every path out of the function, except by an exception, returns the same constant."""
    values = [found.value for found in own_nodes(node) if isinstance(found, ast.Return)]
    if not values:
        return True
    answers = {ast.dump(value) if value is not None else "" for value in values}
    parts = (found for value in values if value is not None for found in ast.walk(value))
    plain = not any(isinstance(found, ast.Name | ast.Call | ast.Attribute) for found in parts)
    return len(answers) == 1 and plain and isinstance(node.body[-1], ast.Return | ast.Raise)
