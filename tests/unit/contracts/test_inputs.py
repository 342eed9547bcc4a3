"""What a function demands of its arguments, and which calls break it."""

import decimal
import fractions
import math
import typing
from collections.abc import Callable
from typing import Annotated, Literal

import annotated_types as at
import numpy as np
import pydantic
import pytest

from poet_engine.contracts import inputs_of
from poet_engine.contracts.dividing import divisors

Call = tuple[tuple[object, ...], dict[str, object]]


def refused(function: Callable[..., object], *args: object, **kwargs: object) -> tuple[str, str] | None:  # type: ignore[explicit-any]  # any function
    """Argument and rule, without who says so."""
    found = inputs_of(function).refusal(args, kwargs)
    return None if found is None else (found.argument, found.rule.partition(" (")[0])


def typed(count: int, share: float = 0.5, name: str = "x", *, flag: bool = False, raw: bytes | None = None) -> None:
    """Plain types."""
    del count, share, name, flag, raw


class TestTypes:
    @pytest.mark.parametrize(
        "call",
        [
            ((1,), {}),
            ((True,), {}),
            ((2.0,), {}),
            ((np.int64(3), np.float32(1)), {}),
            ((decimal.Decimal(1), fractions.Fraction(1, 2)), {}),
            ((1, 1), {"name": "y", "flag": 1, "raw": b""}),
            ((1,), {"raw": None}),
        ],
    )
    def test_what_may_be_meant_passes(self, call: Call) -> None:
        """An int for a float, a whole float for an int, and the numbers of other libraries."""
        assert refused(typed, *call[0], **call[1]) is None

    @pytest.mark.parametrize(
        ("call", "argument", "rule"),
        [
            ((("1",), {}), "count", "must be int"),
            (((1.5,), {}), "count", "must be int"),
            (((math.nan,), {}), "count", "must be int"),
            (((None,), {}), "count", "must be int"),
            (((1, "0.5"), {}), "share", "must be float"),
            (((1, 0.5, 3), {}), "name", "must be str"),
            (((1,), {"flag": "yes"}), "flag", "must be bool"),
            (((1,), {"raw": "text"}), "raw", "must be bytes or None"),
        ],
    )
    def test_what_cannot_be_meant_is_refused(self, call: Call, argument: str, rule: str) -> None:
        assert refused(typed, *call[0], **call[1]) == (argument, rule)

    def test_a_default_is_always_accepted(self) -> None:
        def f(count: int = None) -> None:  # type: ignore[assignment]  # noqa: RUF013 - how many write an optional argument
            del count

        assert refused(f, None) is None

    def test_a_literal(self) -> None:
        def f(mode: Literal["fast", "exact"]) -> None:
            del mode

        assert refused(f, "fast") is None
        assert refused(f, "slow") == ("mode", "must be one of 'fast', 'exact'")

    def test_containers_and_classes_are_not_judged(self) -> None:
        def f(rows: list[int], when: Callable[[], None], other: object) -> None:
            del rows, when, other

        assert refused(f, (1, 2), None, 1) is None

    def test_annotations_that_cannot_be_evaluated(self) -> None:
        def f(count: "OnlyForTypeCheckers") -> None:  # type: ignore[name-defined]  # noqa: F821 - that is the point
            del count

        assert refused(f, "x") is None


class TestConstraints:
    def test_annotated(self) -> None:
        def f(
            x: Annotated[float, at.Gt(0), at.Le(10)],
            n: Annotated[int, at.MultipleOf(3)] = 3,
            s: Annotated[str, at.Len(1, 4)] = "a",
            p: Annotated[float, at.Predicate(math.isfinite)] = 0.0,
        ) -> None:
            del x, n, s, p

        assert refused(f, 10, 6, "abcd", 1.0) is None
        assert refused(f, 0) == ("x", "must be greater than 0")
        assert refused(f, 11) == ("x", "must be at most 10")
        assert refused(f, math.nan) == ("x", "must be greater than 0")
        assert refused(f, 1, 4) == ("n", "must be a multiple of 3")
        assert refused(f, 1, s="") == ("s", "must have at least 1 elements")
        assert refused(f, 1, s="abcde") == ("s", "must have at most 4 elements")
        assert refused(f, 1, p=math.inf) == ("p", "must satisfy isfinite")

    def test_pydantics_and_optional_ones(self) -> None:
        def f(x: pydantic.PositiveInt, y: Annotated[float, pydantic.Field(ge=1)] | None = 2.0) -> None:
            del x, y

        assert refused(f, 1, None) is None
        assert refused(f, 0) == ("x", "must be greater than 0")
        assert refused(f, 1, 0.5) == ("y", "must be at least 1")

    def test_arrays_and_lists_are_judged_whole(self) -> None:
        def f(values: Annotated[typing.Any, at.Gt(0)]) -> None:  # type: ignore[explicit-any]  # as users write it
            del values

        assert refused(f, [1, 2]) is None
        assert refused(f, np.array([1.0, 2.0])) is None
        assert refused(f, [1, 0]) == ("values", "must be greater than 0")
        assert refused(f, np.array([1.0, -2.0])) == ("values", "must be greater than 0")
        assert refused(f, object()) is None


