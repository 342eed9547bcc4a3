"""`poet metrics`: what the last calls of each version were like, and what the machine is doing."""

import collections
import dataclasses
from pathlib import Path
from typing import Annotated

import typer

from poet_engine import _wiring
from poet_engine._env import Settings
from poet_engine.cli import journals
from poet_engine.cli.console import Screen
from poet_engine.cli.function_folder import stored
from poet_engine.cli.options import JournalOption, JsonOption, examples, new_app
from poet_engine.errors import UsageError
from poet_engine.events import ExecutionEvent
from poet_engine.metrics.gauges import Gauges
from poet_engine.metrics.rolling import Quantiles, VersionMetrics, by_version

_COLUMNS = (
    "function",
    "version",
    "calls",
    "success",
    "p50 ms",
    "p95 ms",
    "p99 ms",
    "cpu p95",
    "memory p95",
    "wait p95",
)
_MB = 10**6

app = new_app()


@app.command(epilog=examples("poet metrics", "poet metrics shapes.py:area --calls 100"))
def metrics(
    target: Annotated[
        str | None, typer.Argument(metavar="TARGET", help="path.py:function or package.module:function; or all.")
    ] = None,
    *,
    calls: Annotated[
        int, typer.Option("--calls", metavar="N", min=1, max=10_000, help="How many of the last calls.")
    ] = 1_000,
    journal: JournalOption = None,
    as_json: JsonOption = False,
) -> int:
    """Show what the last calls of each version were like.

    And what the machine is doing.
    """
    screen = Screen.standard(as_json=as_json)
    home = Settings.read().home
    one = None if target is None else stored(target)
    function, of = (None, None) if one is None else (one.qualname, one.of)
    if one is not None and journal is None:
        journal = one.root / "events" / "journal.db"
    found: list[tuple[Path, VersionMetrics]] = []
    for path, opened in journals.opened(screen, journals.find(journal, here=Path.cwd(), home=home)):
        events = opened.find(type="function.execution", function=function, of=of, limit=calls)
        recent = (event.payload for event in events if isinstance(event, ExecutionEvent))
        found += [(path, one) for one in by_version(recent, unnamed=None if of is None else of.name)]
    if target is not None and not found:
        raise UsageError(f"no call of {target} was recorded in {journal}; call the decorated function first")
    gauges = _wiring.gauges()
    screen.document(
        {
            "versions": [{**dataclasses.asdict(one), "journal": str(path)} for path, one in found],
            "machine": dataclasses.asdict(gauges),
        }
    )
    if found:
        modules = collections.Counter(name for name, _module in {(one.function, one.module) for _path, one in found})
        screen.table(_COLUMNS, [_row(one, named=modules[one.function] > 1) for _path, one in found])
    screen.line(_machine(gauges))
    return 0


def _row(one: VersionMetrics, *, named: bool) -> tuple[str, ...]:
    """Return a line of the table, which names the module where several have a function of that name."""
    function = f"{one.function} ({one.module or 'module not known'})" if named else one.function
    rate = "-" if one.success_rate is None else f"{one.success_rate:.1%}"
    took = one.duration_ms
    times = (f"{took.p50:.1f}", f"{took.p95:.1f}", f"{took.p99:.1f}")
    memory = "-" if one.memory_bytes is None else f"{one.memory_bytes.p95 / _MB:.1f} MB"
    return (function, one.version, str(one.calls), rate, *times, _p95(one.cpu_ms), memory, _p95(one.queue_wait_ms))


def _p95(found: Quantiles | None) -> str:
    return "-" if found is None else f"{found.p95:.1f} ms"


def _machine(gauges: Gauges) -> str:
    free, total = gauges.memory_available_bytes / _MB, gauges.memory_total_bytes / _MB
    return f"machine: {gauges.cores} cores, {free:,.0f} of {total:,.0f} MB of memory available"
