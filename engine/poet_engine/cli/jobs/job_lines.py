"""The file of jobs: strict JSON lines `{id, source, entry, args?, kwargs?}`, read as a stream."""

import contextlib
import dataclasses
import hashlib
import json
import keyword
import os
import stat
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Self

from poet_engine.cli.json_arguments import arguments, named, parse_json
from poet_engine.cli.source_files import MOST_BYTES, decode, open_regular
from poet_engine.errors import UsageError
from poet_engine.job import Job

_FORM = 'a job is one line such as {"id": "a", "source": "def f(x):\\n    return x\\n", "entry": "f", "args": [1]}'
_REQUIRED = ("id", "source", "entry")
_KNOWN = frozenset((*_REQUIRED, "args", "kwargs"))
_LONGEST_ID = 200  # characters: it stands in every result, and marks a torn first line of results as one
_DIGEST_DIGITS = 32
_encode = json.JSONEncoder(separators=(",", ":")).encode
_BOM = b"\xef\xbb\xbf"
_STDIN = "-"
_MOST_PIPED = 1 << 30  # bytes that are kept of what comes through a pipe, since jobs are read twice
_PIECE = 1 << 20


@dataclasses.dataclass(frozen=True, slots=True)
class JobLine:
    """One job of a file.

    Attributes:
        number: Its line, from 1.
        job: What to run.
        digest: Hexadecimal; two jobs have the same when source, entry and arguments are the same.
    """

    number: int
    job: Job
    digest: str


@dataclasses.dataclass(frozen=True, slots=True)
class FaultyLine:
    """One line that holds no job.

    Attributes:
        number: Which, from 1.
        complaint: The file, the line, what is wrong and what would be right.
    """

    number: int
    complaint: str


class JobsFile:
    """A file of jobs. It is read twice, so what comes through a pipe is kept in a temporary file first.

    Args:
        path: As the user named it.
        file: Open for reading.
        wall: Seconds that each job may take, when that is less than the policy's limit.
    """

    def __init__(self, path: Path, file: BinaryIO, wall: float | None) -> None:
        self.path, self._file, self._wall = path, file, wall
        self._stack = contextlib.ExitStack()
        self._last = 0  # the number of the last line, once all were read

    def __repr__(self) -> str:
        return f"<JobsFile {self.path}>"

    @classmethod
    def open(cls, path: Path, *, wall: float | None = None) -> Self:
        """Open a file of jobs.

        Args:
            path: As the user named it; `-` is standard input.
            wall: Seconds that each job may take, when that is less than the policy's limit.

        Raises:
            UsageError: It is missing, neither a regular file nor a pipe, or cannot be opened.
        """
        with contextlib.ExitStack() as stack:
            if str(path) == _STDIN:
                path, file = Path("standard input"), _kept(_stdin(), "standard input", stack)
            else:
                file = stack.enter_context(open_regular(path, pipes=True))
                if stat.S_ISFIFO(os.fstat(file.fileno()).st_mode):
                    file = _kept(file, str(path), stack)
            opened = cls(path, file, wall)
            opened._stack = stack.pop_all()
            return opened

    def fileno(self) -> int:
        """Return the descriptor of the open file."""
        return self._file.fileno()

    def lines(self) -> Iterator[JobLine | FaultyLine]:
        """Read every line that is not empty, from the start.

        Raises:
            UsageError: The file cannot be read on.
        """
        for number, raw in self._raw_lines():
            label = f"{self.path}:{number}"
            if raw is None:
                yield FaultyLine(number, f"{label} is longer than the {MOST_BYTES} bytes that a job may have")
            elif raw.strip():
                yield _read(raw, number, label, self._wall)
            self._last = max(self._last, number)

    def jobs(self) -> Iterator[JobLine]:
        """Read the jobs of a file in which every line was seen to hold one; lines that were added since are left out.

        Raises:
            UsageError: It was changed since.
        """
        last = self._last
        for line in self.lines():
            if line.number > last:
                return
            if isinstance(line, FaultyLine):
                raise UsageError(f"{self.path} was changed while its jobs ran: {line.complaint}")
            yield line

    def _raw_lines(self) -> Iterator[tuple[int, bytes | None]]:
        """Read each line with its number; None for one that is too long to be kept."""
        try:
            self._file.seek(0)
            number = 0
            while raw := self._file.readline(MOST_BYTES + 1):
                number += 1
                whole = len(raw) <= MOST_BYTES
                while len(raw) > MOST_BYTES and not raw.endswith(b"\n"):
                    raw = self._file.readline(MOST_BYTES + 1)
                yield number, (raw.removeprefix(_BOM) if number == 1 else raw) if whole else None
        except OSError as error:
            raise UsageError(f"cannot read {self.path}: {error.strerror}") from error

    def __enter__(self) -> Self:
        """Return the file itself."""
        return self

    def __exit__(self, *_exc_info: object) -> None:
        """Close the file."""
        self._stack.close()


