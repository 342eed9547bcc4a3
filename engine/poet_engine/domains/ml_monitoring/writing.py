"""Write a drift detector for the signature of the user's function."""

import ast
import dataclasses
import keyword

from poet_engine.domains import data_flow
from poet_engine.domains.data_flow import FunctionNode
from poet_engine.domains.description import literal_text
from poet_engine.domains.identifier_words import word_set, words_of
from poet_engine.domains.ml_monitoring import body, examples, render, returns, roles
from poet_engine.domains.model import Declined, FunctionInfo, FunctionKind, Parameter, Written
from poet_engine.domains.parsing import parse_expression

_DRIFT_WORDS = word_set(
    "drift drifted drifting drifts shift shifted shifts changed change changes",
)


@dataclasses.dataclass(frozen=True, slots=True)
class _Stub:
    """A function whose body may be replaced.

    Attributes:
        node: Its tree without printing, warning and logging.
        shape: The shape of its return value.
        roles: The roles of its parameters.
        ignored: The input that it ignores.
    """

    node: FunctionNode
    shape: returns.ReturnShape
    roles: roles.Roles
    ignored: str


def write(info: FunctionInfo) -> Written | Declined:
    """Write a two-sample drift detector with the function's own signature and the keys of its result.

    Declines, with the reason, a function that computes with both of its samples, that is no drift detector, whose
    parameters leave open what to compare, or whose own code does more than return a value.
    """
    node = _unusable(info) or body.parse(info)
    stub = node if isinstance(node, Declined) else _stub(info, node)
    if isinstance(stub, Declined):
        return stub
    needs_body = body.needed(stub.node, stub.shape)
    own = body.take_along(info, stub.node, render.OWN_ANSWER, render.present_imports()) if needs_body else None
    if isinstance(own, Declined):
        return own
    options = _options(info, stub.node, stub.shape, stub.roles)
    if isinstance(options, Declined):
        return options
    plan = render.ModulePlan(info=info, roles=stub.roles, shape=stub.shape, options=options, own=own)
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
        ignored=stub.ignored,
    )


def _stub(info: FunctionInfo, node: FunctionNode) -> _Stub | Declined:
    """Return the function as one that may be replaced, or why not: a body that computes comes first."""
    shape = returns.analyse(node)
    handed_back = frozenset[str]() if isinstance(shape, Declined) else body.handed_back(shape)
    samples = roles.samples(info, handed_back)
    ignored = None if samples is None else _ignored(info, node, samples)
    if samples is not None and ignored is None:
        current, reference = (one.name for one in samples)
        return Declined(
            f"the body of {info.name!r} computes with {current!r} and {reference!r}, so it is kept and nothing "
            "replaces it; a body is replaced only where it ignores one of the two and the caller has to give it."
        )
    assigned = roles.assign(info, handed_back)
    node = body.without_noise(info, node)
    shape = body.effects(info, node) or shape
    if isinstance(shape, Declined):
        return shape
    if not _looks_for_drift(info, shape):
        return Declined(
            f"nothing in {info.name!r} says that it looks for drift; put 'drift' into its name, or return a mapping "
            "with the key 'drift_detected'.",
        )
    if isinstance(assigned, Declined):
        return assigned
    return _Stub(node, shape, assigned, ignored or assigned.reference)


def _ignored(info: FunctionInfo, node: FunctionNode, samples: tuple[Parameter, Parameter]) -> str | None:
    """Return the required sample that the body ignores; None where it ignores none."""
    required = [one.name for one in reversed(samples) if not one.has_default]
    imports = {entry.name: entry.module for entry in (*info.imports, *info.local_imports)}
    return data_flow.ignored_input(node, required, imports=imports, loggers=frozenset(info.loggers))


def _unusable(info: FunctionInfo) -> Declined | None:
    """Return why no safe text can be made of the names and defaults; `info` need not come from `describe`."""
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
        tree = parse_expression(parameter.default)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    return tree if literal_text(tree) is not None else None


def _looks_for_drift(info: FunctionInfo, shape: returns.ReturnShape) -> bool:
    named = bool(_DRIFT_WORDS & set(words_of(info.name)))
    return named or any(item.meaning == "drift_detected" for item in shape.items)


def _options(
    info: FunctionInfo, node: FunctionNode, shape: returns.ReturnShape, assigned: roles.Roles
) -> tuple[Parameter, ...] | Declined:
    """Return the parameters that must keep their defaults, as the generated code supports no other value."""
    unknown = [entry for entry in assigned.others if not body.labels_only(entry, node, shape)]
    for entry in unknown:
        if not entry.has_default or entry.kind in {FunctionKind.VAR_POSITIONAL, FunctionKind.VAR_KEYWORD}:
            return Declined(
                f"{info.name!r} has the parameter {entry.name!r}, which the built-in code does not understand; give it "
                "a default that is a literal, or remove it.",
            )
    return tuple(unknown)


def _params(plan: render.ModulePlan) -> dict[str, object]:
    return {
        "method": "two_sample",
        "current": plan.roles.current,
        "reference": plan.roles.reference,
        "level": plan.roles.level if plan.roles.level is not None else render.DEFAULT_LEVEL,
        "returns": "bool" if plan.shape.is_bool else "mapping",
        "runs_own_code": plan.own is not None,
    }


def _summary(plan: render.ModulePlan) -> str:
    level = f"the level {plan.roles.level!r}" if plan.roles.level is not None else f"p < {render.DEFAULT_LEVEL}"
    own = " after running the function's own code for the rest of the result" if plan.own is not None else ""
    return (
        f"Compares {plan.roles.current!r} with {plan.roles.reference!r} by the two-sample Kolmogorov-Smirnov test "
        f"(chi-square for categories) at {level}{own}."
    )
