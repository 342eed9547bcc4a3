"""The rules for the arguments of one function, and the check of a call against them."""

import dataclasses
import inspect
from collections.abc import Callable, Mapping, Sequence

from poet_engine import _repr
from poet_engine.contracts import annotations, dividing, examples, rules, statements
from poet_engine.contracts.examples import DocstringExample
from poet_engine.contracts.rules import InputRule
from poet_engine.domains import describe
from poet_engine.errors import PoetError

_MISSING = object()
_SHOWN = (int, float, bool, type(None))  # other values may be long or private
_BOUND = ("self", "cls")


@dataclasses.dataclass(frozen=True, slots=True)
class Refusal:
    """A call that breaks a rule.

    Attributes:
        argument: The parameter's name.
        rule: The requirement and its source.
        given: The argument, if it is a plain number; else its type.
        divides: Whether the body would raise ZeroDivisionError.
    """

    argument: str
    rule: str
    given: str
    divides: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class _ParameterPlace:
    """The position and the default of a parameter."""

    position: int | None
    default: object


@dataclasses.dataclass(frozen=True, slots=True)
class Inputs:
    """The rules for the arguments of one function.

    Attributes:
        rules: The rules in the order of their checks.
        refused: Calls that raise according to the docstring.
        places: Parameter → its position and default.
    """

    rules: tuple[InputRule, ...] = ()
    refused: tuple[DocstringExample, ...] = ()
    places: Mapping[str, _ParameterPlace] = dataclasses.field(default_factory=dict)

    def refusal(self, args: Sequence[object], kwargs: Mapping[str, object]) -> Refusal | None:
        """Return the first rule that a call breaks; None for none, or for no call of this function."""
        for rule in self.rules:
            value = self._argument(rule.parameter, args, kwargs)
            if value is not _MISSING and value is not self.places[rule.parameter].default and not rule.holds(value):
                return Refusal(rule.parameter, f"{rule.phrase} ({rule.source} says so)", _shown(value), rule.divides)
        for example in self.refused:
            if all(_same(self._argument(name, args, kwargs), value) for name, value in example.arguments):
                names = ", ".join(name for name, _ in example.arguments)
                values = ", ".join(_shown(value) for _, value in example.arguments)
                rule_text = f"an example in the docstring shows that this raises {example.raises}"
                return Refusal(names, rule_text, values, example.raises == ZeroDivisionError.__name__)
        return None

    def _argument(self, name: str, args: Sequence[object], kwargs: Mapping[str, object]) -> object:
        place = self.places.get(name)
        if place is None:
            return _MISSING
        if place.position is not None and place.position < len(args):
            return args[place.position]
        return kwargs.get(name, _MISSING)


def inputs_of(function: Callable[..., object]) -> Inputs:  # type: ignore[explicit-any]  # any function of a user
    """Return the rules from a function's annotations, docstring, examples and the first lines of its body.

    Examples take precedence: a rule that would refuse what an example accepts is dropped. Never raises: a function
    without readable source and signature has no rules.
    """
    try:
        places = _places(function)
    except (TypeError, ValueError):  # builtins, and objects that only look like functions
        return Inputs()
    names = tuple(name for name in places if name not in _BOUND)
    doc = inspect.getdoc(function) or ""
    shown = examples.from_docstring(doc, getattr(function, "__name__", ""), tuple(places))
    accepted = [example for example in shown if example.raises is None]
    refused = [example for example in shown if example.raises is not None]
    found = [
        *annotations.from_annotations(function, names),
        *statements.from_docstring(doc, names),
        *_from_examples(refused),
        *_from_body(function, names),
    ]
    kept = tuple(rule for rule in found if all(_agrees(rule, example) for example in accepted))
    return Inputs(kept, tuple(example for example in refused if example.arguments), places)


def _places(function: Callable[..., object]) -> dict[str, _ParameterPlace]:  # type: ignore[explicit-any]  # as above
    kinds = inspect.Parameter
    places: dict[str, _ParameterPlace] = {}
    for position, (name, parameter) in enumerate(inspect.signature(function).parameters.items()):
        default = _MISSING if parameter.default is kinds.empty else parameter.default
        if parameter.kind in {kinds.POSITIONAL_ONLY, kinds.POSITIONAL_OR_KEYWORD}:
            places[name] = _ParameterPlace(position, default)
        elif parameter.kind is kinds.KEYWORD_ONLY:
            places[name] = _ParameterPlace(None, default)
    return places


def _from_examples(refused: list[DocstringExample]) -> list[InputRule]:
    """Return a rule for each example that raises for a single zero: it is about that zero, not the other arguments."""
    found: list[InputRule] = []
    for example in refused:
        zeros = [name for name, value in example.arguments if not rules.nonzero(value)]
        if len(zeros) == 1:
            divides = example.raises == ZeroDivisionError.__name__
            found.append(InputRule(zeros[0], "must not be zero", "an example in the docstring", rules.nonzero, divides))
    return found


def _from_body(function: object, names: tuple[str, ...]) -> list[InputRule]:
    try:
        source = describe(function).source
    except PoetError:  # without its source, the body itself raises for wrong arguments
        return []
    divided = sorted(dividing.divisors(source, names))
    return [
        InputRule(name, "must not be zero", "a division in the body", rules.nonzero, divides=True) for name in divided
    ]


def _agrees(rule: InputRule, accepted: DocstringExample) -> bool:
    return all(name != rule.parameter or rule.holds(value) for name, value in accepted.arguments)


def _same(value: object, shown: object) -> bool:
    return type(value) is type(shown) and value == shown


def _shown(value: object) -> str:
    text = _repr.short(value) if type(value) in _SHOWN else type(value).__name__
    return text if len(text) <= 40 else f"{text[:40]}…"  # noqa: PLR2004 - a number of any length a reader may want
