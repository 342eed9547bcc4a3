"""`poet demo`: the main job on real data, then seven hostile versions, each stopped by the sandbox.

Nothing is staged: every row is a call of the decorated function, and the command ends with 1 unless each did what
it says.
"""

import contextlib
import dataclasses
import importlib
import importlib.machinery
import importlib.util
import logging
import shutil
import socket
import sys
import types
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, cast

import typer

from poet_engine import _demo, _files, poet
from poet_engine._wiring import prefer
from poet_engine.cli.console import Screen
from poet_engine.cli.hostile import SEVEN, Hostile
from poet_engine.cli.options import JsonOption, RuntimeOption, SandboxOption, examples, new_app
from poet_engine.decorator import Execution, PoetHandle
from poet_engine.decorator.decorate import PoetFunction
from poet_engine.domains import describe
from poet_engine.errors import PoetError, UsageError
from poet_engine.gate import Gate
from poet_engine.outcome import Outcome
from poet_engine.policy import Policy
from poet_engine.sandbox.base import IsolationCheck
from poet_engine.versions import StoredVersion

_FOLDER = "poet-demo"
_FILES = ("drift.py", "nile.csv")
_LAST_REFERENCE_YEAR = 1898  # the dam at Aswan was begun then
_TOLERANCE = 1e-9
# The sandbox must do the work here, so the gate only takes notes; small budgets, so that nobody waits.
_POLICY = """
name = "demo"
extends = "data"
[static]
mode = "audit"
[limits]
wall = "8s"
cpu = "1s"
memory = "128MiB"
"""

app = new_app()

_Drift = PoetFunction[[Sequence[float], Sequence[float]], dict[str, object]]


class DemoError(PoetError):
    """A step of the demo that could not be taken."""


@dataclasses.dataclass(slots=True)
class DemoRow:
    """One call as the closing table shows it."""

    what: str
    execution: Execution
    as_promised: bool
    rule: str = ""


@app.command(epilog=examples("poet demo", "poet demo --dir /tmp/poet-demo --sandbox docker"))
def demo(
    *,
    folder: Annotated[
        Path | None, typer.Option("--dir", metavar="DIR", help="Where to write; ./poet-demo by default.")
    ] = None,
    sandbox: SandboxOption = "auto",
    runtime: RuntimeOption = None,
    as_json: JsonOption = False,
) -> int:
    """Show the main job on real data, then seven hostile versions.

    Exits with 0 only if every step did what it says.
    """
    screen = Screen.standard(as_json=as_json)
    prefer(sandbox, runtime)
    logging.getLogger("poet_engine").addHandler(logging.NullHandler())  # the demo says itself what the log would
    try:
        return _run(screen, _prepare(_default() if folder is None else folder))
    except DemoError as error:
        screen.fail(error, exit_code=1)
        return 1


def _run(screen: Screen, where: Path) -> int:
    screen.heading("1. A naive function, decorated")
    drift = _load(where / "drift.py")
    current, reference = _flow(where / "nile.csv")
    naive = drift.original(current, reference)
    screen.line(f"{where / 'drift.py'}: detect_drift, decorated with @poet(domain='ml_monitoring')")
    screen.line(
        f"Nile at Aswan: {len(reference)} years as reference, {len(current)} as current; by itself it says {naive}"
    )
    screen.heading("2. POET writes a version, scans it, tries it in the sandbox, stores and promotes it")
    version = drift.poet.current
    if version is None:
        raise DemoError(f"there is no version: {drift.poet.reason}")
    _say_version(screen, version)
    rows = [_enhanced(screen, drift, current, reference)]
    answers = {"original": naive, "previous_version": rows[0].execution.value}
    rows += _hostile_rows(screen, drift, version, (current, reference), answers)
    recorded = _table(screen, rows, drift.poet)
    walls = _walls(screen, drift)
    fine = all(row.as_promised for row in rows) and len(rows) == 1 + len(SEVEN) and recorded
    fine = fine and bool(walls) and all(wall.held for wall in walls)
    _closing(screen, where, fine=fine)
    screen.document(_document(where, rows, walls, fine=fine))
    return 0 if fine else 1


def _default() -> Path:
    """Return the default folder; nobody named it, so whoever made the current one may have laid a link there."""
    where = Path(_FOLDER)
    if where.is_symlink():
        raise UsageError(f"{where} is a symbolic link, which is not followed; name a folder with --dir")
    return where


def _prepare(where: Path) -> Path:
    """Lay the example into a folder as a user would have it, in place of what an earlier demo left there."""
    shipped = Path(_demo.__file__).parent
    try:
        if where.exists() and not _is_ours(where, shipped):
            raise UsageError(f"{where} holds other files; name an empty folder with --dir")
        where.mkdir(parents=True, exist_ok=True)
        for name in (".poet", *_FILES):
            _remove(where / name)
        for name in _FILES:
            shutil.copyfile(shipped / name, where / name)
    except OSError as error:
        raise UsageError(
            f"the demo cannot write to {where}: {error.strerror}; name another folder with --dir"
        ) from None
    return where.resolve()


