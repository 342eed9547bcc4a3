"""`poet show`: where a decorated function runs and why, and what versions it has.

All of it is read from what its calls have left; the function is not imported. `last_call` is therefore what the last
call that was answered went through, not what the next one will.
"""

import dataclasses
import datetime as dt
import re

from poet_engine._env import Settings
from poet_engine.cli.console import Screen
from poet_engine.cli.function_folder import Stored, stored
from poet_engine.cli.options import FunctionArgument, JsonOption, examples, new_app
from poet_engine.errors import PoetError, UsageError
from poet_engine.events import ExecutionEvent, ExecutionPayload
from poet_engine.journal import Journal
from poet_engine.versions import StoredVersion

_VERSION = re.compile(r"v\d+")  # a bare source has the first digits of its digest
_LOOKED_AT = 50  # of its last calls: those whose argument was refused say nothing about where it runs

app = new_app()


@app.command(epilog=examples("poet show shapes.py:area"))
def show(target: FunctionArgument, *, as_json: JsonOption = False) -> int:
    """Show where a decorated function runs, and its versions.

    And why it runs there. The function is not imported.
    """
    screen = Screen.standard(as_json=as_json)
    found = stored(target)
    call, versions, damaged = _last_call(found), found.versions.versions(), found.versions.damaged()
    if call is None and not versions and not damaged:
        raise UsageError(
            f"nothing is known of {found.qualname} in {found.root}: it was not called yet, or @poet is not on it"
        )
    serving = _serving(found)
    screen.document(
        {
            "function": found.qualname,
            "file": str(found.file),
            "folder": str(found.versions.path),
            "runs": None if call is None else _runs(call),
            "why": None if call is None else _why(call),
            "last_call": None if call is None else _told(call),
            "versions": [{**_described(version), "serves": version.name == serving} for version in versions],
            "damaged": damaged,
        }
    )
    screen.line(f"{found.qualname}  {found.file}", style="bold")
    if call is None:
        screen.line("  runs      not known: it was not called yet")
    else:
        screen.line(f"  runs      {_runs(call)}: {_why(call)}")
        screen.line(f"  last call {_moment(call.end_time)}, {call.status}, answered by: {call.served_by}")
    rows = [_row(version, serves=version.name == serving) for version in versions]
    screen.table(("version", "origin", "domain", "policy", "made", "code"), rows)
    for name, problem in damaged.items():
        screen.line(f"  {name} cannot be read: {problem}", style="red")
    return 0


def _last_call(found: Stored) -> ExecutionPayload | None:
    """Return the last call that was not refused, from the journal beside its versions or in the state folder."""
    for journal in (found.root / "events" / "journal.db", Settings.read().home / "events" / "journal.db"):
        if not journal.is_file():
            continue
        with Journal.open(journal) as events:
            calls = events.find(type="function.execution", function=found.qualname, of=found.of, limit=_LOOKED_AT)
        for event in calls:
            if isinstance(event, ExecutionEvent) and _tells(event.payload):
                return event.payload
    return None


def _tells(call: ExecutionPayload) -> bool:
    """Whether it says where the function runs. The state folder also has the runs of bare sources of that name."""
    decorated = call.version == "original" or _VERSION.fullmatch(call.version) is not None
    return decorated and call.outcome not in {"refused", "cancelled"}


def _runs(call: ExecutionPayload) -> str:
    """Return `sandboxed` where a version was tried or turned away, `host` where the original was asked first."""
    return "sandboxed" if call.version != "original" or not call.attempts else "host"


def _why(call: ExecutionPayload) -> str:
    if call.fallback_reason is not None:
        return call.fallback_reason
    return f"{call.version} serves" if call.version != "original" else "no reason was recorded"


def _told(call: ExecutionPayload) -> dict[str, object]:
    return {
        "execution_id": call.execution_id,
        "end_time": call.end_time,
        "status": call.status,
        "version": call.version,
        "served_by": call.served_by,
        "attempts": call.attempts,
    }


def _described(version: StoredVersion) -> dict[str, object]:
    return {"version": version.name, "intact": version.intact, **dataclasses.asdict(version.metadata)}


def _row(version: StoredVersion, *, serves: bool) -> tuple[str, ...]:
    made, name = version.metadata, f"{version.name} (serves)" if serves else version.name
    code = str(version.path / "code.py") if version.intact else f"{version.path / 'code.py'} (edited, does not run)"
    return (name, made.origin, made.domain, made.policy, _moment(made.created), code)


def _serving(found: Stored) -> str | None:
    try:
        current = found.versions.current()
    except PoetError:
        return None  # it is damaged: then none serves
    return None if current is None else current.name


def _moment(seconds: float) -> str:
    try:
        return dt.datetime.fromtimestamp(seconds, dt.UTC).isoformat(timespec="seconds")
    except (ValueError, OverflowError, OSError):  # a file can name any number
        return f"{seconds:g} s after 1970"
