"""The examples of a docstring: calls that return, and calls that raise."""

import ast
import dataclasses
import textwrap
from collections.abc import Iterator

from poet_engine.domains.parsing import parse_expression

_PROMPT, _MORE = ">>> ", "... "
_MOST = 100  # a docstring with more examples is a test suite


@dataclasses.dataclass(frozen=True, slots=True)
class DocstringExample:
    """An example in a docstring: a call of the function with plain arguments.

    Attributes:
        arguments: Parameter → argument.
        raises: The exception that it is shown to raise; None where it is shown to return.
    """

    arguments: tuple[tuple[str, object], ...]
    raises: str | None


def from_docstring(doc: str, function: str, parameters: tuple[str, ...]) -> list[DocstringExample]:
    """Return the doctest examples that call this function, with literals as arguments."""
    found: list[DocstringExample] = []
    for text, wanted in _blocks(doc):
        arguments = _arguments(text, function, parameters)
        if arguments is not None:
            found.append(DocstringExample(arguments, _raised(wanted)))
    return found[:_MOST]


def _blocks(doc: str) -> Iterator[tuple[str, list[str]]]:
    """Yield each statement with the lines of its expected output."""
    source, wanted = "", list[str]()
    for raw in [*textwrap.dedent(doc).splitlines(), ""]:
        line = raw.strip()
        if line.startswith(_MORE) and source and not wanted:
            source += f"\n{line.removeprefix(_MORE)}"
        elif line.startswith(_PROMPT) or not line:
            if source:
                yield source, wanted
            source, wanted = line.removeprefix(_PROMPT), []
        elif source:
            wanted.append(line)


def _arguments(text: str, function: str, parameters: tuple[str, ...]) -> tuple[tuple[str, object], ...] | None:
    try:
        call = parse_expression(text.strip())
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name) or call.func.id != function:
            return None
        given = dict(zip(parameters, map(ast.literal_eval, call.args), strict=False))
        given |= {keyword.arg: ast.literal_eval(keyword.value) for keyword in call.keywords if keyword.arg is not None}
    except (SyntaxError, ValueError, TypeError, MemoryError, RecursionError):
        return None
    return tuple(given.items())


def _raised(wanted: list[str]) -> str | None:
    if not wanted or not wanted[0].startswith("Traceback (most recent call last)"):
        return None
    return wanted[-1].partition(":")[0].strip()
