"""The table of a policy's keys: the type and the meaning of each.

The schema, the table in docs/policies.md, the digest, the comparison of policies and the layers are derived from it.
"""

import dataclasses
from collections.abc import Mapping
from types import MappingProxyType

from poet_engine.outcome import Severity
from poet_engine.policy import checks, types
from poet_engine.policy.model import Fresh, Mode, OnDenied
from poet_engine.policy.types import ValueType

_DAY = 86_400.0
# Passing a call into a container takes a millisecond or two, and an idle interpreter needs as much
# processor time again: with less than this even `return 42` fails now and then.
_LEAST_TIME = 0.01
# An interpreter that starts in a container takes a third of a second of processor time, with gVisor's kernel around it
# twice that: a hundredth of a core would take too long.
_LEAST_CORES = 0.1
_KIB, _MIB, _GIB = 2**10, 2**20, 2**30

SECTIONS = ("static", "limits", "network", "isolation")
IMPORTS = "static.imports"
WAIVERS = "waivers"


@dataclasses.dataclass(frozen=True, slots=True)
class Key:
    """One key of a policy.

    Attributes:
        name: The name with its section, such as `limits.memory`.
        kind: The type of its values.
        meaning: Its description, for the schema and the documentation.
    """

    name: str
    kind: ValueType
    meaning: str


_LOWEST_FIRST = (Severity.LOW, Severity.MEDIUM, Severity.HIGH)
_ENDPOINTS = types.allowed(checks.endpoints, r"^\S+:[0-9]+$", '`"host:port"`')

_TABLE = (
    Key(
        "static.mode",
        types.choice(Mode, (Mode.ENFORCE, Mode.WARN, Mode.AUDIT)),
        "a finding rejects (`enforce`), the caller is told (`warn`), or it is recorded only (`audit`)",
    ),
    Key("static.warn", types.levels(), "policies under whose `[static]` the source is scanned too, to tell the caller"),
    Key("static.audit", types.levels(), "the same, to record it only"),
    Key(IMPORTS, types.NAMES, "module → names of it that may be used; see below"),
    Key(
        "static.bandit_severity",
        types.choice(Severity, _LOWEST_FIRST),
        "a bandit issue rejects from this severity on …",
    ),
    Key("static.bandit_confidence", types.choice(Severity, _LOWEST_FIRST), "… when its confidence is at least this"),
    Key("static.max_bytes", types.size(1, "an empty source has no function", 4 * _MIB), "longest source"),
    Key("static.max_lines", types.count(1, 100_000), "most lines"),
    Key("static.max_nodes", types.count(10, 1_000_000), "most nodes of the syntax tree"),
    Key(
        "static.max_depth",
        types.count(8, 200),
        "deepest nesting; `elif`, further operands and further methods of a chain do not nest",
    ),
    Key(
        "limits.warn",
        types.levels(),
        "policies to whose `[limits]` a run is compared, to tell the caller what was over",
    ),
    Key("limits.audit", types.levels(), "the same, to record it only"),
    Key("limits.wall", types.duration(_LEAST_TIME, _DAY), "time of one attempt, clipped to what the deadline leaves"),
    Key("limits.cpu", types.duration(_LEAST_TIME, _DAY), "processor time of all its tasks together"),
    Key("limits.cores", types.number(_LEAST_CORES, 1024), "cores it may keep busy at once"),
    Key(
        "limits.memory",
        types.size(16 * _MIB, "an interpreter that has answered one call has already used a part of that"),
        "the call's own growth, arguments and temporary files included",
    ),
    Key(
        "limits.processes",
        types.count(0, 4096),
        "processes beyond the first; where there may be any, threads are counted with them",
    ),
    Key("limits.threads", types.count(0, 4096), "threads beyond the first"),
    Key("limits.open_files", types.count(16, 65_536), "descriptors"),
    Key("limits.output", types.size(0, "less than nothing cannot be printed"), "stdout and stderr together"),
    Key(
        "limits.result",
        types.size(_KIB, "a small error report has to fit"),
        "the encoded result with its large arrays and bytes",
    ),
    Key(
        "limits.disk",
        types.size(64 * _KIB, "a temporary file system has at least a few pages"),
        "all temporary files",
    ),
    Key("limits.inodes", types.count(16, 10_000_000), "temporary files and folders"),
    Key(
        "limits.stack",
        types.size(256 * _KIB, "the interpreter itself needs that much"),
        "the stack of the first thread",
    ),
    Key(
        "network.allow",
        dataclasses.replace(_ENDPOINTS, read=checks.public_endpoints),
        "public destinations; IPv6 addresses in square brackets, no wildcards",
    ),
    Key("network.allow_private", _ENDPOINTS, "the only way to a private or loopback address"),
    Key(
        "isolation.fresh",
        types.choice(Fresh, (Fresh.EXEC, Fresh.PROCESS, Fresh.NONE)),
        "how new the process of a call is",
    ),
    Key(
        "isolation.preload",
        types.allowed(checks.modules, checks.MODULE_PATTERN, "modules"),
        "modules imported before the call, outside its budgets",
    ),
    Key(
        "isolation.project",
        types.allowed(checks.absolute_paths, checks.ABSOLUTE_PATTERN, "absolute paths"),
        "packages (folders) and modules (files) of your own that functions and scripts may import; each is scanned",
    ),
    Key("isolation.require", types.walls(), "isolation checks without which nothing runs"),
    Key(
        "isolation.runtime",
        types.runtime(),
        "the runtime that the Docker daemon starts it with; `default` is the daemon's own. "
        "The process sandbox has none",
    ),
    Key(
        "isolation.on_denied",
        types.choice(OnDenied, (OnDenied.KILL, OnDenied.ERROR)),
        "what honest code tries and may not have (sockets, extended attributes, niceness) fails with an error, "
        "or ends the run",
    ),
    Key(
        "isolation.fail_on_denied",
        types.switch(),
        "such a call makes the run a violation although the code caught its error",
    ),
    Key(WAIVERS, types.WAIVERS, "findings that do not reject for a while; see below"),
)
KEYS: Mapping[str, Key] = MappingProxyType({key.name: key for key in _TABLE})
LEVELS = tuple(name for name in KEYS if name.endswith((".warn", ".audit")))


def key_of(name: str) -> Key:
    """Return the key that a dotted name belongs to: itself, or `static.imports` for a module's entry."""
    return KEYS[IMPORTS] if name.startswith(f"{IMPORTS}.") else KEYS[name]


def empty(name: str) -> object:
    """Return the value that a policy without this entry has: `()` for modules, waivers and levels, else None."""
    return () if name.startswith(f"{IMPORTS}.") or name in {WAIVERS, *LEVELS} else None


def met(name: str, one: object, other: object) -> object:
    """Return the meet of two values of one key.

    Raises:
        ValueError: No value is within both of them.
    """
    return one if one == other else key_of(name).kind.meet(one, other)


def within(name: str, value: object, bound: object) -> bool:
    """Whether a value is no looser than another one."""
    try:
        return met(name, value, bound) == value
    except ValueError:
        return False


def written(name: str, value: object) -> str:
    """Return a value as TOML."""
    return key_of(name).kind.write(value)
