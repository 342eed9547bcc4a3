"""A policy as dotted key → value with its origin, the form in which policies are compared and combined."""

import dataclasses
import hashlib
import json
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Never, TypeVar, cast

from poet_engine.errors import PolicyError
from poet_engine.policy import keys, types
from poet_engine.policy.keys import IMPORTS, KEYS, LEVELS, WAIVERS
from poet_engine.policy.model import Effective, Isolation, Level, Limits, Mode, Network, Static
from poet_engine.policy.waivers import Waiver

P = TypeVar("P", bound=Effective)

FORMAT = 1
_AND = " & "


@dataclasses.dataclass(frozen=True, slots=True)
class SourcedValue:
    """A checked value and its origin.

    Attributes:
        value: The value, in the engine's own type.
        origin: A preset's name, or the file and line.
    """

    value: object
    origin: str

    @property
    def place(self) -> tuple[str, int] | None:
        """The user's file and line; None for a preset."""
        file, _, line = self.origin.rpartition(":")
        return (file, int(line)) if file and line.isdigit() else None


Values = Mapping[str, SourcedValue]


def of(policy: Effective) -> dict[str, SourcedValue]:
    """Return the values of a policy; the inverse of `assembled`."""
    found: dict[str, object] = {f"{IMPORTS}.{module}": names for module, names in policy.static.imports.items()}
    found[WAIVERS] = policy.waivers
    for name in KEYS:
        section, _, field = name.partition(".")
        if name in LEVELS:
            found[name] = tuple(
                level for level in policy.levels if (level.section, str(level.mode)) == (section, field)
            )
        elif name not in {IMPORTS, WAIVERS}:
            part: object = getattr(policy, section)
            found[name] = getattr(part, field)
    return {name: SourcedValue(value, policy.origin.get(name, policy.name)) for name, value in found.items()}


def assembled(values: Values, kind: type[P], *, name: str, extends: str | None) -> P:
    """Return the policy with these values.

    Args:
        values: Every key; a module without names counts as not listed.
        kind: The class of the policy.
        name: The name of the policy.
        extends: The name of its parent, if any.

    Raises:
        PolicyError: A key is missing, which only the root preset can cause.
    """
    imports = _imports(values)
    listed = MappingProxyType({module: names for module, names in imports.items() if names})
    gone = {f"{IMPORTS}.{module}" for module in imports.keys() - listed.keys()}
    return kind(
        name=name,
        extends=extends,
        version=FORMAT,
        digest=_digest(values),
        origin=MappingProxyType({key: values[key].origin for key in sorted(values) if key not in gone}),
        static=Static(**_part("static", values), imports=listed),
        limits=Limits(**_part("limits", values)),
        network=Network(**_part("network", values)),
        isolation=Isolation(**_part("isolation", values)),
        levels=tuple(level for key in LEVELS for level in cast("tuple[Level, ...]", values[key].value)),
        waivers=cast("tuple[Waiver, ...]", values[WAIVERS].value),
    )


def levels_at(name: str, policies: Iterable[Effective]) -> tuple[Level, ...]:
    """Return the value of the key `name` (`static.warn` and its like) that names these policies."""
    section, _, mode = name.partition(".")
    return types.in_order(
        Level(
            section=section,
            mode=Mode(mode),
            name=policy.name,
            digest=policy.digest,
            static=policy.static,
            limits=policy.limits,
        )
        for policy in policies
    )


def meet(one: P, other: Effective, kind: type[P]) -> P:
    """Return the loosest policy that is no looser than either.

    Raises:
        PolicyError: There is none, as they name different runtimes.
    """
    first, second = of(one), of(other)
    values = {key: _met(key, first.get(key), second.get(key)) for key in sorted(first.keys() | second.keys())}
    names = sorted({*one.name.split(_AND), *other.name.split(_AND)})
    extends = one.extends if one.extends == other.extends else None
    return assembled(values, kind, name=_AND.join(names), extends=extends)


def looser(one: Effective, other: Effective) -> tuple[str, ...]:
    """Return the keys in which a policy allows more than the other one, or something else."""
    first, second = of(one), of(other)
    return tuple(
        key
        for key in sorted(first.keys() | second.keys())
        if not keys.within(key, _value(first, key), _value(second, key))
    )


def _value(values: Values, key: str) -> object:
    held = values.get(key)
    return keys.empty(key) if held is None else held.value


def _met(key: str, one: SourcedValue | None, other: SourcedValue | None) -> SourcedValue:
    nothing = SourcedValue(keys.empty(key), "")
    one, other = one or nothing, other or nothing
    try:
        value = keys.met(key, one.value, other.value)
    except ValueError as error:
        origins = _AND.join(sorted({one.origin, other.origin}))
        raise PolicyError(f"{error} ({origins}); name one of them in both", key=key) from None
    alike = {held.origin for held in (one, other) if held.value == value}
    return SourcedValue(value, _AND.join(sorted(alike or {one.origin, other.origin})))


def _part(section: str, values: Values) -> dict[str, Never]:
    """Return the arguments of one part of a policy.

    Each value was read by its own key's reader, which types cannot express.
    """
    names = [key for key in KEYS if key.startswith(f"{section}.") and key != IMPORTS and key not in LEVELS]
    for key in names:
        if key not in values:
            raise PolicyError("has no value, and no policy it extends sets one", key=key)
    return cast("dict[str, Never]", {key.partition(".")[2]: values[key].value for key in names})


def _imports(values: Values) -> dict[str, tuple[str, ...]]:
    prefix = f"{IMPORTS}."
    return {
        key.removeprefix(prefix): cast("tuple[str, ...]", values[key].value)
        for key in sorted(values)
        if key.startswith(prefix)
    }


def _digest(values: Values) -> str:
    """Return the SHA-256 (hex) over the effective values in canonical form; empty values are left out."""
    # Only these two can be nothing; the rest need not be asked for.
    content = {
        key: held.value for key, held in values.items() if held.value not in (None, ()) or held.value != keys.empty(key)
    }
    text = json.dumps({"version": FORMAT, **content}, default=_plain, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _plain(value: object) -> object:
    """Return the form of a value that JSON itself has no form for."""
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, Level):
        return value.digest  # the name is part of no digest, here neither
    if isinstance(value, Waiver):
        return value.plain()
    raise TypeError(f"a {type(value).__name__} is no value of a policy")
