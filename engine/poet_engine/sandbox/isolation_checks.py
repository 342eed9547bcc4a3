"""Check each isolation guarantee by trying to break it from inside a sandbox."""

import dataclasses
import socket
import stat
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from poet_engine.guest import probe as guest_probe
from poet_engine.job import Job
from poet_engine.outcome import Outcome, Status
from poet_engine.policy import Limits, Policy
from poet_engine.sandbox.base import IsolationCheck

NAMES = ("filesystem", "network", "privilege", "syscalls", "memory", "tasks")

# Files that a machine lets everybody read. The probe tries to read one of these: a file made for it would stay behind
# when the host is killed in the middle.
_PUBLIC = ("/etc/passwd", "/etc/group", "/etc/hosts", "/etc/os-release")

# Seconds and bytes of output for our own probes, whatever the code's budgets are: those may be too short for a probe.
_TIME, _SAID = 30.0, 1 << 20
# Seconds of processor time, so that the other one bounds a probe: gVisor charges hundreds of threads that start with
# half a minute.
PROBE_CPU = 3600
# The most that a check uses up: more would be missing elsewhere on the machine.
# Where a policy allows more, a sandbox is checked that differs from its own in nothing but these numbers.
_MOST_TASKS, _MOST_MEMORY = 256, 1 << 30

# What an administrator would look at first when a check does not hold.
_REMEDIES = {
    "filesystem": "the sandbox could not build a root of its own; allow mount namespaces to this user",
    "network": "the sandbox could not unshare the network; allow network namespaces to this user",
    "privilege": "the code kept privileges of its caller; run the engine as an ordinary user or as root of the machine",
    "syscalls": "seccomp did not take the filter; use a kernel with CONFIG_SECCOMP_FILTER (5.0 or later)",
    "memory": "nothing bounds memory; give the engine a memory cgroup, or allow RLIMIT_AS to be lowered",
    "tasks": "nothing counts tasks; give the engine a pids cgroup, or allow user namespaces to this user",
}


def probe(
    run: Callable[[Job], Outcome],
    limits: Limits,
    *,
    counted_by: str,
    thorough: bool = True,
    public: str | None = None,
) -> tuple[IsolationCheck, ...]:
    """Try every isolation check; return one report for each.

    Args:
        run: Runs a job in which forbidden system calls fail instead of ending the run.
        limits: The budgets of the sandbox.
        counted_by: The name of what counts memory and tasks there, for the reports.
        thorough: Also touch more memory than the budget, which takes as long as touching it does.
        public: Path of a host file to be read; None for one that everybody may read.
    """
    source = Path(guest_probe.__file__).read_text(encoding="utf-8")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        args = (public or _public_file(), port, limits.memory, limits.processes, limits.threads)
        outcome = run(Job(source=source, entry="attempt_all", args=args, filename="<probe>"))
    attempts = outcome.value if outcome.ok else None
    if not isinstance(attempts, dict):
        return tuple(_unknown(name, outcome) for name in NAMES)
    reports = {name: _report(name, attempts.get(name), counted_by) for name in NAMES}
    if thorough and reports["memory"].held:
        grown = run(Job(source=source, entry="grow", args=(limits.memory,), filename="<probe>"))
        reports["memory"] = _growth_report(grown, counted_by)
    return tuple(reports.values())


def own_budgets(limits: Limits) -> Limits:
    """Return the budgets of a probe: enough time, CPU, output and result for it; the others are the code's."""
    return dataclasses.replace(
        limits,
        wall=max(limits.wall, _TIME),
        cpu=max(limits.cpu, PROBE_CPU),
        output=max(limits.output, _SAID),
        result=max(limits.result, _SAID),
    )


def triable(policy: Policy, *, thorough: bool) -> Policy:
    """Return a policy whose budgets a probe can use up; the same policy where its own are small enough.

    Args:
        policy: The policy that calls will run under.
        thorough: Whether memory is used up as well, and not only asked for.
    """
    limits = policy.limits
    if limits.processes + limits.threads > _MOST_TASKS:
        half = _MOST_TASKS // 2
        limits = dataclasses.replace(limits, processes=min(limits.processes, half), threads=min(limits.threads, half))
    if thorough:
        limits = dataclasses.replace(limits, memory=min(limits.memory, _MOST_MEMORY))
    return policy if limits == policy.limits else dataclasses.replace(policy, limits=limits)


def own_file() -> str:
    """Return a file of the host that no image has at that place."""
    return __file__


def _public_file() -> str:
    """Return a file of the host that its permissions alone would let anybody read."""
    return next((path for path in _PUBLIC if _is_public(Path(path))), __file__)  # the last may be in somebody's home


def _is_public(path: Path) -> bool:
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return stat.S_ISREG(mode) and bool(mode & stat.S_IROTH)


def _report(name: str, attempts: object, counted_by: str) -> IsolationCheck:
    if not isinstance(attempts, list) or not attempts:
        return IsolationCheck(
            name, held=False, tried="nothing", stopped_by="the probe did not get there", remedy=_REMEDIES[name]
        )
    tried = "; ".join([_field(attempt, "deed") for attempt in attempts])
    through = [attempt for attempt in attempts if not isinstance(attempt, dict) or attempt.get("through") is not False]
    answers = ", ".join(dict.fromkeys([_field(attempt, "answer") for attempt in attempts]))
    if through:
        happened = "; ".join(f"{_field(attempt, 'deed')}: {_field(attempt, 'answer')}" for attempt in through)
        return IsolationCheck(name, held=False, tried=tried, stopped_by=f"nothing: {happened}", remedy=_REMEDIES[name])
    by = f"{counted_by}: {answers}" if name in ("memory", "tasks") else answers
    return IsolationCheck(name, held=True, tried=tried, stopped_by=by)


def _field(attempt: object, name: str) -> str:
    return str(attempt.get(name, "?")) if isinstance(attempt, Mapping) else "?"


def _growth_report(outcome: Outcome, counted_by: str) -> IsolationCheck:
    tried = "map more than the budget; touch more than the budget through shared memory"
    if outcome.status is Status.LIMIT and outcome.cause == "memory":
        return IsolationCheck("memory", held=True, tried=tried, stopped_by=f"{counted_by}: {outcome.evidence}")
    if outcome.status is Status.CRASH:
        return IsolationCheck("memory", held=True, tried=tried, stopped_by=f"{counted_by}: {outcome.describe()}")
    return IsolationCheck(
        "memory", held=False, tried=tried, stopped_by=f"nothing: {outcome.describe()}", remedy=_REMEDIES["memory"]
    )


def _unknown(name: str, outcome: Outcome) -> IsolationCheck:
    return IsolationCheck(
        name, held=False, tried="the probe did not run", stopped_by=outcome.describe(), remedy=_REMEDIES[name]
    )


def missing(reports: Sequence[IsolationCheck], required: frozenset[str]) -> tuple[IsolationCheck, ...]:
    """Return the reports of required checks that did not hold."""
    return tuple(report for report in reports if report.wall in required and not report.held)
