"""Code that somebody brings as a version: what can be said against it before it is scanned as a candidate.

It is parsed only after the gate's worker has parsed it within its caps.
"""

import ast
from collections.abc import Iterable, Iterator, Sequence

from poet_engine.decorator.serving import Candidate
from poet_engine.decorator.states import FunctionContext
from poet_engine.domains import FunctionInfo, FunctionKind, Parameter
from poet_engine.domains.data_flow import FunctionNode, own_nodes
from poet_engine.domains.description import parameters_of
from poet_engine.domains.parsing import parse
from poet_engine.errors import UsageError
from poet_engine.outcome import decisive

_POSITIONAL = frozenset((FunctionKind.POSITIONAL_ONLY, FunctionKind.POSITIONAL_OR_KEYWORD))
_NAMED = frozenset((FunctionKind.POSITIONAL_OR_KEYWORD, FunctionKind.KEYWORD_ONLY))


def candidate(place: FunctionContext, code: str, reason: str) -> Candidate:
    """The code as a candidate.

    Raises:
        UsageError: It cannot stand for the function; the message says why, and how to mend it.
    """
    # Callers without a type checker bring other things; the annotation says that they cannot.
    if not isinstance(code, str):
        raise UsageError(f"adopt(code) takes the text of a module, not a {type(code).__name__}; read the file first")
    if not code.strip():
        raise UsageError(
            "there is no code to adopt; give the text of a module that defines "
            f"{place.info.name}{_parameters(place.info)}"
        )
    problem = _problem(place, code)
    if problem is not None:
        raise UsageError(f"the code cannot be adopted for {place.info.qualname}: {problem}")
    return Candidate(code, {}, (), "adopted", reason)


def _problem(place: FunctionContext, code: str) -> str | None:
    report = place.engine.scan(code, place.info.name)
    first = decisive(report.findings) or next(iter((*report.findings, *report.audited)), None)
    # What its worker could not parse is not parsed here either, whatever the policy makes of it.
    if first is not None and (report.rejected or report.cause in {"syntax", "too_large"}):
        return f"the gate rejects it: {first.rule} on line {first.line}: {first.message}"
    try:
        tree = parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        return f"it is not Python ({error}); correct it"
    info = place.info
    found = _last_binding(tree, info.name)
    if found is None:
        return f"it has no function {info.name} at its top level; write one with `def {info.name}{_parameters(info)}`"
    if not isinstance(found, FunctionNode):
        return f"its {info.name} (line {found.lineno}) is not written with `def`; make it a plain function"
    return _unlike(info, found)


def _unlike(info: FunctionInfo, found: FunctionNode) -> str | None:
    """Return why a function cannot take the place of another one."""
    if isinstance(found, ast.AsyncFunctionDef) != info.is_async:
        kind = "an `async def`" if info.is_async else "a plain `def`"
        return f"{info.name} is {kind}, and its {info.name} is not; write it as one"
    if any(isinstance(node, ast.Yield | ast.YieldFrom) for node in own_nodes(found)):
        return f"its {info.name} is a generator, whose answer cannot travel; return a list"
    misfit = misfitting(info.parameters, tuple(parameters_of(found)))
    wanted = f"give it the parameters {_parameters(info)}"
    return None if misfit is None else f"its {info.name} {misfit}, so not every call would fit it; {wanted}"


def _last_binding(tree: ast.Module, name: str) -> ast.stmt | None:
    """The last statement at module level, inside `if`, `try` and `with` as well, that binds a name."""
    return next((found for found in reversed(list(_statements(tree.body))) if name in _bound_by(found)), None)


def _statements(body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    for statement in body:
        yield statement
        if isinstance(statement, FunctionNode | ast.ClassDef):
            continue
        for part in ("body", "orelse", "finalbody"):
            yield from _statements(getattr(statement, part, ()))
        for handler in getattr(statement, "handlers", ()):
            yield from _statements(handler.body)


def _bound_by(statement: ast.stmt) -> frozenset[str]:
    match statement:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return frozenset((name,))
        case ast.Import(names=names) | ast.ImportFrom(names=names):
            return frozenset(one.asname or one.name.partition(".")[0] for one in names)
        case ast.Assign(targets=targets):
            stored = [node for target in targets for node in ast.walk(target)]
        case ast.AnnAssign(target=target) | ast.AugAssign(target=target) | ast.For(target=target):
            stored = list(ast.walk(target))
        case _:
            return frozenset()
    return frozenset(node.id for node in stored if isinstance(node, ast.Name))


def misfitting(wanted: Sequence[Parameter], given: Sequence[Parameter]) -> str | None:
    """Return why not every call that fits the wanted parameters fits the given ones; None where all do."""
    by_name = {one.name: one for one in given}
    places = [one for one in given if one.kind in _POSITIONAL]
    takes_any = {
        kind: any(one.kind is kind for one in given) for kind in (FunctionKind.VAR_POSITIONAL, FunctionKind.VAR_KEYWORD)
    }
    for position, one in enumerate(entry for entry in wanted if entry.kind in _POSITIONAL):
        if position >= len(places):
            if not takes_any[FunctionKind.VAR_POSITIONAL]:
                return f"takes no {one.name!r} at position {position + 1}"
        elif one.kind is FunctionKind.POSITIONAL_OR_KEYWORD and places[position].name != one.name:
            return f"takes {places[position].name!r} where {one.name!r} belongs"
    for one in wanted:
        mine = by_name.get(one.name)
        if one.kind in _NAMED and not takes_any[FunctionKind.VAR_KEYWORD] and (mine is None or mine.kind not in _NAMED):
            return f"does not take {one.name!r} by its name"
        if one.kind in takes_any and not takes_any[one.kind]:
            return f"does not take {'*' if one.kind is FunctionKind.VAR_POSITIONAL else '**'}{one.name}"
    return _asking_for_more(wanted, given)


def _asking_for_more(wanted: Sequence[Parameter], given: Sequence[Parameter]) -> str | None:
    """A parameter without which it cannot be called, and that callers may leave out."""
    required = {one.name for one in wanted if not one.has_default and one.kind in _NAMED}
    positional = [one for one in wanted if one.kind in _POSITIONAL]
    first = sum(1 for one in positional if not one.has_default)
    position = 0
    for one in given:
        position += one.kind in _POSITIONAL
        by_place = one.kind in _POSITIONAL and position <= first
        if one.kind in _POSITIONAL | _NAMED and not one.has_default and one.name not in required and not by_place:
            return f"cannot be called without {one.name!r}"
    return None


def _parameters(info: FunctionInfo) -> str:
    return f"({', '.join(one.name for one in info.parameters)})"
