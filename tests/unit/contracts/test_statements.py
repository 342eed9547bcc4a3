"""Which rules a docstring states, and which sentences are left alone."""

import pytest

from poet_engine.contracts.statements import from_docstring


def said(doc: str, *parameters: str) -> dict[str, list[str]]:
    """Parameter → phrases."""
    found: dict[str, list[str]] = {}
    for rule in from_docstring(doc, parameters or ("a", "b")):
        found.setdefault(rule.parameter, []).append(rule.phrase)
    return found


POSITIVE = {"a": ["must be positive"], "b": ["must be positive"]}
NO_ZERO = {"b": ["must not be zero"]}


@pytest.mark.parametrize(
    ("doc", "rules"),
    [
        ("Add two positive numbers. Both must be positive.", POSITIVE),
        ("Both a and b must be positive.", POSITIVE),
        ("Add a and b, both must be positive.", POSITIVE),
        ("a and b must both be positive", POSITIVE),
        ("`a`, `b` must be positive integers.", POSITIVE),
        ("Both numbers\n   have to be strictly positive!", POSITIVE),
        ("The arguments must be positive.", POSITIVE),
        ("A must be positive.", {"a": ["must be positive"]}),
        ("b must not be zero.", NO_ZERO),
        ("b cannot be 0.", NO_ZERO),
        ("b needs to be non-zero.", NO_ZERO),
        ("Divide a by b, where b must not be zero.", NO_ZERO),
        ("Divide a by b; b must never be zero.", NO_ZERO),
        ("Divide a by b (b must not be 0).", NO_ZERO),
        ("a must be positive, b must be negative.", {"a": ["must be positive"], "b": ["must be negative"]}),
        ("b must be at least 0 and less than 10.", {"b": ["must be at least 0", "must be less than 10"]}),
        ("b must be >= -1.5", {"b": ["must be at least -1.5"]}),
        ("b must be greater than or equal to zero.", {"b": ["must be at least 0"]}),
        ("b must not be greater than 1e3.", {"b": ["must be at most 1e3"]}),
        ("b must be between 0 and 1.", {"b": ["must be between 0 and 1"]}),
        ("b must not be negative.", {"b": ["must not be negative"]}),
        ("b must not be empty.", {"b": ["must not be empty"]}),
        ("b must not be None.", {"b": ["must not be None"]}),
        ("b must not be nan.", {"b": ["must be finite"]}),
        ("Args:\n    a: The dividend.\n    b (float): The divisor; must not be zero.\n", NO_ZERO),
        ("Args:\n    b: The divisor, which\n        must not be zero.\n    a: No demands.", NO_ZERO),
        ("Parameters\n----------\nb : float\n    Must not be zero.\n", NO_ZERO),
        (":param float b: Divisor, cannot be zero.", NO_ZERO),
    ],
)  # fmt: skip
def test_it_is_stated(doc: str, rules: dict[str, list[str]]) -> None:
    assert said(doc) == rules


@pytest.mark.parametrize(
    "doc",
    [
        "",
        "Both are positive.",
        "The result must be positive.",
        "The sum of a and b must be positive.",
        "The product of a, b must be positive.",
        "Either a must be positive or b must be positive.",
        "If a is 1, b must be positive.",
        "b must be positive unless a is 0.",
        "b should be positive.",
        "b must be positive definite.",
        "b must be at least as long as a.",
        "b must be between a and 10.",
        "b must be positive and sorted.",
        "a must be given before b.",
        "b: when a is given, must not be zero.",
        "Raises ValueError if b is zero.",
        "It must be so that b must be.",
    ],
)
def test_it_is_left_alone(doc: str) -> None:
    """No sentence that says more, or something else, becomes a rule."""
    assert said(doc) == {}


def test_both_means_two() -> None:
    assert said("Both must be positive.", "a", "b", "c") == {}


def test_all_numbers_does_not_mean_texts() -> None:
    """A sentence about all arguments spares those that are no numbers; one that names an argument does not."""
    [rule] = from_docstring("All numbers must be positive.", ("name",))
    assert rule.holds("Ada")
    [rule] = from_docstring("name must be positive.", ("name",))
    assert not rule.holds("Ada")
