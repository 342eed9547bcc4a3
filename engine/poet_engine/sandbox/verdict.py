"""Decide the verdict of a run from its observation: one pure function and its published table (docs/verdicts.md).

What *ended* the run decides, in this order: a failure of ours before the code was released; the supervisor's own first
reason to kill; the payload's wait status; the frame. Nothing is inferred from text that the guest wrote, and after
release nothing that comes from a guest's descriptor can become `infra`: code could trip our breaker and earn retries.
"""

import dataclasses
import signal
from typing import NamedTuple

from poet_engine.outcome import Blame, ErrorInfo, Evidence, Status

# How near to its cap a budget must be used to explain an end that no counter explains.
NEAR = 0.95


class VerdictRow(NamedTuple):
    """One line of the published table."""

    status: Status
    cause: str
    blame: Blame
    when: str


TABLE: tuple[VerdictRow, ...] = (
    VerdictRow(Status.REFUSED, "input", Blame.CALLER, "the version refused an argument, naming the rule"),
    VerdictRow(Status.REJECTED, "scan_ast", Blame.CODE, "the allow-list has a finding"),
    VerdictRow(Status.REJECTED, "scan_bandit", Blame.CODE, "bandit has a finding at or above the policy's thresholds"),
    VerdictRow(Status.REJECTED, "policy", Blame.POLICY, "the policy cannot carry this code"),
    VerdictRow(Status.REJECTED, "syntax", Blame.CODE, "the source cannot be parsed"),
    VerdictRow(Status.REJECTED, "too_large", Blame.CODE, "the source is over a cap of the scanner"),
    VerdictRow(Status.ERROR, "exception", Blame.CODE, "an uncaught exception"),
    VerdictRow(Status.ERROR, "nonzero_exit", Blame.CODE, "the process exited with a code other than 0"),
    VerdictRow(Status.LIMIT, "cpu", Blame.CODE, "the CPU counter reached the budget"),
    VerdictRow(Status.LIMIT, "wall", Blame.CODE, "the deadline passed and CPU use does not explain it"),
    VerdictRow(
        Status.LIMIT,
        "memory",
        Blame.CODE,
        "the kernel's OOM counter moved, or an uncaught MemoryError that no `raise` made",
    ),
    VerdictRow(Status.LIMIT, "tasks", Blame.CODE, "uncaught EAGAIN after a refused process or thread"),
    VerdictRow(Status.LIMIT, "output", Blame.CODE, "stdout and stderr together passed their budget"),
    VerdictRow(Status.LIMIT, "file_size", Blame.CODE, "uncaught EFBIG"),
    VerdictRow(Status.LIMIT, "disk", Blame.CODE, "uncaught ENOSPC and no bytes left"),
    VerdictRow(Status.LIMIT, "inodes", Blame.CODE, "uncaught ENOSPC and no inodes left"),
    VerdictRow(Status.LIMIT, "fds", Blame.CODE, "uncaught EMFILE"),
    VerdictRow(Status.LIMIT, "recursion", Blame.CODE, "an uncaught RecursionError that no `raise` made"),
    VerdictRow(
        Status.LIMIT,
        "result_size",
        Blame.CODE,
        "the frame, with what lies beside it, announced more than a result may have",
    ),
    VerdictRow(Status.CRASH, "signal:NAME", Blame.CODE, "a signal that nothing above explains"),
    VerdictRow(
        Status.VIOLATION,
        "seccomp:SYSCALL",
        Blame.CODE,
        "a forbidden system call was notified, or SIGSYS, or a denied one that the policy does not forgive",
    ),
    VerdictRow(Status.VIOLATION, "network", Blame.CODE, "an uncaught error after an internet socket was denied"),
    VerdictRow(Status.VIOLATION, "priv", Blame.CODE, "a change of identity or capabilities was requested"),
    VerdictRow(Status.NO_RESULT, "early_exit", Blame.CODE, "exit code 0 without a frame"),
    VerdictRow(
        Status.NO_RESULT, "result_undecodable", Blame.CODE, "a result that breaks the wire format or cannot travel"
    ),
    VerdictRow(Status.CANCELLED, "caller", Blame.CALLER, "the caller gave up"),
    VerdictRow(Status.CANCELLED, "shutdown", Blame.ENGINE, "the engine was closed"),
    VerdictRow(Status.INFRA, "setup", Blame.ENGINE, "a failure of ours before the code was released"),
    VerdictRow(Status.INFRA, "lane_lost", Blame.ENGINE, "the lane's init, or the container, was killed from outside"),
    VerdictRow(
        Status.INFRA, "docker_daemon", Blame.ENGINE, "the Docker daemon is not there, or does not answer in time"
    ),
    VerdictRow(Status.INFRA, "queue_timeout", Blame.ENGINE, "no lane became free before the deadline"),
    VerdictRow(
        Status.INFRA,
        "queue_stalled",
        Blame.ENGINE,
        "the same, and for 2 s or more no caller was given one although more could be made",
    ),
    VerdictRow(Status.INFRA, "queue_full", Blame.ENGINE, "too many callers wait for a lane already"),
)

