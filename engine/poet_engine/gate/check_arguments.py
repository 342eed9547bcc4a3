"""Rule for arguments that make an allowed function read attributes or files."""

import ast
from collections.abc import Iterator

from poet_engine.gate import vocabulary
from poet_engine.gate.attributes import Attributes
from poet_engine.gate.check_imports import Uses
from poet_engine.gate.check_names import spreads
from poet_engine.gate.reporter import Reporter
from poet_engine.gate.source_model import Source


def check(source: Source, attributes: Attributes, uses: Uses, reporter: Reporter) -> None:
    """Report calls with arguments that are not allowed, and such functions used in any way but a call."""
    for node, path in uses.paths.items():
        if path not in vocabulary.JUDGED:
            continue
        outer = source.parents[node]
        call = outer if isinstance(outer, ast.Call) and outer.func is node else None
        what = _reads(path, call, attributes) or _makes(path, call, outer, source)
        if what:
            reporter.at("POET116", node, f"{path!r} {what}")
    _combinations(source, uses, reporter)
    if any(path.startswith(f"{vocabulary.LEARNERS}.") for path in uses.paths.values()):
        for item in source.of(ast.keyword):
            if (
                isinstance(item, ast.keyword)
                and item.arg in vocabulary.PARAMETERS
                and not _is_harmless(item, attributes)
            ):
                reporter.at("POET116", item.value, f"The parameter {item.arg!r} opens files or follows names")


def _combinations(source: Source, uses: Uses, reporter: Reporter) -> None:
    """Report what is harmless by itself, but not beside functions that use data as names."""
    used = frozenset(uses.paths.values())
    if used & vocabulary.FIELDS:
        for node in source.of(ast.Attribute, ast.Constant):
            if _sets_name(node, source.parents[node]):
                reporter.at("POET116", node, "Beside 'dataclasses.fields', setting 'name' could put a text into code")
    if used & vocabulary.COPIERS:
        what = "Beside copying, which asks for special names, attributes with names that are data are not set"
        for node in _set_by_data(source, uses):
            reporter.at("POET116", node, what)


def _sets_name(node: ast.AST, outer: ast.AST) -> bool:
    """Whether a node is `x.name = ...`, or the same by `setattr` or `__setattr__`."""
    if isinstance(node, ast.Attribute):
        return node.attr == "name" and isinstance(node.ctx, ast.Store)
    func = outer.func if isinstance(outer, ast.Call) else None
    by_text = getattr(func, "id", getattr(func, "attr", "")) in {"setattr", "__setattr__"}
    return by_text and getattr(node, "value", None) == "name"


def _set_by_data(source: Source, uses: Uses) -> Iterator[ast.AST]:
    """Yield the nodes that set attributes of an object by names that are not literals."""
    for node, path in uses.paths.items():
        call = source.parents[node]
        if path == vocabulary.NAMESPACE and isinstance(call, ast.Call) and spreads(call):
            yield node
    for node in source.of(ast.Attribute):
        if isinstance(node, ast.Attribute) and node.attr == "__dict__" and _sets_by_data(source.parents[node]):
            yield node


def _sets_by_data(outer: ast.AST) -> bool:
    if isinstance(outer, ast.Subscript):
        return not isinstance(outer.slice, ast.Constant)
    return isinstance(outer, ast.Assign) or (isinstance(outer, ast.Attribute) and outer.attr == "update")


def _reads(path: str, call: ast.Call | None, attributes: Attributes) -> str | None:
    """Return what is wrong with a use of a function that reads attributes or options; None if nothing is."""
    if path in vocabulary.GETTERS:
        fine = call is not None and _are_visible(call, path, attributes)
        return None if fine else "takes names of attributes that are written out and not refused"
    if path in vocabulary.OPTIONS:
        fine = call is not None and _are_display_options(call)
        return None if fine else "takes written-out names of display options only"
    return None


