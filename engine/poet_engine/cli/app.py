"""How the command line is spelt, and what becomes of its errors; in one piece: its grammar is read at one place."""

import importlib.metadata
import io
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import typer

from poet_engine.cli.console import Screen
from poet_engine.errors import PoetError, UsageError

_INTERRUPTED = 130  # 128 + SIGINT, as shells count
_WRONG_USE = 2

app = typer.Typer(
    name="poet",
    help="Run Python that you do not trust: scanned first, then walled in.",
    add_completion=False,
    rich_markup_mode=None,  # plain help, the same on a terminal and in a pipe
    pretty_exceptions_enable=False,  # main() says what happened
)

images_app = typer.Typer(help="Build, list and remove the images of the Docker sandbox.", rich_markup_mode=None)
app.add_typer(images_app, name="images")

policy_app = typer.Typer(help="Show, explain, check and compare policies.", rich_markup_mode=None)
app.add_typer(policy_app, name="policy")

breaker_app = typer.Typer(help="See and set the circuit breakers of a function's versions.", rich_markup_mode=None)
app.add_typer(breaker_app, name="breaker")

PolicyOption = Annotated[
    str | None,
    typer.Option("--policy", metavar="NAME|FILE", help="A preset (restricted, data, api, baseline, lab) or a file."),
]
SandboxOption = Annotated[
    Literal["auto", "process", "docker"],
    typer.Option("--sandbox", help="Where code runs; auto is POET_SANDBOX, or else the first that will do."),
]
RuntimeOption = Annotated[
    str | None, typer.Option("--runtime", metavar="NAME", help="Of Docker, such as runsc (gVisor).")
]
JournalOption = Annotated[
    Path | None,
    typer.Option("--journal", metavar="FILE", help="Look in this one; by default in those below here."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: 0 fine, 1 findings or a failed outcome, 2 wrong use or our own fault.

    Args:
        arguments: What follows the command's name; this process's own arguments by default.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # What the terminal's encoding lacks is shown as an escape: an outcome is never lost to an encoding.
            stream.reconfigure(errors="backslashreplace")
    screen = _screen(as_json="--json" in given or "--sarif" in given)
    try:
        code: object = app(given, standalone_mode=False, prog_name="poet")
    except typer.TyperException as error:
        screen.fail(_spelt_wrong(error), exit_code=_WRONG_USE)
        return _WRONG_USE
    except PoetError as error:
        screen.fail(error, exit_code=_WRONG_USE)
        return _WRONG_USE
    except (KeyboardInterrupt, typer.Abort):
        return _INTERRUPTED
    except Exception as error:  # noqa: BLE001 - the last stop: a bug of ours must end as one sentence and exit code 2 too
        traceback.print_exc()
        bug = PoetError(f"this is a bug in poet, please report it with the lines above: {error!r}")
        screen.fail(bug, exit_code=_WRONG_USE)
        return _WRONG_USE
    return code if isinstance(code, int) else 0


@app.callback(invoke_without_command=True)
def _root(
    context: typer.Context, *, version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False
) -> int:
    if version:
        _screen(as_json=False).line(f"poet {importlib.metadata.version('poet-engine')}")
    elif context.invoked_subcommand is None:
        _screen(as_json=False).line(context.get_help())
    return 0


@app.command()
def run(
    target: Annotated[
        str | None,
        typer.Argument(metavar="TARGET", help="path.py:function or package.module:function; it is never imported."),
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
    bulk = _jobs_and_out(target, args, jobs, out, concurrency)
    from poet_engine.cli import commands  # noqa: PLC0415 - help and wrong use do not wait for the engine to load

    screen, where = _screen(as_json=as_json), (sandbox, runtime)
    if bulk is not None:
        return commands.run_jobs(screen, *bulk, policy=policy, timeout=timeout, where=where, concurrency=concurrency)
    return commands.run(screen, target or "", args=args, policy=policy, timeout=timeout, where=where)


def _jobs_and_out(
    target: str | None, args: str | None, jobs: str | None, out: str | None, concurrency: int | None
) -> tuple[str, str] | None:
    """The two files of a bulk run, or None for the run of one function; what fits neither is wrong use."""
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


@app.command()
def scan(
    files: Annotated[list[str], typer.Argument(metavar="FILE...", help="Python files; they are read, never imported.")],
    *,
    policy: PolicyOption = None,
    as_json: JsonOption = False,
    sarif: Annotated[bool, typer.Option("--sarif", help="Print SARIF 2.1.0 for code hosts and editors.")] = False,
) -> int:
    """Scan files without running them."""
    from poet_engine.cli import commands  # noqa: PLC0415 - the same

    if as_json and sarif:
        raise UsageError("--json and --sarif are two forms of the same document: leave out one of them")
    return commands.scan(_screen(as_json=as_json or sarif), files, policy=policy, sarif=sarif)


@app.command()
def doctor(*, sandbox: SandboxOption = "auto", runtime: RuntimeOption = None, as_json: JsonOption = False) -> int:
    """Try each wall of the sandbox from inside, and say what held."""
    from poet_engine.cli import commands  # noqa: PLC0415 - the same

    return commands.doctor(_screen(as_json=as_json), (sandbox, runtime))


@app.command()
def explain(
    execution: Annotated[str, typer.Argument(metavar="EXECUTION", help="The id of a call, or of its event.")],
    *,
    journal: JournalOption = None,
    as_json: JsonOption = False,
) -> int:
    """Tell the whole story of one call: gate, budgets, verdict, attempts, breakers, who answered, where to look."""
    from poet_engine.cli import explain as story  # noqa: PLC0415 - the same

    return story.show(_screen(as_json=as_json), execution, journal)


@app.command()
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
    """Run a recorded call again, and say whether the answer is the same."""
    from poet_engine.cli import replay as again  # noqa: PLC0415 - the same

    where = (sandbox, runtime)
    return again.run(_screen(as_json=as_json), execution, version=version, policy=policy, where=where, journal=journal)


@app.command()
def metrics(
    target: Annotated[
        str | None, typer.Argument(metavar="[TARGET]", help="path.py:function or package.module:function; or all.")
    ] = None,
    *,
    calls: Annotated[int, typer.Option("--calls", min=1, max=10_000, help="How many of the last calls.")] = 1_000,
    journal: JournalOption = None,
    as_json: JsonOption = False,
) -> int:
    """Show what the last calls of each version were like, and what the machine is doing."""
    from poet_engine.cli import metrics as numbers  # noqa: PLC0415 - the same

    return numbers.show(_screen(as_json=as_json), target, calls=calls, journal=journal)


@app.command()
def demo(
    *,
    folder: Annotated[
        Path | None, typer.Option("--dir", metavar="DIR", help="Where to write; ./poet-demo by default.")
    ] = None,
    sandbox: SandboxOption = "auto",
    runtime: RuntimeOption = None,
    as_json: JsonOption = False,
) -> int:
    """Show the main job on real data, then seven hostile versions of it."""
    from poet_engine.cli import demo as show  # noqa: PLC0415 - the same

    return show.run(_screen(as_json=as_json), folder=folder, where=(sandbox, runtime))


@images_app.command("build")
def build_images(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME...]", help="base, data, or both (the default).")
    ] = None,
    *,
    base: Annotated[
        str | None, typer.Option("--base", metavar="IMAGE", help="Build on this image, such as python:3.11-slim.")
    ] = None,
    from_host: Annotated[
        bool, typer.Option("--from-host", help="Make them of this machine's own Python (the default); no registry.")
    ] = False,
    as_json: JsonOption = False,
) -> int:
    """Build images for the Docker sandbox."""
    if base is not None and from_host:
        raise UsageError(
            "--base builds on an image and --from-host on this machine's own Python: leave out one of them"
        )
    from poet_engine.cli import images  # noqa: PLC0415 - the same

    return images.build(_screen(as_json=as_json), names or [], base=base)


@images_app.command("list")
def list_images(*, as_json: JsonOption = False) -> int:
    """List the images of the Docker sandbox, and which of them are out of date."""
    from poet_engine.cli import images  # noqa: PLC0415 - the same

    return images.show(_screen(as_json=as_json))


@images_app.command("prune")
def prune_images(
    *,
    everything: Annotated[bool, typer.Option("--all", help="Remove those that still serve, too.")] = False,
    as_json: JsonOption = False,
) -> int:
    """Remove images of the Docker sandbox that are out of date."""
    from poet_engine.cli import images  # noqa: PLC0415 - the same

    return images.prune(_screen(as_json=as_json), everything=everything)


@policy_app.command("show")
def show_policy(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME|FILE]", help="What a function names; or nothing.")
    ] = None,
    *,
    as_json: JsonOption = False,
) -> int:
    """Print what holds for a call from this folder, and who set each value."""
    from poet_engine.cli import policy  # noqa: PLC0415 - the same

    return policy.show(_screen(as_json=as_json), name)


