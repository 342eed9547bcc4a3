"""`poet replay`: a recorded call once more, with the answer of then beside that of now."""

import contextlib
import dataclasses
from pathlib import Path
from typing import Annotated

import typer

import poet_engine
from poet_engine import _replay, _wiring
from poet_engine._env import Settings
from poet_engine._replay import Compared, RecordedCall
from poet_engine.cli import formatting, journals
from poet_engine.cli.console import Screen
from poet_engine.cli.options import (
    JournalOption,
    JsonOption,
    PolicyOption,
    RuntimeOption,
    SandboxOption,
    examples,
    new_app,
)
from poet_engine.cli.policies import resolve_policy
from poet_engine.cli.to_json import to_json
from poet_engine.errors import UsageError
from poet_engine.events import ExecutionPayload, RecordingPayload
from poet_engine.outcome import Outcome
from poet_engine.policy import Policy
from poet_engine.versions import StoredVersion, VersionStore

_SAME, _OTHER = 0, 1
_DIGITS = 12  # of a policy's digest, enough to tell two apart

app = new_app()


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Replay:
    """A recorded call and its run of now."""

    journal: Path
    call: ExecutionPayload | None
    recording: RecordingPayload
    version: StoredVersion
    policy: Policy
    outcome: Outcome
    compared: Compared

    @property
    def policy_changed(self) -> bool:
        """Whether the rules and budgets of now are not those of then."""
        return self.policy.digest != self.recording.policy_digest


@app.command(
    epilog=examples(
        "poet replay 0190a5f0-0000-7000-8000-000000000000",
        "poet replay 0190a5f0-0000-7000-8000-000000000000 --version current",
    )
)
def replay(
    execution: Annotated[str, typer.Argument(metavar="EXECUTION", help="The id of a recorded call, or of its event.")],
    *,
    version: Annotated[
        str | None, typer.Option("--version", metavar="vN|current", help="By default the one that was asked then.")
    ] = None,
    policy: PolicyOption = None,
    sandbox: SandboxOption = "auto",
    runtime: RuntimeOption = None,
    journal: JournalOption = None,
    as_json: JsonOption = False,
) -> int:
    """Run a recorded call again and compare the answers."""
    screen = Screen.standard(as_json=as_json)
    path, found = _found(screen, execution, journal)
    recording = _replay.recording_of(found)
    stored = _replay.version_of(
        VersionStore(path.absolute().parent.parent, clock=_wiring.wall_clock), recording, version
    )
    job = _replay.job_of(recording, stored)
    chosen = resolve_policy(policy) if policy is not None else _replay.policy_of(recording, resolve_policy)
    with poet_engine.Engine.open(policy=chosen, sandbox=sandbox, runtime=runtime) as engine:
        outcome = engine.run_job(job)
    done = _Replay(
        journal=path,
        call=found.call,
        recording=recording,
        version=stored,
        policy=engine.policy,
        outcome=outcome,
        compared=_replay.compare(recording, outcome),
    )
    screen.document(_document(done))
    _print(screen, done)
    return _SAME if done.compared.same else formatting.exit_code(outcome) or _OTHER


def _found(screen: Screen, execution: str, journal: Path | None) -> tuple[Path, RecordedCall]:
    paths = journals.find(journal, here=Path.cwd(), home=Settings.read().home)
    looked: list[str] = []
    with contextlib.closing(journals.opened(screen, paths)) as opened:
        for path, one in opened:
            found = _replay.find(one, execution)
            if found is not None:
                return path, found
            looked.append(str(path))
    raise UsageError(journals.unknown(execution, looked))


def _document(done: _Replay) -> dict[str, object]:
    call, recording = done.call, done.recording
    error = recording.error
    return {
        "function": recording.function_name,
        "execution_id": recording.execution_id,
        "journal": str(done.journal),
        "same": done.compared.same,
        "said": done.compared.said,
        "policy_changed": done.policy_changed,
        "then": {
            "version": recording.version,
            "served_by": recording.served_by,
            "policy": recording.policy,
            "policy_digest": recording.policy_digest,
            "status": None if call is None else call.outcome,
            "cause": None if call is None else call.cause,
            "value": to_json(done.compared.value),
            "error": None if error is None else {"type": error.type, "message": error.message},
            "left_out": recording.left_out,
            "start_time": None if call is None else call.start_time,
            "duration_ms": None if call is None else call.metrics.duration_ms,
            "wall_ms": None if call is None or call.usage is None else call.usage.wall_ms,
        },
        "now": {
            "version": done.version.name,
            "policy": done.policy.name,
            "policy_digest": done.policy.digest,
            **formatting.outcome_document(done.outcome),
        },
    }


def _print(screen: Screen, done: _Replay) -> None:
    recording, outcome = done.recording, done.outcome
    screen.line(f"{recording.function_name}, call {recording.execution_id}", style="bold")
    rows = [
        ("version", recording.version, done.version.name),
        ("answered", recording.served_by, "generated" if outcome.ok else "none"),
        ("verdict", _verdict(done.call), formatting.verdict(outcome)),
        ("took", _took(done.call), f"{outcome.usage.wall_ms:.1f} ms"),
        ("policy", _named(recording.policy, recording.policy_digest), _named(done.policy.name, done.policy.digest)),
    ]
    screen.table(("", "then", "now"), rows)
    if done.compared.same:
        screen.heading("then and now:")
    else:
        screen.heading("then:")
        screen.line(_answered(done))
        screen.heading("now:")
    formatting.print_result(screen, outcome)
    screen.line()
    if done.policy_changed:
        screen.line("the policy has another digest than then: rules or budgets differ")
    screen.line(done.compared.said, style="bold")


def _answered(done: _Replay) -> str:
    recording = done.recording
    if recording.error is not None:
        return f"{recording.error.type}: {recording.error.message}"
    return (
        formatting.value_text(done.compared.value)
        if recording.answer is not None
        else f"not kept: {recording.left_out}"
    )


def _verdict(call: ExecutionPayload | None) -> str:
    if call is None:
        return "not known"
    cause = f"/{call.cause}" if call.cause else ""
    return f"{call.outcome}{cause}" if call.outcome else "no version was tried"


def _took(call: ExecutionPayload | None) -> str:
    """Return how long the last attempt in the sandbox took then, and the whole call."""
    if call is None:
        return "not known"
    whole = f"{call.metrics.duration_ms:.1f} ms in all"
    run = None if call.usage is None else call.usage.wall_ms
    return whole if run is None else f"{run:.1f} ms, {whole}"


def _named(name: str, digest: str) -> str:
    return f"{name} {digest[:_DIGITS]}"
