"""What a value may be, as far as it is plain to see: an instance of an own class, the class, or anything."""

import ast
from collections.abc import Iterable
from typing import NamedTuple

from poet_engine.gate.class_statements import OwnClass
from poet_engine.gate.source_model import Scope

INSTANCE, KLASS, PLAIN, ABSENT = "instance", "class", "plain", "absent"


class One(NamedTuple):
    """A value: an instance of an own class, the class, a plain value of the language, or None."""

    kind: str
    of: OwnClass


class OwnVariable(NamedTuple):
    """A name in the scope that it belongs to."""

    home: Scope
    name: str


class Attribute(NamedTuple):
    """An attribute of this name, whatever own value has it."""

    name: str


class Result(NamedTuple):
    """What a function returns."""

    function: ast.FunctionDef


Value = frozenset[One] | None  # None is a value that may be anything
Key = ast.AST | OwnVariable | Attribute | Result  # a node is an expression in question, or a parameter
NOTHING: frozenset[One] = frozenset()  # no value has come there yet
_NO_CLASS = OwnClass(ast.ClassDef("", [], [], [], []))
LANGUAGE = frozenset({One(PLAIN, _NO_CLASS)})  # a number, a list, a function: it has no private attributes
NONE = frozenset({One(ABSENT, _NO_CLASS)})  # nothing at all can be asked of it


def joined(values: Iterable[Value]) -> Value:
    """Whatever any of these values may be."""
    found: set[One] = set()
    unknown = False
    for value in values:
        if value is None:
            unknown = True  # the others are asked for all the same, so that this is asked again when they change
        else:
            found |= value
    return None if unknown else frozenset(found)


def classes_of(value: Value) -> Value:
    """The classes of values that are instances."""
    if value is None or any(one.kind != INSTANCE for one in value - NONE):
        return None
    return frozenset(One(KLASS, one.of) for one in value - NONE)
