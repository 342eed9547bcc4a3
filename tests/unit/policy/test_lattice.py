"""Policies form a lattice: the meet of two is the loosest policy that is no looser than either."""

import itertools
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from poet_engine.errors import PolicyError
from poet_engine.policy import Fresh, Mode, Policy, Wall, names

PRESETS = ("restricted", "data", "api", "baseline", "lab")
_LEAVES = ("mean", "load", "linalg.norm", "linalg.solve")


def _some(values: tuple[str, ...]) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(values), unique=True)


_NAMES = _some((*_LEAVES, *(f"{leaf}?" for leaf in _LEAVES), "*", "linalg.*"))
_WAIVERS = _some(("f", "g", "h")).map(
    lambda scopes: [
        f'{{rule = "POET111", scope = "{scope}", owner = "o", reason = "r", expires = 2030-01-0{1 + len(scope)}}}'
        for scope in scopes
    ]
)


def _listed(items: list[str]) -> str:
    return "[" + ", ".join(f'"{item}"' for item in items) + "]"


@st.composite
def _texts(draw: Callable[[st.SearchStrategy[object]], object]) -> str:
    """A policy that differs from `restricted` in at least one key of each kind."""
    lists = {
        "static.warn": _some(PRESETS),
        "limits.audit": _some(PRESETS),
        "network.allow": _some(("a.example:443", "b.example:443", "c.example:80")),
        "isolation.require": _some(tuple(Wall)),
        "isolation.preload": _some(("math", "re", "json")),
        "static.imports.numpy": _NAMES,
        "static.imports.math": _NAMES,
    }
    lines = [f"{key} = {_listed(list(map(str, draw(kind))))}" for key, kind in lists.items()]  # type: ignore[call-overload]  # what is drawn is a list of texts
    lines += [
        f"limits.wall = {draw(st.floats(0.01, 86_400))!r}",
        f"limits.memory = {draw(st.integers(2**24, 2**40))}",
        f"limits.threads = {draw(st.integers(0, 4096))}",
        f'static.mode = "{draw(st.sampled_from(Mode))}"',
        f'static.bandit_severity = "{draw(st.sampled_from(("low", "medium", "high")))}"',
        f'isolation.fresh = "{draw(st.sampled_from(Fresh))}"',
        f'isolation.runtime = "{draw(st.sampled_from(("default", "runsc")))}"',
        f"waivers = [{', '.join(map(str, draw(_WAIVERS)))}]",  # type: ignore[call-overload]  # the same
    ]
    return "\n".join(lines)


_policies = _texts().map(Policy.parse) | st.sampled_from(PRESETS).map(Policy.load)
_quick = settings(max_examples=40, deadline=None)


@_quick
@given(_policies)
def test_the_meet_with_itself_is_itself(one: Policy) -> None:
    assert one.meet(one) == one
    assert one.meet(one).digest == one.digest


@_quick
@given(_policies, _policies)
def test_the_order_of_two_makes_no_difference(one: Policy, other: Policy) -> None:
    assert one.meet(other) == other.meet(one)
    assert one.meet(other).origin == other.meet(one).origin


@_quick
@given(_policies, _policies, _policies)
def test_the_order_of_three_makes_no_difference(one: Policy, other: Policy, third: Policy) -> None:
    left, right = one.meet(other).meet(third), one.meet(other.meet(third))
    assert left == right
    assert left.digest == right.digest


@_quick
@given(_policies, _policies)
def test_the_meet_is_no_looser_than_either_and_the_loosest_such(one: Policy, other: Policy) -> None:
    met = one.meet(other)
    assert met.within(one)
    assert met.within(other)
    assert one.within(other) == (met.digest == one.digest)


@_quick
@given(_policies, _policies)
def test_what_the_meet_says_can_be_told_value_by_value(one: Policy, other: Policy) -> None:
    """Caps: the smaller; what is allowed: what both allow; what is demanded: what either demands."""
    met = one.meet(other)
    assert met.limits.memory == min(one.limits.memory, other.limits.memory)
    assert set(met.network.allow) == set(one.network.allow) & set(other.network.allow)
    assert met.isolation.require == one.isolation.require | other.isolation.require
    assert set(met.waivers) == set(one.waivers) & set(other.waivers)
    assert set(met.levels) == set(one.levels) | set(other.levels)
    assert met.static.imports.keys() <= one.static.imports.keys() & other.static.imports.keys()


def _through(listed: tuple[str, ...], covered: frozenset[str]) -> frozenset[str]:
    """Which of the names get through when the stars cover `covered`: what the gate does with them."""
    return frozenset(
        leaf
        for leaf in _LEAVES
        if leaf in listed
        or (leaf in covered and (f"{leaf}?" in listed or f"{leaf.rpartition('.')[0]}.*".lstrip(".") in listed))
    )


@given(_NAMES, _NAMES)
def test_a_name_gets_through_the_meet_when_it_gets_through_both_whatever_the_stars_cover(
    one: list[str], other: list[str]
) -> None:
    """A name that only `*` lets through in one policy must not get through because the other lists it by itself."""
    met = names.meet(one, other)
    for count in range(len(_LEAVES) + 1):
        for covered in map(frozenset, itertools.combinations(_LEAVES, count)):
            both = _through(tuple(one), covered) & _through(tuple(other), covered)
            assert _through(met, covered) == both


def test_the_presets_are_ordered_as_the_page_says() -> None:
    chain = [Policy.load(name) for name in ("restricted", "data", "baseline", "lab")]
    for tighter, looser in itertools.pairwise(chain):
        assert tighter.within(looser)
        assert not looser.within(tighter)
    assert Policy.load("restricted").within(Policy.load("api"))
    assert not Policy.load("api").within(Policy.load("lab"))


def test_two_runtimes_have_no_meet() -> None:
    one, other = (Policy.parse(f'[isolation]\nruntime = "{name}"') for name in ("runsc", "kata"))
    for first, second in ((one, other), (other, one)):
        with pytest.raises(PolicyError, match="no container runs on 'kata' and on 'runsc' at once") as caught:
            first.meet(second)
        assert caught.value.key == "isolation.runtime"
    assert one.meet(Policy.load("restricted")).isolation.runtime == "runsc"


def test_a_meet_is_named_after_both_and_tells_where_each_value_is_from() -> None:
    mine = Policy.parse('[limits]\nwall = "1s"\nmemory = "1GiB"', source="mine.toml")
    met = mine.meet(Policy.load("restricted"))
    assert met.name == "mine.toml & restricted"
    assert met.origin["limits.wall"] == "mine.toml:2"
    assert met.origin["limits.memory"] == "restricted"