def _makes(path: str, call: ast.Call | None, outer: ast.AST, source: Source) -> str | None:
    """Return what is wrong with a use of a function that copies names or creates classes; None if nothing is."""
    shape = vocabulary.SHAPES.get(path)
    if shape is not None:
        names = ", ".join(sorted(shape.keywords)) or "no arguments"
        what = f"may only be called, with at most {shape.positional} positional arguments and {names}"
        return None if call is not None and _fits(call, shape) else f"{what}: otherwise {shape.why}"
    if path in vocabulary.CLASSES_BY_NAMES and call is not None:
        return None if names_members(call, source) else "takes names of members that are written out"
    if path == vocabulary.TYPED_DICT and not isinstance(outer, ast.ClassDef):
        fine = call is not None and _names_keys(call)
        return None if fine else "takes keys that are written out, and names of variables"
    return None


def _fits(call: ast.Call, shape: vocabulary.CallShape) -> bool:
    if len(call.args) > shape.positional or any(isinstance(arg, ast.Starred) for arg in call.args):
        return False
    return all(item.arg in shape.keywords for item in call.keywords)


def _are_visible(call: ast.Call, path: str, attributes: Attributes) -> bool:
    """Whether each attribute that a getter reads would also be allowed as `x.name`."""
    if spreads(call) or not call.args:
        return False
    named = call.args[:1] if path.endswith("methodcaller") else call.args
    return all(isinstance(arg, ast.Constant) and _is_readable(arg.value, attributes) for arg in named)


def _is_readable(name: object, attributes: Attributes) -> bool:
    steps = name.split(".") if isinstance(name, str) else [""]
    return all(step and step not in vocabulary.FORMATS and attributes.refusal(step) is None for step in steps)


def _are_display_options(call: ast.Call) -> bool:
    names = [arg.value if isinstance(arg, ast.Constant) else None for arg in call.args[::2]]
    plain = [isinstance(name, str) and vocabulary.OPTION.fullmatch(name) for name in names]
    return bool(plain) and all(plain) and not spreads(call) and not call.keywords


def names_members(call: ast.Call, source: Source) -> bool:
    """Whether `Enum("Color", "RED GREEN")` lists its members literally and none is a special name.

    A special name would define a method of the class through a string.
    """
    given = [*call.args[1:2], *(item.value for item in call.keywords if item.arg == "names")]
    others = {item.arg for item in call.keywords} - {"names", "start", "type"}
    if others or spreads(call):
        return False
    return all(_members(one) or _all_fixed(source.given(one)) for one in given)


def _all_fixed(values: list[ast.expr] | None) -> bool:
    """Whether a variable holds member names that cannot be changed: literals of strings or tuples."""
    return bool(values) and all(isinstance(one, ast.Constant | ast.Tuple) and _members(one) for one in values or ())


def _members(given: ast.expr) -> bool:
    match given:
        case ast.Constant(value=str() as text):
            return "__" not in text
        case ast.List(elts=items) | ast.Tuple(elts=items):
            return all(_members(_name_of(item)) for item in items)
        case ast.Dict(keys=keys):
            return all(key is not None and _members(key) for key in keys)
        case _:
            return False


def _name_of(item: ast.expr) -> ast.expr:
    """Return the name of one member, which may come with its value."""
    return item.elts[0] if isinstance(item, ast.Tuple) and item.elts else item


def _names_keys(call: ast.Call) -> bool:
    """Whether `TypedDict("Point", {"x": int})` has literal keys: readers of its fields put the keys into code."""
    if len(call.args) != 2 or spreads(call) or any(item.arg != "total" for item in call.keywords):  # noqa: PLR2004 - name, keys
        return False
    return _is_keys(call.args[1])


def _is_keys(given: ast.expr) -> bool:
    texts = (
        [key.value if isinstance(key, ast.Constant) else None for key in given.keys]
        if isinstance(given, ast.Dict)
        else [None]
    )
    return all(isinstance(text, str) and text.replace("-", "_").isidentifier() for text in texts)


def _is_harmless(item: ast.keyword, attributes: Attributes) -> bool:
    """Whether a parameter that can open files or follow attribute names has a value with which it does neither."""
    value = item.value.value if isinstance(item.value, ast.Constant) else ...
    match item.arg:
        case "memory":
            return value is None
        case "input":
            return value not in {"file", "filename"} and (value is not ... or not isinstance(item.value, ast.BinOp))
        case "importance_getter":
            return isinstance(item.value, ast.Lambda) or _is_readable(value, attributes)
        case _:
            return _is_readable(value, attributes)
