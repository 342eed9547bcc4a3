"""The frozen parts of a policy. docs/policies.md says what each key does."""

import dataclasses
import enum
from collections.abc import Mapping

from poet_engine.outcome import Severity
from poet_engine.policy.waivers import Waiver


class Mode(enum.StrEnum):
    """What a finding of the gate leads to; the sandbox's walls stand in all three."""

    ENFORCE = "enforce"
    WARN = "warn"
    AUDIT = "audit"


class Fresh(enum.StrEnum):
    """How new the process of each call is."""

    EXEC = "exec"
    PROCESS = "process"
    NONE = "none"


class Wall(enum.StrEnum):
    """A wall that a policy can require; without it the sandbox refuses to run."""

    FILESYSTEM = "filesystem"
    NETWORK = "network"
    PRIVILEGE = "privilege"
    SYSCALLS = "syscalls"
    MEMORY = "memory"
    TASKS = "tasks"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Static:
    """What the gate asks of a source.

    Attributes:
        mode: What a finding leads to.
        imports: Module → the dotted names below it that may be used; `*` stands for every public name of that level.
        bandit_severity: A bandit issue rejects from this severity on …
        bandit_confidence: … when its confidence is at least this.
        max_bytes: Longest source, in bytes of UTF-8.
        max_lines: Most lines.
        max_nodes: Most nodes of the syntax tree.
        max_depth: Deepest nesting; an `elif`, a further operand and a further method of a chain do not nest.
    """

    mode: Mode
    imports: Mapping[str, tuple[str, ...]] = dataclasses.field(hash=False)
    bandit_severity: Severity
    bandit_confidence: Severity
    max_bytes: int
    max_lines: int
    max_nodes: int
    max_depth: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The budgets of one attempt. Times are seconds, sizes are bytes.

    Attributes:
        wall: Seconds from release to the end.
        cpu: Processor seconds of all tasks together.
        cores: How many cores the tasks may keep busy at once.
        memory: The call's own growth, temporary files included.
        processes: Processes beyond the first.
        threads: Threads beyond the first.
        open_files: Descriptors.
        output: stdout and stderr together.
        result: The encoded result.
        disk: Everything written to the temporary folders.
        inodes: Files and folders in them.
        stack: The stack of the first thread.
    """

    wall: float
    cpu: float
    cores: float
    memory: int
    processes: int
    threads: int
    open_files: int
    output: int
    result: int
    disk: int
    inodes: int
    stack: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """Where a call may connect; each entry is `host:port`, and an empty tuple is nothing.

    Attributes:
        allow: Public destinations.
        allow_private: The only way to a private or loopback address.
    """

    allow: tuple[str, ...]
    allow_private: tuple[str, ...]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Isolation:
    """What the sandbox has to be.

    Attributes:
        fresh: How new the process of each call is.
        preload: Modules imported before the call, outside its budgets.
        require: Walls without which nothing runs.
        runtime: Which of its runtimes a container engine takes, such as `runsc`; None for the engine's own default.
    """

    fresh: Fresh
    preload: tuple[str, ...]
    require: frozenset[Wall]
    runtime: str | None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """Another policy that a source or a run is also held against, without rejecting or ending anything.

    Attributes:
        section: Which part of it counts: `static` or `limits`.
        mode: Whether the caller is told, or it is recorded only.
        name: What that policy calls itself.
        digest: That policy's.
        static: What its gate asks.
        limits: Its budgets.
    """

    section: str
    mode: Mode
    name: str
    digest: str
    static: Static
    limits: Limits


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Effective:
    """One resolved policy: every value is set and known to be in range.

    Attributes:
        name: What it calls itself.
        extends: The parent it named, or None for the root preset.
        version: The version of the file format.
        digest: SHA-256 (hex) over every effective value; name, parent and comments do not count.
        origin: Dotted key → who set it: a preset's name or `file.toml:7`.
        static: What the gate asks.
        limits: The budgets.
        network: Where it may connect.
        isolation: What the sandbox has to be.
        levels: Other policies that sources and runs are also held against.
        waivers: Findings that do not reject for a while.
    """

    name: str
    extends: str | None
    version: int
    digest: str
    origin: Mapping[str, str] = dataclasses.field(hash=False, compare=False)
    static: Static
    limits: Limits
    network: Network
    isolation: Isolation
    levels: tuple[Level, ...] = ()
    waivers: tuple[Waiver, ...] = ()
