"""Every key of a policy, once: how its value is read and written, what two of them have in common, what it means.

The schema, the table in docs/policies.md, the digest, the comparison of policies and the layers all come from here.
"""

import dataclasses
import json
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import TypeVar, cast

from poet_engine.outcome import Severity
from poet_engine.policy import checks, names, units, waivers
from poet_engine.policy.model import Fresh, Level, Mode, Wall
from poet_engine.policy.rule_ids import WAIVABLE

T = TypeVar("T")
Member = TypeVar("Member", Mode, Severity, Fresh)

_DAY = 86_400.0
_KIB, _MIB, _GIB = 2**10, 2**20, 2**30

SECTIONS = ("static", "limits", "network", "isolation")
IMPORTS = "static.imports"
WAIVERS = "waivers"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """What the values of a key are.

    Attributes:
        read: From what stands in the TOML to the value; raises ValueError with the reason.
        write: From the value to TOML, as people write it.
        meet: The loosest value that is no looser than either of two; raises ValueError where there is none.
        tighter: Which of two values is the tighter one, in words.
        schema: The form of the TOML value, as JSON Schema. It is no stricter than `read`.
        range: What may stand there, in words.
    """

    read: Callable[[object], object]
    write: Callable[[object], str]
    meet: Callable[[object, object], object]
    tighter: str
    schema: Mapping[str, object]
    range: str


@dataclasses.dataclass(frozen=True, slots=True)
class Key:
    """One key.

    Attributes:
        name: With its section, such as `limits.memory`.
        kind: What its values are.
        meaning: What it says.
    """

    name: str
    kind: Kind
    meaning: str


def _kind(
    *,
    read: Callable[[object], object],
    write: Callable[[T], str],
    meet: Callable[[T, T], T],
    tighter: str,
    schema: Mapping[str, object],
    range: str,  # noqa: A002 - the field's name
) -> Kind:
    """A kind whose functions take its own values; `Kind` itself stands in one table with all the others."""
    return Kind(
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


def _count(low: int, high: int) -> Kind:
    return _kind(
        read=lambda raw: checks.whole(raw, low, high),
        write=_digits,
        meet=_less,
        tighter="less",
        schema={"type": "integer", "minimum": low, "maximum": high},
        range=f"{low} to {high}",
    )


def _number(low: float, high: float) -> Kind:
    return _kind(
        read=lambda raw: checks.number(raw, low, high),
        write=_digits,
        meet=_less,
        tighter="less",
        schema={"type": "number", "minimum": low, "maximum": high},
        range=f"{low:g} to {high:g}",
    )


def _duration(low: float, high: float) -> Kind:
    return _kind(
        read=lambda raw: checks.duration(raw, low, high),
        write=units.write_seconds,
        meet=_less,
        tighter="less",
        schema={
            "anyOf": [
                {"type": "number", "minimum": low, "maximum": high},
                {"type": "string", "pattern": units.pattern_of_seconds()},
            ]
        },
        range=f"{units.say_seconds(low)} to {units.say_seconds(high)}",
    )


def _size(low: int, why: str, high: int = 1024 * _GIB) -> Kind:
    return _kind(
        read=lambda raw: checks.size(raw, low, high, why),
        write=units.write_size,
        meet=_fewer,
        tighter="less",
        schema={
            "anyOf": [
                {"type": "number", "minimum": low, "maximum": high},
                {"type": "string", "pattern": units.pattern_of_size()},
            ]
        },
        range=f"{units.say_size(low)} to {units.say_size(high)}",
    )


def _quoted(value: str) -> str:
    return _json(str(value))


def _choice(kind: type[Member], tightest_first: tuple[Member, ...]) -> Kind:
    order: tuple[str, ...] = tightest_first

    def tightest(one: str, other: str) -> str:
        return min(one, other, key=order.index)

    return _kind(
        read=lambda raw: checks.choice(raw, kind),
        write=_quoted,
        meet=tightest,
        tighter=" before ".join(tightest_first),
        schema={"enum": [str(member) for member in tightest_first]},
        range=", ".join(f"`{member}`" for member in tightest_first),
    )


def _allowed(read: Callable[[object], tuple[str, ...]], pattern: str, said: str) -> Kind:
    """A set of what is allowed: fewer are tighter."""
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


def _walls() -> Kind:
    """A set of what is demanded: more are tighter."""
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


def _runtime() -> Kind:
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


def _levels() -> Kind:
    """Other policies whose findings are told or recorded: more are tighter. They are read where they can be found."""
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
    """The one order in which policies keep their levels."""
    return tuple(sorted(levels, key=lambda level: (level.name, level.digest)))


def _as_read(value: object) -> tuple[waivers.Waiver, ...]:
    """Waivers are read field by field, where each field stands."""
    raise ValueError(f"expected tables, each written [[waivers]], not {value!r:.80}")


def _write_waivers(value: tuple[waivers.Waiver, ...]) -> str:
    tables = (
        ", ".join(f"{key} = {text if key == 'expires' else _json(text)}" for key, text in waiver.plain().items())
        for waiver in value
    )
    return "[" + ", ".join(f"{{ {table} }}" for table in tables) + "]"


_NAMES = _kind(
    read=checks.names,
    write=_write_texts,
    meet=names.meet,
    tighter="fewer",
    schema={"type": "array", "uniqueItems": True, "items": {"type": "string", "pattern": checks.NAMES_PATTERN}},
    range="names of the module",
)
_WAIVERS = _kind(
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
            # A day of TOML reaches a JSON Schema validator as a text in some editors and as a date in others.
            "properties": {name: {"type": "string", "minLength": 1} for name in waivers.FIELDS[:-1]}
            | {"expires": {}, "rule": {"enum": sorted(WAIVABLE)}},
        },
    },
    range="tables",
)


