"""The user's own body: whether it may be replaced without losing an effect, and a copy of it for the version."""

import ast
import dataclasses
from collections.abc import Iterable, Iterator

from poet_engine.domains import parsing
from poet_engine.domains.data_flow import PURE_PACKAGES, FunctionNode, is_noise, own_nodes
from poet_engine.domains.identifier_words import word_set
from poet_engine.domains.ml_monitoring.returns import ReturnShape
from poet_engine.domains.model import Declined, FunctionInfo, ImportedName, Parameter

# Of the packages that only compute, those that the `data` policy allows the user's own code in the sandbox.
_PORTABLE = word_set(
    "bisect collections dataclasses datetime decimal fractions functools heapq itertools math numbers numpy operator "
    "re statistics string typing",
)
_EFFECTS = word_set(
    "open input exec eval compile breakpoint setattr delattr globals locals vars __import__ exit quit",
)


@dataclasses.dataclass(frozen=True, slots=True)
class Own:
    """The user's body as a function of the generated module, under another name.

    Attributes:
        source: The text of the function.
        imports: The imports that it needs at module level.
        bound: The names that it binds anywhere.
    """

    source: str
    imports: tuple[ImportedName, ...]
    bound: frozenset[str]


def parse(info: FunctionInfo) -> FunctionNode | Declined:
    """Return the tree of the function's own source."""
    try:
        tree = parsing.parse(info.source)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        return Declined(f"the source of {info.name!r} does not parse ({error}); save a version that does.")
    for node in tree.body:
        if isinstance(node, FunctionNode) and node.name == info.name:
            return node
    return Declined(f"the source of {info.name!r} does not hold the function; describe it again from its file.")


def without_noise(info: FunctionInfo, node: FunctionNode) -> FunctionNode:
    """Return a copy of the function without printing, warning and logging, and without a final placeholder.

    The placeholder is `raise NotImplementedError`.
    """
    quiet = _Quiet(info).visit(_copy(node))
    assert isinstance(quiet, FunctionNode)  # noqa: S101 - the transformer keeps functions
    if _is_placeholder(quiet.body[-1]):
        quiet.body[-1] = ast.Pass()
    return quiet


def _is_placeholder(statement: ast.stmt) -> bool:
    match statement:
        case ast.Raise(exc=ast.Name(id="NotImplementedError")):
            return True
        case ast.Raise(exc=ast.Call(func=ast.Name(id="NotImplementedError"))):
            return True
        case _:
            return False


class _Quiet(ast.NodeTransformer):
    """Transformer that drops statements which only print, warn or log."""

    def __init__(self, info: FunctionInfo) -> None:
        self._imports = {entry.name: entry.module for entry in _all_imports(info)}
        self._loggers = frozenset(info.loggers)

    def visit_Expr(self, node: ast.Expr) -> ast.stmt:
        noise = isinstance(node.value, ast.Call) and is_noise(node.value, self._imports, self._loggers)
        return ast.Pass() if noise else node


def effects(info: FunctionInfo, node: FunctionNode) -> Declined | None:
    """Return why replacing the body would lose something besides its value; None if it would not."""
    for problem in _problems(info, node):
        return Declined(f"{info.name!r} {problem}.")
    return None


def _problems(info: FunctionInfo, node: FunctionNode) -> Iterator[str]:
    if info.is_method:
        yield "is a method, and its object cannot travel into the sandbox; move it out of the class"
    used = _names(node)
    free = [name for name in info.free_names if name in used]
    if free:
        names = ", ".join(repr(name) for name in free)
        yield f"uses {names} from outside, which stays outside the sandbox; pass it as a parameter"
    foreign = sorted({root for entry in _imports_of(info, node) if (root := _root(entry)) not in PURE_PACKAGES})
    if foreign:
        names = ", ".join(repr(name) for name in foreign)
        yield f"uses {names}, which may do more than compute; do that part in the caller and leave the comparison here"
    parameters = {parameter.name for parameter in info.parameters}
    for found in ast.walk(node):
        yield from _problem(found, parameters)


def _problem(found: ast.AST, parameters: set[str]) -> Iterator[str]:
    line = getattr(found, "lineno", 0)
    match found:
        case ast.Yield() | ast.YieldFrom():
            yield "is a generator, and a comparison has one answer; return it instead"
        case ast.Global() | ast.Nonlocal():
            yield f"changes names outside itself (its line {line}); return what changes instead"
        case ast.Name(id=name, ctx=ast.Load()) if name in _EFFECTS:
            yield f"uses {name}() (its line {line}), which reaches outside; do that part in the caller"
        case ast.Subscript(ctx=ast.Store() | ast.Del()) | ast.Attribute(ctx=ast.Store() | ast.Del()):
            base: ast.expr = found
            while isinstance(base, ast.Subscript | ast.Attribute):
                base = base.value
            if isinstance(base, ast.Name) and base.id in parameters:
                yield f"changes its argument {base.id!r} (its line {line}); work on a copy"
        case _:
            pass


