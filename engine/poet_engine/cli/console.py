"""Print a command's output: colour and lines on a terminal, plain text in a pipe, one JSON document on request.

rich, which draws, is loaded where something is drawn: it takes longer than a short run in a pipe may.
"""

import contextlib
import functools
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import IO, TYPE_CHECKING, Self

from poet_engine._text import for_terminal
from poet_engine.errors import UsageError

if TYPE_CHECKING:
    from rich.console import Console


class _TerminalStream:
    """One of the standard streams, which rich draws on where it is a terminal, and which else takes plain text.

    Args:
        file: The stream; None where it was closed before this process began.
    """

    def __init__(self, file: IO[str] | None) -> None:
        self.file = file

    @functools.cached_property
    def is_terminal(self) -> bool:
        """Whether what is printed is drawn: on a terminal, or where the environment asks for it in a pipe."""
        from poet_engine._env import drawing_is_forced  # noqa: PLC0415 - a command that fails to parse needs no settings

        if self.file is None or not (self.file.isatty() or drawing_is_forced()):
            return False
        return self.console.is_terminal

    @functools.cached_property
    def console(self) -> "Console":
        """The console of rich that draws on this stream."""
        from rich.console import Console  # noqa: PLC0415 - see the module's docstring

        return Console(file=self.file, markup=False, highlight=False, emoji=False)

    def print(self, text: str, *, style: str = "", lead: str = "") -> None:
        """Print safe text and a line's end, flushed; tabs become spaces.

        Args:
            text: What to print.
            style: How rich draws it.
            lead: What stands before it in bold red.
        """
        if self.is_terminal or ("\t" in text and not text.isascii()):  # rich knows how wide characters move tabs
            from rich.text import Text  # noqa: PLC0415 - see the module's docstring

            self.console.print(Text.assemble((lead, "bold red"), Text(text, style=style)), soft_wrap=True)
        elif self.file is not None:
            print(f"{lead}{text}".expandtabs(), file=self.file, flush=True)


class Screen:
    """Standard output and standard error of one command.

    Args:
        out: Standard output.
        err: Standard error.
        as_json: Whether standard output carries one JSON document and nothing else.
    """

    def __init__(self, out: IO[str] | None, err: IO[str] | None, *, as_json: bool) -> None:
        self.as_json = as_json
        self._out, self._err = _TerminalStream(out), _TerminalStream(err)

    @classmethod
    def standard(cls, *, as_json: bool) -> Self:
        """Return the screen of this process's own streams."""
        return cls(sys.stdout, sys.stderr, as_json=as_json)

    def __repr__(self) -> str:
        """Name the form of the output, and whether it is drawn."""
        return f"Screen(as_json={self.as_json}, terminal={self._out.is_terminal})"

    @property
    def is_watched(self) -> bool:
        """Whether somebody reads along: standard output is a terminal, and not JSON."""
        return not self.as_json and self._out.file is not None and self._out.file.isatty()

    @property
    def errors(self) -> "Console":
        """Standard error as rich sees it, for what is drawn there while a command runs."""
        return self._err.console

    def line(self, text: str = "", *, style: str = "") -> None:
        """Print text, made safe and never cut; nothing when the output is JSON."""
        if not self.as_json:
            with _writing():
                self._out.print(for_terminal(text), style=style)

    def heading(self, text: str) -> None:
        """Print an empty line and a title."""
        self.line()
        self.line(text, style="bold")

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Print a table: drawn on a terminal, and aligned text with whole values in a pipe."""
        if self.as_json:
            return
        cells = [[for_terminal(cell).replace("\n", " ") for cell in row] for row in (columns, *rows)]
        if self._out.is_terminal:
            with _writing():
                _draw_table(self._out.console, cells[0], cells[1:])
            return
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        for row in cells:
            padded = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
            self.line("  ".join(padded).rstrip())

    def document(self, content: Mapping[str, object]) -> None:
        """Print the one JSON document, in ASCII; nothing when the output is text."""
        if self.as_json:
            with _writing():
                # Straight to the file, since the console would wrap it; flushed, so that a full disk is noticed here.
                print(json.dumps(content, indent=2, allow_nan=False), file=self._out.file, flush=True)

    def note(self, text: str) -> None:
        """Print text on standard error, whatever form the output has."""
        self._err.print(for_terminal(text))

    def fail(self, error: Exception, *, exit_code: int) -> None:
        """Say in one sentence why the command ends."""
        message = for_terminal(" ".join(str(error).split())) or type(error).__name__
        self._err.print(f" {message}", lead="poet: error:")
        with contextlib.suppress(UsageError):  # the error may be that standard output cannot be written
            self.document({"error": {"type": type(error).__name__, "message": str(error), "exit_code": exit_code}})


@contextlib.contextmanager
def _writing() -> Iterator[None]:
    """Turn a standard output that takes no more into an error for the user; a reader that went away is not one."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise UsageError(f"standard output cannot be written: {error.strerror}") from error


def _draw_table(console: "Console", columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    from rich import box  # noqa: PLC0415 - see the module's docstring
    from rich.table import Table  # noqa: PLC0415 - the same
    from rich.text import Text  # noqa: PLC0415 - the same

    table = Table(box=box.SIMPLE_HEAD, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    console.print(table)