_LOWEST_FIRST = (Severity.LOW, Severity.MEDIUM, Severity.HIGH)
_ENDPOINTS = _allowed(checks.endpoints, r"^\S+:[0-9]+$", '`"host:port"`')

_TABLE = (
    Key(
        "static.mode",
        _choice(Mode, (Mode.ENFORCE, Mode.WARN, Mode.AUDIT)),
        "a finding rejects (`enforce`), the caller is told (`warn`), or it is recorded only (`audit`)",
    ),
    Key("static.warn", _levels(), "policies under whose `[static]` the source is scanned too, to tell the caller"),
    Key("static.audit", _levels(), "the same, to record it only"),
    Key(IMPORTS, _NAMES, "module → names of it that may be used; see below"),
    Key("static.bandit_severity", _choice(Severity, _LOWEST_FIRST), "a bandit issue rejects from this severity on …"),
    Key("static.bandit_confidence", _choice(Severity, _LOWEST_FIRST), "… when its confidence is at least this"),
    Key("static.max_bytes", _size(1, "an empty source has no function", 4 * _MIB), "longest source"),
    Key("static.max_lines", _count(1, 100_000), "most lines"),
    Key("static.max_nodes", _count(10, 1_000_000), "most nodes of the syntax tree"),
    Key(
        "static.max_depth",
        _count(8, 200),
        "deepest nesting; `elif`, further operands and further methods of a chain do not nest",
    ),
    Key("limits.warn", _levels(), "policies to whose `[limits]` a run is compared, to tell the caller what was over"),
    Key("limits.audit", _levels(), "the same, to record it only"),
    Key("limits.wall", _duration(0.001, _DAY), "time of one attempt, clipped to what the deadline leaves"),
    Key("limits.cpu", _duration(0.001, _DAY), "processor time of all its tasks together"),
    Key("limits.cores", _number(0.01, 1024), "cores it may keep busy at once"),
    Key(
        "limits.memory",
        _size(16 * _MIB, "an interpreter that has answered one call has already used a part of that"),
        "the call's own growth, arguments and temporary files included",
    ),
    Key("limits.processes", _count(0, 4096), "processes beyond the first"),
    Key("limits.threads", _count(0, 4096), "threads beyond the first"),
    Key("limits.open_files", _count(16, 65_536), "descriptors"),
    Key("limits.output", _size(0, "less than nothing cannot be printed"), "stdout and stderr together"),
    Key(
        "limits.result",
        _size(_KIB, "a small error report has to fit"),
        "the encoded result with its large arrays and bytes",
    ),
    Key(
        "limits.disk",
        _size(64 * _KIB, "a temporary file system has at least a few pages"),
        "all temporary files",
    ),
    Key("limits.inodes", _count(16, 10_000_000), "temporary files and folders"),
    Key("limits.stack", _size(256 * _KIB, "the interpreter itself needs that much"), "the stack of the first thread"),
    Key(
        "network.allow",
        dataclasses.replace(_ENDPOINTS, read=checks.public_endpoints),
        "public destinations; IPv6 addresses in square brackets, no wildcards",
    ),
    Key("network.allow_private", _ENDPOINTS, "the only way to a private or loopback address"),
    Key(
        "isolation.fresh",
        _choice(Fresh, (Fresh.EXEC, Fresh.PROCESS, Fresh.NONE)),
        "how new the process of a call is",
    ),
    Key(
        "isolation.preload",
        _allowed(checks.modules, checks.MODULE_PATTERN, "modules"),
        "modules imported before the call, outside its budgets",
    ),
    Key("isolation.require", _walls(), "walls without which nothing runs"),
    Key(
        "isolation.runtime",
        _runtime(),
        "the runtime that a container engine starts it with; `default` is the engine's own. "
        "The process sandbox has none",
    ),
    Key(WAIVERS, _WAIVERS, "findings that do not reject for a while; see below"),
)
KEYS: Mapping[str, Key] = MappingProxyType({key.name: key for key in _TABLE})
LEVELS = tuple(name for name in KEYS if name.endswith((".warn", ".audit")))


def key_of(name: str) -> Key:
    """The key that a dotted name belongs to: itself, or `static.imports` for a module's entry."""
    return KEYS[IMPORTS] if name.startswith(f"{IMPORTS}.") else KEYS[name]


def empty(name: str) -> object:
    """What a policy without this entry has: nothing, for a module and for what is only ever added."""
    return () if name.startswith(f"{IMPORTS}.") or name in {WAIVERS, *LEVELS} else None


def met(name: str, one: object, other: object) -> object:
    """The meet of two values of one key.

    Raises:
        ValueError: No value is within both.
    """
    return key_of(name).kind.meet(one, other)


def within(name: str, value: object, bound: object) -> bool:
    """Whether a value is no looser than another one."""
    try:
        return met(name, value, bound) == value
    except ValueError:
        return False


def written(name: str, value: object) -> str:
    """A value as TOML."""
    return key_of(name).kind.write(value)
