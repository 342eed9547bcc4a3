"""Writes a drift detector for the signature of the user's function."""

import ast
import keyword

from poet_engine.domains.description import literal_text
from poet_engine.domains.ml_monitoring import body, examples, render, returns, roles
from poet_engine.domains.model import Declined, FunctionInfo, Kind, Parameter, Written
from poet_engine.domains.words import word_set, words_of

_DRIFT_WORDS = word_set(
    "drift drifted drifting drifts shift shifted shifts changed change changes",
)


def write(info: FunctionInfo) -> Written | Declined:
    """Write a two-sample drift detector with the function's own signature and the keys of its result.

    Declines, with the reason, for whatever is no drift detector, whose parameters leave open what to compare with what,
    or whose own code does more than return a value.
    """
    node = _unusable(info) or body.parse(info)
    if isinstance(node, Declined):
        return node
    shape = body.effects(info, node) or returns.analyse(node)
    if isinstance(shape, Declined):
        return shape
    if not _looks_for_drift(info, shape):
        return Declined(
            f"nothing in {info.name!r} says that it looks for drift; put 'drift' into its name, or return a mapping "
            "with the key 'drift_detected'.",
        )
    assigned = roles.assign(info, body.handed_back(shape))
    if isinstance(assigned, Declined):
        return assigned
    own = body.take_along(info, render.OWN_ANSWER, render.present_imports()) if body.needed(node, shape) else None
    if isinstance(own, Declined):
        return own
    options = _options(info, node, shape, assigned)
    if isinstance(options, Declined):
        return options
    plan = render.Plan(info=info, roles=assigned, shape=shape, options=options, own=own)
    taken = render.clashes(plan)
    if taken:
        return Declined(
            f"{info.name!r} uses the name {taken[0]!r}, which the generated code needs for itself; call it otherwise.",
        )
    return Written(
        source=render.module_text(plan),
        entry=info.name,
        examples=examples.for_trial(plan),
        params=_params(plan),
        summary=_summary(plan),
    )


def _unusable(info: FunctionInfo) -> Declined | None:
    """Why no safe text can be made of the names and defaults; `info` need not come from `describe`."""
    for name in (info.name, *(parameter.name for parameter in info.parameters)):
        if not name.isidentifier() or keyword.iskeyword(name):
            return Declined(f"{name!r} is no identifier of Python; describe the function again from its file.")
    for parameter in info.parameters:
        if parameter.has_default and _literal(parameter) is None:
            return Declined(
                f"the default of {parameter.name!r} in {info.name!r} is computed outside of it; make it a literal, or "
                "None and compute it inside.",
            )
    return None


def _literal(parameter: Parameter) -> ast.expr | None:
    if parameter.default is None:
        return None
    try:
        tree = ast.parse(parameter.default, mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    return tree.body if literal_text(tree.body) is not None else None


def _looks_for_drift(info: FunctionInfo, shape: returns.Shape) -> bool:
    named = bool(_DRIFT_WORDS & set(words_of(info.name)))
    return named or any(item.meaning == "drift_detected" for item in shape.items)


def _options(
    info: FunctionInfo, node: returns.FunctionNode, shape: returns.Shape, assigned: roles.Roles
) -> tuple[Parameter, ...] | Declined:
    """The parameters whose only value that the generated code can answer for is their default."""
    unknown = [entry for entry in assigned.others if not body.labels_only(entry, node, shape)]
    for entry in unknown:
        if not entry.has_default or entry.kind in {Kind.VAR_POSITIONAL, Kind.VAR_KEYWORD}:
            return Declined(
                f"{info.name!r} has the parameter {entry.name!r}, which the built-in code does not understand; give it "
                "a default that is a literal, or remove it.",
            )
    return tuple(unknown)


def _params(plan: render.Plan) -> dict[str, object]:
    return {
        "method": "two_sample",
        "current": plan.roles.current,
        "reference": plan.roles.reference,
        "level": plan.roles.level if plan.roles.level is not None else render.DEFAULT_LEVEL,
        "returns": "bool" if plan.shape.is_bool else "mapping",
        "runs_own_code": plan.own is not None,
    }


def _summary(plan: render.Plan) -> str:
    level = f"the level {plan.roles.level!r}" if plan.roles.level is not None else f"p < {render.DEFAULT_LEVEL}"
    own = " after running the function's own code for the rest of the result" if plan.own is not None else ""
    return (
        f"Compares {plan.roles.current!r} with {plan.roles.reference!r} by the two-sample Kolmogorov-Smirnov test "
        f"(chi-square for categories) at {level}{own}."
    )
