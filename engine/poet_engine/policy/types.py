"""Types of policy values: how to read, write and combine them, and which values are valid."""

import dataclasses
import json
from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar, cast

from poet_engine import _units
from poet_engine.outcome import Severity
from poet_engine.policy import checks, names, waivers
from poet_engine.policy.model import Fresh, Level, Mode, OnDenied, Wall
from poet_engine.policy.rule_ids import WAIVABLE

T = TypeVar("T")
Member = TypeVar("Member", Mode, Severity, Fresh, OnDenied)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ValueType:
    """The type of a key's values.

    Attributes:
        read: Converts the TOML value to the engine's; raises ValueError with the reason.
        write: Converts the value to TOML text, as people write it.
        meet: Returns the loosest value that is no looser than either of two; raises ValueError if there is none.
        tighter: The tighter of two values, in words.
        schema: The form of the TOML value, as JSON Schema. It is no stricter than `read`.
        range: The valid values, in words.
    """

    read: Callable[[object], object]
    write: Callable[[object], str]
    meet: Callable[[object, object], object]
    tighter: str
    schema: Mapping[str, object]
    range: str


def _kind(
    *,
    read: Callable[[object], object],
    write: Callable[[T], str],
    meet: Callable[[T, T], T],
    tighter: str,
    schema: Mapping[str, object],
    range: str,  # noqa: A002 - the field's name
) -> ValueType:
    """Return a type whose functions take its own values; `ValueType` is not generic, so that one table holds all."""
    return ValueType(
        read=read,
        write=lambda value: write(cast("T", value)),
        meet=lambda one, other: meet(cast("T", one), cast("T", other)),
        tighter=tighter,
        schema=schema,
        range=range,
    )


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _less(one: float, other: float) -> float:
    return min(one, other)


def _fewer(one: int, other: int) -> int:
    return min(one, other)


def _digits(value: float) -> str:
    return repr(value)


def count(low: int, high: int) -> ValueType:
    """Return the type of integers; the smaller one is tighter."""
    return _kind(
        read=lambda raw: checks.whole(raw, low, high),
        write=_digits,
        meet=_less,
        tighter="less",
        schema={"type": "integer", "minimum": low, "maximum": high},
        range=f"{low} to {high}",
    )


def number(low: float, high: float) -> ValueType:
    """Return the type of numbers; the smaller one is tighter."""
    return _kind(
        read=lambda raw: checks.number(raw, low, high),
        write=_digits,
        meet=_less,
        tighter="less",
        schema={"type": "number", "minimum": low, "maximum": high},
        range=f"{low:g} to {high:g}",
    )


def duration(low: float, high: float) -> ValueType:
    """Return the type of durations in seconds; the shorter one is tighter."""
    return _kind(
        read=lambda raw: checks.duration(raw, low, high),
        write=_units.write_seconds,
        meet=_less,
        tighter="less",
        schema={
            "anyOf": [
                {"type": "number", "minimum": low, "maximum": high},
                {"type": "string", "pattern": _units.pattern_of_seconds()},
            ]
        },
        range=f"{_units.say_seconds(low)} to {_units.say_seconds(high)}",
    )


def size(low: int, why: str, high: int = 2**40) -> ValueType:
    """Return the type of sizes in bytes; the smaller one is tighter. `why` is the reason for the lower end."""
    return _kind(
        read=lambda raw: checks.size(raw, low, high, why),
        write=_units.write_size,
        meet=_fewer,
        tighter="less",
        schema={
            "anyOf": [
                {"type": "number", "minimum": low, "maximum": high},
                {"type": "string", "pattern": _units.pattern_of_size()},
            ]
        },
        range=f"{_units.say_size(low)} to {_units.say_size(high)}",
    )


def _quoted(value: str) -> str:
    return _json(str(value))


def choice(kind: type[Member], tightest_first: tuple[Member, ...]) -> ValueType:
    """Return the type of an enumeration, its members ordered from the tightest on."""
    order: tuple[str, ...] = tightest_first

    def tightest(one: str, other: str) -> str:
        return min(one, other, key=order.index)

    return _kind(
        read=lambda raw: checks.choice(raw, kind),
        write=_quoted,
        meet=tightest,
        tighter=" before ".join(tightest_first),
        schema={"enum": [str(member) for member in tightest_first]},
        range=", ".join([f"`{member}`" for member in tightest_first]),
    )


