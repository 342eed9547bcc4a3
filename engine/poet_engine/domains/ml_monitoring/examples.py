"""Trial calls of a freshly written drift detector."""

import ast
from collections.abc import Iterator

from poet_engine.domains.ml_monitoring.render import DEFAULT_LEVEL, ModulePlan
from poet_engine.domains.model import FunctionKind, Parameter, TrialExample

# The two have no value in common, which every level detects, and each is equal to itself, which is no drift. They
# are of one size, since some functions require that.
_REFERENCE = [float(value) for value in range(40)]
_SHIFTED = [value + 100.0 for value in _REFERENCE]

_STAND_INS: dict[str | None, object] = {"int": 1, "float": 1.0, "bool": False, "list": [], "dict": {}, "tuple": ()}


def for_trial(plan: ModulePlan) -> tuple[TrialExample, ...]:
    """Return a pair of equal samples, a pair of different ones and, unless the user's own code runs, an empty one."""
    examples = [
        _example(plan, _REFERENCE, drift=False),
        _example(plan, _SHIFTED, drift=True),
    ]
    if plan.own is None:
        # The user's own code may well fail on an empty sample, and would have done so before.
        examples.append(_example(plan, [], drift=False))
    return tuple(examples)


def _example(plan: ModulePlan, current: list[float], *, drift: bool) -> TrialExample:
    values: dict[str, object] = {plan.roles.current: current, plan.roles.reference: _REFERENCE}
    for parameter in plan.info.parameters:
        if parameter.has_default or parameter.kind in {FunctionKind.VAR_POSITIONAL, FunctionKind.VAR_KEYWORD}:
            continue
        given = DEFAULT_LEVEL if parameter.name == plan.roles.level else _STAND_INS.get(parameter.annotation, "example")
        values.setdefault(parameter.name, given)
    args, kwargs = _call(plan.info.parameters, values)
    return TrialExample(args, kwargs, _expected(plan, drift=drift))


def _call(parameters: tuple[Parameter, ...], values: dict[str, object]) -> tuple[tuple[object, ...], dict[str, object]]:
    args: list[object] = []
    kwargs: dict[str, object] = {}
    gap = False
    for parameter in parameters:
        if parameter.kind is FunctionKind.POSITIONAL_ONLY:
            # Without it, those after it would move.
            args.append(values.get(parameter.name, _default(parameter)))
        elif parameter.name not in values:
            gap = True
        elif parameter.kind is FunctionKind.KEYWORD_ONLY or gap:
            kwargs[parameter.name] = values[parameter.name]
        else:
            args.append(values[parameter.name])
    return tuple(args), kwargs


def _default(parameter: Parameter) -> object:
    value: object = ast.literal_eval(parameter.default) if parameter.default is not None else None
    return value


def _expected(plan: ModulePlan, *, drift: bool) -> dict[str, object]:
    if plan.shape.is_bool:
        return {"": drift}
    expect: dict[str, object] = {"drift_detected": drift}
    expect.update(dict(_items(plan, drift=drift)))
    return expect


def _items(plan: ModulePlan, *, drift: bool) -> Iterator[tuple[str, object]]:
    for item in plan.shape.items:
        if item.meaning == "drift_detected":
            yield item.key, drift
        elif item.meaning is None and item.literal is not None:
            yield item.key, ast.literal_eval(item.literal)
