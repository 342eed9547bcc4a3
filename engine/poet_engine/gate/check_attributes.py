"""Attributes of values: special ones, introspection, private ones of others, methods refused whatever the type."""

import ast
from collections.abc import Iterator

from poet_engine.gate import vocabulary
from poet_engine.gate.check_imports import Uses
from poet_engine.gate.check_names import is_special
from poet_engine.gate.model import CLASS, Source
from poet_engine.gate.reporter import Reporter
from poet_engine.gate.ruleset import Allowance


class Attributes:
    """Which attributes one source may ask of a value.

    Args:
        source: The source.
        allowance: What the policy lets in.
    """

    __slots__ = ("_methods", "_own", "_source", "_ways", "imported", "tables")

    def __init__(self, source: Source, allowance: Allowance) -> None:
        self._source = source
        self.tables = allowance.uses("pandas")
        self._own = _own(source)
        self.imported = imported = _imported(source)
        self._ways = {"buffer"} if imported & vocabulary.WITH_STREAMS else frozenset[str]()  # to what `raw` is asked of
        self._methods = _refused(source, allowance, imported)

    def refusal(self, name: str) -> tuple[str, str] | None:
        """The rule that no value may be asked for this attribute by, and what to say; None where it may."""
        if name in self._methods:
            return "POET133", f"The method {name!r} is refused on every value"
        if name[:1] == "_":
            if is_special(name):
                allowed = name in vocabulary.READABLE
                return None if allowed else ("POET130", f"The special attribute {name!r} is not allowed")
            if name not in self._own and name not in vocabulary.INSIDE:
                return "POET136", f"The private attribute {name!r} is not one that this source defines"
        if name in vocabulary.INSIDE:
            return "POET131", f"The attribute {name!r} looks inside running code"
        if self.tables and vocabulary.READERS.fullmatch(name):
            return "POET133", f"The reader {name!r} is refused on every value"
        return None

    def starts_refused(self, start: str) -> bool:
        """Whether a name that begins like this may turn out to be a refused one."""
        refused = (*vocabulary.INSIDE, *vocabulary.FORMATS, *self._methods, "read_" if self.tables else "", *self._ways)
        return start.startswith("__") or any(
            name.startswith(start) or start.startswith(name) for name in refused if name
        )


def check(source: Source, attributes: Attributes, uses: Uses, reporter: Reporter) -> None:
    """Report attributes that lead out of the code's own data."""
    handlers = {getattr(node, "name", None) for node in source.nodes.get(ast.ExceptHandler, ())}
    for node in source.nodes.get(ast.Attribute, ()):
        if isinstance(node, ast.Attribute) and node not in uses.judged:
            _attribute(node, source, attributes, reporter)
            if node.attr == "obj" and _is_exception(node.value, handlers):
                reporter.at("POET131", node, "'obj' of an exception gives out the value that it is about")
    _elsewhere(source, attributes, reporter)
    if attributes.imported & vocabulary.WITH_ARRAYS:
        _answers(source, reporter)


def _answers(source: Source, reporter: Reporter) -> None:
    """A `__getattr__` must not answer for special names: where memory is, numpy asks any object for such a one."""
    what = "Beside numpy, '__getattr__' begins with: if name.startswith('_'): raise AttributeError(name)"
    for node in source.of(ast.Attribute, ast.Constant):
        if getattr(node, "value", None) == "__getattr__" or (
            isinstance(node, ast.Attribute) and node.attr == "__getattr__" and not isinstance(node.ctx, ast.Load)
        ):
            reporter.at("POET134", node, what)
    for scope in source.scopes:
        for binding in scope.bindings["__getattr__"] if scope.kind == CLASS and "__getattr__" in scope.bindings else ():
            if not isinstance(binding.node, ast.FunctionDef) or not _turns_down(binding.node):
                reporter.at("POET134", binding.node, what)


def _turns_down(node: ast.FunctionDef) -> bool:
    """Whether a method begins with raising for names that begin with underscores."""
    name = node.args.args[1].arg if len(node.args.args) > 1 else ""
    first = node.body[1:2] if ast.get_docstring(node) is not None else node.body[:1]
    match first:
        case [ast.If(test=ast.Call(func=ast.Attribute(value=ast.Name(id=asked), attr="startswith"), args=[start]))]:
            plain = isinstance(start, ast.Constant) and start.value in {"_", "__"}
            return plain and asked == name and isinstance(first[0], ast.If) and isinstance(first[0].body[0], ast.Raise)
        case _:
            return False