def add_positive_numbers(a, b):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN201 - as users write it
    """Add two numbers. Both must be positive."""
    return a + b


@pytest.mark.parametrize("call", [(0, 1), (-1, 1), (math.nan, 1), ("1", 1), (None, 1)])
def test_what_is_not_positive(call: tuple[object, object]) -> None:
    assert refused(add_positive_numbers, *call) == ("a", "must be positive")
    assert refused(add_positive_numbers, *reversed(call)) == ("b", "must be positive")


def test_what_is_positive() -> None:
    assert refused(add_positive_numbers, 1, 0.5) is None
    assert refused(add_positive_numbers, 1, b=2) is None


def test_a_wrong_call_is_pythons_to_refuse() -> None:
    """Too few or unknown arguments: the body's own TypeError is the better one."""
    assert refused(add_positive_numbers, 1) is None
    assert refused(add_positive_numbers, 1, 2, c=3) is None


def test_what_has_no_signature_has_no_rules() -> None:
    assert inputs_of(dict).refusal((1,), {}) is None


class TestExamples:
    def test_an_example_of_a_zero_is_about_zero(self) -> None:
        def divide(a: float, b: float) -> float:
            """Divide.

            >>> divide(6, 3)
            2.0
            >>> divide(1, 0)
            Traceback (most recent call last):
                ...
            ZeroDivisionError: division by zero
            """
            return round(a) / round(b)

        assert refused(divide, 6, 3) is None
        assert refused(divide, 7, 0) == ("b", "must not be zero")

    def test_any_other_example_is_about_itself(self) -> None:
        def root(x: float) -> float:
            """Take the root.

            >>> root(-1)
            Traceback (most recent call last):
            ValueError: math domain error
            """
            return math.sqrt(x)

        assert refused(root, -1) == ("x", "an example in the docstring shows that this raises ValueError")
        assert refused(root, -2) is None

    def test_an_example_overrules_what_the_body_suggests(self) -> None:
        """The author shows what comes of zero, so the body is asked."""

        def divide(a: float, b: float) -> float:
            """Divide.

            >>> divide(1.0, 0.0)
            inf
            """
            return a / b

        assert refused(divide, 1.0, 0.0) is None

    def test_text_that_is_no_example(self) -> None:
        def f(x: int) -> int:
            """Not calls with plain arguments.

            >>> f(unknown)
            >>> other(0)
            >>> f(0
            >>> f(*[0])
            """
            return x

        assert refused(f, 0) is None


class TestDividing:
    @pytest.mark.parametrize(
        ("body", "found"),
        [
            ("return a / b", {"b"}),
            ("x = 1 + a // b\n    return x", {"b"}),
            ("a /= b\n    return a", {"b"}),
            ("return a / b if b else 0", set()),
            ("if not b:\n        return 0\n    return a / b", set()),
            ("try:\n        return a / b\n    except ZeroDivisionError:\n        return 0", set()),
            ("b = b or 1\n    return a / b", set()),
            ("return lambda: a / b", set()),
            ("return a / (b + 1)", set()),
            ("return b and a / b", set()),
        ],
    )
    def test_only_what_is_certain(self, body: str, found: set[str]) -> None:
        assert divisors(f"def f(a, b):\n    {body}\n", ("a", "b")) == found

    def test_it_is_refused_before_the_body_and_for_every_kind_of_zero(self) -> None:
        """Numpy's zero would give inf."""

        def divide(a: float, b: float) -> float:
            return a / b

        for zero in (0, 0.0, False, np.float64(0), decimal.Decimal(0)):
            assert refused(divide, 1, zero) == ("b", "must not be zero")
        assert refused(divide, 0, 1) is None
        assert refused(divide, np.ones(2), np.zeros(2)) is None


def test_a_value_that_may_be_private_is_not_shown() -> None:
    """Numbers are named in the error, and of anything else the type."""
    rules = inputs_of(typed)
    found = [rules.refusal(("secret",), {}), rules.refusal((1.5,), {})]
    assert [one.given for one in found if one is not None] == ["str", "1.5"]