def _all_imports(info: FunctionInfo) -> tuple[ImportedName, ...]:
    return (*info.imports, *info.local_imports)


def _imports_of(info: FunctionInfo, node: ast.AST) -> list[ImportedName]:
    """Return the imports of the function whose names a tree uses."""
    used = _names(node)
    return [entry for entry in _all_imports(info) if entry.name in used]


def _names(node: ast.AST) -> frozenset[str]:
    return frozenset(found.id for found in ast.walk(node) if isinstance(found, ast.Name))


def _root(entry: ImportedName) -> str:
    return entry.module.partition(".")[0] or entry.module


def needed(node: FunctionNode, shape: ReturnShape) -> bool:
    """Whether the user's body must run: it computes items that we cannot, or it checks its input and may refuse it."""
    checks = any(isinstance(found, ast.Raise | ast.Assert) for found in own_nodes(node))
    return checks or (shape.computed and not shape.is_bool)


def take_along(info: FunctionInfo, node: FunctionNode, name: str, present: frozenset[str]) -> Own | Declined:
    """Return the body as a function called `name`, without decorators, annotations and the imports in `present`.

    Args:
        info: The user's function.
        node: Its tree `without_noise`.
        name: Its name in the generated module.
        present: The import statements that the generated module has anyway.
    """
    used = _imports_of(info, node)
    heavy = sorted({entry.statement for entry in used if not _is_portable(entry)})
    if heavy:
        return Declined(
            f"{info.name!r} computes a part of its result with {heavy[0]!r}, which generated code may not import; "
            "compute that part in the caller, or with the standard library, numpy or scipy.stats.",
        )
    copy = _copy(node)
    copy.name, copy.decorator_list, copy.returns = name, [], None
    for argument in _arguments(copy.args):
        argument.annotation = None
    unused = frozenset(entry.statement for entry in info.local_imports if entry not in used)
    copy = _WithoutImports(present | unused).visit(copy)
    bound = {found.id for found in ast.walk(copy) if isinstance(found, ast.Name) and isinstance(found.ctx, ast.Store)}
    bound |= {found.name for found in own_nodes(copy) if isinstance(found, FunctionNode | ast.ClassDef)}
    bound |= {found.arg for found in ast.walk(copy) if isinstance(found, ast.arg)}
    bound |= {entry.name for entry in used if entry.statement not in present}
    return Own(ast.unparse(copy) + "\n", tuple(entry for entry in info.imports if entry in used), frozenset(bound))


def _copy(node: FunctionNode) -> FunctionNode:
    copy = parsing.parse(ast.unparse(node)).body[0]
    assert isinstance(copy, FunctionNode)  # noqa: S101 - the text of a function is a function
    return copy


class _WithoutImports(ast.NodeTransformer):
    """Transformer that drops imports which the generated module has at its top: the gate refuses names bound twice."""

    def __init__(self, present: frozenset[str]) -> None:
        self._present = present

    def visit_Import(self, node: ast.Import) -> ast.stmt:
        return ast.Pass() if ast.unparse(node) in self._present else node

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.stmt:
        return ast.Pass() if ast.unparse(node) in self._present else node


def _is_portable(entry: ImportedName) -> bool:
    return _root(entry) in _PORTABLE or "scipy.stats" in entry.paths


def _arguments(arguments: ast.arguments) -> Iterator[ast.arg]:
    yield from (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)
    yield from (entry for entry in (arguments.vararg, arguments.kwarg) if entry is not None)


def handed_back(shape: ReturnShape) -> frozenset[str]:
    """Return the names that the result holds unchanged, such as `feature` in `{"feature": feature}`."""
    own = (value for item in shape.items if item.meaning is None for value in item.values)
    return frozenset(value.id for value in own if isinstance(value, ast.Name))


def labels_only(parameter: Parameter, node: FunctionNode, shape: ReturnShape) -> bool:
    """Whether a parameter is only used in items of the result that the user's body computes."""
    passed = (value for item in shape.items if item.meaning is None for value in item.values)
    return _uses(parameter.name, node.body) == _uses(parameter.name, passed)


def _uses(name: str, nodes: Iterable[ast.AST]) -> int:
    return sum(isinstance(found, ast.Name) and found.id == name for node in nodes for found in ast.walk(node))
