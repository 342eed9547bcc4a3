"""Write the cells of a notebook as Python, where they hold what only a notebook runs. Runs in the worker.

A line is taken for a magic or a shell command only where Python's own parser stops at it: inside of a text or a bracket
it may be anything. What a shell would run becomes the call that it is, for the gate to judge like any other.
"""

import ast
import re
from collections.abc import Iterable

_LINE_END = re.compile(r"\r\n|\r|\n")
_SHELLS = frozenset({"!", "bash", "cmd", "script", "sh", "system", "sx"})
# Magics that change how something is shown or timed, and lead to nothing that the gate would have to see.
_IDLE = frozenset({"autoreload", "config", "matplotlib", "pdb", "precision", "pprint"})
_TIMING = frozenset({"capture", "prun", "time", "timeit"})
_MAGIC = re.compile(r"(?P<indent>[ \t]*)(?P<mark>%%|%|!!|!)(?P<name>[\w!]*)(?P<rest>.*)", re.DOTALL)
# Arguments of such a magic that are no code: without quotes, or a setting of one word in quotes.
_PLAIN = re.compile(r"""[^'"\\]*|\s*[\w.]+\s*=\s*(['"])[\w-]*\1\s*""")


def python_cells(cells: Iterable[str]) -> list[str]:
    """Return the cells as Python, each line in its place; one that cannot be read stays as it is."""
    return [_as_python(cell) for cell in cells]


def _as_python(content: str) -> str:
    lines = _LINE_END.split(content)
    first = next((number for number, line in enumerate(lines) if line.strip()), None)
    head = _MAGIC.fullmatch(lines[first]) if first is not None else None
    if first is not None and head is not None and head["mark"] == "%%":
        if head["name"] not in _TIMING or not _PLAIN.fullmatch(head["rest"]):
            whole = "\n".join(lines[first:])
            empty = [""] * (len(lines) - first - 1)
            return "\n".join([*lines[:first], _run(head["name"] in _SHELLS, whole), *empty])
        lines[first] = "pass"
    for _ in range(2 * len(lines)):  # a magic may stand before another one
        stop = _where_the_parser_stops("\n".join(lines))
        if stop is None or (line := _line(lines[stop])) == lines[stop]:
            break
        lines[stop] = line
    return "\n".join(lines)


def _where_the_parser_stops(text: str) -> int | None:
    """Return the index of a line that is no Python; None where there is none, or none can be told."""
    try:
        ast.parse(text)
    except SyntaxError as error:
        line = error.lineno or 0
        return line - 1 if 1 <= line <= text.count("\n") + 1 else None
    except (ValueError, RecursionError):
        return None
    return None


def _line(line: str) -> str:
    """Return a line as Python. What cannot be told for sure stays as it is, and does not parse."""
    magic = _MAGIC.fullmatch(line)
    if magic is None or magic["mark"] == "%%":
        return line
    indent, name, rest = magic["indent"], magic["name"], magic["rest"]
    if magic["mark"] == "%" and not name:
        return line  # an operand on a line of its own
    if magic["mark"] == "%" and name in _IDLE and _PLAIN.fullmatch(rest):
        return f"{indent}pass"
    if magic["mark"] == "%" and name in _TIMING:
        return f"{indent}{rest.strip() or 'pass'}"  # the gate judges it like any other line
    return indent + _run(magic["mark"] != "%" or name in _SHELLS, line.strip())


def _run(by_shell: bool, text: str) -> str:  # noqa: FBT001 - the two ways in which a notebook runs a text
    return f"__import__('os').system({text!r})" if by_shell else f"exec({text!r})"
