"""What is said in place of a value that does not travel."""

import collections
import io
import re
import types

import pytest

from poet_engine.guest import serialization_remedies


class Named(collections.namedtuple("Named", "x")):  # noqa: PYI024 - the plain form is what has no annotations to go by
    __slots__ = ()


class Mapping(collections.UserDict[str, int]):
    pass


class Plain:
    def __init__(self) -> None:
        self.x = 1


class Bare:
    __slots__ = ()


class Broken:
    """Fails whenever anybody looks at it."""

    @property
    def __class__(self) -> type:
        raise RuntimeError

    @__class__.setter
    def __class__(self, _kind: type) -> None:
        raise RuntimeError


@pytest.mark.parametrize(
    ("value", "instead"),
    [
        (Named(1), "value._asdict() or tuple(value)"),
        (Mapping(), "dict(value)"),
        (Plain(), "vars(value)"),
        (Plain, "value.__name__"),
        (Bare(), ""),
        (object(), ""),
        (iter([1]), "list(value)"),
        (io.StringIO("x"), "value.getvalue()"),
        (re.compile("x"), "value.pattern"),
        (slice(1), "(value.start, value.stop, value.step)"),
        (types.MappingProxyType({}), "dict(value)"),
    ],
)
def test_a_value_that_does_not_travel_has_its_remedy(value: object, instead: str) -> None:
    assert serialization_remedies.instead_of(value) == instead


def test_a_value_that_cannot_even_be_looked_at_has_none() -> None:
    assert serialization_remedies.instead_of(Broken()) == ""
