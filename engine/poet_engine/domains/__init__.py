"""Domains: kinds of functions, how to recognise them, and the built-in code that ships for them."""

from poet_engine.domains.description import describe, tree_of
from poet_engine.domains.model import (
    Declined,
    Domain,
    FunctionInfo,
    FunctionKind,
    ImportedName,
    Parameter,
    TrialExample,
    Written,
)
from poet_engine.domains.selection import choose, suggestion

__all__ = [
    "Declined",
    "Domain",
    "FunctionInfo",
    "FunctionKind",
    "ImportedName",
    "Parameter",
    "TrialExample",
    "Written",
    "choose",
    "describe",
    "suggestion",
    "tree_of",
]