# The budgets that an exception can be about. The word comes from the guest, so any other one stands for nothing.
_SPOKEN = frozenset(("memory", "tasks", "file_size", "disk", "inodes", "fds", "recursion"))

_BLAME = {(row.status, row.cause): row.blame for row in TABLE}


@dataclasses.dataclass(frozen=True, slots=True)
class Exit:
    """The end of a payload: an exit code, or a signal's number."""

    code: int | None = None
    signal: int | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Returned:
    """A result frame that could be read."""

    value: object


@dataclasses.dataclass(frozen=True, slots=True)
class InputRefusal:
    """A refusal frame."""

    argument: str
    rule: str


@dataclasses.dataclass(frozen=True, slots=True)
class Raised:
    """An exception frame.

    Attributes:
        error: The exception as text.
        kind: The budget that it is about, or `exception`.
        by_statement: Whether a `raise` statement made it.
        exits: The status that the process is to end with, as a script that CPython ends; a negative one is a signal.
    """

    error: ErrorInfo
    kind: str = "exception"
    by_statement: bool = True
    exits: int = 0


@dataclasses.dataclass(frozen=True, slots=True)
class Garbled:
    """Bytes that are no readable frame, or one too many."""

    reason: str


Answer = Returned | InputRefusal | Raised | Garbled


@dataclasses.dataclass(frozen=True, slots=True)
class Kill:
    """The supervisor's first reason to end the run. Set once."""

    status: Status
    cause: str
    evidence: Evidence


@dataclasses.dataclass(frozen=True, slots=True)
class Denial:
    """The violation that denied calls make of a run.

    Attributes:
        violation: The violation.
        caught: Whether it is one although the code caught the error; if not, only an uncaught error makes it one.
    """

    violation: Kill
    caught: bool


@dataclasses.dataclass(frozen=True, slots=True)
class KernelCounts:
    """The kernel's counts of one run, as deltas since its release.

    Attributes:
        cpu_ms: CPU time, in milliseconds.
        host_cpu_ms: The part of it that the host took for what the run sent.
        memory_peak: Bytes of growth at the highest; None where nothing counts it.
        oom_kills: Tasks that the kernel's OOM killer ended.
        tasks_refused: Times that the cgroup refused a task.
        processes_refused: Times that seccomp refused a process that is not a thread.
        tasks_peak: The most tasks that were seen at once; None where nothing counts them.
    """

    cpu_ms: float = 0.0
    host_cpu_ms: float = 0.0
    memory_peak: int | None = None
    oom_kills: int = 0
    tasks_refused: int = 0
    processes_refused: int = 0
    tasks_peak: int | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Budgets:
    """The limits that a verdict compares with, in seconds and bytes."""

    wall: float
    cpu: float
    memory: int


DAEMON = "docker_daemon"
INIT_GONE = Evidence("lane", "its init is gone", source="kernel")


@dataclasses.dataclass(frozen=True, slots=True)
class Observation:
    """The facts of one run; `lost` is the evidence about what was around the payload when its end is not known."""

    budgets: Budgets
    setup_failure: str | None = None
    kill: Kill | None = None
    exit: Exit | None = None
    answer: Answer | None = None
    counts: KernelCounts = dataclasses.field(default_factory=KernelCounts)
    touched: tuple[str, ...] = ()
    lost: Evidence = INIT_GONE
    denial: Denial | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Verdict:
    """The verdict of a run, with its evidence and blame."""

    status: Status
    cause: str | None = None
    blame: Blame | None = None
    evidence: Evidence | None = None
    error: ErrorInfo | None = None
    value: object = None
    limits_hit: tuple[str, ...] = ()


