"""The names of one module that a policy lets through, as a set that can be intersected.

A name is allowed by itself (`mean`), by the star of its level (`*`, `linalg.*`), or only where that star would cover it
(`mean?`). The last is what is left when one policy says `mean` and the other `*`: which names a star covers is for the
gate to know, and a name that it does not cover must not get through because another policy lists it.
"""

import dataclasses
from collections.abc import Iterable

STAR = "*"
IF_COVERED = "?"


@dataclasses.dataclass(frozen=True, slots=True)
class _Names:
    """Names by themselves, levels with a star, and names that need the star: `covered` has none of the others."""

    named: frozenset[str]
    stars: frozenset[str]
    covered: frozenset[str]


def normal(items: Iterable[str]) -> tuple[str, ...]:
    """The one form of these names that says the same in the fewest words, sorted."""
    return _written(_parsed(items))


def meet(one: Iterable[str], other: Iterable[str]) -> tuple[str, ...]:
    """What both let through, whatever the stars turn out to cover."""
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
    """Whether it gets through where its star covers it."""
    return name in names.named or name in names.covered or _level(name) in names.stars


def _parsed(items: Iterable[str]) -> _Names:
    given = frozenset(items)
    stars = frozenset(item[: -len(STAR)] for item in given if item.endswith(STAR))
    named = frozenset(item for item in given if not item.endswith((STAR, IF_COVERED)))
    covered = frozenset(item.removesuffix(IF_COVERED) for item in given if item.endswith(IF_COVERED))
    return _Names(named, stars, frozenset(name for name in covered - named if _level(name) not in stars))


def _written(names: _Names) -> tuple[str, ...]:
    return tuple(
        sorted(
            {
                *names.named,
                *(f"{level}{STAR}" for level in names.stars),
                *(f"{name}{IF_COVERED}" for name in names.covered),
            }
        )
    )


def _level(name: str) -> str:
    """What stands in front of the last part, its dot included; empty for a name of the module itself."""
    return name[: name.rfind(".") + 1]
