"""Assign roles to parameters: the current sample, the reference, the significance level.

The names alone decide, and only if they leave no doubt: a detector that compares the wrong way round, or compares the
wrong things, is worse than none.
"""

import ast
import dataclasses

from poet_engine.domains.identifier_words import word_set, words_of
from poet_engine.domains.model import Declined, FunctionInfo, FunctionKind, Parameter

_REFERENCE = word_set(
    "reference ref baseline base historical historic history hist train training trained old older before expected "
    "past previous prev prior original initial control earlier",
)
_CURRENT = word_set(
    "current curr cur new newer live production prod recent after actual observed latest now incoming serving today "
    "test treatment inference fresh present later online",
)
# Names of a sample beside one that names its own role; other names (`predicted`, `model`) do not mean samples.
_SAMPLE = word_set(
    "data values value sample samples series batch window df frame column array observations points inputs features "
    "feature stream feed dataset distribution dist records rows measurements readings x y xs ys a b s set",
)
_LEVEL_WORDS = frozenset({"alpha", "significance"})
_LEVEL_NAMES = word_set(
    "threshold p_threshold p_value_threshold pvalue_threshold p_cutoff p_limit p_level drift_threshold cutoff",
)
# `threshold=0.5` is a limit for some distance of the user's, hardly a level at which half of all alarms are false.
_HIGHEST_LEVEL = 0.25

_SAMPLE_KINDS = (FunctionKind.POSITIONAL_ONLY, FunctionKind.POSITIONAL_OR_KEYWORD, FunctionKind.KEYWORD_ONLY)


@dataclasses.dataclass(frozen=True, slots=True)
class Roles:
    """The roles of a function's parameters.

    Attributes:
        current: The parameter with the sample that is tested for drift.
        reference: The parameter with the sample that it is compared with.
        level: The parameter with the significance level, when there is one.
        others: The remaining parameters.
    """

    current: str
    reference: str
    level: str | None
    others: tuple[Parameter, ...]


def assign(info: FunctionInfo, handed_back: frozenset[str] = frozenset()) -> Roles | Declined:
    """Assign the roles, or decline with the names of the parameters that leave them open.

    A parameter whose name is in `handed_back` and indicates neither sample only labels the result.
    """
    levels = _levels(info)
    if len(levels) > 1:
        names = _listed(levels)
        return Declined(f"{info.name!r} has more than one significance level ({names}); keep one of them.")
    pair = samples(info, handed_back)
    if pair is None:
        return Declined(
            f"it is not clear which parameter of {info.name!r} is the current sample and which the reference "
            f"({_listed(_candidates(info, handed_back)) or 'there are none'}); call them `current` and `reference`, or "
            "leave out `@poet`.",
        )
    current, reference = pair
    unfit = _unfit_level(levels[0]) if levels else None
    if unfit is not None:
        return unfit
    others = tuple(entry for entry in info.parameters if entry not in {current, reference, *levels})
    return Roles(current.name, reference.name, levels[0].name if levels else None, others)


def samples(info: FunctionInfo, handed_back: frozenset[str] = frozenset()) -> tuple[Parameter, Parameter] | None:
    """Return the current and the reference sample; None where the names leave it open."""
    candidates = _candidates(info, handed_back)
    # An option such as `test="ks"` must not compete with the samples; a sample may have a default all the same.
    return _pair([entry for entry in candidates if not entry.has_default]) or _pair(candidates)


def _candidates(info: FunctionInfo, handed_back: frozenset[str]) -> list[Parameter]:
    levels = _levels(info)
    return [
        parameter
        for parameter in info.parameters
        if parameter.kind in _SAMPLE_KINDS
        and parameter not in levels
        and not (parameter.name in handed_back and _side(parameter, []) == "open")
    ]


def _levels(info: FunctionInfo) -> list[Parameter]:
    return [one for one in info.parameters if one.kind in _SAMPLE_KINDS and _is_level(one.name)]


def _listed(parameters: list[Parameter]) -> str:
    return ", ".join(repr(parameter.name) for parameter in parameters)


def _is_level(name: str) -> bool:
    words = words_of(name)
    return bool(_LEVEL_WORDS & set(words)) or "_".join(words) in _LEVEL_NAMES


def _unfit_level(parameter: Parameter) -> Declined | None:
    if parameter.default is None:
        return None
    value: object = ast.literal_eval(parameter.default)
    highest = 1.0 if _LEVEL_WORDS & set(words_of(parameter.name)) else _HIGHEST_LEVEL
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if value is None or (number and isinstance(value, int | float) and 0 < value < highest):
        return None
    return Declined(
        f"{parameter.name!r} has the default {parameter.default}, which is no significance level for a p-value (those "
        f"lie between 0 and {highest}); give it such a default, or another name if it limits something else.",
    )


def _pair(candidates: list[Parameter]) -> tuple[Parameter, Parameter] | None:
    """Return the current and the reference parameter; None where the names leave it open."""
    sides = {parameter: _side(parameter, candidates) for parameter in candidates}
    current = [parameter for parameter, side in sides.items() if side == "current"]
    reference = [parameter for parameter, side in sides.items() if side == "reference"]
    if len(current) == 1 and len(reference) == 1:
        return current[0], reference[0]
    # One of them is named and exactly one other sample is required: that is the other side.
    rest = [parameter for parameter in candidates if not parameter.has_default and sides[parameter] == "open"]
    samples = [parameter for parameter in rest if set(words_of(parameter.name)) & _SAMPLE or _both(parameter)]
    if len(rest) != 1 or len(samples) != 1:
        return None
    if len(current) == 1 and not reference:
        return current[0], samples[0]
    if len(reference) == 1 and not current:
        return samples[0], reference[0]
    return None


def _side(parameter: Parameter, candidates: list[Parameter]) -> str:
    """Return the role that a name indicates: `current`, `reference` or `open`.

    Words that every required candidate shares do not count: of `new_baseline` and `old_baseline` only `new` and `old`.
    """
    required = [set(words_of(other.name)) for other in candidates if not other.has_default]
    shared = set[str]().union(*required).intersection(*required) if len(required) > 1 else set()
    words = set(words_of(parameter.name)) - shared
    reference, current = bool(words & _REFERENCE), bool(words & _CURRENT)
    if reference == current:
        return "open"
    return "reference" if reference else "current"


def _both(parameter: Parameter) -> bool:
    words = set(words_of(parameter.name))
    return bool(words & _REFERENCE) and bool(words & _CURRENT)
