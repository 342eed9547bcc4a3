"""`poet completion`: a script that lets a shell complete poet's words.

The script holds the whole grammar and starts nothing while somebody types. So it is quick, and no word of the command
line and no file's name is ever run or expanded; file names are left to the shell's own completion, which quotes them.
"""

import dataclasses
import re
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Annotated, Literal, cast

import typer
from typer.core import TyperCommand, TyperGroup

from poet_engine.cli.app import grammar
from poet_engine.cli.console import Screen
from poet_engine.cli.options import examples, new_app

_WORD = re.compile(r"-{0,2}[A-Za-z0-9][A-Za-z0-9-]*")  # what no shell reads as anything but itself

app = new_app()


@dataclasses.dataclass(frozen=True, slots=True)
class CompletionNode:
    """The words that may follow one command or group.

    Attributes:
        place: How it is reached, such as `poet policy show`.
        words: Its commands with their summaries, or the values of its argument where they are known.
        options: Its options, each with the values that it takes: None where it takes none, and no values where it takes
            any.
    """

    place: str
    words: Mapping[str, str]
    options: Mapping[str, Sequence[str] | None]


@app.command(
    epilog=examples(
        "poet completion bash > ~/.local/share/bash-completion/completions/poet",
        "poet completion zsh > ~/.zfunc/_poet",
        "poet completion fish > ~/.config/fish/completions/poet.fish",
    )
)
def completion(
    shell: Annotated[Literal["bash", "zsh", "fish"], typer.Argument(metavar="SHELL", help="bash, zsh or fish.")],
) -> int:
    """Print a script that completes poet's words in a shell.

    The folder of zsh must be on its fpath before compinit runs.
    """
    Screen.standard(as_json=False).line(SCRIPTS[shell](list(nodes(grammar(), "poet"))).rstrip("\n"))
    return 0


def nodes(
    command: TyperCommand | TyperGroup, place: str, parent: typer.Context | None = None
) -> Iterator[CompletionNode]:
    """Walk a grammar from its root.

    Raises:
        ValueError: A word of it means something to a shell.
    """
    context = typer.Context(command, parent=parent, info_name=place.rpartition(" ")[2], **command.context_settings)
    below = cast("Mapping[str, TyperCommand | TyperGroup]", command.commands if isinstance(command, TyperGroup) else {})
    words = {name: (one.help or "").partition("\n")[0] for name, one in below.items()}
    options: dict[str, Sequence[str] | None] = {}
    for parameter in command.get_params(context):
        values = [item.value for item in parameter.shell_complete(context, "")]
        if parameter.param_type_name == "argument":
            words |= dict.fromkeys(values, "")
        else:
            spellings = sorted(parameter.opts, key=len, reverse=True)  # those of help come in any order
            options |= dict.fromkeys(spellings, None if getattr(parameter, "is_flag", False) else values)
    for word in (*words, *options, *(value for values in options.values() for value in values or ())):
        if not _WORD.fullmatch(word):
            raise ValueError(f"{word!r} of {place} cannot stand in a script of a shell")
    yield CompletionNode(place, words, options)
    for name, one in below.items():
        yield from nodes(one, f"{place} {name}", context)


def _places(found: Sequence[CompletionNode]) -> str:
    """Return the pattern of a `case` of a POSIX shell that matches whatever can be reached from the root."""
    return " | ".join(f"'{node.place}'" for node in found[1:])


def _cases(found: Sequence[CompletionNode], row: str, words: Callable[[CompletionNode], Sequence[str]]) -> str:
    """Return lines of a `case` over places, for those that have such words."""
    return "\n".join(row.format(f"'{node.place}'", " ".join(words(node))) for node in found if words(node))


def _value_cases(found: Sequence[CompletionNode], row: str) -> str:
    """Return lines of a `case` over places with an option behind them, where the option's values are known."""
    return "\n".join(
        row.format(f"'{node.place} {option}'", " ".join(values))
        for node in found
        for option, values in node.options.items()
        if values
    )


def bash_script(found: Sequence[CompletionNode]) -> str:
    """Return the script for bash 3.2 and later."""
    return f"""\
# bash completion of poet, made by: poet completion bash
_poet() {{
    local IFS=$' \\t\\n' place=poet words= index
    COMPREPLY=()
    for ((index = 1; index < COMP_CWORD; index++)); do
        case "$place ${{COMP_WORDS[index]}}" in
            {_places(found)}) place="$place ${{COMP_WORDS[index]}}" ;;
        esac
    done
    case "$place ${{COMP_WORDS[COMP_CWORD - 1]}}" in
{_value_cases(found, "        {}) words='{}' ;;")}
        *)
            if [[ "${{COMP_WORDS[COMP_CWORD]}}" == -* ]]; then
                case "$place" in
{_cases(found, "                    {}) words='{}' ;;", lambda node: list(node.options))}
                esac
            else
                case "$place" in
{_cases(found, "                    {}) words='{}' ;;", lambda node: list(node.words))}
                esac
            fi
            ;;
    esac
    # The words are those above; without any, bash completes file names, and quotes them.
    [[ -z "$words" ]] || COMPREPLY=($(compgen -W "$words" -- "${{COMP_WORDS[COMP_CWORD]}}"))
}}
complete -o default -F _poet poet
"""


def zsh_script(found: Sequence[CompletionNode]) -> str:
    """Return the script for zsh, which may be sourced or stand on the fpath."""
    return f"""\
#compdef poet
# zsh completion of poet, made by: poet completion zsh
_poet() {{
    local place=poet word
    for word in "${{(@)words[2,CURRENT-1]}}"; do
        case "$place $word" in
            {_places(found)}) place="$place $word" ;;
        esac
    done
    case "$place ${{words[CURRENT-1]}}" in
{_value_cases(found, "        {}) compadd -- {}; return ;;")}
    esac
    if [[ "${{words[CURRENT]}}" == -* ]]; then
        case "$place" in
{_cases(found, "            {}) compadd -- {} ;;", lambda node: list(node.options))}
        esac
    else
        case "$place" in
{_cases(found, "            {}) compadd -- {} ;;", lambda node: list(node.words))}
            *) _files ;;
        esac
    fi
}}
if [[ "${{funcstack[1]}}" == _poet ]]; then _poet "$@"; else compdef _poet poet; fi
"""


def fish_script(found: Sequence[CompletionNode]) -> str:
    """Return the script for fish, which it loads when `poet` is first completed."""
    lines = [
        "# fish completion of poet, made by: poet completion fish",
        "function __poet_place",
        "    set -l place poet",
        "    for word in (commandline -opc)",
        '        switch "$place $word"',
        f"            case {' '.join(shlex.quote(node.place) for node in found[1:])}",
        '                set place "$place $word"',
        "        end",
        "    end",
        "    echo $place",
        "end",
    ]
    for node in found:
        there = f"""complete -c poet -n 'test (__poet_place) = "{node.place}"'"""
        for name, summary in node.words.items():
            text = summary.replace("\\", "\\\\").replace("'", "\\'")
            lines.append(f"{there} -f -a {name} -d '{text}'")
        for option, values in node.options.items():
            spelt = f"-l {option[2:]}" if option.startswith("--") else f"-s {option[1:]}"
            takes = "" if values is None else f" -x -a '{' '.join(values)}'" if values else " -r"
            lines.append(f"{there} {spelt}{takes}")
    return "\n".join(lines) + "\n"


SCRIPTS: Mapping[str, Callable[[Sequence[CompletionNode]], str]] = {
    "bash": bash_script,
    "zsh": zsh_script,
    "fish": fish_script,
}
