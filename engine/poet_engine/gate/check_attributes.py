"""Rules for attributes: special ones, introspection, private ones of libraries, and methods refused on any type."""

import ast
from collections.abc import Iterator

from poet_engine.gate import vocabulary
from poet_engine.gate.attributes import Attributes
from poet_engine.gate.check_imports import Uses
from poet_engine.gate.reporter import Reporter
from poet_engine.gate.source_model import CLASS, Source


def check(source: Source, attributes: Attributes, uses: Uses, reporter: Reporter) -> None:
    """Report attributes that lead out of the code's own data."""
    for node in source.nodes.get(ast.Attribute, ()):
        if isinstance(node, ast.Attribute) and node not in uses.judged:
            _attribute(node, source, attributes, reporter)
    _names_as_text(source, attributes, reporter)
    _fields(source, attributes, uses, reporter)
    if attributes.imported & vocabulary.WITH_ARRAYS:
        _getattr_hooks(source, reporter)


def _getattr_hooks(source: Source, reporter: Reporter) -> None:
    """Report a `__getattr__` that answers special names: numpy reads from any object where its memory is."""
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
    """Whether a method begins by raising for names that start with underscores."""
    name = node.args.args[1].arg if len(node.args.args) > 1 else ""
    first = node.body[1:2] if ast.get_docstring(node) is not None else node.body[:1]
    match first:
        case [ast.If(test=ast.Call(func=ast.Attribute(value=ast.Name(id=asked), attr="startswith"), args=[start]))]:
            plain = isinstance(start, ast.Constant) and start.value in {"_", "__"}
            return plain and asked == name and isinstance(first[0], ast.If) and isinstance(first[0].body[0], ast.Raise)
        case _:
            return False


def _names_as_text(source: Source, attributes: Attributes, reporter: Reporter) -> None:
    """Report attribute names in strings and patterns instead of behind a dot."""
    for node in source.of(ast.Call, ast.MatchClass, ast.Constant):
        match node:
            case ast.Constant(value=value):
                if type(value) is str and value.lstrip()[:2] == "__" and value.strip() in vocabulary.REACHING:
                    reporter.at("POET135", node, f"The text {value.strip()!r} names a special attribute")
            case ast.Call():
                _by_text(node, attributes, reporter)
            case ast.MatchClass(kwd_attrs=names, cls=kind):
                for name in names:
                    _report(name, node, attributes.of_class(name, kind), reporter)
            case _:
                raise AssertionError("three kinds were asked for")


def _attribute(node: ast.Attribute, source: Source, attributes: Attributes, reporter: Reporter) -> None:
    refusal = attributes.refusal(node.attr, node.value)
    if node.attr == "__set_name__" and not source.is_super(node.value):
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
    if node.attr == "query" and rule == "POET133" and _is_tree_query(outer, node):
        return
    if rule == "POET133" and node.attr in vocabulary.TEXT_METHODS and _is_pathless(node, outer):
        return
    reporter.at(rule, node, what)


def _report(name: str, node: ast.AST, refusal: tuple[str, str] | None, reporter: Reporter) -> None:
    """Report a name, written in a string or a pattern, that may not be read from the value."""
    if name in vocabulary.FORMATS:
        refusal = "POET132", f"The method {name!r} is passed around"
    if refusal is not None:
        reporter.at(refusal[0], node, refusal[1])


def _of_class(node: ast.Attribute, outer: ast.AST) -> bool:
    """Whether `__class__` is used as `type(x)` is: `x.__class__.count`, `isinstance(y, x.__class__)`."""
    if isinstance(outer, ast.Attribute | ast.Compare | ast.Call):  # an attribute of it is checked by itself
        return True
    return isinstance(node.value, ast.Name) and node.value.id in {"self", "other"}


def _is_plain_dict(node: ast.Attribute, outer: ast.AST, source: Source, attributes: Attributes) -> bool:
    """Whether a use of `x.__dict__` is allowed, as none is harmful if `x` is a class.

    Allowed: `self.__dict__ == other.__dict__`, `name in self.__dict__`, its names and their number, setting items.

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
    """Whether an item or method of `x.__dict__` is set, or read by a name that would be allowed behind a dot."""
    call = source.parents[outer]
    match outer:
        case ast.Subscript(value=ast.Attribute(value=of), slice=ast.Constant(value=str() as key), ctx=ast.Load()):
            return attributes.refusal(key, of) is None
        case ast.Subscript(ctx=ast.Store() | ast.Del()):
            return not isinstance(call, ast.AugAssign)
        case ast.Attribute(attr="update" | "keys"):
            return isinstance(call, ast.Call) and call.func is outer
        case _:
            return False


def _is_tree_query(call: ast.AST, node: ast.Attribute) -> bool:
    """Whether a call is `tree.query(points, k=3)`: with a number there, the `query` of a table fails for any string."""
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
    """Report attribute names given as strings: to `getattr` and its like, and to the dispatch of pandas' tables."""
    func = call.func
    if isinstance(func, ast.Name) and func.id in vocabulary.BY_NAME:
        for arg in call.args[1:2]:
            if isinstance(arg, ast.Constant) and isinstance(arg.value, str):
                _report(arg.value, arg, attributes.refusal(arg.value, call.args[0]), reporter)
    elif isinstance(func, ast.Attribute) and func.attr in vocabulary.DISPATCH and attributes.tables:
        for text in _texts(call):
            refusal = attributes.refusal(text.value) if isinstance(text.value, str) else None
            if refusal is not None and refusal[0] == "POET133":
                reporter.at(refusal[0], text, refusal[1])


def _fields(source: Source, attributes: Attributes, uses: Uses, reporter: Reporter) -> None:
    """Report private names of fields: creating, copying and unpacking a dataclass reads each field by its name."""
    for scope in source.scopes:
        if scope.kind != CLASS or not isinstance(scope.node, ast.ClassDef):
            continue
        makers = [one.func if isinstance(one, ast.Call) else one for one in scope.node.decorator_list]
        made = any(uses.paths.get(maker) == vocabulary.DATACLASS for maker in makers)
        for name, bindings in scope.bindings.items() if made else ():
            annotated = [one for one in bindings if isinstance(source.parents.get(one.node), ast.AnnAssign)]
            if annotated and not attributes.owns_field(scope.node, name):
                what = f"The field {name!r} may be a private attribute of the library that the class derives from"
                reporter.at("POET136", annotated[0].node, what)


def _texts(call: ast.Call) -> Iterator[ast.Constant]:
    """Yield the literals in the arguments of a call, also those in lists, tuples and dictionaries."""
    waiting: list[ast.AST] = [*call.args, *(item.value for item in call.keywords)]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Constant):
            yield node
        elif isinstance(node, ast.List | ast.Tuple | ast.Dict | ast.Starred):
            waiting.extend(ast.iter_child_nodes(node))
