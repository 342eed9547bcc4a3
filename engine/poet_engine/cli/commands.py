"""What each command does, apart from how its options are spelt. Every function returns the exit code.

The engine is named as `poet_engine.Engine`, which loads it at its first use: scanning needs none.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

import poet_engine
from poet_engine import _wiring
from poet_engine._env import Settings
from poet_engine.cli import formatting
from poet_engine.cli.console import Screen
from poet_engine.cli.jobs import command as bulk
from poet_engine.cli.jobs.command import Order
from poet_engine.cli.json_arguments import read_arguments, wall_of
from poet_engine.cli.source_files import read_text
from poet_engine.cli.target import find
from poet_engine.errors import SandboxUnavailableError, UsageError
from poet_engine.gate import Gate, policy_scan
from poet_engine.located_job import LocatedJob
from poet_engine.policy import Policy
from poet_engine.sandbox.base import Diagnosis, Grade

# Requires no wall: under it the doctor can look at a machine on which the walls of the usual policy do not stand.
_WITHOUT_WALLS = "lab"


Where = tuple[str, str | None]  # a sandbox, and Docker's runtime


def run(screen: Screen, target: str, *, args: str | None, policy: str | None, timeout: str | None, where: Where) -> int:
    """Run one function of one file in the sandbox, without importing the file here."""
    found = find(target, folders=[Path.cwd(), *map(Path, sys.path)])
    positional, keyword = read_arguments(args, stdin=_read_stdin)
    chosen = _policy(policy)
    wall = wall_of(timeout, chosen)
    with poet_engine.Engine.open(policy=chosen, sandbox=where[0], runtime=where[1]) as engine:
        job = LocatedJob(
            source=engine.undecorate(found.source),
            entry=found.entry,
            args=positional,
            kwargs=keyword,
            filename=found.path.name,  # the name alone: where it lies on this machine is none of the guest's business
            path=str(found.path),
            wall=wall,
        )
        outcome = engine.run_job(job)
    formatting.print_outcome(screen, outcome)
    return formatting.exit_code(outcome)


def run_jobs(
    screen: Screen,
    jobs: str,
    out: str,
    *,
    policy: str | None,
    timeout: str | None,
    where: Where,
    concurrency: int | None,
) -> int:
    """Run every job of a file in the sandbox, and leave one line of results for each."""
    chosen = _policy(policy)
    order = Order(jobs=jobs, out=out, policy=chosen, where=where, concurrency=concurrency, timeout=timeout)
    return bulk.run(screen, order)


def scan(screen: Screen, files: Sequence[str], *, policy: str | None, sarif: bool = False) -> int:
    """Scan files as they would be scanned before a run; 1 when the gate turns any of them down."""
    sources = [(name, read_text(Path(name))) for name in files]
    chosen, now = _policy(policy), _wiring.wall_clock()
    with Gate() as gate:  # and no engine: a machine without a sandbox can still scan
        scanned = [_scan(gate, chosen, name, source, now) for name, source in sources]
    expired = [waiver for waiver in chosen.waivers if waiver.expired(now)]
    formatting.print_scan(screen, scanned, expired, as_sarif=sarif)
    return int(bool(expired) or any(file.cause is not None for file in scanned))


def doctor(screen: Screen, where: Where) -> int:
    """Try to get through each wall from inside; 1 when one did not hold."""
    try:
        found = _diagnose(_policy(None), where)
    except SandboxUnavailableError:
        try:
            found = _diagnose(Policy.load(_WITHOUT_WALLS), where)
        except SandboxUnavailableError as error:
            screen.fail(error, exit_code=1)
            return 1
    formatting.print_diagnosis(screen, found)
    return int(found.grade is Grade.WEAK)


def _diagnose(policy: Policy, where: Where) -> Diagnosis:
    with poet_engine.Engine.open(policy=policy, sandbox=where[0], runtime=where[1]) as engine:
        return engine.diagnose()


def _scan(gate: Gate, policy: Policy, name: str, source: str, now: float) -> formatting.ScannedFile:
    try:
        text = gate.undecorate(source)
    except UsageError:
        text = source  # it cannot be parsed, which is for the gate to say, with the line
    report = policy_scan(gate, text, policy, file=name, now=now)
    return formatting.ScannedFile(
        name, report.digest, str(report.mode), report.cause, (*report.findings, *report.audited)
    )


def _policy(chosen: str | None) -> Policy:
    return _wiring.resolve(chosen, Settings.read()).policy(Policy)


def _read_stdin(most: int) -> bytes:
    if sys.stdin is None:
        raise UsageError("--args - reads standard input, but it is closed")
    return sys.stdin.buffer.read(most)