def _remove(path: Path) -> None:
    """Remove what an earlier demo left; a link is removed, not followed."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _is_ours(where: Path, shipped: Path) -> bool:
    """Whether a folder holds nothing but what an earlier demo left, unedited: only that is replaced without asking."""
    found = {entry.name for entry in where.iterdir()}
    if not found <= {*_FILES, ".poet", "__pycache__"}:
        return False
    return all(_same(where / name, (shipped / name).read_bytes()) for name in found.intersection(_FILES))


def _same(path: Path, content: bytes) -> bool:
    try:
        return _files.read(path, most=len(content)) == content
    except (_files.IrregularFileError, _files.LargeFileError):
        return False


class _FromSource(importlib.machinery.SourceFileLoader):
    """A loader that compiles the source itself: a `__pycache__` that lies there already may hold anything."""

    def get_code(self, fullname: str) -> types.CodeType | None:
        """Return the module's code, compiled from the text alone."""
        path = self.get_filename(fullname)
        return self.source_to_code(self.get_data(path), path)


def _load(path: Path) -> _Drift:
    """Import the example as the user's program would."""
    spec = importlib.util.spec_from_loader("drift", _FromSource("drift", str(path)))
    if spec is None or spec.loader is None:
        raise UsageError(f"{path} cannot be imported")
    module = importlib.util.module_from_spec(spec)
    sys.modules["drift"] = module
    spec.loader.exec_module(module)
    return cast("_Drift", module.__dict__["detect_drift"])


def _flow(path: Path) -> tuple[list[float], list[float]]:
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    rows = [(int(year), float(flow)) for year, flow in (line.split(",") for line in lines[1:])]
    current = [flow for year, flow in rows if year > _LAST_REFERENCE_YEAR]
    return current, [flow for year, flow in rows if year <= _LAST_REFERENCE_YEAR]


def _enhanced(screen: Screen, drift: _Drift, current: list[float], reference: list[float]) -> DemoRow:
    execution = drift.poet.call(current, reference)
    screen.heading(f"3. The call, in the {execution.outcome.sandbox} sandbox")
    value = execution.value if isinstance(execution.value, dict) else {}
    for name in ("drift_detected", "method", "statistic", "p_value"):
        screen.line(f"  {name} = {value.get(name)}")
    same = _same_as_scipy(screen, value, current, reference)
    found = value.get("drift_detected") is True and execution.served_by == "generated"
    if execution.fallback_reason:
        screen.line(f"the original answered: {execution.fallback_reason}", style="red")
    return DemoRow("detect_drift, enhanced", execution, found and same)


def _say_version(screen: Screen, version: StoredVersion) -> None:
    trial = version.metadata.trial
    tried = f"{trial.passed} of {trial.examples} examples passed" if trial else "no examples"
    screen.line(f"{version.path}: {len(version.code.splitlines())} lines, gate clean, {tried}, promoted")


def _same_as_scipy(screen: Screen, value: dict[str, object], current: list[float], reference: list[float]) -> bool:
    try:
        stats = importlib.import_module("scipy.stats")
    except ImportError:
        screen.line("  scipy is not installed here: pip install 'poet-engine[data]'", style="red")
        return False
    theirs = stats.ks_2samp(reference, current)
    ours = (value.get("statistic"), value.get("p_value"))
    differences = [
        abs(float(mine) - float(expected)) if isinstance(mine, float) else float("inf")
        for mine, expected in zip(ours, (theirs.statistic, theirs.pvalue), strict=True)
    ]
    screen.line(f"  largest difference from scipy.stats.ks_2samp here: {max(differences):.1e}")
    return max(differences) <= _TOLERANCE


def _hostile_rows(
    screen: Screen,
    drift: _Drift,
    version: StoredVersion,
    data: tuple[list[float], list[float]],
    answers: Mapping[str, object],
) -> list[DemoRow]:
    screen.heading("4. Seven hostile versions, with the gate only taking notes: the sandbox must stop them")
    policy = Policy.parse(_POLICY, source="demo")
    audited = poet(domain="ml_monitoring", policy=policy)(drift.original)
    rows = []
    try:
        with Gate() as gate, _listener() as (listener, port):
            for hostile in SEVEN:
                code = hostile.code(signature=_signature(drift), file=drift.original.__code__.co_filename, port=port)
                strict = gate.scan(code, Policy.load("data"))
                audited.poet.adopt(code, reason=f"demo: {hostile.name}")
                execution = audited.poet.call(*data)
                row = _hostile_row(hostile, execution, answers, [finding.rule for finding in strict.findings])
                if _somebody_came(listener):
                    screen.line("the listener of the demo was reached", style="red")
                    row.as_promised = False
                _say(screen, row)
                rows.append(row)
    finally:  # whatever went wrong, no hostile version is left to serve
        audited.poet.rollback(version.name, reason="demo: back to the good version")
    screen.line(f"rolled back to {version.name}")
    return rows


