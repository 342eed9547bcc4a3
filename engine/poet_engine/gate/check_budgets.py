"""Rules for loops without an end and oversized literals: advice that is easy to evade; the sandbox has the limits."""

import ast
import functools
import math
from collections.abc import Iterable

from poet_engine.gate.reporter import Reporter
from poet_engine.gate.source_model import Source

_WAYS_OUT = (ast.Return, ast.Raise, ast.Yield, ast.YieldFrom, ast.Await, ast.Assert)
_OWN = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)
_LEAVING = frozenset({"exit", "input", "quit"})  # `input` raises where the input ends
_LOOPS = (ast.For, ast.AsyncFor, ast.While)
_MAKERS = frozenset({"bytearray", "bytes"})
_EAGER = frozenset({"list", "set", "sorted", "tuple"})
_FOLDING = frozenset({"max", "min", "sum"})
_FILLERS = frozenset({"empty", "full", "ones", "zeros"})
_PADDERS = frozenset({"center", "ljust", "rjust", "zfill"})
_ITEM = 8  # bytes that one item of a list or an array takes at least
_EXACT_BITS = 4096  # larger powers are only estimated


def check(source: Source, memory: int, reporter: Reporter) -> None:
    """Report endless loops, and literals that ask for more than `memory` bytes at once."""
    for node in source.of(ast.While):
        if isinstance(node, ast.While) and _always(node.test) and not _ends(node, source):
            reporter.at("POET140", node, "A 'while' whose condition is always true has no break, return or raise")
    for node in source.of(ast.For):
        if isinstance(node, ast.For) and _endless(node.iter, source) and not _ends(node, source):
            reporter.at("POET140", node, "A 'for' over an endless iterator has no break, return or raise")
    for node in source.of(ast.Call):
        if isinstance(node, ast.Call) and _consumes_endless(node, source):
            reporter.at("POET140", node, f"{ast.unparse(node.func)!r} of an endless iterator has no end")
    _sizes(source, memory, reporter)


def _sizes(source: Source, memory: int, reporter: Reporter) -> None:
    for node in source.of(ast.BinOp, ast.Call, ast.ListComp):
        size = _size(node)
        if size > memory:
            asked = f"{size:,.0f}" if size < math.inf else "far too many"
            reporter.at("POET141", node, f"This alone asks for {asked} bytes; limits.memory is {memory:,}")
    _number.cache_clear()
    _bits.cache_clear()


def _consumes_endless(call: ast.Call, source: Source) -> bool:
    """Whether a builtin that consumes its whole argument gets an endless iterator."""
    whole = isinstance(call.func, ast.Name) and call.func.id in _EAGER | _FOLDING
    return whole and bool(call.args) and _endless(call.args[0], source)


def _always(test: ast.expr) -> bool:
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        return isinstance(test.operand, ast.Constant) and not test.operand.value
    return isinstance(test, ast.Constant) and bool(test.value)


def _endless(iterable: ast.expr, source: Source) -> bool:
    if not isinstance(iterable, ast.Call):
        return False
    path = _dotted(iterable.func, source)
    if path == "itertools.repeat":
        return len(iterable.args) == 1 and not iterable.keywords
    return path in {"itertools.count", "itertools.cycle"}


def _dotted(func: ast.expr, source: Source) -> str:
    """Return the dotted path of a called function that is imported at module level; empty otherwise."""
    if isinstance(func, ast.Attribute):
        head = _dotted(func.value, source)
        return f"{head}.{func.attr}" if head else ""
    found = source.module.bindings.get(func.id, ()) if isinstance(func, ast.Name) else ()
    return next((binding.path for binding in found), "")


def _ends(loop: ast.While | ast.For, source: Source) -> bool:
    """Whether something in the loop leaves it, or an exception of a call may, and is caught outside."""
    calls = False
    pending: list[tuple[ast.AST, bool]] = [(node, False) for node in loop.body]
    while pending:
        node, nested = pending.pop()
        if isinstance(node, _WAYS_OUT) or _leaves(node) or (isinstance(node, ast.Break) and not nested):
            return True
        if isinstance(node, _OWN):
            continue
        calls = calls or isinstance(node, ast.Call)
        body = set(node.body) if isinstance(node, _LOOPS) else set()  # a break there leaves the inner loop only
        pending.extend((child, nested or child in body) for child in ast.iter_child_nodes(node))
    return calls and _guarded(loop, source)


def _leaves(node: ast.AST) -> bool:
    """Whether a node is a call that ends the program, at once or in the end: `sys.exit()`, `input()`."""
    func = node.func if isinstance(node, ast.Call) else None
    return (isinstance(func, ast.Name) and func.id in _LEAVING) or (
        isinstance(func, ast.Attribute) and func.attr == "exit"
    )


