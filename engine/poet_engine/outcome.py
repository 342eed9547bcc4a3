"""What came of a run: one frozen value that says what happened, why we say so, and whose fault it was."""

import dataclasses
import enum
from collections.abc import Iterable, Mapping

from poet_engine import errors


class Status(enum.StrEnum):
    """How a run ended. The causes of each are listed in docs/verdicts.md."""

    OK = "ok"
    REFUSED = "refused"
    REJECTED = "rejected"
    ERROR = "error"
    LIMIT = "limit"
    CRASH = "crash"
    VIOLATION = "violation"
    NO_RESULT = "no_result"
    CANCELLED = "cancelled"
    INFRA = "infra"


class Blame(enum.StrEnum):
    """Whose fault an outcome other than `ok` is."""

    CODE = "code"
    CALLER = "caller"
    POLICY = "policy"
    ENGINE = "engine"


class Severity(enum.StrEnum):
    """How bad a finding of the gate is."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class Effect(enum.StrEnum):
    """What a finding leads to under the policy: its modes and waivers."""

    ENFORCE = "enforce"
    WARN = "warn"
    AUDIT = "audit"
    WAIVED = "waived"


@dataclasses.dataclass(frozen=True, slots=True)
class Finding:
    """One thing that the gate does not like, or that a policy would not allow.

    Attributes:
        rule: A stable id: `POET1xx` (the allow-list), `Bxxx` (bandit), or the key of a limit such as `limits.memory`.
        severity: How bad it is.
        message: What was found, why it is not allowed, and what would be.
        line: 1-based line; 0 where there is none (an unparsable source).
        column: 0-based column in characters.
        end_line: 1-based last line.
        end_column: 0-based column just past the end.
        snippet: The line of source it stands on, cut to 200 characters.
        scanner: `ast`, `bandit`, or `limits` for what a run used.
        effect: What it leads to: it rejects, the caller is told, it is recorded only, or it is waived.
        note: Who waives it, until when and why; or the policy under which it is told; empty otherwise.
        fingerprint: 32 hexadecimal digits made of the rule and the code that it is about, without positions, layout and
            comments: the same after the code was moved. Two findings of a source about the same code share it.
    """

    rule: str
    severity: Severity
    message: str
    line: int = 0
    column: int = 0
    end_line: int = 0
    end_column: int = 0
    snippet: str = ""
    scanner: str = "ast"
    effect: Effect = Effect.ENFORCE
    note: str = ""
    fingerprint: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Evidence:
    """Why we say so.

    Attributes:
        counter: What was read, such as `cpu_ms`, `memory.oom_kill`, `wait_status`, `seccomp_notification`.
        value: What it read.
        limit: What it was allowed to be, where there is a limit.
        source: Who said it: `cgroup`, `kernel`, `supervisor`, `guest`, `gate` or `host`.
    """

    counter: str
    value: float | str | None = None
    limit: float | str | None = None
    source: str = "supervisor"

    def __str__(self) -> str:
        """One phrase, as the command line prints it."""
        text = self.counter if self.value is None else f"{self.counter}={_plain(self.value)}"
        return f"{text} limit={_plain(self.limit)}" if self.limit is not None else text


def _plain(value: float | str) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


@dataclasses.dataclass(frozen=True, slots=True)
class ErrorInfo:
    """The guest's exception, as text only: nothing here is looked up on the host.

    Attributes:
        type: The class's name as the guest gave it.
        message: `str()` of it, capped.
        traceback: The formatted traceback without the run loop's own frames, capped.
    """

    type: str
    message: str
    traceback: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Usage:
    """What a run used.

    Attributes:
        wall_ms: From release to the verdict's reason (the result frame, the kill, the exit).
        cpu_ms: Processor time of the run's own tasks since release.
        memory_peak_bytes: The call's own growth, its temporary files included; None where nothing counts it.
        tasks_peak: The most tasks seen at once; None where nothing counts it.
        bytes_out: Bytes written to stdout and stderr together.
        network_requests: Requests and connections admitted.
        network_bytes: Bytes both ways.
    """

    wall_ms: float = 0.0
    cpu_ms: float = 0.0
    memory_peak_bytes: int | None = None
    tasks_peak: int | None = None
    bytes_out: int = 0
    network_requests: int = 0
    network_bytes: int = 0


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of a run, whatever the code did; `unwrap()` turns it into a value or an error.

    A script has no value. It has `files`, the content of what it left by relative name, also when it failed, and
    `files_skipped`, which says of each file that was asked for and is not there why (docs/scripts.md).

    `findings` are what the policy tells the caller: what rejects, warns or is waived. `audited` are those that it has
    recorded only; they are on their way to the event.
    """

    status: Status
    cause: str | None = None
    value: object = None
    error: ErrorInfo | None = None
    stdout: str = ""
    stderr: str = ""
    stdout_truncated: bool = False
    stderr_truncated: bool = False
    evidence: Evidence | None = None
    blame: Blame | None = None
    limits_hit: tuple[str, ...] = ()
    usage: Usage = dataclasses.field(default_factory=Usage)
    findings: tuple[Finding, ...] = ()
    exit_code: int | None = None
    signal: str | None = None
    sandbox: str = ""
    leftovers: int = 0
    execution_id: str = ""
    files: Mapping[str, bytes] = dataclasses.field(default_factory=dict, repr=False)
    files_skipped: Mapping[str, str] = dataclasses.field(default_factory=dict)
    job_id: str = ""
    audited: tuple[Finding, ...] = dataclasses.field(default=(), repr=False)

    @property
    def ok(self) -> bool:
        """Whether there is a value."""
        return self.status is Status.OK

    def unwrap(self) -> object:
        """The value when `ok`; otherwise raises the `PoetError` of the status."""
        if self.status is Status.OK:
            return self.value
        raise _ERRORS[self.status](self.describe(), self)

    def describe(self) -> str:
        """One sentence: status, cause, evidence and, where there is one, the guest's exception."""
        text = str(self.status) if self.cause is None else f"{self.status}/{self.cause}"
        if self.error is not None:
            text += f": {self.error.type}: {self.error.message}" if self.error.message else f": {self.error.type}"
        first = decisive(self.findings)
        if first is not None and self.status is Status.REJECTED:
            text += f": {first.rule} on line {first.line}: {first.message}"
        return f"{text} ({self.evidence})" if self.evidence is not None else text


def decisive(findings: Iterable[Finding]) -> Finding | None:
    """The first finding that rejects, if one does."""
    return next((finding for finding in findings if finding.effect is Effect.ENFORCE), None)


_ERRORS: Mapping[Status, type[errors.OutcomeError]] = {
    Status.REFUSED: errors.InputRefused,
    Status.REJECTED: errors.RejectedError,
    Status.ERROR: errors.GuestError,
    Status.LIMIT: errors.LimitError,
    Status.CRASH: errors.CrashError,
    Status.VIOLATION: errors.ViolationError,
    Status.NO_RESULT: errors.NoResultError,
    Status.CANCELLED: errors.CancelledError,
    Status.INFRA: errors.InfraError,
}
