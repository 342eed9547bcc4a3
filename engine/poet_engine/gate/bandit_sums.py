"""Put the texts of a sum together for bandit, in time that grows with the sum.

bandit asks for each string of a sum what the whole says, and walks through the whole sum each time: of 1,400 strings,
as a long text in parentheses may have, that took seconds. Here a sum is walked through once, and where no word in it
can begin a statement of SQL, which is all that bandit looks for, nothing is put together at all.
"""

import ast
import re
import types
from typing import NamedTuple

_WORD = re.compile("select|delete|insert|update", re.IGNORECASE)
_MARK = "_poet_part"


class _Sum(NamedTuple):
    """A chain of binary operations: its root, its strings in their order, and whether one may begin a statement."""

    root: ast.AST
    texts: list[str]
    speaks: bool


class _Part(NamedTuple):
    """A part of a sum: which of the sum's strings are in it."""

    whole: _Sum
    start: int
    end: int


def replace(utils: types.ModuleType) -> None:
    """Put `concat_string` in the place of bandit's own, in its module of that name."""
    if hasattr(utils, "concat_string"):
        vars(utils)["concat_string"] = concat_string


def concat_string(node: ast.Constant, stop: ast.BinOp) -> tuple[ast.AST, str]:
    """Return the root of a sum, and the text of a string in it, followed by that of what lies outside of `stop`.

    Args:
        node: The string.
        stop: The operation that it is an operand of.
    """
    part: _Part | None = getattr(stop, _MARK, None)
    if part is None:
        _mark(_root(stop))
        part = getattr(stop, _MARK)
    whole = part.whole
    if not whole.speaks:
        return whole.root, ""
    return whole.root, " ".join([str(node.value), *whole.texts[: part.start], *whole.texts[part.end :]])


def _root(node: ast.AST) -> ast.AST:
    while isinstance(parent := getattr(node, "_bandit_parent", None), ast.BinOp):
        node = parent
    return node


def _mark(root: ast.AST) -> None:
    """Note of each operation of a sum which strings are in it; without recursion, since a sum is as deep as long."""
    texts, found = list[str](), list[tuple[ast.AST, int, int]]()
    waiting: list[tuple[ast.AST, int | None]] = [(root, None)]
    while waiting:
        node, start = waiting.pop()
        if start is not None:  # both of its operands are through
            found.append((node, start, len(texts)))
        elif isinstance(node, ast.BinOp):
            waiting += [(node, len(texts)), (node.right, None), (node.left, None)]
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            texts.append(node.value)
    whole = _Sum(root, texts, any(map(_WORD.search, texts)))
    for node, first, last in found:
        setattr(node, _MARK, _Part(whole, first, last))
