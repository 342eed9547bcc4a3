"""Rules for single arguments: a phrase for people, and a test that never raises."""

import dataclasses
import math
import numbers
import operator
from collections.abc import Callable, Collection, Sized
from typing import Literal, Protocol, cast

Test = Callable[[object], object]
Relation = Literal[">", ">=", "<", "<="]

_ELEMENTS = (list, tuple, set, frozenset)
_NO_NUMBERS = (str, bytes, type(None))


@dataclasses.dataclass(frozen=True, slots=True)
class InputRule:
    """One rule for one parameter.

    Attributes:
        parameter: The name of the parameter.
        phrase: The requirement, such as `must be positive`.
        source: Its source, such as `the docstring`.
        holds: Whether an argument satisfies it; true for arguments that it cannot test.
        divides: Whether the body would raise ZeroDivisionError.
    """

    parameter: str
    phrase: str
    source: str
    holds: Callable[[object], bool]
    divides: bool = False


def judged(test: Test, *, whole: bool = False) -> Callable[[object], bool]:
    """Return a test that never raises: of a value, of each element of a list, tuple or set, or of a whole array.

    Args:
        test: Returns a truth value, or an array of them.
        whole: Whether the value itself is meant, whatever it contains.
    """

    def holds(value: object) -> bool:
        if not whole and isinstance(value, _ELEMENTS):
            return all(isinstance(one, _ELEMENTS) or _passes(test, one) for one in value)
        return _passes(test, value)

    return holds


def _passes(test: Test, value: object) -> bool:
    try:
        found = test(value)
        for _ in range(2):  # `all` of a frame is a column, and of a column or an array a truth value
            if hasattr(found, "all"):
                found = found.all()
        return bool(found)
    except Exception:  # noqa: BLE001 - the user's own class may fail in any way when it is compared; it is accepted
        return False if isinstance(value, _NO_NUMBERS) else True  # noqa: SIM211 - reads as the sentence it is


class _Ordered(Protocol):
    def __lt__(self, other: object, /) -> object: ...
    def __le__(self, other: object, /) -> object: ...
    def __gt__(self, other: object, /) -> object: ...
    def __ge__(self, other: object, /) -> object: ...


def compared(relation: Relation, bound: object) -> Callable[[object], bool]:
    """Return a test of whether a value, or all of them, are in a relation to a bound; nan, text and None never are."""

    def test(value: object) -> object:
        ordered = cast("_Ordered", value)  # an unordered one raises, which `judged` handles
        match relation:
            case ">":
                return ordered > bound
            case ">=":
                return ordered >= bound
            case "<":
                return ordered < bound
            case "<=":
                return ordered <= bound

    return judged(test)


def nonzero(value: object) -> bool:
    """Whether a value is not the number zero; arrays are accepted."""
    return not isinstance(value, numbers.Number) or bool(value)  # a number is false when it is zero


def nonempty(value: object) -> bool:
    """Whether a container has elements; other values are accepted."""
    return not isinstance(value, Sized) or _passes(lambda one: len(one) > 0 if isinstance(one, Sized) else True, value)


def finite(value: object) -> bool:
    """Whether a number, or each element, is neither infinite nor nan."""
    return judged(lambda one: math.isfinite(one) if isinstance(one, numbers.Real) else True)(value)


def not_none(value: object) -> bool:
    """Whether a value is not None."""
    return value is not None


def sized(least: int | None, most: int | None) -> Callable[[object], bool]:
    """Return a test of whether a container has at least, or at most, so many elements."""

    def holds(value: object) -> bool:
        if not isinstance(value, Sized):
            return True
        return (least is None or len(value) >= least) and (most is None or len(value) <= most)

    return holds


def multiple_of(step: float) -> Callable[[object], bool]:
    """Return a test of whether a number is a multiple of `step`."""
    return judged(lambda value: operator.mod(value, step) == 0)


def one_of(options: Collection[object]) -> Callable[[object], bool]:
    """Return a test of whether a value is one of these."""
    return judged(lambda value: any(value == option for option in options), whole=True)