def _stdin() -> BinaryIO:
    if sys.stdin is None:
        raise UsageError("--jobs - reads standard input, but it is closed")
    return sys.stdin.buffer


def _kept(stream: BinaryIO, label: str, stack: contextlib.ExitStack) -> BinaryIO:
    """Copy a stream until its end into a temporary file without a name."""
    try:
        file = stack.enter_context(tempfile.TemporaryFile())  # noqa: SIM115 - the stack closes it
        while piece := stream.read(_PIECE):
            if file.tell() + len(piece) > _MOST_PIPED:
                raise UsageError(f"{label} gives more than {_MOST_PIPED >> 30} GiB of jobs; write them to a file first")
            file.write(piece)
        file.seek(0)  # and what was written is flushed
    except OSError as error:
        raise UsageError(f"cannot read {label}: {error.strerror}; write the jobs to a file first") from error
    return file


def _read(raw: bytes, number: int, label: str, wall: float | None) -> JobLine | FaultyLine:
    try:
        return _parse(raw, number, label, wall)
    except UsageError as error:
        return FaultyLine(number, str(error))


def _parse(raw: bytes, number: int, label: str, wall: float | None) -> JobLine:
    fields = parse_json(decode(raw, label), label, form=_FORM)
    if not isinstance(fields, dict):
        raise UsageError(f"{label} is {named(fields)}; {_FORM}")
    unknown = sorted(fields.keys() - _KNOWN)
    if unknown:
        raise UsageError(f"{label} has the unknown key {unknown[0]!r}; a job has id, source, entry, args and kwargs")
    name, source, entry = (_text(fields, key, label) for key in _REQUIRED)
    if not name or len(name) > _LONGEST_ID:
        raise UsageError(f"{label}: the id has {len(name)} characters; give it 1 to {_LONGEST_ID}")
    if not entry.isidentifier() or keyword.iskeyword(entry):
        raise UsageError(f"{label}: the entry {entry[:80]!r} is no function name; name one at the top of the source")
    args, kwargs = _arguments(fields, label)
    digest = hashlib.sha256(_encode([source, entry, args, kwargs]).encode()).hexdigest()[:_DIGEST_DIGITS]
    return JobLine(number, Job(source=source, entry=entry, args=args, kwargs=kwargs, wall=wall, id=name), digest)


def _text(fields: dict[str, object], key: str, label: str) -> str:
    if key not in fields:
        raise UsageError(f"{label} has no {key!r}; {_FORM}")
    value = fields[key]
    if not isinstance(value, str):
        raise UsageError(f"{label}: {key!r} is {named(value)}, but must be text; {_FORM}")
    return value


def _arguments(fields: dict[str, object], label: str) -> tuple[tuple[object, ...], dict[str, object]]:
    args, kwargs = arguments(fields.get("args", []), f"{label}: 'args'")
    if "kwargs" not in fields:
        return args, kwargs
    if kwargs:
        raise UsageError(f"{label} has keyword arguments in 'args' and in 'kwargs'; put all of them into 'kwargs'")
    rest, kwargs = arguments(fields["kwargs"], f"{label}: 'kwargs'")
    if rest or fields["kwargs"] == []:
        raise UsageError(f"{label}: 'kwargs' is an array, but must be an object with the names of parameters as keys")
    return args, kwargs
