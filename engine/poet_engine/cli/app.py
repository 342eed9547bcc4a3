"""The grammar's root, which loads each command when it is used, and what becomes of errors."""

import importlib
import io
import sys
from collections.abc import Collection, Sequence
from typing import Annotated, cast

import typer
import typer.main
from typer.core import TyperCommand, TyperGroup

from poet_engine._version import VERSION
from poet_engine.cli.console import Screen
from poet_engine.cli.options import new_app
from poet_engine.errors import PoetError, UsageError

_INTERRUPTED = 130  # 128 + SIGINT, as shells count
_WRONG_USE = 2

# The summary stands here as well as in the command's file, so that `poet --help` need not load them all; a test holds
# the two together.
SUMMARIES = {
    "run": "Run a function in the sandbox, or with --jobs many of them.",
    "scan": "Scan files without running them.",
    "doctor": "Try each isolation check from inside the sandbox.",
    "explain": "Show everything that was recorded about one call.",
    "replay": "Run a recorded call again and compare the answers.",
    "metrics": "Show what the last calls of each version were like.",
    "demo": "Show the main job on real data, then seven hostile versions.",
    "show": "Show where a decorated function runs, and its versions.",
    "images": "Build, list and remove the images of the Docker sandbox.",
    "policy": "Show, explain, check and compare policies.",
    "breaker": "See and set the circuit breakers of a function's versions.",
    "completion": "Print a script that completes poet's words in a shell.",
}


def run_command(given: Sequence[str]) -> int:
    """Run one command and return its exit code; every error ends as one sentence on standard error.

    Args:
        given: What follows `poet` on the command line.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # What the terminal's encoding lacks is shown as an escape: an outcome is never lost to an encoding.
            stream.reconfigure(errors="backslashreplace")
    screen = Screen.standard(as_json="--json" in given or "--sarif" in given)
    try:
        code: object = grammar(named(given)).main(list(given), standalone_mode=False, prog_name="poet")
    except typer.TyperException as error:
        screen.fail(_misspelt(error), exit_code=_WRONG_USE)
        return _WRONG_USE
    except PoetError as error:
        screen.fail(error, exit_code=_WRONG_USE)
        return _WRONG_USE
    except typer.Abort:
        return _INTERRUPTED
    except Exception as error:  # noqa: BLE001 - the last stop: a bug of ours must end as one sentence and exit code 2 too
        import traceback  # noqa: PLC0415 - no other way needs it

        traceback.print_exc()
        bug = PoetError(f"this is a bug in poet, please report it with the lines above: {error!r}")
        screen.fail(bug, exit_code=_WRONG_USE)
        return _WRONG_USE
    return code if isinstance(code, int) else 0


def named(given: Sequence[str]) -> Collection[str]:
    """Return the command that the arguments name, if there is one: the options before it take no values."""
    first = next((word for word in given if not word.startswith("-")), None)
    return () if first is None else (first,)


def grammar(used: Collection[str] = tuple(SUMMARIES)) -> TyperGroup:
    """Build the whole grammar, in which only some commands have more than a name and a summary.

    Args:
        used: The commands whose files are loaded; all by default.
    """
    root = cast("TyperGroup", typer.main.get_command(_app))
    for name, summary in SUMMARIES.items():
        root.add_command(_load(name) if name in used else TyperCommand(name, help=summary, rich_markup_mode=None), name)
    return root


def _load(name: str) -> TyperCommand | TyperGroup:
    app: typer.Typer = importlib.import_module(f"poet_engine.cli.commands.{name}").app
    return cast("TyperCommand | TyperGroup", typer.main.get_command(app))


def _root(
    context: typer.Context, *, version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False
) -> int:
    """Print the version, or without a command the help."""
    screen = Screen.standard(as_json=False)
    if version:
        screen.line(f"poet {VERSION}")
    elif context.invoked_subcommand is None:
        screen.line(context.get_help())
    return 0


_app = new_app(
    "Run Python that you do not trust: scanned first, then walled in.",
    "poet run shapes.py:area --args '[3, 4]'",
    "poet run --help",
)
_app.callback(invoke_without_command=True)(_root)


def _misspelt(error: typer.TyperException) -> UsageError:
    """Turn an error in the spelling of a command into one that says where to look."""
    command = getattr(getattr(error, "ctx", None), "command_path", "poet")
    return UsageError(f"{error.format_message().rstrip('.')}; see '{command} --help'")
