"""The frozen parts of a policy; docs/policies.md describes each key."""

import dataclasses
import enum
from collections.abc import Mapping

from poet_engine.outcome import Severity
from poet_engine.policy.waivers import Waiver


class Mode(enum.StrEnum):
    """The consequence of a finding of the gate: reject, warn or record. The sandbox's limits hold in all three."""

    ENFORCE = "enforce"
    WARN = "warn"
    AUDIT = "audit"


class Fresh(enum.StrEnum):
    """The age of the process of each call: a new interpreter, a new process, or a used one."""

    EXEC = "exec"
    PROCESS = "process"
    NONE = "none"


class OnDenied(enum.StrEnum):
    """The consequence of a call of the kernel that honest code tries: an error that can be caught, or the end."""

    ERROR = "error"
    KILL = "kill"


class Wall(enum.StrEnum):
    """An isolation guarantee that a policy can require; without it the sandbox refuses to run."""

    FILESYSTEM = "filesystem"
    NETWORK = "network"
    PRIVILEGE = "privilege"
    SYSCALLS = "syscalls"
    MEMORY = "memory"
    TASKS = "tasks"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Static:
    """The gate's requirements of a source.

    Attributes:
        mode: The consequence of a finding.
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
        wall: Elapsed seconds from the start of the function to the end.
        cpu: Processor seconds of all tasks together.
        cores: The number of cores that the tasks may keep busy at the same time.
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
    """The destinations that a call may connect to; each entry is `host:port`, and an empty tuple allows none.

    Attributes:
        allow: Public destinations.
        allow_private: The only way to a private or loopback address.
    """

    allow: tuple[str, ...]
    allow_private: tuple[str, ...]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Isolation:
    """The requirements of the sandbox.

    Attributes:
        fresh: The age of the process of each call.
        preload: Modules imported before the call, outside its budgets.
        project: Packages and modules of the user's own, as absolute paths, that functions and scripts may import.
        require: Isolation guarantees without which nothing runs.
        runtime: The container runtime that the daemon uses, such as `runsc`; None for its own default.
        on_denied: The consequence of a call of the kernel that honest code tries and may not have.
        fail_on_denied: Whether such a call makes the run a violation although its error was caught.
    """

    fresh: Fresh
    preload: tuple[str, ...]
    project: tuple[str, ...]
    require: frozenset[Wall]
    runtime: str | None
    on_denied: OnDenied
    fail_on_denied: bool


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """Another policy that a source or a run is also compared with, without rejecting or ending anything.

    Attributes:
        section: The part of it that counts: `static` or `limits`.
        mode: Whether the caller is warned, or the finding is only recorded.
        name: The name of that policy.
        digest: The digest of that policy.
        static: Its requirements of a source.
        limits: Its limits.
    """

    section: str
    mode: Mode
    name: str
    digest: str
    static: Static
    limits: Limits


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Effective:
    """A resolved policy: every value is set and within its range.

    Attributes:
        name: The name of the policy.
        extends: The name of its parent; None for the root preset.
        version: The version of the file format.
        digest: SHA-256 (hex) over every effective value; name, parent and comments do not count.
        origin: Dotted key → its origin: a preset's name or `file.toml:7`.
        static: The gate's requirements of a source.
        limits: The limits of one attempt.
        network: The destinations that a call may connect to.
        isolation: The requirements of the sandbox.
        levels: Other policies that sources and runs are also compared with.
        waivers: Rules whose findings do not reject for a limited time.
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