def blame_for(status: Status, cause: str | None) -> Blame | None:
    """Return the blame for a status and cause, by the table; None for `ok`."""
    if status is Status.OK:
        return None
    family = {Status.CRASH: "signal:NAME", Status.VIOLATION: "seccomp:SYSCALL"}.get(status, "")
    return _BLAME.get((status, cause or ""), _BLAME.get((status, family), Blame.ENGINE))


def decide(seen: Observation) -> Verdict:
    """Return the verdict of one run. Pure: the same observation always gets the same verdict."""
    status, cause, evidence, error, value = _decide(seen)
    return Verdict(status, cause, blame_for(status, cause), evidence, error, value, _limits_hit(seen, status, cause))


class _Said(NamedTuple):
    status: Status
    cause: str | None
    evidence: Evidence | None = None
    error: ErrorInfo | None = None
    value: object = None


def _decide(seen: Observation) -> _Said:
    if seen.setup_failure is not None:
        return _Said(Status.INFRA, "setup", Evidence("setup", seen.setup_failure, source="host"))
    if seen.kill is not None and not _was_kept_from_answering(seen, seen.kill):
        return _killed_by_us(seen, seen.kill)
    if seen.exit is None:
        return _lane_lost(seen)
    if isinstance(seen.answer, Raised) and _ended_as_announced(seen.exit, seen.answer.exits):
        return _denied(seen, _answered(seen, seen.answer))
    if seen.exit.signal is not None:
        return _died_of_signal(seen, seen.exit.signal)
    if seen.answer is None or seen.exit.code:
        return _denied(seen, _left_without_answer(seen.exit.code or 0, seen.answer))
    return _denied(seen, _answered(seen, seen.answer))


def _denied(seen: Observation, said: _Said) -> _Said:
    """Decide by the record of denied calls, not by the text of the error: what follows a denial is put down to it.

    An error that is caught is forgiven, unless the policy says otherwise; code that catches all of its errors gains
    nothing by it but its own answer.
    """
    if seen.denial is None or said.status is Status.LIMIT:
        return said
    uncaught = said.status is Status.ERROR and isinstance(seen.answer, Raised)
    if not uncaught and not seen.denial.caught:
        return said
    violation = seen.denial.violation
    return _Said(violation.status, violation.cause, violation.evidence, said.error)


def _killed_by_us(seen: Observation, kill: Kill) -> _Said:
    """Decide a run that we killed: a busy loop that met the deadline first is `cpu` if that budget is nearly used."""
    if kill.cause == "wall" and seen.counts.cpu_ms >= NEAR * 1e3 * seen.budgets.cpu:
        return _Said(Status.LIMIT, "cpu", _cpu_evidence(seen))
    return _Said(kill.status, kill.cause, kill.evidence)


def _was_kept_from_answering(seen: Observation, kill: Kill) -> bool:
    """Return whether the time ran out while the daemon, which relays the answer, does not even answer us."""
    return kill.cause == "wall" and seen.exit is None and seen.lost.counter == DAEMON


def _ended_as_announced(ended: Exit, exits: int) -> bool:
    """Return whether a script ended as CPython ends one that did not catch an exception: with 1, or by SIGINT."""
    return (exits == 1 and ended.code == exits) or (exits == -signal.SIGINT and ended.signal == -exits)


def _lane_lost(seen: Observation) -> _Said:
    """Decide a run whose lane's init is gone, and with it the wait status.

    The code cannot signal pid 1 of its namespace; all it can do is exhaust memory, and that has a counter. So this is
    somebody outside, and the news comes from the kernel, not from a descriptor of the guest.
    """
    if seen.counts.oom_kills:
        return _Said(Status.LIMIT, "memory", _oom_evidence(seen))
    return _Said(Status.INFRA, DAEMON if seen.lost.counter == DAEMON else "lane_lost", seen.lost)


def _died_of_signal(seen: Observation, number: int) -> _Said:
    name = signal_name(number)
    evidence = Evidence("wait_status", name, source="kernel")
    if number == signal.SIGSYS:
        return _Said(Status.VIOLATION, "seccomp:unknown", evidence)
    if number == signal.SIGKILL and seen.counts.oom_kills:
        return _Said(Status.LIMIT, "memory", _oom_evidence(seen))
    if number in (signal.SIGKILL, signal.SIGXCPU) and seen.counts.cpu_ms >= NEAR * 1e3 * seen.budgets.cpu:
        return _Said(Status.LIMIT, "cpu", _cpu_evidence(seen))
    return _Said(Status.CRASH, f"signal:{name}", evidence)