def _is_exception(node: ast.expr, handlers: set[object]) -> bool:
    if isinstance(node, ast.Attribute):
        return node.attr in {"__cause__", "__context__"}
    return isinstance(node, ast.Name) and node.id in handlers


def _elsewhere(source: Source, attributes: Attributes, reporter: Reporter) -> None:
    """Names of attributes that do not stand behind a dot."""
    for node in source.of(ast.Call, ast.MatchClass, ast.Constant):
        match node:
            case ast.Constant(value=value):
                if type(value) is str and value.lstrip()[:2] == "__" and value.strip() in vocabulary.REACHING:
                    reporter.at("POET135", node, f"The text {value.strip()!r} names a special attribute")
            case ast.Call():
                _by_text(node, attributes, reporter)
            case ast.MatchClass(kwd_attrs=names):
                for name in names:
                    _report(name, node, attributes, reporter)
            case _:
                raise AssertionError("three kinds were asked for")


def _own(source: Source) -> frozenset[str]:
    """Attributes that the source gives its own objects: set somewhere, bound in a class, or listed in its slots."""
    found = {name for scope in source.scopes if scope.kind == CLASS for name in scope.bindings}
    for node in source.nodes.get(ast.Attribute, ()):
        if isinstance(node, ast.Attribute) and type(node.ctx) is ast.Store:
            found.add(node.attr)
    for node in source.nodes.get(ast.Constant, ()):
        value: object = getattr(node, "value", None)
        if type(value) is str and value[:1] == "_" and _gives(node, source):
            found.add(value)
    return frozenset(found | vocabulary.PUBLISHED)


def _gives(text: ast.AST, source: Source) -> bool:
    """Whether a text names an attribute that is set by it: in `__slots__`, in `setattr` and the method behind it."""
    outer = source.parents[text]
    if isinstance(outer, ast.Call):
        func = outer.func
        return (func.id if isinstance(func, ast.Name) else getattr(func, "attr", "")) in {"setattr", "__setattr__"}
    if isinstance(outer, ast.Tuple | ast.List | ast.Set):
        outer = source.parents[outer]
    return isinstance(outer, ast.Assign) and any(getattr(to, "id", "") == "__slots__" for to in outer.targets)


def _imported(source: Source) -> frozenset[str]:
    """The top-level modules that the source imports."""
    return frozenset(
        binding.path.partition(".")[0]
        for scope in source.scopes
        for name in scope.imports
        for binding in scope.bindings[name]
    )


def _refused(source: Source, allowance: Allowance, imported: frozenset[str]) -> frozenset[str]:
    """The methods refused in this source: those of the libraries that the policy lets in.

    A class of the source that defines `query` is surely what its calls mean, as long as the library does not come in.
    """
    own = {name for scope in source.scopes if scope.kind == CLASS for name in scope.bindings}
    refused = set[str]()
    if allowance.uses("numpy") or allowance.uses("pandas"):
        refused |= vocabulary.ARRAY_METHODS - (set() if imported & vocabulary.WITH_ARRAYS else own)
    if allowance.uses("pandas"):
        refused |= (vocabulary.TABLE_METHODS | vocabulary.TEXT_METHODS) - (set() if "pandas" in imported else own)
    if imported & vocabulary.WITH_STREAMS:
        refused |= vocabulary.STREAM_METHODS
        refused -= {"raw"} if not _names_buffer(source) else set()
    return frozenset(refused)


def _names_buffer(source: Source) -> bool:
    """Whether the source asks anything for its `buffer`: only that of a stream has a `raw` that opens files."""
    for node in source.of(ast.Attribute, ast.Constant, ast.MatchClass):
        match node:
            case ast.Attribute(attr="buffer"):
                return True
            case ast.Constant(value=str() as text) if "buffer" in text:
                return True
            case ast.MatchClass(kwd_attrs=names) if "buffer" in names:
                return True
            case _:
                continue
    return False


def _attribute(node: ast.Attribute, source: Source, attributes: Attributes, reporter: Reporter) -> None:
    refusal = attributes.refusal(node.attr)
    if node.attr == "__set_name__" and not (
        isinstance(node.value, ast.Call) and getattr(node.value.func, "id", "") == "super"
    ):
        refusal = "POET130", "'__set_name__' is for the interpreter to call"
    if refusal is None:
        return
    rule, what = refusal
    outer = source.parents[node]
    read = isinstance(node.ctx, ast.Load)
    if node.attr == "__class__" and read and _of_class(node, outer):
        return
    if node.attr == "__dict__" and _is_plain_dict(node, outer, source, attributes):
        return
    if node.attr == "query" and rule == "POET133" and _asks_tree(outer, node):
        return
    if rule == "POET133" and node.attr in vocabulary.TEXT_METHODS and _is_pathless(node, outer):
        return
    reporter.at(rule, node, what)


