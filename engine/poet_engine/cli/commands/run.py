"""`poet run`: one function of one file, or a whole file, in the sandbox, or with `--jobs` many functions.

Neither help nor wrong use waits for the engine to load: it is named as `poet_engine.Engine`, which loads it at its
first use, and what imports it is imported where it is needed.
"""

import dataclasses
import sys
from pathlib import Path
from typing import Annotated

import typer

import poet_engine
from poet_engine._located_job import LocatedJob
from poet_engine.cli import formatting
from poet_engine.cli.console import Screen
from poet_engine.cli.json_arguments import read_arguments, wall_of
from poet_engine.cli.live_lines import LiveLines
from poet_engine.cli.options import (
    JsonOption,
    PolicyOption,
    RuntimeOption,
    SandboxOption,
    Where,
    examples,
    new_app,
)
from poet_engine.cli.project_modules import collect
from poet_engine.cli.target import Target, find
from poet_engine.cli.whole_files import is_whole_file, script_of
from poet_engine.errors import UsageError

app = new_app()


@app.command(
    epilog=examples(
        "poet run shapes.py:area --args '[3, 4]'",
        "poet run shapes:area --args @arguments.json --policy data --timeout 500ms",
        "poet run analysis.ipynb --policy data",
        "poet run --jobs jobs.jsonl --out results.jsonl",
    )
)
def run(
    target: Annotated[
        str | None,
        typer.Argument(
            metavar="TARGET",
            help="path.py:function or package.module:function; or a whole script.py or notebook.ipynb. Never imported.",
        ),
    ] = None,
    *,
    args: Annotated[
        str | None, typer.Option("--args", metavar="JSON|@FILE|-", help="A JSON array or object; - is standard input.")
    ] = None,
    jobs: Annotated[
        str | None, typer.Option("--jobs", metavar="FILE|-", help="Run every job of a file of JSON lines instead.")
    ] = None,
    out: Annotated[
        str | None, typer.Option("--out", metavar="FILE|-", help="Where --jobs writes its results, or goes on.")
    ] = None,
    concurrency: Annotated[
        int | None,
        typer.Option("--concurrency", metavar="N", min=1, max=1_000, help="Jobs at once; as many as cores by default."),
    ] = None,
    policy: PolicyOption = None,
    timeout: Annotated[str | None, typer.Option("--timeout", metavar="5s", help="Less than the policy's.")] = None,
    sandbox: SandboxOption = "auto",
    runtime: RuntimeOption = None,
    as_json: JsonOption = False,
) -> int:
    """Run a function in the sandbox, or with --jobs many of them."""
    files = _jobs_and_out(target, args, jobs, out, concurrency)
    screen, where = Screen.standard(as_json=as_json), (sandbox, runtime)
    if files is None:
        return _run_function(screen, target or "", args, policy=policy, timeout=timeout, where=where)
    from poet_engine.cli.jobs.command import Order, run_jobs  # noqa: PLC0415 - the run of one function needs none of it
    from poet_engine.cli.policies import resolve_policy  # noqa: PLC0415 - see the module's docstring

    chosen = resolve_policy(policy)
    jobs_file, results_file = files
    order = Order(
        jobs=jobs_file, out=results_file, policy=chosen, where=where, concurrency=concurrency, timeout=timeout
    )
    return run_jobs(screen, order)


def _jobs_and_out(
    target: str | None, args: str | None, jobs: str | None, out: str | None, concurrency: int | None
) -> tuple[str, str] | None:
    """Return the two files of a bulk run, or None for the run of one function.

    Raises:
        UsageError: The options fit neither.
    """
    see = "see 'poet run --help'"
    if jobs is None:
        if target is None:
            raise UsageError(f"Missing argument 'TARGET', or --jobs FILE for many functions; {see}")
        if out is not None or concurrency is not None:
            raise UsageError(f"--out and --concurrency are for --jobs FILE, not for the run of one function; {see}")
        return None
    if target is not None:
        raise UsageError(f"--jobs runs the jobs of a file, and TARGET is one function: leave out one of them; {see}")
    if args is not None:
        raise UsageError(f"--args is for TARGET: with --jobs, the arguments of a job stand on its line; {see}")
    if out is None:
        raise UsageError(f"--jobs needs --out FILE for the results, or --out - to print them; {see}")
    return jobs, out


def _run_function(
    screen: Screen, target: str, args: str | None, *, policy: str | None, timeout: str | None, where: Where
) -> int:
    """Run one function of one file, or a whole file, without importing it here."""
    whole_file = is_whole_file(target)
    if whole_file and args is not None:
        raise UsageError(f"--args is for a function, and {target} is a whole file; see 'poet run --help'")
    if whole_file and not Path(target).is_file():
        raise UsageError(f"there is no file {target}; name a script, a notebook, or path.py:function")
    found = None if whole_file else find(target, folders=[Path.cwd(), *map(Path, sys.path)])
    given = read_arguments(args, stdin=_read_stdin)
    chosen: str | poet_engine.Policy | None = policy
    wall = None
    if timeout is not None:  # it must be known to be right before a sandbox is opened; otherwise that looks the name up
        from poet_engine.cli.policies import resolve_policy  # noqa: PLC0415 - see the module's docstring

        chosen = resolve_policy(policy)
        wall = wall_of(timeout, chosen)
    with poet_engine.Engine.open(policy=chosen, sandbox=where[0], runtime=where[1]) as engine:
        job = script_of(engine, Path(target), wall) if found is None else _job(engine, found, given, wall)
        live = LiveLines(screen) if screen.is_watched else None
        done = engine.execute(job if live is None else dataclasses.replace(job, on_output=live))
    if live is not None:
        live.finish()
    formatting.print_outcome(screen, done.outcome, done.event_id, whole_file=whole_file, shown=live is not None)
    return formatting.exit_code(done.outcome)


def _job(
    engine: "poet_engine.Engine", found: Target, given: tuple[tuple[object, ...], dict[str, object]], wall: float | None
) -> LocatedJob:
    """Return the call of a function, with the modules of its project that its file imports."""
    source = engine.undecorate(found.source)
    project = collect(found.path, source, listed=engine.policy.static.imports, exports=engine.exports)
    positional, keyword = given
    return LocatedJob(
        source=source,
        entry=found.entry,
        args=positional,
        kwargs=keyword,
        filename=found.path.name,  # the name alone: where it lies on this machine is none of the guest's business
        path=str(found.path),
        wall=wall,
        modules={name: text if text is source else engine.undecorate(text) for name, text in project.files.items()},
        module=project.name if project.files else "",
    )


def _read_stdin(most: int) -> bytes:
    if sys.stdin is None:
        raise UsageError("--args - reads standard input, but it is closed")
    return sys.stdin.buffer.read(most)