@policy_app.command("explain")
def explain_policy(
    key: Annotated[str, typer.Argument(metavar="KEY", help="Such as limits.memory or static.imports.numpy.")],
    *,
    policy: PolicyOption = None,
    as_json: JsonOption = False,
) -> int:
    """Print what a key says, and how its value came about, layer by layer."""
    from poet_engine.cli import policy as policies  # noqa: PLC0415 - the same

    return policies.explain(_screen(as_json=as_json), key, policy)


@policy_app.command("check")
def check_policies(
    files: Annotated[list[str], typer.Argument(metavar="FILE...", help="Policy files, or a pyproject.toml.")],
    *,
    as_json: JsonOption = False,
) -> int:
    """Check policy files, and whether their waivers still hold."""
    from poet_engine.cli import policy  # noqa: PLC0415 - the same

    return policy.check(_screen(as_json=as_json), files)


@policy_app.command("diff")
def diff_policies(
    one: Annotated[str, typer.Argument(metavar="ONE")],
    other: Annotated[str, typer.Argument(metavar="OTHER")],
    *,
    no_looser: Annotated[
        bool, typer.Option("--no-looser", help="Exit with 1 when OTHER lets more through than ONE.")
    ] = False,
    as_json: JsonOption = False,
) -> int:
    """Compare two policies, value by value."""
    from poet_engine.cli import policy  # noqa: PLC0415 - the same

    return policy.diff(_screen(as_json=as_json), one, other, no_looser=no_looser)


