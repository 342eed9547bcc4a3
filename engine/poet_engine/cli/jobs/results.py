"""The file of results: one line for each job, appended whole or not at all, and read again to go on."""

import contextlib
import fcntl
import json
import os
import re
from pathlib import Path
from typing import Self

from poet_engine import _files
from poet_engine.cli.formatting import outcome_document
from poet_engine.cli.jobs.job_lines import JobLine
from poet_engine.cli.jobs.seen_ids import Ledger
from poet_engine.errors import UsageError
from poet_engine.outcome import Outcome, Status

_LONGEST = 256 * 1024 * 1024  # bytes of a line; a value that needs more is left out, so that the file can be read again
_HEAD = re.compile(rb'\{"id":"(?:[^"\\]|\\.)*","job_digest":"[0-9a-f]{32}","status":"')
_DIGEST = re.compile("[0-9a-f]{32}", re.ASCII)
_encode = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode
_STATUSES = tuple(Status)
_MARK_BITS = 56  # of a job's digest; the remaining 8 hold the status


def result_line(outcome: Outcome, digest: str, policy: str) -> bytes:
    """Return an outcome as a line of results; a value that has no form as text does not lose the rest."""
    try:
        line = _line(outcome_document(outcome), outcome, digest, policy)
    except Exception:  # noqa: BLE001 - whatever a value does while it is shown, its job has ended and must be written
        line = b""
    if not line or len(line) > _LONGEST:
        document = outcome_document(Outcome(status=outcome.status, cause=outcome.cause, usage=outcome.usage))
        document["value"] = {"$object": f"{type(outcome.value).__module__}.{type(outcome.value).__qualname__}"}
        line = _line(document, outcome, digest, policy)
    return line


def _line(document: dict[str, object], outcome: Outcome, digest: str, policy: str) -> bytes:
    document.pop("id")
    head = {"id": outcome.job_id, "job_digest": digest}
    tail = {"execution_id": outcome.execution_id or None, "policy_digest": policy}
    return _encode({**head, **document, **tail}).encode() + b"\n"


