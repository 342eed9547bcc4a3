"""Python's parser, for threads that parse at the same moment."""

import ast

from poet_engine._fork import ForkedLock

_ATTEMPTS = 5

_lock = ForkedLock()


def parse(text: str) -> ast.Module:
    """The tree of a module.

    CPython counts how deep it is in a tree for all threads of a process together. Two of them that parse at once may
    end in `SystemError: AST constructor recursion depth mismatch`, although neither text is wrong. Our threads take
    turns, and after one of the user's has come between, it is done again.

    Raises:
        SyntaxError: It is not Python.
        ValueError: It holds what no source may hold.
        RecursionError: It is nested too deeply.
        MemoryError: The same.
    """
    with _lock:
        for _ in range(_ATTEMPTS):
            try:
                return ast.parse(text)
            except SystemError:
                continue
        return ast.parse(text)


def parse_expression(text: str) -> ast.expr:
    """The tree of one expression; raises as `parse` does."""
    with _lock:
        for _ in range(_ATTEMPTS):
            try:
                return ast.parse(text, mode="eval").body
            except SystemError:
                continue
        return ast.parse(text, mode="eval").body
