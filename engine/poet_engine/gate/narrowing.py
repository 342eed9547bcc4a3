"""Type narrowing: the classes of a name's value that tests guarantee where it stands.

The tests are `isinstance`, `type(x) is` and class patterns.
"""

import ast
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from poet_engine.gate.source_model import COMPREHENSION, Binding, Scope, Source

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
_LATER = (*_FUNCTIONS, ast.GeneratorExp)  # their body may run when the name has another value
_LEAVING = (ast.Break, ast.Continue, ast.Raise, ast.Return)
_LOOPS = (ast.AsyncFor, ast.For, ast.While)


class Question(NamedTuple):
    """The class of a type test, as the source writes it; `exact` where subclasses do not pass the test."""

    asked: ast.expr
    exact: bool = False


class _NarrowedName(NamedTuple):
    """A name and the scope that it belongs to."""

    name: str
    home: Scope


class Narrowing:
    """Finder of the type tests that hold at a use of a name.

    Args:
        source: The source.
    """

    __slots__ = ("_equal", "_guards", "_source")

    def __init__(self, source: Source) -> None:
        self._source = source
        self._guards: dict[int, list[tuple[int, bool, ast.expr]]] = {}
        # a metaclass can say that its classes are equal to others
        self._equal = not any(getattr(node, "arg", None) == "metaclass" for node in source.of(ast.keyword))

    def question(self, name: ast.Name) -> Question | None:
        """Return the nearest type test that the name's value has certainly passed; None where there is none."""
        scope = self._source.scope_of.get(name)
        home = scope.home(name.id) if scope is not None else None
        if home is None:
            return None
        variable, bindings = _NarrowedName(name.id, home), self._bindings(home, name.id)
        fixed = len(bindings) == 1 and bindings[0].kind == "parameter"
        if bindings and not fixed and self._function(bindings[0].node) is not self._function(name):
            return None  # a suspended function may see another value later
        inner: ast.AST = name
        while bindings and (outer := self._source.parents.get(inner)) is not None:
            for question, region in self._tests_around(inner, outer, variable):
                if self._holds(name, region, bindings):
                    return question
            if isinstance(outer, _LATER) and not fixed:
                return None
            inner = outer
        return None

    def _bindings(self, home: Scope, name: str) -> list[Binding]:
        """Return the bindings of a name if they are all in one function, and no binding otherwise."""
        found = home.bindings[name]
        owners = {self._function(binding.node) for binding in found}
        return found if len(owners) == 1 or home.kind == COMPREHENSION else []

    def _function(self, node: ast.AST) -> ast.AST | None:
        outer: ast.AST | None = node
        while outer is not None and not isinstance(outer, _FUNCTIONS):
            outer = self._source.parents.get(outer)
        return outer

    def _tests_around(
        self, inner: ast.AST, outer: ast.AST, variable: _NarrowedName
    ) -> Iterator[tuple[Question, Sequence[ast.AST]]]:
        """Yield the tests between `outer` and `inner`, each with the nodes in which its result holds."""
        found: Iterator[Question] = iter(())
        match outer:
            case ast.BoolOp(op=op, values=values) if inner in values:
                before = ast.BoolOp(op, values[: values.index(inner)])
                found = (
                    self._when_true(before, variable) if isinstance(op, ast.And) else self._when_false(before, variable)
                )
            case ast.If() | ast.IfExp() | ast.While():
                found = self._of_branch(inner, outer, variable)
            case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
                if not isinstance(inner, ast.comprehension):
                    tests = [test for generator in outer.generators for test in generator.ifs]
                    found = self._when_true(ast.BoolOp(ast.And(), tests), variable)
            case ast.match_case(pattern=pattern) if inner is not pattern:
                subject = getattr(self._source.parents[outer], "subject", None)
                found = _of_pattern(pattern) if self._is(subject, variable) else found
            case _:
                pass
        yield from ((question, [outer]) for question in found)
        if isinstance(inner, ast.stmt):
            yield from self._earlier(inner, outer, variable)

    def _of_branch(
        self, inner: ast.AST, outer: ast.If | ast.IfExp | ast.While, variable: _NarrowedName
    ) -> Iterator[Question]:
        body = outer.body if isinstance(outer.body, list) else [outer.body]
        if inner in body:
            return self._when_true(outer.test, variable)
        return (
            self._when_false(outer.test, variable)
            if inner is not outer.test and not isinstance(outer, ast.While)
            else iter(())
        )

    def _earlier(
        self, inner: ast.stmt, outer: ast.AST, variable: _NarrowedName
    ) -> Iterator[tuple[Question, Sequence[ast.AST]]]:
        """Yield tests of preceding statements that leave, or raise, unless the value is of a class."""
        block, guards = self._block(inner, outer)
        place = _place(inner)
        for index, leaves, test in guards:
            if _place(block[index]) >= place:
                return
            for question in self._when_false(test, variable) if leaves else self._when_true(test, variable):
                yield question, block[index:]

    def _block(self, inner: ast.stmt, outer: ast.AST) -> tuple[list[ast.AST], list[tuple[int, bool, ast.expr]]]:
        """Return the statements around one, and the guards among them: an `if` that leaves, an `assert`."""
        for field in ("body", "orelse", "finalbody"):
            block: object = getattr(outer, field, None)
            if isinstance(block, list) and inner in block:
                if id(block) not in self._guards:
                    self._guards[id(block)] = list(_guards(block))
                return block, self._guards[id(block)]
        return [], []

    def _when_true(self, test: ast.expr, variable: _NarrowedName) -> Iterator[Question]:
        """Yield the type tests that the name's value passed when a condition is true."""
        match test:
            case ast.Call(func=ast.Name(id="isinstance") as func, args=[of, asked], keywords=[]):
                if self._is(of, variable) and self._is_builtin(func):
                    yield Question(asked)
            case ast.Compare(left=left, ops=[ast.Is() | ast.Eq() as operator], comparators=[right]):
                yield from self._same(left, right, operator, variable)
            case ast.BoolOp(op=ast.And(), values=values):
                for value in values:
                    yield from self._when_true(value, variable)
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                yield from self._when_false(operand, variable)
            case _:
                return

    def _when_false(self, test: ast.expr, variable: _NarrowedName) -> Iterator[Question]:
        """Yield the type tests that the name's value passed when a condition is false."""
        match test:
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                yield from self._when_true(operand, variable)
            case ast.Compare(left=left, ops=[ast.IsNot() | ast.NotEq() as operator], comparators=[right]):
                yield from self._same(left, right, operator, variable)
            case ast.BoolOp(op=ast.Or(), values=values):
                for value in values:
                    yield from self._when_false(value, variable)
            case _:
                return

    def _same(
        self, left: ast.expr, right: ast.expr, operator: ast.cmpop, variable: _NarrowedName
    ) -> Iterator[Question]:
        """Yield the exact tests of `type(x) is T`, `T is x.__class__`, and the same with `==`."""
        if not self._equal and isinstance(operator, ast.Eq | ast.NotEq):
            return
        for one, other in ((left, right), (right, left)):
            match one:
                case ast.Call(func=ast.Name(id="type") as func, args=[of], keywords=[]):
                    if self._is(of, variable) and self._is_builtin(func):
                        yield Question(other, exact=True)
                case ast.Attribute(value=of, attr="__class__") if self._is(of, variable):
                    yield Question(other, exact=True)
                case _:
                    continue

    def _is(self, node: ast.AST | None, variable: _NarrowedName) -> bool:
        """Whether an expression is this name, in the same scope."""
        if not isinstance(node, ast.Name) or node.id != variable.name:
            return False
        scope = self._source.scope_of.get(node)
        return scope is not None and scope.home(node.id) is variable.home

    def _is_builtin(self, func: ast.Name) -> bool:
        return self._source.scope_of[func].home(func.id) is None

    def _holds(self, use: ast.Name, region: Sequence[ast.AST], bindings: Sequence[Binding]) -> bool:
        """Whether the name is not bound again between the test in the region and the use."""
        if isinstance(region[0], ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp):
            targets = [one.target for one in region[0].generators]
            inside = [one for one in bindings if self._within(one.node, region)]
            return not inside or (len(bindings) == 1 and self._within(inside[0].node, targets))
        return all(not self._within(one.node, region) or self._follows(one, use, region) for one in bindings)

    def _follows(self, binding: Binding, use: ast.Name, region: Sequence[ast.AST]) -> bool:
        """Whether a binding in the region comes after the use, and no loop in it returns to the use."""
        outer: ast.AST = use
        while outer not in region:
            if isinstance(outer, (*_LOOPS, *_LATER)):
                return False
            outer = self._source.parents[outer]
        if isinstance(outer, _LOOPS) and len(region) > 1:
            return False
        statement = self._source.parents.get(binding.node)
        if isinstance(statement, ast.Assign | ast.AugAssign | ast.AnnAssign | ast.NamedExpr):
            value = statement.value
            if value is not None and self._within(use, [value]):
                return True  # it is read before the name is bound
        return _place(binding.node) > _place(use)

    def _within(self, node: ast.AST, region: Sequence[ast.AST]) -> bool:
        outer: ast.AST | None = node
        while outer is not None and outer not in region:
            outer = self._source.parents.get(outer)
        return outer is not None


def _guards(block: Iterable[ast.AST]) -> Iterator[tuple[int, bool, ast.expr]]:
    """Yield the index of each guard in a block, whether it leaves when the test is true, and the test.

    An `if` that leaves lets on only when its test is false, an `assert` only when it is true.
    """
    for index, statement in enumerate(block):
        match statement:
            case ast.If(test=test, body=[*_, last], orelse=[]) if isinstance(last, _LEAVING):
                yield index, True, test
            case ast.Assert(test=test):
                yield index, False, test
            case _:
                continue


def _of_pattern(pattern: ast.pattern) -> Iterator[Question]:
    while isinstance(pattern, ast.MatchAs) and pattern.pattern is not None:
        pattern = pattern.pattern
    if isinstance(pattern, ast.MatchClass):
        yield Question(pattern.cls)


def _place(node: ast.AST) -> tuple[int, int]:
    return getattr(node, "lineno", 0), getattr(node, "col_offset", 0)
