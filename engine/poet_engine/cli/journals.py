"""The journals below the folder that a command runs in."""

import contextlib
import itertools
import os
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path

from poet_engine.cli.console import Screen
from poet_engine.errors import UsageError
from poet_engine.journal import Journal, JournalError

_PLACE = Path("events", "journal.db")
_DEEPEST = 4  # folders below the current one


def find(chosen: Path | None, *, here: Path, home: Path) -> Iterator[Path]:
    """Find the journal that was chosen; or else those of the current folder, of the state folder, and below both.

    Others' are passed over, and so is what lies above: opening a journal brings its schema up to date.

    Args:
        chosen: What the user named.
        here: The current folder.
        home: The state folder; it need not exist.

    Raises:
        UsageError: There is no such file.
    """
    if chosen is not None:
        if not chosen.is_file():
            raise UsageError(f"there is no journal {chosen}; it is the file events/journal.db in a .poet folder")
        yield chosen
        return
    seen: set[Path] = set()
    for root in itertools.chain((here / ".poet", home), _below(home, 1), _below(here, _DEEPEST)):
        path = root / _PLACE
        if path not in seen and _ours(path):
            seen.add(path)
            yield path


def opened(screen: Screen, paths: Iterator[Path]) -> Generator[tuple[Path, Journal], None, None]:
    """Open each journal while it is looked at; name one that cannot be opened, and pass it over."""
    for path in paths:
        with contextlib.ExitStack() as closing:
            try:
                journal = closing.enter_context(Journal.open(path))
            except JournalError as error:
                screen.note(f"poet: passed over: {error}")
            else:
                yield path, journal


def unknown(execution: str, looked: Sequence[str]) -> str:
    """Return the message for a call that no journal knows.

    Args:
        execution: What was asked for.
        looked: The journals that were looked through.
    """
    where = f"looked in {', '.join(looked)}" if looked else "found no journal below this folder"
    return (
        f"no call has the id {execution!r}: {where}; take the id from `execution_id` of a call, outcome or event, and "
        "name its journal with --journal .poet/events/journal.db"
    )


def _ours(path: Path) -> bool:
    try:
        return path.is_file() and path.stat().st_uid == os.geteuid()
    except OSError:
        return False


def _below(folder: Path, deepest: int) -> Iterator[Path]:
    """Find the `.poet` folders below a folder; other hidden ones are not entered."""
    top = len(folder.parts)
    for place, names, _files in os.walk(folder):
        depth = len(Path(place).parts) - top
        if depth and ".poet" in names:
            yield Path(place, ".poet")
        names[:] = [] if depth >= deepest else sorted(name for name in names if not name.startswith("."))