def switch() -> ValueType:
    """Return the type of a requirement that is made or not; made is tighter."""

    def either(one: bool, other: bool) -> bool:  # noqa: FBT001 - the two values that meet
        return one or other

    return _kind(
        read=checks.switch,
        write=lambda value: "true" if value else "false",
        meet=either,
        tighter="true before false",
        schema={"type": "boolean"},
        range="`true`, `false`",
    )


def allowed(read: Callable[[object], tuple[str, ...]], pattern: str, said: str) -> ValueType:
    """Return the type of a set of permissions; fewer are tighter."""
    return _kind(
        read=read,
        write=_write_texts,
        meet=_in_both,
        tighter="fewer",
        schema={"type": "array", "uniqueItems": True, "items": {"type": "string", "pattern": pattern}},
        range=said,
    )


def _write_texts(value: tuple[str, ...]) -> str:
    return _json(list(value))


def _in_both(one: tuple[str, ...], other: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted(set(one) & set(other)))


def walls() -> ValueType:
    """Return the type of a set of required isolation checks; more are tighter."""
    return _kind(
        read=lambda raw: frozenset(checks.choice(item, Wall) for item in checks.texts(raw)),
        write=_write_walls,
        meet=_in_either,
        tighter="more",
        schema={"type": "array", "uniqueItems": True, "items": {"enum": list(Wall)}},
        range=", ".join(f"`{wall}`" for wall in Wall),
    )


def _write_walls(value: frozenset[Wall]) -> str:
    return _json([wall for wall in Wall if wall in value])


def _in_either(one: frozenset[Wall], other: frozenset[Wall]) -> frozenset[Wall]:
    return one | other


def runtime() -> ValueType:
    """Return the type of a container runtime: a name is tighter than none, and two different names never meet."""
    return _kind(
        read=checks.runtime,
        write=_write_runtime,
        meet=_same_runtime,
        tighter="a name, and no two names agree",
        schema={"type": "string", "pattern": checks.RUNTIME_PATTERN},
        range="`default`, `runc`, `runsc` or another name",
    )


def _write_runtime(value: str | None) -> str:
    return _json(value or checks.DEFAULT_RUNTIME)


def _same_runtime(one: str | None, other: str | None) -> str | None:
    if one is not None and other is not None and one != other:
        raise ValueError(f"no container runs on {min(one, other)!r} and on {max(one, other)!r} at once")
    return one or other


def levels() -> ValueType:
    """Return the type of `warn` and `audit`: more are tighter. The named policies are loaded elsewhere."""
    return _kind(
        read=checks.texts,
        write=_write_levels,
        meet=_all_levels,
        tighter="more",
        schema={"type": "array", "uniqueItems": True, "items": {"type": "string", "minLength": 1}},
        range="presets and paths",
    )


def _write_levels(value: tuple[Level, ...]) -> str:
    return _json([level.name for level in value])


def _all_levels(one: tuple[Level, ...], other: tuple[Level, ...]) -> tuple[Level, ...]:
    return in_order({*one, *other})


def in_order(levels: Iterable[Level]) -> tuple[Level, ...]:
    """Return levels in their canonical order."""
    return tuple(sorted(levels, key=lambda level: (level.name, level.digest)))


def _as_read(value: object) -> tuple[waivers.Waiver, ...]:
    """Refuse the list as a whole: waivers are read field by field, so that errors name the field."""
    raise ValueError(f"expected tables, each written [[waivers]], not {value!r:.80}")


def _write_waivers(value: tuple[waivers.Waiver, ...]) -> str:
    tables = (
        ", ".join(f"{key} = {text if key == 'expires' else _json(text)}" for key, text in waiver.plain().items())
        for waiver in value
    )
    return "[" + ", ".join(f"{{ {table} }}" for table in tables) + "]"


NAMES = _kind(
    read=checks.names,
    write=_write_texts,
    meet=names.meet,
    tighter="fewer",
    schema={"type": "array", "uniqueItems": True, "items": {"type": "string", "pattern": checks.NAMES_PATTERN}},
    range="names of the module",
)
WAIVERS = _kind(
    read=_as_read,
    write=_write_waivers,
    meet=waivers.meet,
    tighter="fewer",
    schema={
        "type": "array",
        "items": {
            "type": "object",
            "additionalProperties": False,
            "required": list(waivers.FIELDS),
            # A TOML date reaches a JSON Schema validator as a text in some editors and as a date in others.
            "properties": {name: {"type": "string", "minLength": 1} for name in waivers.FIELDS[:-1]}
            | {"expires": {}, "rule": {"enum": sorted(WAIVABLE)}},
        },
    },
    range="tables",
)
