"""The options and arguments that several commands have, and what a command's help looks like."""

from pathlib import Path
from typing import Annotated, Literal

import typer

Where = tuple[str, str | None]  # a sandbox, and Docker's runtime

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
FunctionArgument = Annotated[
    str, typer.Argument(metavar="TARGET", help="path.py:function or package.module:function; it is never imported.")
]


def new_app(summary: str | None = None, *lines: str) -> typer.Typer:
    """Return an empty grammar for the commands of one file.

    Args:
        summary: The help of a group of commands; a single command has its own.
        lines: The examples at the end of that help.
    """
    return typer.Typer(
        help=summary,
        epilog=examples(*lines) if lines else None,
        context_settings={"help_option_names": ["--help", "-h"]},
        add_completion=False,  # typer's own scripts run words of the command line; `poet completion` prints others
        rich_markup_mode=None,  # plain help, the same on a terminal and in a pipe
        pretty_exceptions_enable=False,  # `run_command` says what happened
    )


def examples(*lines: str) -> str:
    """Return the end of a help page: command lines, each on a line of its own."""
    heading = "Example:" if len(lines) == 1 else "Examples:"
    return "\n".join(("\b", heading, *(f"  {line}" for line in lines)))
