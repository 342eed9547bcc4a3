"""Python's parser, safe for threads that parse at the same time."""

import ast

from poet_engine._fork import ForkedLock

_ATTEMPTS = 5

_lock = ForkedLock()


def parse(text: str) -> ast.Module:
    """Return the tree of a module.

    CPython counts its depth in a tree once for all threads of a process. Two that parse at the same time may get
    `SystemError: AST constructor recursion depth mismatch`, although neither text is wrong. Our threads take turns, and
    where one of the user's threads interfered, the parse is repeated.

    Raises:
        SyntaxError: The text is not Python.
        ValueError: The text has characters that no source may have.
        RecursionError: The text is nested too deeply.
        MemoryError: The text is nested too deeply.
    """
    with _lock:
        for _ in range(_ATTEMPTS):
            try:
                return ast.parse(text)
            except SystemError:
                continue
        return ast.parse(text)


def parse_expression(text: str) -> ast.expr:
    """Return the tree of one expression; raises as `parse` does."""
    with _lock:
        for _ in range(_ATTEMPTS):
            try:
                return ast.parse(text, mode="eval").body
            except SystemError:
                continue
        return ast.parse(text, mode="eval").body
