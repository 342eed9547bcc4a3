"""Compile a source in which some imports are absent: a `raise` stands before them, so that they never run."""

import ast
import contextlib
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import types
    from collections.abc import Iterator, Mapping

# A tree is read back under the limit for Python functions, a source under three times that: as deep a sum passes.
_LEVELS = 4000


def compile_source(source: str, filename: str, absent: "Mapping[str, str]", package: str = "") -> "types.CodeType":
    """Compile a module; the absent imports in it raise, as they do where a module is not installed.

    Args:
        source: The module.
        filename: Its name in tracebacks.
        absent: Path (a module, or a module and a name in it) of each absent import, and the part that is missing.
        package: The package that its relative imports begin in.
    """
    if not absent:
        return compile(source, filename, "exec", dont_inherit=True)
    tree = parse(source, filename, absent, package)
    with deep_trees():
        return compile(tree, filename, "exec", dont_inherit=True)


def parse(source: str, filename: str, absent: "Mapping[str, str]", package: str = "") -> ast.Module:
    """Return the tree of a module, in which the absent imports raise; see `compile_source`."""
    tree = ast.parse(source, filename)
    for node in ast.walk(tree) if absent else ():
        for field in ("body", "orelse", "finalbody"):
            body = getattr(node, field, None)
            if isinstance(body, list):
                body[:] = [kept for statement in body for kept in _replaced(statement, absent, package)]
    return tree


@contextlib.contextmanager
def deep_trees() -> "Iterator[None]":
    """Let a tree be compiled that is as deep as the parser makes one."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, _LEVELS))
    try:
        yield
    finally:
        sys.setrecursionlimit(before)


def _replaced(statement: ast.stmt, absent: "Mapping[str, str]", package: str) -> "Iterator[ast.stmt]":
    """Yield the statements that do what an import does, up to the first name of it that is absent."""
    error = None
    if isinstance(statement, ast.Import):
        at = next((n for n, alias in enumerate(statement.names) if alias.name in absent), None)
        if at is not None:
            error = _no_module(absent[statement.names[at].name])
            if at:
                yield ast.copy_location(ast.Import(statement.names[:at]), statement)
    elif isinstance(statement, ast.ImportFrom):
        module = absolute(statement.module or "", statement.level, package)
        names = [alias.name for alias in statement.names]
        if module in absent:
            error = _no_module(absent[module])
        elif gone := [name for name in names if f"{module}.{name}" in absent]:
            error = _raised("ImportError", f"cannot import name {gone[0]!r} from {module!r}", module)
            if names.index(gone[0]):
                kept = statement.names[: names.index(gone[0])]
                yield ast.copy_location(ast.ImportFrom(statement.module, kept, statement.level), statement)
    if error is not None:
        yield ast.fix_missing_locations(ast.copy_location(error, statement))
    yield statement  # behind a `raise` it only keeps its names local to their function


def absolute(module: str, level: int, package: str) -> str:
    """Return the dotted path of a relative import's module; empty where it leads out of the package."""
    if not level:
        return module
    parts = package.split(".") if package else []
    if level > len(parts):
        return ""
    return ".".join([*parts[: len(parts) - level + 1], *([module] if module else [])])


def _no_module(missing: str) -> ast.Raise:
    return _raised("ModuleNotFoundError", f"No module named {missing!r}", missing)


def _raised(kind: str, message: str, name: str) -> ast.Raise:
    text, keyword = ast.Constant(message), ast.keyword("name", ast.Constant(name))
    return ast.Raise(ast.Call(ast.Name(kind, ast.Load()), [text], [keyword]))