def _guarded(loop: ast.AST, source: Source) -> bool:
    """Whether an exception out of the loop is caught: in the same function, or in one that may call it."""
    node, outer = loop, source.parents.get(loop)
    while outer is not None and not isinstance(node, _OWN):
        if isinstance(outer, ast.Try | ast.TryStar) and outer.handlers and node in outer.body:
            return True
        if isinstance(outer, ast.With) and any("suppress" in ast.dump(item.context_expr) for item in outer.items):
            return True
        node, outer = outer, source.parents.get(outer)
    return isinstance(node, _OWN) and _catches(source)


def _catches(source: Source) -> bool:
    return any(isinstance(one, ast.Try | ast.TryStar) and one.handlers for one in source.of(ast.Try, ast.TryStar))


def _size(node: ast.AST) -> float:
    """Return the bytes that evaluating a node allocates at least, as far as literals tell; 0 where they do not."""
    if isinstance(node, ast.BinOp):
        if isinstance(node.op, ast.Mult):
            return max(_repeated(node.left, node.right), _repeated(node.right, node.left))
        if isinstance(node.op, ast.Pow | ast.LShift):
            return _bits(node) / 8
        return 0
    if isinstance(node, ast.ListComp):
        return _range(node.generators[0].iter) * _ITEM if not node.generators[0].ifs else 0
    return _allocated(node) if isinstance(node, ast.Call) and node.args else 0


def _allocated(call: ast.Call) -> float:
    """Return the bytes that a call with a literal size allocates; 0 for other calls."""
    func, first = call.func, call.args[0]
    name = func.id if isinstance(func, ast.Name) else func.attr if isinstance(func, ast.Attribute) else ""
    if name in _MAKERS or (name in _PADDERS and isinstance(func, ast.Attribute)):
        return _number(first) or 0
    if name in _EAGER:
        return _range(first) * _ITEM
    if name in _FILLERS and isinstance(func, ast.Attribute):
        item = 1 if len(call.args) > 1 or call.keywords else _ITEM  # a type may be named; the smallest has one byte
        return _product(first.elts if isinstance(first, ast.Tuple | ast.List) else [first]) * item
    return 0


def _product(nodes: Iterable[ast.expr]) -> float:
    numbers = [_number(node) for node in nodes]
    known = [number for number in numbers if number is not None]
    return math.prod(known) if known and len(known) == len(numbers) else 0


def _repeated(items: ast.expr, times: ast.expr) -> float:
    count = _number(times)
    if count is None:
        return 0
    if isinstance(items, ast.Constant) and isinstance(items.value, str | bytes):
        return len(items.value) * count if items.value else 0
    return len(items.elts) * count * _ITEM if isinstance(items, ast.List | ast.Tuple) and items.elts else 0


def _range(node: ast.expr) -> float:
    """Return the length of a `range(...)` with literal bounds; 0 for anything else."""
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "range"):
        return 0
    numbers = [_number(arg) for arg in node.args]
    match numbers:
        case [int() | float() as stop]:
            return max(0, stop)
        case [int() | float() as start, int() | float() as stop]:
            return max(0, stop - start)
        case [int() | float() as start, int() | float() as stop, int() | float() as step] if step:
            return max(0, (stop - start) / step)
        case _:
            return 0


@functools.cache  # of one source: in a long chain, each term would be counted anew for each one behind it
def _number(node: ast.expr) -> float | None:
    """Return the value of an expression of literal numbers; infinity for what is too large to compute cheaply."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, int | float) else None
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        inner = _number(node.operand)
        return None if inner is None else -inner
    if not isinstance(node, ast.BinOp):
        return None
    if isinstance(node.op, ast.Pow | ast.LShift) and _bits(node) > _EXACT_BITS:
        return math.inf
    left, right = _number(node.left), _number(node.right)
    if left is None or right is None:
        return None
    try:
        return _apply(node.op, left, right)
    except (ArithmeticError, TypeError, ValueError):
        return None  # an error at run time has no size


def _apply(operator: ast.operator, left: float, right: float) -> float | None:
    match operator:
        case ast.Add():
            return left + right
        case ast.Sub():
            return left - right
        case ast.Mult():
            return left * right
        case ast.FloorDiv():
            return left // right
        case ast.Pow():
            result: object = left**right
            return result if isinstance(result, int | float) else None
        case ast.LShift() if isinstance(left, int) and isinstance(right, int):
            return left << right
        case _:
            return None


@functools.cache  # as above
def _bits(node: ast.BinOp) -> float:
    """Return the size in bits of a power or shift of two literal integers; 0 for anything else."""
    left, right = _number(node.left), _number(node.right)
    if left is None or right is None or right <= 0 or (type(left) is float and math.isfinite(left)):
        return 0
    width = math.inf if left == math.inf else float(int(left).bit_length())
    if isinstance(node.op, ast.LShift):
        return width + right if left else 0
    return width * right if abs(left) > 1 else 0
