"""The outcome of a run: one frozen value with its status, the evidence for that, and who is to blame."""

import dataclasses
import enum
from collections.abc import Iterable, Mapping

from poet_engine import _repr, errors


class Status(enum.StrEnum):
    """The way in which a run ended. docs/verdicts.md lists the causes of each."""

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
    """The party to blame for an outcome other than `ok`."""

    CODE = "code"
    CALLER = "caller"
    POLICY = "policy"
    ENGINE = "engine"


class Severity(enum.StrEnum):
    """The severity of a gate finding."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class Effect(enum.StrEnum):
    """The consequence of a finding under the policy's modes and waivers."""

    ENFORCE = "enforce"
    WARN = "warn"
    AUDIT = "audit"
    WAIVED = "waived"


@dataclasses.dataclass(frozen=True, slots=True)
class Finding:
    """A finding of the gate, or of another policy's limits.

    Attributes:
        rule: A stable id: `POET1xx` (the allow-list), `Bxxx` (bandit), or the key of a limit such as `limits.memory`.
        severity: The severity.
        message: The problem, the reason for the rule, and the remedy.
        line: 1-based line; 0 where there is none (an unparsable source).
        column: 0-based column in characters.
        end_line: 1-based last line.
        end_column: 0-based column just past the end.
        snippet: Its line of the source, cut to 200 characters.
        scanner: `ast`, `bandit`, or `limits` for the usage of a run.
        effect: The consequence: it rejects, warns the caller, is only recorded, or is waived.
        note: The waiver's owner, last day and reason; or the policy of a warning; empty otherwise.
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
    """The observation that a verdict rests on.

    Attributes:
        counter: The counter or fact, such as `cpu_ms`, `memory.oom_kill`, `wait_status`, `seccomp_notification`.
        value: Its value.
        limit: The limit of the value, where there is one.
        source: The observer: `cgroup`, `kernel`, `supervisor`, `guest`, `gate` or `host`.
    """

    counter: str
    value: float | str | None = None
    limit: float | str | None = None
    source: str = "supervisor"

    def __str__(self) -> str:
        """Return one phrase, as the command line prints it."""
        text = self.counter if self.value is None else f"{self.counter}={_plain(self.value)}"
        return f"{text} limit={_plain(self.limit)}" if self.limit is not None else text


def _plain(value: float | str) -> str:
    given: object = value  # an integer too, of any size
    if isinstance(given, float):
        return f"{given:.6g}"
    return given if isinstance(given, str) else _repr.short(given)


@dataclasses.dataclass(frozen=True, slots=True)
class ErrorInfo:
    """The guest's exception, as text only: no name in it is looked up on the host.

    Attributes:
        type: The name of its class, from the guest.
        message: `str()` of it, capped.
        traceback: The formatted traceback without the run loop's own frames, capped.
        hint: The remedy, from the engine and not from the guest; empty where it knows none.
    """

    type: str
    message: str
    traceback: str = ""
    hint: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class DeniedCall:
    """A call of the kernel that a run tried and may not have, as its supervisor counted it.

    Attributes:
        call: The name of the call, such as `socket` or `listxattr`.
        count: The number of times that it was tried.
    """

    call: str
    count: int


@dataclasses.dataclass(frozen=True, slots=True)
class Usage:
    """The resources that a run used.

    Attributes:
        wall_ms: Milliseconds from the start of the function to the event behind the verdict (result frame, kill, exit).
        cpu_ms: Processor milliseconds of the run's own tasks since that start, and of the host for what they sent.
        memory_peak_bytes: The call's own growth in bytes, temporary files included; None where nothing counts it.
        tasks_peak: The most tasks seen at once, the run's own init included; None where nothing counts them. A run in
            whose place an earlier one had more may have had more than were seen.
        bytes_out: Bytes written to stdout and stderr together.
        network_requests: Requests and connections that were allowed.
        network_bytes: Bytes in both directions.
        host_cpu_ms: The part of `cpu_ms` that the host took.
    """

    wall_ms: float = 0.0
    cpu_ms: float = 0.0
    memory_peak_bytes: int | None = None
    tasks_peak: int | None = None
    bytes_out: int = 0
    network_requests: int = 0
    network_bytes: int = 0
    host_cpu_ms: float = 0.0


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The outcome of a run, whatever the code did; `unwrap()` turns it into a value or an error.

    A script has no value. A notebook has that of its last expression, or in `value_text` the text of one that cannot
    travel. Both have `files`, relative name → content of the files that it left, also when it failed, and
    `files_skipped`, with the reason for each requested file that is missing (docs/scripts.md).

    `denied` counts the calls of the kernel that failed with an error because the sandbox does not allow them, whatever
    the status. `findings` are those for the caller: they reject, warn or are waived. `audited` are those that are only
    recorded, in the event.
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
    denied: tuple[DeniedCall, ...] = ()
    value_text: str = ""

    def __repr__(self) -> str:
        return _repr.of_fields(self)

    @property
    def ok(self) -> bool:
        """Whether the run has a value."""
        return self.status is Status.OK

    def unwrap(self) -> object:
        """Return the value when `ok`; otherwise raise the `PoetError` of the status."""
        if self.status is Status.OK:
            return self.value
        raise _ERRORS[self.status](self.describe(), self)

    def describe(self) -> str:
        """Return one sentence: status, cause, evidence and, where there is one, the guest's exception."""
        text = str(self.status) if self.cause is None else f"{self.status}/{self.cause}"
        if self.error is not None:
            text += f": {self.error.type}: {self.error.message}" if self.error.message else f": {self.error.type}"
            text += f"; {self.error.hint}" if self.error.hint else ""
        first = decisive(self.findings)
        if first is not None and self.status is Status.REJECTED:
            text += f": {first.rule} on line {first.line}: {first.message}"
        return f"{text} ({self.evidence})" if self.evidence is not None else text


def decisive(findings: Iterable[Finding]) -> Finding | None:
    """Return the first finding that rejects; None without one."""
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
