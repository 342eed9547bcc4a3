"""What each domain knows about the functions in it: how to tell them, and the code that ships for them."""

from poet_engine.domains.description import describe, tree_of
from poet_engine.domains.model import (
    Declined,
    Domain,
    Example,
    FunctionInfo,
    ImportedName,
    Kind,
    Parameter,
    Written,
)
from poet_engine.domains.selection import choose, suggestion

__all__ = [
    "Declined",
    "Domain",
    "Example",
    "FunctionInfo",
    "ImportedName",
    "Kind",
    "Parameter",
    "Written",
    "choose",
    "describe",
    "suggestion",
    "tree_of",
]
