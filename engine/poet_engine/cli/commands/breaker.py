"""`poet breaker`: the circuit breakers of a function's versions, as they are stored in `state.json`.

A running program looks once a second, at a call, and follows what is done here. What is shown of it is the state after
its last transition; what it has in its window is not stored.
"""

import dataclasses
import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

import typer

from poet_engine._wiring import wall_clock
from poet_engine.cli.console import Screen
from poet_engine.cli.function_folder import stored
from poet_engine.cli.options import FunctionArgument, JsonOption, examples, new_app
from poet_engine.errors import PoetError, UsageError
from poet_engine.resilience.breaker import Snapshot, State, stored_state
from poet_engine.versions import FunctionStore

_SANDBOXES = ("process", "docker")
_ACTOR = "command line"

_VersionOption = Annotated[
    str | None, typer.Option("--version", metavar="v1", help="Which version; the one that serves by default.")
]
_OneSandboxOption = Annotated[
    Literal["process", "docker"] | None, typer.Option("--sandbox", help="The breaker of one sandbox alone.")
]
_ReasonOption = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; kept and shown.")]

app = new_app("See and set the circuit breakers of a function's versions.", "poet breaker list shapes.py:area")


@dataclasses.dataclass(frozen=True, slots=True)
class _Shown:
    """One breaker of one version; `sandbox` is None where none of the version's breakers was ever stored."""

    version: str
    serves: bool
    sandbox: str | None
    found: stored_state.StoredRecord

    def refuses(self, now: float) -> bool:
        record = self.found.record
        timed_out = record.open_until is not None and now >= record.open_until
        return record.state is State.FORCED_OPEN or (record.state is State.OPEN and not timed_out)


@app.command("list", epilog=examples("poet breaker list shapes.py:area"))
def show_all(target: FunctionArgument, *, as_json: JsonOption = False) -> int:
    """List the breakers of all versions.

    Exits with 1 when one of them lets no call through or cannot be read.
    """
    screen = Screen.standard(as_json=as_json)
    function, now = _function(target), wall_clock()
    serving = _serving(function)
    shown = [one for name in function.names() for one in _read(function, name, serving)]
    _print_document(screen, function, shown, now)
    rows = [(_version(one), one.sandbox or "any", _state(one, now), one.found.record.reason) for one in shown]
    screen.table(("version", "sandbox", "state", "reason"), rows)
    return _exit_code(shown, now)


@app.command("show", epilog=examples("poet breaker show shapes.py:area --version v1"))
def show_one(target: FunctionArgument, *, version: _VersionOption = None, as_json: JsonOption = False) -> int:
    """Show all that is stored of one version's breakers.

    Exits with 1 when one of them lets no call through or cannot be read.
    """
    screen = Screen.standard(as_json=as_json)
    function, now = _function(target), wall_clock()
    shown = _read(function, _chosen(function, version), _serving(function))
    _print_document(screen, function, shown, now)
    for one in shown:
        record = one.found.record
        screen.line(f"{function.name} {_version(one)}, sandbox {one.sandbox or 'any'}", style="bold")
        screen.line(f"  state     {_state(one, now)}")
        screen.line(f"  reason    {record.reason or '-'}")
        screen.line(f"  attempts  {record.attempts}")
        screen.line(f"  since     {_moment(record.since)}")
        if one.found.problem is not None:
            screen.line(f"  problem   {one.found.problem}", style="red")
    return _exit_code(shown, now)


@app.command(epilog=examples("poet breaker force shapes.py:area --version v1 --reason 'wrong answers'"))
def force(
    target: FunctionArgument,
    *,
    version: _VersionOption = None,
    sandbox: _OneSandboxOption = None,
    reason: _ReasonOption = "forced open on the command line",
    as_json: JsonOption = False,
) -> int:
    """Open the breakers of a version and pin them.

    The version answers no call until they are reset.
    """
    screen = Screen.standard(as_json=as_json)
    snapshot = Snapshot(state=State.FORCED_OPEN, pinned=True, reason=reason)
    return _set(screen, target, version, sandbox, snapshot)