@policy_app.command("list")
def list_policies(*, as_json: JsonOption = False) -> int:
    """List the policies that ship."""
    from poet_engine.cli import policy  # noqa: PLC0415 - the same

    return policy.presets(_screen(as_json=as_json))


@policy_app.command("schema")
def policy_schema(*, as_json: JsonOption = False) -> int:
    """Print the JSON Schema of policy files, for editors."""
    from poet_engine.cli import policy  # noqa: PLC0415 - the same

    return policy.print_schema(_screen(as_json=as_json))


_FunctionArgument = Annotated[
    str, typer.Argument(metavar="TARGET", help="path.py:function or package.module:function; it is never imported.")
]
_VersionOption = Annotated[
    str | None, typer.Option("--version", metavar="v1", help="Which version; the one that serves by default.")
]
_SandboxOption = Annotated[
    Literal["process", "docker"] | None, typer.Option("--sandbox", help="The breaker of one sandbox alone.")
]
_ReasonOption = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; kept and shown.")]


@app.command("show")
def show_function(target: _FunctionArgument, *, as_json: JsonOption = False) -> int:
    """Show where a decorated function runs and why, and its versions."""
    from poet_engine.cli import show  # noqa: PLC0415 - the same

    return show.show(_screen(as_json=as_json), target)


@breaker_app.command("list")
def list_breakers(target: _FunctionArgument, *, as_json: JsonOption = False) -> int:
    """List the breakers of all versions; exit 1 when one lets no call through."""
    from poet_engine.cli import breaker  # noqa: PLC0415 - the same

    return breaker.show_all(_screen(as_json=as_json), target)


@breaker_app.command("show")
def show_breaker(target: _FunctionArgument, *, version: _VersionOption = None, as_json: JsonOption = False) -> int:
    """Show all there is to know of one version's breakers; exit 1 when one lets no call through."""
    from poet_engine.cli import breaker  # noqa: PLC0415 - the same

    return breaker.show_one(_screen(as_json=as_json), target, version)


@breaker_app.command("force")
def force_breaker(
    target: _FunctionArgument,
    *,
    version: _VersionOption = None,
    sandbox: _SandboxOption = None,
    reason: _ReasonOption = "forced open on the command line",
    as_json: JsonOption = False,
) -> int:
    """Open the breaker and pin it: the version answers no call until it is reset."""
    from poet_engine.cli import breaker  # noqa: PLC0415 - the same

    return breaker.force(_screen(as_json=as_json), target, version, sandbox, reason=reason)


@breaker_app.command("reset")
def reset_breaker(
    target: _FunctionArgument,
    *,
    version: _VersionOption = None,
    sandbox: _SandboxOption = None,
    reason: _ReasonOption = "reset on the command line",
    as_json: JsonOption = False,
) -> int:
    """Close the breaker and lift its pin."""
    from poet_engine.cli import breaker  # noqa: PLC0415 - the same

    return breaker.reset(_screen(as_json=as_json), target, version, sandbox, reason=reason)


def _spelt_wrong(error: typer.TyperException) -> UsageError:
    """An error in the spelling of the command itself, with where to look."""
    command = getattr(getattr(error, "ctx", None), "command_path", "poet")
    return UsageError(f"{error.format_message().rstrip('.')}; see '{command} --help'")


def _screen(*, as_json: bool) -> Screen:
    return Screen(sys.stdout, sys.stderr, as_json=as_json)