def _hostile_row(hostile: Hostile, execution: Execution, answers: Mapping[str, object], rules: list[str]) -> DemoRow:
    """Make the row of a hostile call; as promised means stopped, and answered by the version before or the original."""
    outcome = execution.outcome
    as_promised = (
        hostile.ended_so(outcome)
        and execution.served_by in answers
        and execution.value == answers[execution.served_by]
        and bool(rules)
    )
    return DemoRow(hostile.name, execution, as_promised, ", ".join(dict.fromkeys(rules)))


def _say(screen: Screen, row: DemoRow) -> None:
    outcome = row.execution.outcome
    said = str(row.execution.fallback_reason) if outcome.ok else outcome.describe()
    mark, style = ("stopped", "green") if row.as_promised else ("NOT AS PROMISED", "red")
    screen.line(f"  {row.what}: {mark}: {said}", style=style)
    screen.line(f"      the gate would have said {row.rule or 'nothing'}; the caller got {row.execution.value}")


def _walls(screen: Screen, drift: _Drift) -> tuple[IsolationCheck, ...]:
    screen.heading("6. Which isolation checks held, tried from inside")
    walls = drift.poet.doctor()
    screen.table(
        ("check", "held", "tried", "stopped by"),
        [(wall.wall, "yes" if wall.held else "NO", wall.tried, wall.stopped_by) for wall in walls],
    )
    return walls


def _table(screen: Screen, rows: list[DemoRow], handle: PoetHandle[[Sequence[float], Sequence[float]]]) -> bool:
    """Print the closing table, and return whether every call has its event in the journal."""
    screen.heading("5. Every call, as the journal has it")
    found = [handle.event(row.execution.event_id) for row in rows]
    screen.table(
        ("version", "what", "served by", "status", "cause", "wall ms", "cpu ms", "peak MiB", "event"),
        [_cells(row) for row in rows],
    )
    missing = [row.what for row, event in zip(rows, found, strict=True) if event is None]
    if missing:
        screen.line(f"no event was found for: {', '.join(missing)}", style="red")
    return not missing


def _cells(row: DemoRow) -> tuple[str, ...]:
    execution, outcome = row.execution, row.execution.outcome
    return (
        execution.version,
        row.what,
        execution.served_by,
        *_usage_cells(outcome),
        execution.event_id,
    )


def _usage_cells(outcome: Outcome) -> tuple[str, str, str, str, str]:
    peak = outcome.usage.memory_peak_bytes
    return (
        str(outcome.status),
        outcome.cause or "-",
        f"{outcome.usage.wall_ms:.1f}",
        f"{outcome.usage.cpu_ms:.1f}",
        "-" if peak is None else f"{peak / 2**20:.1f}",
    )


def _closing(screen: Screen, where: Path, *, fine: bool) -> None:
    screen.heading("Where to look next")
    screen.line(f"  {where}/.poet/detect_drift/v1/code.py    the version that serves")
    screen.line(f"  {where}/drift.py    what you would write")
    screen.line("  poet run TARGET, poet scan FILE, poet doctor; README.md has a page on each")
    screen.line()
    screen.line("every step did what it says" if fine else "NOT every step did what it says", style="bold")


def _document(where: Path, rows: list[DemoRow], walls: tuple[IsolationCheck, ...], *, fine: bool) -> dict[str, object]:
    return {
        "ok": fine,
        "folder": str(where),
        "calls": [
            {
                "what": row.what,
                "as_promised": row.as_promised,
                "version": row.execution.version,
                "served_by": row.execution.served_by,
                "status": str(row.execution.outcome.status),
                "cause": row.execution.outcome.cause,
                "evidence": _evidence(row.execution.outcome),
                "gate_rule": row.rule or None,
                "event_id": row.execution.event_id,
                "value": row.execution.value,
            }
            for row in rows
        ],
        "walls": [dataclasses.asdict(wall) for wall in walls],
    }


def _evidence(outcome: Outcome) -> str | None:
    return None if outcome.evidence is None else str(outcome.evidence)


def _signature(drift: _Drift) -> str:
    names = [parameter.name for parameter in describe(drift.original).parameters]
    return f"detect_drift({', '.join(names)})"


@contextlib.contextmanager
def _listener() -> Iterator[tuple[socket.socket, int]]:
    """Open a server that the network call would reach if nothing stopped it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        yield listener, listener.getsockname()[1]


def _somebody_came(listener: socket.socket) -> bool:
    try:
        connection, _address = listener.accept()
    except BlockingIOError:
        return False
    connection.close()
    return True
