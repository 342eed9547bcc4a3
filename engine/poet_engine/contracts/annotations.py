"""Rules for arguments from annotations: plain types, `Literal`, and the constraints of `Annotated`.

A type is refused only where it cannot be meant. Numbers of other libraries, subclasses and containers are accepted:
much Python is annotated more loosely than it is called.
"""

import types
import typing
from collections.abc import Callable, Iterator, Mapping

from poet_engine.contracts import rules
from poet_engine.contracts.rules import InputRule, Relation

_SOURCE = "its annotation"
_PLAIN = (int, float, complex, str, bytes, bool, type(None), list, tuple, dict, set)
_TAKES: Mapping[object, tuple[type, ...]] = {
    int: (int, bool),
    float: (int, float, bool),
    complex: (int, float, complex, bool),
    str: (str,),
    bytes: (bytes,),
    bool: (bool, int),
    type(None): (type(None),),
    None: (type(None),),
}
_BOUNDS: tuple[tuple[str, str, Relation], ...] = (
    ("gt", "must be greater than", ">"),
    ("ge", "must be at least", ">="),
    ("lt", "must be less than", "<"),
    ("le", "must be at most", "<="),
)


def from_annotations(function: object, parameters: tuple[str, ...]) -> list[InputRule]:
    """Return the rules of a function's annotations; none where they cannot be evaluated."""
    try:
        hints = typing.get_type_hints(function, include_extras=True)
    except Exception:  # noqa: BLE001 - an annotation may be any expression, and name what is imported for type checkers alone
        return []
    return [rule for name in parameters if name in hints for rule in _rules(name, hints[name])]


def _rules(name: str, hint: object) -> Iterator[InputRule]:
    plain, constraints = _split(hint)
    takes = _types(plain)
    if takes is not None:
        yield InputRule(name, f"must be {_label(plain)}", _SOURCE, lambda value: _accepts(value, takes))
    if typing.get_origin(plain) is typing.Literal:
        options = typing.get_args(plain)
        yield InputRule(name, f"must be one of {', '.join(map(repr, options))}", _SOURCE, rules.one_of(options))
    for constraint in constraints:
        for phrase, holds in _constraint(constraint):
            yield InputRule(name, phrase, _SOURCE, _unless_none(plain, holds))


def _split(hint: object) -> tuple[object, list[object]]:
    """Return the type without its constraints, and the constraints; also for `Annotated[…] | None`."""
    if typing.get_origin(hint) is typing.Annotated:
        base, *metadata = typing.get_args(hint)
        plain, inner = _split(base)
        return plain, [*inner, *_flat(metadata)]
    parts = _union(hint)
    given = [part for part in parts if part is not type(None)]
    if len(parts) > 1 and len(given) == 1 and typing.get_origin(given[0]) is typing.Annotated:
        plain, constraints = _split(given[0])
        return typing.Union[plain, None], constraints  # noqa: UP007 - `plain` is a value here, which need not have `|`
    return hint, []


def _flat(metadata: list[object]) -> Iterator[object]:
    for item in metadata:
        inner = getattr(item, "metadata", None)  # a field of pydantic holds the constraints that it was given
        yield from inner if isinstance(inner, list | tuple) else (item,)


def _union(hint: object) -> tuple[object, ...]:
    return typing.get_args(hint) if typing.get_origin(hint) in {typing.Union, types.UnionType} else (hint,)


def _types(plain: object) -> tuple[type, ...] | None:
    """Return the plain types that are accepted; None where a part of the annotation is anything else."""
    taken: list[type] = []
    for part in _union(plain):
        if not isinstance(part, type | None) or part not in _TAKES:
            return None
        taken += _TAKES[part]
    return tuple(taken)


def _accepts(value: object, takes: tuple[type, ...]) -> bool:
    kind = type(value)
    if kind not in _PLAIN or kind in takes:
        return True
    return kind is float and int in takes and isinstance(value, float) and value.is_integer()


def _label(plain: object) -> str:
    names = ["None" if part in {None, type(None)} else getattr(part, "__name__", str(part)) for part in _union(plain)]
    return " or ".join(names)


def _unless_none(plain: object, holds: Callable[[object], bool]) -> Callable[[object], bool]:
    if type(None) in _union(plain):
        return lambda value: value is None or holds(value)
    return holds


def _constraint(item: object) -> Iterator[tuple[str, Callable[[object], bool]]]:
    """Yield a phrase and a test for each attribute that annotated_types, pydantic and msgspec have in common."""
    for name, phrase, relation in _BOUNDS:
        bound: object = getattr(item, name, None)
        if bound is not None:
            yield f"{phrase} {bound}", rules.compared(relation, bound)
    step = getattr(item, "multiple_of", None)
    if isinstance(step, int | float):
        yield f"must be a multiple of {step}", rules.multiple_of(step)
    least, most = getattr(item, "min_length", None), getattr(item, "max_length", None)
    if isinstance(least, int) and least > 0:
        yield f"must have at least {least} elements", rules.sized(least, None)
    if isinstance(most, int):
        yield f"must have at most {most} elements", rules.sized(None, most)
    test = getattr(item, "func", None)
    if type(item).__name__ == "Predicate" and callable(test):
        yield f"must satisfy {getattr(test, '__name__', test)}", rules.judged(test, whole=True)