def _report(name: str, node: ast.AST, attributes: Attributes, reporter: Reporter) -> None:
    """Report a name, written as a text or in a pattern, that no value may be asked for."""
    refusal = attributes.refusal(name)
    if name in vocabulary.FORMATS:
        refusal = "POET132", f"The method {name!r} is passed around"
    if refusal is not None:
        reporter.at(refusal[0], node, refusal[1])


def _of_class(node: ast.Attribute, outer: ast.AST) -> bool:
    """`x.__class__.count`, `isinstance(y, x.__class__)`, `self.__class__(...)`: how people write `type(x)`."""
    if isinstance(outer, ast.Attribute | ast.Compare | ast.Call):  # an attribute of it is judged by itself
        return True
    return isinstance(node.value, ast.Name) and node.value.id in {"self", "other"}


def _is_plain_dict(node: ast.Attribute, outer: ast.AST, source: Source, attributes: Attributes) -> bool:
    """Uses of `x.__dict__` that are no use with a class, whose dictionary nobody can change and whose values lead on.

    `self.__dict__ == other.__dict__`, `name in self.__dict__`, its names and their number, and setting what is in it.
    """
    match outer:
        case ast.Compare(left=left, comparators=[right], ops=[ast.In() | ast.NotIn()]):
            return right is node and left is not node
        case ast.Compare(left=left, comparators=sides):
            return all(isinstance(side, ast.Attribute) and side.attr == "__dict__" for side in (left, *sides))
        case ast.Call(func=ast.Name(id=name) as func):
            return name in vocabulary.NAMES_ONLY and source.scope_of[func].home(name) is None
        case ast.For() | ast.comprehension():
            return outer.iter is node
        case ast.Assign():
            return isinstance(node.ctx, ast.Store)
        case _:
            return _is_plain_item(outer, source, attributes)


def _is_plain_item(outer: ast.AST, source: Source, attributes: Attributes) -> bool:
    """Whether what stands behind `x.__dict__` sets something, or asks for what could as well stand behind a dot."""
    call = source.parents[outer]
    match outer:
        case ast.Subscript(slice=ast.Constant(value=str() as key), ctx=ast.Load()):
            return attributes.refusal(key) is None
        case ast.Subscript(ctx=ast.Store() | ast.Del()):
            return not isinstance(call, ast.AugAssign)
        case ast.Attribute(attr="update" | "keys"):
            return isinstance(call, ast.Call) and call.func is outer
        case _:
            return False


def _asks_tree(call: ast.AST, node: ast.Attribute) -> bool:
    """`tree.query(points, k=3)`: a table's own `query` does not work with a number there, whatever the text says."""
    if not isinstance(call, ast.Call) or call.func is not node or any(item.arg is None for item in call.keywords):
        return False
    numbers = [arg for arg in call.args[1:2] if isinstance(arg, ast.Constant) and type(arg.value) is int]
    starred = any(isinstance(arg, ast.Starred) for arg in call.args)
    return not starred and (bool(numbers) or any(item.arg == "k" for item in call.keywords))


def _is_pathless(node: ast.Attribute, outer: ast.AST) -> bool:
    if not isinstance(outer, ast.Call) or outer.func is not node:
        return False
    return not outer.args and not any(item.arg in vocabulary.PATHS for item in outer.keywords)


def _by_text(call: ast.Call, attributes: Attributes, reporter: Reporter) -> None:
    """Names of attributes given as texts: to `getattr` and its like, and to the tables' own dispatch."""
    func = call.func
    if isinstance(func, ast.Name) and func.id in vocabulary.BY_NAME:
        for arg in call.args[1:2]:
            if isinstance(arg, ast.Constant) and isinstance(arg.value, str):
                _report(arg.value, arg, attributes, reporter)
    elif isinstance(func, ast.Attribute) and func.attr in vocabulary.DISPATCH and attributes.tables:
        for text in _texts(call):
            refusal = attributes.refusal(text.value) if isinstance(text.value, str) else None
            if refusal is not None and refusal[0] == "POET133":
                reporter.at(refusal[0], text, refusal[1])


def _texts(call: ast.Call) -> Iterator[ast.Constant]:
    """The literal texts in the arguments of a call, those in lists, tuples and dictionaries too."""
    waiting: list[ast.AST] = [*call.args, *(item.value for item in call.keywords)]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Constant):
            yield node
        elif isinstance(node, ast.List | ast.Tuple | ast.Dict | ast.Starred):
            waiting.extend(ast.iter_child_nodes(node))