class Results:
    """A file of results that no other run writes to; a context manager.

    Args:
        path: As the user named it.
        descriptor: Open for reading and appending, and locked.
        policy: The digest of the policy under which results are made.
        salt: Unpredictable bytes.
    """

    def __init__(self, path: Path, descriptor: int, policy: str, salt: bytes) -> None:
        self.path, self._fd, self._policy = path, descriptor, policy
        self._ledger = Ledger(salt)
        self._size = 0  # where the last whole line ends
        self.torn = 0
        self._made = False

    def __repr__(self) -> str:
        return f"<Results {self.path} earlier={len(self)}>"

    def __len__(self) -> int:
        """Count the results that were there before."""
        return len(self._ledger)

    @classmethod
    def open(cls, path: Path, *, policy: str, salt: bytes) -> Self:
        """Open the file, or make it; lock it, and read which jobs have a result.

        Raises:
            UsageError: It cannot be written, another run has it, or it holds something else than results under this
                policy.
        """
        made = not os.path.lexists(path)
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NONBLOCK, 0o666)
        except (OSError, ValueError) as error:  # ValueError: a null byte in the name
            reason = error.strerror if isinstance(error, OSError) else str(error)
            raise UsageError(f"cannot write {path}: {reason}; name a file in a folder that you may write to") from error
        with contextlib.ExitStack() as undo:
            undo.callback(os.close, descriptor)
            try:
                _files.refuse_other(os.fstat(descriptor))
            except _files.IrregularFileError as error:
                raise UsageError(f"cannot write {path}: it is {error}") from error
            _lock(descriptor, path)
            opened = cls(path, descriptor, policy, salt)
            opened._read()
            opened._made = made
            undo.pop_all()
        return opened

    def is_file(self, descriptor: int) -> bool:
        """Whether another descriptor is of the same file."""
        return os.path.sameopenfile(self._fd, descriptor)

    def of(self, line: JobLine) -> Status | None:
        """Return how a job ended, or None where it has no result.

        Raises:
            UsageError: The result is that of another job with the same id.
        """
        found = self._ledger.find(line.job.id)
        if found is None:
            return None
        mark, number = found
        if mark >> 8 != _short(line.digest):
            raise UsageError(
                f"the job {line.job.id!r} was changed since its result was written on line {number} of {self.path}; "
                "give it another id, or take that line out, or name another --out"
            )
        return _STATUSES[mark & 0xFF]

    def begin(self) -> None:
        """Cut off what a kill has left of a line, before the first one is appended.

        Raises:
            UsageError: The file cannot be written.
        """
        try:
            os.ftruncate(self._fd, self._size)
        except OSError as error:
            raise self._unwritable(error) from error

    def append(self, line: bytes) -> None:
        """Append one line; what cannot be written whole is not there at all.

        Raises:
            UsageError: The disk is full, or the file cannot be written any more.
        """
        try:
            left = memoryview(line)
            while left:
                left = left[os.write(self._fd, left) :]
        except BaseException as error:
            with contextlib.suppress(OSError):
                os.ftruncate(self._fd, self._size)
            if isinstance(error, OSError):
                raise self._unwritable(error) from error
            raise
        self._size += len(line)

    def _unwritable(self, error: OSError) -> UsageError:
        return UsageError(
            f"{self.path} cannot be written on: {error.strerror}; mend that and run the same command again"
        )

    def _read(self) -> None:
        with open(self._fd, "rb", closefd=False) as file:
            lines = iter(lambda: file.readline(_LONGEST + 2), b"")
            for number, line in enumerate(lines, 1):
                if len(line) > _LONGEST + 1:
                    raise self._foreign(number)
                if not line.endswith(b"\n"):
                    self._recognise_torn(line, number)
                    break
                self._take_in(line, number)
                self._size += len(line)
        self._ledger.sort()
        double = next(self._ledger.doubles(), None)
        if double is not None:
            raise UsageError(
                f"{self.path} holds two results of one job, on the lines {double[0]} and {double[1]}; take one out"
            )

    def _recognise_torn(self, line: bytes, number: int) -> None:
        if number == 1 and not _HEAD.match(line):
            raise self._foreign(number)
        self.torn = len(line)

    def _take_in(self, line: bytes, number: int) -> None:
        try:
            fields: object = json.loads(line)
        except (ValueError, RecursionError):
            fields = None
        match fields:
            case {"id": str(name), "job_digest": str(digest), "status": str(status), "policy_digest": str(policy)} if (
                status in _STATUSES and _DIGEST.fullmatch(digest)
            ):
                if policy != self._policy:
                    raise UsageError(
                        f"{self.path}:{number} was made under another policy; go on with the policy of before, or name "
                        "another --out"
                    )
                self._ledger.add(name, _short(digest) << 8 | _STATUSES.index(Status(status)), number)
            case _:
                raise self._foreign(number)

    def _foreign(self, number: int) -> UsageError:
        return UsageError(
            f"{self.path}:{number} is no result of poet run, so the file is left as it is; name another --out"
        )

    def __enter__(self) -> Self:
        """Return the file itself."""
        return self

    def __exit__(self, *_exc_info: object) -> None:
        """Close the file; one that this run has made and not written to is taken away again."""
        with contextlib.suppress(OSError):
            if self._made and os.fstat(self._fd).st_size == 0:
                self.path.unlink()
        os.close(self._fd)


def _lock(descriptor: int, path: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise UsageError(
            f"another run writes its results to {path}; wait for its end, or name another --out"
        ) from error
    except OSError as error:
        raise UsageError(f"cannot lock {path}: {error.strerror}; name a file on a local disk") from error
    if os.fstat(descriptor).st_nlink == 0:  # by another run, between our opening and locking it
        raise UsageError(f"{path} was taken away while it was opened; run the same command again")


def _short(digest: str) -> int:
    return int(digest, 16) >> (4 * len(digest) - _MARK_BITS)
