"""Where the command line prints: colour and lines on a terminal, plain text in a pipe, one JSON document on request."""

import contextlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import IO

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from poet_engine.errors import UsageError

# What can move the cursor, colour the screen or turn the direction of text: control characters but newline and tab,
# and the bidirectional controls. Guests and files choose the text that we print, so none of it reaches a terminal.
_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def safe(text: str) -> str:
    """`text` with every character that could act on a terminal written as its escape in Python."""
    return _UNSAFE.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), text.replace("\r\n", "\n"))


class Screen:
    """Standard output and standard error of one command.

    Args:
        out: Standard output.
        err: Standard error.
        as_json: Whether standard output carries one JSON document and nothing else.
    """

    def __init__(self, out: IO[str], err: IO[str], *, as_json: bool) -> None:
        self.as_json = as_json
        self._out = _console(out)
        self._err = _console(err)

    def __repr__(self) -> str:
        """Which of its forms it prints."""
        return f"Screen(as_json={self.as_json}, terminal={self._out.is_terminal})"

    @property
    def errors(self) -> Console:
        """Standard error, for what is drawn there while a command runs."""
        return self._err

    def line(self, text: str = "", *, style: str = "") -> None:
        """Print text, made safe and never cut; nothing when the output is JSON."""
        if not self.as_json:
            with _writing():
                self._out.print(Text(safe(text), style=style), soft_wrap=True)

    def heading(self, text: str) -> None:
        """Print an empty line and a title."""
        self.line()
        self.line(text, style="bold")

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Print a table: drawn on a terminal, and aligned text with whole values in a pipe."""
        if self.as_json:
            return
        cells = [[safe(cell).replace("\n", " ") for cell in row] for row in (columns, *rows)]
        if self._out.is_terminal:
            with _writing():
                self._out.print(_drawn(cells[0], cells[1:]))
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
        self._err.print(Text(safe(text)), soft_wrap=True)

    def fail(self, error: Exception, *, exit_code: int) -> None:
        """Say in one sentence why the command ends."""
        message = safe(" ".join(str(error).split())) or type(error).__name__
        self._err.print(Text.assemble(("poet: error:", "bold red"), f" {message}"), soft_wrap=True)
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


def _console(file: IO[str]) -> Console:
    return Console(file=file, markup=False, highlight=False, emoji=False)


def _drawn(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    return table
