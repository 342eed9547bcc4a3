"""Run the cells of a notebook one after the other in one module, as Jupyter does.

They are compiled from one tree, that of the source which the gate has scanned. Each cell has a name of its own in
tracebacks. Where one awaits at its top level, all run in one event loop; otherwise none runs, and `asyncio.run` works.
"""

import __future__

import ast
import bisect
import importlib
import itertools
import linecache
import sys
import traceback
import types
from typing import TYPE_CHECKING, NamedTuple

from . import absent_imports

if TYPE_CHECKING:
    from collections.abc import Coroutine, Mapping, Sequence

MOST_TEXT = 1 << 16  # characters of a value's text
_FLAGS = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
_COROUTINE = 0x80  # `inspect.CO_COROUTINE`; that module would be one more in every payload
_FUTURES = sum(getattr(__future__, name).compiler_flag for name in __future__.all_feature_names[3:])


class _CompiledCell(NamedTuple):
    """A cell that has statements.

    Attributes:
        body: Its statements, without an expression at its end.
        last: The expression at its end.
        silent: Whether a semicolon follows that, which hides its value.
    """

    body: types.CodeType | None
    last: types.CodeType | None
    silent: bool


def filename_of(number: int) -> str:
    """Return the name of a cell in tracebacks."""
    return f"<cell {number}>"


def run(
    source: str, cells: "Sequence[tuple[int, int]]", absent: "Mapping[str, str]", namespace: dict[str, object]
) -> object:
    """Run all cells; return the value of the last one's last expression, None where it ends in something else.

    Values of earlier cells are displayed.

    Args:
        source: All cells, as one source.
        cells: The number of each cell, and the line before it.
        absent: As that of `compile_source`.
        namespace: The names of the module.

    Raises:
        BaseException: The exception that the code did not catch.
    """
    compiled = _compile(source, cells, absent)
    namespace["display"] = display
    sys.excepthook = _show
    codes = [code for cell in compiled for code in (cell.body, cell.last) if code is not None]
    main = _run_all(compiled, namespace)
    if any(code.co_flags & _COROUTINE for code in codes):
        asyncio = importlib.import_module("asyncio")
        with asyncio.Runner() as runner:
            value, stopped = runner.run(main)
    else:
        value, stopped = _without_loop(main)
    if stopped is not None:
        raise stopped
    return value


def _without_loop(
    main: "Coroutine[object, None, tuple[object, StopIteration | None]]",
) -> tuple[object, StopIteration | None]:
    """Run a coroutine that awaits nothing."""
    try:
        main.send(None)
    except StopIteration as done:
        value: tuple[object, StopIteration | None] = done.value
        return value
    raise AssertionError("a cell awaits without the flag of a coroutine")


async def _run_all(cells: "list[_CompiledCell]", namespace: dict[str, object]) -> tuple[object, StopIteration | None]:
    """Return the value of the last cell; and a StopIteration of the code, which may not leave a coroutine."""
    value: object = None
    try:
        for number, cell in enumerate(cells, start=1):
            value = None
            for code in (cell.body, cell.last):
                if code is None:
                    value = None
                    continue
                value = eval(code, namespace)  # noqa: S307 - this is what the isolation is for
                if code.co_flags & _COROUTINE:
                    value = await value  # type: ignore[misc] # code with this flag makes a coroutine
            if cell.silent:
                value = None
            if value is not None and number < len(cells):
                display(value)
    except StopIteration as stopped:
        return None, stopped
    return value, None


def _compile(source: str, cells: "Sequence[tuple[int, int]]", absent: "Mapping[str, str]") -> list[_CompiledCell]:
    """Compile every cell; what a cell imports from `__future__` holds in those after it."""
    lines = source.split("\n")
    starts = [start for _number, start in cells]
    for index, (number, start) in enumerate(cells):
        text = "\n".join([*lines[start : starts[index + 1] if index + 1 < len(cells) else len(lines)], ""])
        name = filename_of(number)
        linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
    try:
        tree = absent_imports.parse(source, "<notebook>", absent)
    except SyntaxError as error:
        number, start = _cell_of(error.lineno or 0, cells)
        error.filename, error.lineno = filename_of(number), (error.lineno or 0) - start
        raise
    compiled: list[_CompiledCell] = []
    flags = _FLAGS
    for (number, start), group in itertools.groupby(tree.body, key=lambda statement: _cell_of(statement.lineno, cells)):
        statements = list(group)
        end = statements[-1]
        silent = _is_silent(end, lines)
        for statement in statements:
            ast.increment_lineno(statement, -start)
        last = statements.pop() if isinstance(end, ast.Expr) else None
        with absent_imports.deep_trees():
            body = _code(ast.Module(statements, []), number, flags) if statements else None
            flags |= body.co_flags & _FUTURES if body is not None else 0
            value = _code(ast.Expression(last.value), number, flags) if isinstance(last, ast.Expr) else None
        compiled.append(_CompiledCell(body, value, silent))
    return compiled


def _code(tree: ast.Module | ast.Expression, number: int, flags: int) -> types.CodeType:
    mode = "exec" if isinstance(tree, ast.Module) else "eval"
    code: types.CodeType = compile(tree, filename_of(number), mode, flags=flags, dont_inherit=True)
    return code


def _cell_of(line: int, cells: "Sequence[tuple[int, int]]") -> tuple[int, int]:
    return cells[max(0, bisect.bisect_left(cells, line, key=_start) - 1)]


def _start(cell: tuple[int, int]) -> int:
    return cell[1]


def _is_silent(statement: ast.stmt, lines: list[str]) -> bool:
    """Return whether a semicolon follows a statement."""
    line = lines[(statement.end_lineno or 1) - 1].encode()
    return line[statement.end_col_offset or 0 :].lstrip().startswith(b";")


def display(*objects: object, **_options: object) -> None:
    """Print objects as text, each on lines of its own: a notebook's `display`. Options are for other forms."""
    for each in objects:
        print(plain_text(each))  # noqa: T201 - that is its job


def plain_text(value: object) -> str:
    """Return the text that a notebook shows for a value: that of its MIME bundle, or its `repr`."""
    make = getattr(type(value), "_repr_mimebundle_", None)
    if make is not None:
        try:
            bundle = make(value)
            text = (bundle[0] if isinstance(bundle, tuple) else bundle)["text/plain"]
        except Exception:  # noqa: BLE001 - as in Jupyter, a form that cannot be made is left out
            return repr(value)
        if isinstance(text, str):
            return text
    return repr(value)


def text_of(value: object) -> str:
    """Return the text of a value that cannot travel, cut to `MOST_TEXT` characters."""
    try:
        return plain_text(value)[:MOST_TEXT]
    except Exception as error:  # noqa: BLE001 - the value is the code's own, and so is its text
        return f"<{type(value).__name__}, whose text could not be had: {type(error).__name__}>"


def _show(kind: type[BaseException], error: BaseException, trace: types.TracebackType | None) -> None:
    """Print an exception with the lines of its cells, which are in no file; in place of `sys.excepthook`."""
    if sys.stderr is not None:  # the code may have taken it away
        traceback.print_exception(kind, error, trace)


for _shown in (display, plain_text):  # in tracebacks of what an object's own `__repr__` raises; no file of ours
    _shown.__code__ = _shown.__code__.replace(co_filename="<display>")
