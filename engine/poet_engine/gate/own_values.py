"""Value sets of the ownership analysis: instances of own classes, own classes, plain values, None, or anything."""

import ast
from collections.abc import Iterable
from typing import NamedTuple

from poet_engine.gate.class_statements import OwnClass
from poet_engine.gate.source_model import Scope

INSTANCE, KLASS, PLAIN, ABSENT = "instance", "class", "plain", "absent"


class One(NamedTuple):
    """One possible value: an instance of an own class, the class, a plain value of the language, or None."""

    kind: str
    of: OwnClass


class OwnVariable(NamedTuple):
    """A name and the scope that it belongs to."""

    home: Scope
    name: str


class Attribute(NamedTuple):
    """The attributes of one name, on whatever own value."""

    name: str


class Result(NamedTuple):
    """The return value of a function."""

    function: ast.FunctionDef


Value = frozenset[One] | None  # None is a value that may be anything
Key = ast.AST | OwnVariable | Attribute | Result  # a node is an expression or a parameter
NOTHING: frozenset[One] = frozenset()  # no value has been found yet
_NO_CLASS = OwnClass(ast.ClassDef("", [], [], [], []))
LANGUAGE = frozenset({One(PLAIN, _NO_CLASS)})  # a number, a list, a function: it has no private attributes
NONE = frozenset({One(ABSENT, _NO_CLASS)})  # it has no attributes of use


def joined(values: Iterable[Value]) -> Value:
    """Return the union of the values; None (unknown) if one of them is unknown."""
    found: set[One] = set()
    unknown = False
    for value in values:
        if value is None:
            unknown = True  # the rest is still evaluated, so that a change of it is seen
        else:
            found |= value
    return None if unknown else frozenset(found)


def classes_of(value: Value) -> Value:
    """Return the classes of values that are instances; None if one of them is something else."""
    if value is None or any(one.kind != INSTANCE for one in value - NONE):
        return None
    return frozenset(One(KLASS, one.of) for one in value - NONE)
