"""The audit trail of a function's versions: lines of JSON, each with the digest of the line before.

The chain reveals a line that was edited, removed from the middle or moved. It cannot reveal that the last lines were
cut off, nor that somebody with write access has rewritten the whole file.
"""

import dataclasses
import json
import os
from collections.abc import Sequence
from pathlib import Path

from poet_engine.versions import files
from poet_engine.versions.records import digest

_FILE, _OLDER = "audit.jsonl", "audit.1.jsonl"
_FILE_BYTES = 250_000  # then it becomes the older file; together they stay below the promised overhead
_READ_BYTES = 1_000_000
_TEXT = 500  # characters of an actor's name or a reason
_START = "0" * 64


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class AuditAction:
    """A change to a function's versions, for the audit trail.

    Attributes:
        actor: The person or program that made it.
        action: `add`, `promote`, `rollback`, `pin`, `unpin`, `remove`, `prune`; and `found`, `found_current` if
            the store finds a version without an entry, after a crash or because somebody else put it there.
        version: The name of the version.
        reason: The reason, in the actor's words.
        code_digest: The digest of the version's code, where it matters.
    """

    actor: str
    action: str
    version: str
    reason: str
    code_digest: str = ""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry(AuditAction):
    """A line of the audit trail: a change and its place in the chain.

    Attributes:
        sequence: 1, 2, 3, …
        at: Seconds since the Unix epoch.
        previous: The digest of the line before; zeros for the first.
        digest: SHA-256 of all other fields, as canonical JSON.
    """

    sequence: int
    at: float
    previous: str
    digest: str = ""

    def sealed(self) -> "AuditEntry":
        """Return the entry with its digest."""
        return dataclasses.replace(self, digest=self.expected_digest())

    def expected_digest(self) -> str:
        """Return the digest that the entry must have: of its other fields."""
        content = {name: value for name, value in dataclasses.asdict(self).items() if name != "digest"}
        return digest(json.dumps(content, sort_keys=True, separators=(",", ":")).encode())


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class AuditReport:
    """The result of `verify_audit()`.

    Attributes:
        intact: Whether the chain holds and agrees with the versions.
        entries: The number of lines that were read.
        problem: The first thing that is wrong, with its line or version.
    """

    intact: bool
    entries: int
    problem: str | None = None


def append(at: int, where: Path, deed: AuditAction, *, now: float) -> None:
    """Append a line, chained to the last one, and wait for the disk; the caller holds the function's lock.

    Args:
        at: Descriptor of the function's folder.
        where: Its path, for errors.
        deed: The change; long texts are cut.
        now: Seconds since the Unix epoch.
    """
    raw = _raw(_FILE, at, where)
    whole = raw[: raw.rfind(b"\n") + 1]  # a line without its end was being written when the machine stopped
    lines = (whole or _raw(_OLDER, at, where)).splitlines()
    if len(whole) > _FILE_BYTES:
        os.replace(_FILE, _OLDER, src_dir_fd=at, dst_dir_fd=at)
        whole = b""
    sequence, previous = 0, _START
    if lines:
        last = _parse(lines[-1])
        sequence, previous = (last.sequence, last.digest) if last is not None else (len(lines), digest(lines[-1]))
    told = dataclasses.asdict(dataclasses.replace(deed, actor=deed.actor[:_TEXT], reason=deed.reason[:_TEXT]))
    chained = AuditEntry(**told, sequence=sequence + 1, at=now, previous=previous).sealed()
    line = json.dumps(dataclasses.asdict(chained)).encode() + b"\n"
    files.append(_FILE, line, at=at, keep=len(whole))


def entries(at: int, where: Path) -> list[AuditEntry]:
    """Return all readable lines, the oldest first."""
    return [entry for entry in map(_parse, _lines(at, where)) if entry is not None]


def verify(at: int, where: Path) -> AuditReport:
    """Check the chain of digests and sequence numbers; the report has the first line that is wrong."""
    lines = _lines(at, where)
    before: AuditEntry | None = None
    for number, line in enumerate(lines, 1):
        entry = _parse(line)
        problem = _problem(entry, before)
        if entry is None or problem is not None:
            return AuditReport(intact=False, entries=len(lines), problem=f"line {number}: {problem}")
        before = entry
    return AuditReport(intact=True, entries=len(lines))


def _problem(entry: AuditEntry | None, before: AuditEntry | None) -> str | None:
    if entry is None:
        return "this is no entry"
    if entry.digest != entry.expected_digest():
        return "the entry was edited: its digest does not match"
    if before is None:
        # Where older files are gone, the chain starts with whatever is left.
        return None if entry.sequence > 1 or entry.previous == _START else "the first entry names one before it"
    if entry.previous != before.digest or entry.sequence != before.sequence + 1:
        return "an entry before this one was removed, moved or edited"
    return None


def _lines(at: int, where: Path) -> Sequence[bytes]:
    raw = _raw(_OLDER, at, where) + _raw(_FILE, at, where)
    return raw[: raw.rfind(b"\n") + 1].splitlines()


def _raw(name: str, at: int, where: Path) -> bytes:
    return files.read_if_there(name, at=at, limit=_READ_BYTES, where=where) or b""


def _parse(line: bytes) -> AuditEntry | None:
    try:
        found = json.loads(line)
        entry = AuditEntry(**found)
    except (ValueError, TypeError, RecursionError):  # not JSON, not an object, other fields
        return None
    kinds = {"sequence": int, "at": int | float}
    shaped = all(
        isinstance(getattr(entry, field.name), kinds.get(field.name, str)) for field in dataclasses.fields(AuditEntry)
    )
    return entry if shaped and not isinstance(entry.sequence, bool) else None


def told_by(entries: Sequence[AuditEntry]) -> tuple[set[str], str | None]:
    """Return the versions that exist and the version that serves, according to the audit trail."""
    known: set[str] = set()
    serving = None
    for entry in entries:
        if entry.action in {"add", "found"}:
            known.add(entry.version)
        elif entry.action in {"remove", "prune"}:
            known.discard(entry.version)
        elif entry.action in {"promote", "rollback", "found_current"}:
            serving = entry.version
    return known, serving
