"""Analysis of a function's return value, from its `return` statements."""

import ast
import dataclasses
from collections.abc import Mapping

from poet_engine.domains.data_flow import FunctionNode, own_nodes
from poet_engine.domains.description import literal_text
from poet_engine.domains.model import Declined

_SYNONYMS: Mapping[str, str] = {
    "drift_detected": "drift is_drift has_drift drifted is_drifted drift_found drift_flag data_drift drift_present "
    "detected drifting is_drifting",
    "score": "drift_score",
    "method": "test test_name test_used algorithm drift_method",
    "statistic": "stat ks ks_stat ks_statistic test_statistic",
    "p_value": "p pvalue p_val pval ks_p_value ks_pvalue",
    "threshold": "alpha significance significance_level p_threshold",
    "data_type": "",
    "confidence": "",
    "per_feature": "feature_results by_feature",
    "correction": "",
    "n_reference": "n_ref reference_size n_baseline reference_count size_reference",
    "n_current": "n_cur current_size current_count size_current",
    "warnings": "",
}
_MEANING: Mapping[str, str] = {name: key for key, synonyms in _SYNONYMS.items() for name in (key, *synonyms.split())}


@dataclasses.dataclass(frozen=True, slots=True)
class Item:
    """A key of the mapping that the user's function returns.

    Attributes:
        key: The key in the user's spelling.
        meaning: The key of our report with the same meaning, if there is one.
        literal: The text of its value, when that is the same plain data on every path.
        values: The expressions of its value.
    """

    key: str
    meaning: str | None
    literal: str | None
    values: tuple[ast.expr, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class ReturnShape:
    """The shape of a return value: a truth value, or a mapping with these items.

    Attributes:
        is_bool: Whether it is a plain True or False.
        items: The known keys of the mapping, in the order of their first appearance.
        computed: Whether a part of the mapping needs the user's own code to run.
        unwritten: Whether the function itself returns nothing yet.
    """

    is_bool: bool
    items: tuple[Item, ...] = ()
    computed: bool = False
    unwritten: bool = False


def analyse(node: FunctionNode) -> ReturnShape | Declined:
    """Return the shape of a function's return value, or why it has none that can be kept."""
    returns = [found.value for found in own_nodes(node) if isinstance(found, ast.Return)]
    if all(value is None or (isinstance(value, ast.Constant) and value.value is None) for value in returns):
        return _unwritten(node)
    values = [_resolved(node, value) for value in returns if value is not None]
    mappings = [_mapping(node, value) for value in values]
    if values and len(values) == len(returns):
        if all(_is_truth(value) for value in values) or (_says(node, "bool") and not any(mappings)):
            return ReturnShape(is_bool=True)
        found = [entries for entries in mappings if entries is not None]
        if len(found) == len(values):
            return _merged(found)
    return Declined(
        f"{node.name!r} returns something other than one mapping with constant text keys, or one truth value, on each "
        f"of its paths, and its callers may rely on it; {_WANTED}.",
    )


_WANTED = "return a mapping such as {'drift_detected': …} or a bool"
_MAPPINGS = ("dict", "Dict", "Mapping", "MutableMapping", "object", "Any")


def _unwritten(node: FunctionNode) -> ReturnShape | Declined:
    """Return the shape of a function without a body: that of its annotation, or else a mapping."""
    if _says(node, "bool"):
        return ReturnShape(is_bool=True, unwritten=True)
    said = node.returns.value if isinstance(node.returns, ast.Subscript) else node.returns
    name = said.attr if isinstance(said, ast.Attribute) else said.id if isinstance(said, ast.Name) else None
    if node.returns is None or name in _MAPPINGS:
        return ReturnShape(is_bool=False, unwritten=True)
    return Declined(
        f"{node.name!r} returns nothing, and its annotation speaks of {ast.unparse(node.returns)}; {_WANTED}, and say "
        "so in the annotation.",
    )


def _says(node: FunctionNode, annotation: str) -> bool:
    return isinstance(node.returns, ast.Name) and node.returns.id == annotation


def _assigned(node: FunctionNode, name: str) -> list[ast.expr | None]:
    """Return every value bound to a local name; None for each binding that is no plain assignment."""
    values: list[ast.expr | None] = []
    plain: set[int] = set()
    for found in own_nodes(node):
        if isinstance(found, ast.Assign) and len(found.targets) == 1 and _is_name(found.targets[0], name):
            values.append(found.value)
            plain.add(id(found.targets[0]))
        elif isinstance(found, ast.AnnAssign) and found.value is not None and _is_name(found.target, name):
            values.append(found.value)
            plain.add(id(found.target))
        elif isinstance(found, ast.Name) and found.id == name and not isinstance(found.ctx, ast.Load):
            values += [] if id(found) in plain else [None]
    return values


def _is_name(node: ast.expr | None, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def _resolved(node: FunctionNode, value: ast.expr) -> ast.expr:
    """Return the truth value that a returned name stands for, if it is bound once; else the expression itself."""
    if isinstance(value, ast.Name):
        bound = _assigned(node, value.id)
        if len(bound) == 1 and bound[0] is not None and _is_truth(bound[0]):
            return bound[0]
    return value


def _is_truth(value: ast.expr) -> bool:
    match value:
        case ast.Constant(value=bool()) | ast.Compare() | ast.UnaryOp(op=ast.Not()):
            return True
        case ast.BoolOp():
            return all(_is_truth(operand) for operand in value.values)
        case ast.IfExp():
            return _is_truth(value.body) and _is_truth(value.orelse)
        case ast.Call(func=ast.Name(id="bool" | "any" | "all" | "isinstance")):
            return True
        case _:
            return False


_Entries = list[tuple[str, ast.expr]]


def _mapping(node: FunctionNode, value: ast.expr) -> _Entries | None:
    """Return the items of a mapping that is written as a literal or built up item by item; None for others."""
    match value:
        case ast.Dict():
            return _displayed(value)
        case ast.Call(func=ast.Name(id="dict"), args=[], keywords=keywords):
            entries = [(keyword.arg, keyword.value) for keyword in keywords if keyword.arg is not None]
            return entries if len(entries) == len(keywords) else None
        case ast.Name():
            return _built_up(node, value)
        case _:
            return None


def _displayed(value: ast.Dict) -> _Entries | None:
    entries: _Entries = []
    for key, item in zip(value.keys, value.values, strict=True):
        if not isinstance(key, ast.Constant) or not isinstance(key.value, str):
            return None
        entries.append((key.value, item))
    return entries


def _built_up(node: FunctionNode, name: ast.Name) -> _Entries | None:
    """Return the items of `result = {…}` followed by any number of `result["key"] = …`; None for any other use."""
    bound = _assigned(node, name.id)
    if len(bound) != 1 or bound[0] is None or isinstance(bound[0], ast.Name):
        return None
    entries = _mapping(node, bound[0])
    uses = sum(_is_name(found, name.id) for found in ast.walk(node) if isinstance(found, ast.expr))
    returned = sum(isinstance(found, ast.Return) and _is_name(found.value, name.id) for found in own_nodes(node))
    stores = [store for found in own_nodes(node) if (store := _stored_item(found, name.id)) is not None]
    if entries is None or uses != 1 + returned + len(stores):
        return None
    return [*entries, *stores]


def _stored_item(found: ast.AST, name: str) -> tuple[str, ast.expr] | None:
    match found:
        case ast.Assign(targets=[ast.Subscript(value=ast.Name(id=base), slice=ast.Constant(value=str(key)))]):
            return (key, found.value) if base == name else None
        case _:
            return None


def _merged(mappings: list[_Entries]) -> ReturnShape:
    values: dict[str, list[ast.expr]] = {}
    for entries in mappings:
        for key, value in entries:
            values.setdefault(key, []).append(value)
    items = tuple(_item(key, found, everywhere=len(mappings)) for key, found in values.items())
    return ReturnShape(
        is_bool=False,
        items=items,
        computed=any(item.meaning is None and item.literal is None for item in items),
    )


def _item(key: str, values: list[ast.expr], *, everywhere: int) -> Item:
    texts = {literal_text(value) for value in values}
    # A value that is stored twice, or on some paths only, depends on the path.
    same = len(texts) == 1 and len(values) == everywhere
    return Item(key, _MEANING.get(key.lower()), texts.pop() if same else None, tuple(values))