@app.command(epilog=examples("poet breaker reset shapes.py:area"))
def reset(
    target: FunctionArgument,
    *,
    version: _VersionOption = None,
    sandbox: _OneSandboxOption = None,
    reason: _ReasonOption = "reset on the command line",
    as_json: JsonOption = False,
) -> int:
    """Close the breakers of a version and lift their pins."""
    screen = Screen.standard(as_json=as_json)
    return _set(screen, target, version, sandbox, Snapshot(reason=reason))


def _set(screen: Screen, target: str, version: str | None, sandbox: str | None, snapshot: Snapshot) -> int:
    function, now = _function(target), wall_clock()
    name = _chosen(function, version)

    def change(content: Mapping[str, object]) -> Mapping[str, object]:
        chosen = sorted({*_SANDBOXES, *stored_state.sandboxes(content)}) if sandbox is None else [sandbox]
        before = {one: stored_state.find(content, one) for one in chosen}
        for one, found in before.items():
            content = stored_state.replaced(content, one, stored_state.by_hand(found, snapshot, now=now))
        return content

    action = f"breaker {snapshot.state}"
    function.change_state(name, change, actor=_ACTOR, action=action, reason=snapshot.reason)
    shown = _read(function, name, _serving(function))
    _print_document(screen, function, shown, now)
    for one in shown:
        screen.line(f"{function.name} {_version(one)}, sandbox {one.sandbox}: {_state(one, now)}")
    return 0


def _function(target: str) -> FunctionStore:
    """Return the versions of the function that a target names.

    Raises:
        UsageError: There are none.
    """
    found = stored(target)
    if not found.versions.names():
        raise UsageError(
            f"{found.qualname} has no versions in {found.root}; the first call of the decorated function makes one"
        )
    return found.versions


def _serving(function: FunctionStore) -> str | None:
    try:
        current = function.current()
    except PoetError:
        return None  # it is damaged, or `current` is: then none serves
    return None if current is None else current.name


def _chosen(function: FunctionStore, version: str | None) -> str:
    names = function.names()
    known = ", ".join(names) or "none"
    chosen = version or _serving(function)
    if chosen is None:
        raise UsageError(f"no version of {function.name} serves; choose one with --version: {known}")
    if chosen not in names:
        raise UsageError(f"{function.name} has no version {chosen}; it has {known}")
    return chosen


def _read(function: FunctionStore, version: str, serving: str | None) -> list[_Shown]:
    serves = version == serving
    try:
        content = function.state(version) or {}
    except PoetError as error:
        return [_Shown(version, serves, None, stored_state.unreadable(str(error)))]
    stored = stored_state.sandboxes(content) or (None,)
    return [_Shown(version, serves, one, stored_state.find(content, one or "")) for one in stored]


def _exit_code(shown: Sequence[_Shown], now: float) -> int:
    return int(any(one.found.problem is not None or one.refuses(now) for one in shown))


def _version(one: _Shown) -> str:
    return f"{one.version} (serves)" if one.serves else one.version


def _state(one: _Shown, now: float) -> str:
    record = one.found.record
    if record.open_until is not None:
        if not one.refuses(now):
            return "open, and half-open at the next call"
        return f"open until {_moment(record.open_until)}"
    text = f"{record.state}, pinned" if record.pinned else str(record.state)
    return text if one.found.problem is None else f"{text} (its stored state is damaged)"


def _moment(seconds: float) -> str:
    try:
        return dt.datetime.fromtimestamp(seconds, dt.UTC).isoformat(timespec="seconds") if seconds else "-"
    except (ValueError, OverflowError, OSError):  # a file can name any number
        return f"{seconds:g} s after 1970"


def _print_document(screen: Screen, function: FunctionStore, shown: Sequence[_Shown], now: float) -> None:
    screen.document(
        {
            "function": function.name,
            "folder": str(function.path),
            "breakers": [
                {
                    "version": one.version,
                    "serves": one.serves,
                    "sandbox": one.sandbox,
                    **dataclasses.asdict(one.found.record),
                    "refuses": one.refuses(now),
                    "problem": one.found.problem,
                }
                for one in shown
            ],
        }
    )