def _left_without_answer(code: int, answer: Answer | None) -> _Said:
    """Decide by the exit code: the run loop exits with 0 after every frame, so any other code overrules a frame."""
    evidence = Evidence("exit_code", code, 0, source="kernel")
    if code == 0:
        return _Said(Status.NO_RESULT, "early_exit", evidence)
    return _Said(Status.ERROR, "nonzero_exit", evidence, answer.error if isinstance(answer, Raised) else None)


def _answered(seen: Observation, answer: Answer) -> _Said:
    match answer:
        case Returned(value=value):
            return _Said(Status.OK, None, None, None, value)
        case InputRefusal(argument=argument, rule=rule):
            text = ErrorInfo("InputRefused", f"{argument}: {rule}")
            return _Said(Status.REFUSED, "input", Evidence(argument, rule, source="guest"), text)
        case Garbled(reason=reason):
            return _Said(Status.NO_RESULT, "result_undecodable", Evidence("frame", reason, source="supervisor"))
        case Raised():
            return _raised(seen, answer)


def _raised(seen: Observation, raised: Raised) -> _Said:
    if raised.kind == "untravellable":
        evidence = Evidence("result", raised.error.message, source="guest")
        return _Said(Status.NO_RESULT, "result_undecodable", evidence, raised.error)
    why = _budget_evidence(seen, raised)
    if why is None:
        return _Said(Status.ERROR, "exception", Evidence("exception", raised.error.type, source="guest"), raised.error)
    return _Said(Status.LIMIT, raised.kind, why, raised.error)


def _budget_evidence(seen: Observation, raised: Raised) -> Evidence | None:
    """Return the evidence for the budget that an uncaught exception is about; None for an error like any other.

    A counter that agrees is enough. Without one, the guest's word is taken only when no `raise` statement made the
    exception: lying would hurt only the liar, since both answers blame the code. A counter that speaks against it has
    the word.
    """
    counts, kind = seen.counts, raised.kind
    if kind not in _SPOKEN:
        return None
    if kind == "memory" and counts.oom_kills:
        return _oom_evidence(seen)
    if kind == "memory" and counts.memory_peak is not None and counts.memory_peak >= NEAR * seen.budgets.memory:
        return Evidence("memory_peak_bytes", counts.memory_peak, seen.budgets.memory, source="cgroup")
    if kind == "tasks" and counts.tasks_refused:
        return Evidence("pids.events", counts.tasks_refused, source="cgroup")
    if kind == "tasks" and counts.processes_refused:
        return Evidence("processes_refused", counts.processes_refused, source="supervisor")
    if raised.by_statement or (kind == "tasks" and counts.tasks_peak is not None):
        return None  # or who counts tasks has refused none
    if kind == "memory" and counts.memory_peak is not None:
        return Evidence("memory_peak_bytes", counts.memory_peak, seen.budgets.memory, source="guest")
    return Evidence(raised.error.type, limit=seen.budgets.memory if kind == "memory" else None, source="guest")


def _limits_hit(seen: Observation, status: Status, cause: str | None) -> tuple[str, ...]:
    """Return every budget that was touched, each once, in the order seen; counters, which have no time, come last."""
    touched = list(seen.touched)
    if seen.counts.processes_refused or seen.counts.tasks_refused:
        touched.append("tasks")
    if seen.counts.oom_kills:
        touched.append("memory")
    if status is Status.LIMIT and cause is not None:
        touched.append(cause)
    return tuple(dict.fromkeys(touched))


def _cpu_evidence(seen: Observation) -> Evidence:
    return Evidence("cpu_ms", round(seen.counts.cpu_ms, 1), round(seen.budgets.cpu * 1e3, 1), source="kernel")


def _oom_evidence(seen: Observation) -> Evidence:
    return Evidence("memory.oom_kill", seen.counts.oom_kills, seen.budgets.memory, source="cgroup")


def signal_name(number: int) -> str:
    """Return a name such as `SIGSEGV`; real-time signals, which have no name of their own, get `SIG` and the number."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"SIG{number}"
