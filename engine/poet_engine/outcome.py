"""What came of a run: one frozen value that says what happened, why we say so, and whose fault it was."""

import dataclasses
import enum
from collections.abc import Mapping

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


@dataclasses.dataclass(frozen=True, slots=True)
class Finding:
    """One thing that the gate does not like.

    Attributes:
        rule: A stable id: `POET1xx` (the allow-list) or `Bxxx` (bandit).
        severity: How bad it is.
        message: What was found, why it is not allowed, and what would be.
        line: 1-based line; 0 where there is none (an unparsable source).
        column: 0-based column in characters.
        end_line: 1-based last line.
        end_column: 0-based column just past the end.
        snippet: The line of source it stands on, cut to 200 characters.
        scanner: `ast` or `bandit`.
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
        if self.findings and self.status is Status.REJECTED:
            first = self.findings[0]
            text += f": {first.rule} on line {first.line}: {first.message}"
        return f"{text} ({self.evidence})" if self.evidence is not None else text


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
