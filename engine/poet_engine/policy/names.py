"""Sets of the names of one module that a policy allows, and their intersection.

A name is allowed by itself (`mean`), by the star of its level (`*`, `linalg.*`), or only where that star would cover it
(`mean?`). The last is the meet of `mean` and `*`: only the gate knows which names a star covers, and a name that it
does not cover must not be allowed because another policy lists it.
"""

import dataclasses
from collections.abc import Iterable

STAR = "*"
IF_COVERED = "?"


@dataclasses.dataclass(frozen=True, slots=True)
class _Names:
    """Allowed names: by themselves, by the stars of their levels, or if a star covers them (none of the others)."""

    named: frozenset[str]
    stars: frozenset[str]
    covered: frozenset[str]


def normal(items: Iterable[str]) -> tuple[str, ...]:
    """Return the shortest equivalent form of these names, sorted."""
    given = frozenset(items)
    text = "".join(given)
    return _written(_parsed(given)) if STAR in text or IF_COVERED in text else tuple(sorted(given))


def meet(one: Iterable[str], other: Iterable[str]) -> tuple[str, ...]:
    """Return the names that both allow, whatever the stars turn out to cover."""
    a, b = _parsed(one), _parsed(other)
    stars = a.stars & b.stars
    named = a.named & b.named
    covered = frozenset(
        name
        for name in a.named | b.named | a.covered | b.covered
        if _lets(a, name) and _lets(b, name) and name not in named and _level(name) not in stars
    )
    return _written(_Names(named, stars, covered))


def _lets(names: _Names, name: str) -> bool:
    """Whether a name is allowed, at least where its star covers it."""
    return name in names.named or name in names.covered or _level(name) in names.stars


def _parsed(items: Iterable[str]) -> _Names:
    stars, named, covered = set[str](), set[str](), set[str]()
    for item in items:
        if item.endswith(STAR):
            stars.add(item.removesuffix(STAR))
        elif item.endswith(IF_COVERED):
            covered.add(item.removesuffix(IF_COVERED))
        else:
            named.add(item)
    if covered:
        covered = {name for name in covered - named if _level(name) not in stars}
    return _Names(frozenset(named), frozenset(stars), frozenset(covered))


def _written(names: _Names) -> tuple[str, ...]:
    found = set(names.named)
    for level in names.stars:
        found.add(level + STAR)
    for name in names.covered:
        found.add(name + IF_COVERED)
    return tuple(sorted(found))


def _level(name: str) -> str:
    """Return everything before the last part, with the dot; empty for a name of the module itself."""
    return name[: name.rfind(".") + 1]
