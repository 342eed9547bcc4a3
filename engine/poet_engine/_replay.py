"""Replay of a recorded call: the job, the policy, and the comparison of the two answers.

A journal and the versions beside it may come with a cloned project. No name in them becomes a path, and a journal does
not choose a policy that requires fewer isolation checks.
"""

import dataclasses
import re
from collections.abc import Callable

from poet_engine._equality import same
from poet_engine._located_job import LocatedJob
from poet_engine.errors import UsageError
from poet_engine.events import ExecutionEvent, ExecutionPayload, FeedbackEvent, RecordingEvent, RecordingPayload
from poet_engine.job import Job
from poet_engine.journal import Journal
from poet_engine.journal.recordings import read, read_arguments
from poet_engine.outcome import Outcome
from poet_engine.policy import Policy
from poet_engine.policy.documents import presets
from poet_engine.policy.model import Wall
from poet_engine.versions import FunctionStore, StoredVersion, StoreError, VersionStore

CURRENT = "current"

_STORED = re.compile(r"v\d+")
_TURN_ON = "turn recording on with @poet(record=True) or POET_RECORD=1, and call it again"


@dataclasses.dataclass(frozen=True, slots=True)
class RecordedCall:
    """The events that a journal has of a call.

    Attributes:
        call: The payload of the call's event, if there is one.
        recording: The payload with its arguments and result, if it was recorded.
    """

    call: ExecutionPayload | None
    recording: RecordingPayload | None


@dataclasses.dataclass(frozen=True, slots=True)
class Compared:
    """The comparison of the recorded answer with the new one.

    Attributes:
        value: The recorded value; None where there was none, or it was not kept.
        same: Whether both values are the same; None where that is unknown.
        said: The result in one sentence.
    """

    value: object
    same: bool | None
    said: str


def find(journal: Journal, execution: str) -> RecordedCall | None:
    """Return the events that a journal has of a call; None where it has none.

    Args:
        journal: The journal to search.
        execution: The id of the call, or of one of its events.

    Raises:
        JournalError: The journal cannot be read.
    """
    if not journal.find(execution_id=execution, limit=1):
        event = journal.get(execution)
        if not isinstance(event, ExecutionEvent | FeedbackEvent | RecordingEvent):
            return None
        execution = event.payload.execution_id
    calls = journal.find(type="function.execution", execution_id=execution, limit=1)
    recordings = journal.find(type="function.recording", execution_id=execution, limit=1)
    call = next((event.payload for event in calls if isinstance(event, ExecutionEvent)), None)
    recording = next((event.payload for event in recordings if isinstance(event, RecordingEvent)), None)
    return None if call is None and recording is None else RecordedCall(call, recording)


def recording_of(found: RecordedCall) -> RecordingPayload:
    """Return the recording of a call.

    Raises:
        UsageError: There is none; the message has the reason and how to record one.
    """
    if found.recording is not None:
        return found.recording
    call = found.call
    if call is None or _STORED.fullmatch(call.asked or call.version):
        raise UsageError(f"that call was not recorded, so its arguments are not known; {_TURN_ON}")
    if call.version != "original":
        raise UsageError("that was the run of a bare source, which is not recorded; `poet run` runs it again")
    why = f" ({call.fallback_reason})" if call.fallback_reason else ""
    raise UsageError(f"no version was asked for that call{why}, so there is nothing to run again in a sandbox")


def version_of(store: VersionStore, recording: RecordingPayload, wanted: str | None) -> StoredVersion:
    """Return the version to run.

    Args:
        store: The versions beside the journal.
        recording: The recorded call.
        wanted: `v1` and so on, or `current`; None for the version of the recorded call.

    Raises:
        UsageError: There is no such version any more, it was edited, or the name is no version's.
        StoreError: The version is damaged.
    """
    versions = store.function(recording.folder)
    found = versions.current() if wanted == CURRENT else _stored(versions, wanted or recording.version)
    if found is None:
        raise UsageError(f"{versions.path}: no version serves now; name one with --version")
    if not found.intact:
        raise UsageError(
            f"{found.path / 'code.py'} was edited after it was stored, so it is not the code that answered then; "
            "restore it, have it scanned as a version of its own with .poet.adopt(code), or name another with --version"
        )
    return found


def _stored(versions: FunctionStore, name: str) -> StoredVersion:
    known = versions.names()
    try:
        return versions.version(name)
    except StoreError as error:
        if name in known:
            raise
        raise UsageError(
            f"{error}: it was removed, or the journal is not where it was; name one that is there with --version"
        ) from None


def job_of(recording: RecordingPayload, version: StoredVersion) -> Job:
    """Return the job that repeats a recorded call with a version.

    Raises:
        UsageError: The arguments were left out, or cannot be read.
    """
    if recording.arguments is None:
        raise UsageError(
            f"the arguments of that call were not kept: {recording.left_out}; a call with smaller or plainer ones "
            "(docs/values.md says what travels) can be run again"
        )
    args, kwargs = read_arguments(recording.arguments)
    return LocatedJob(
        source=version.code,
        entry=recording.function_name.rpartition(".")[2],
        args=args,
        kwargs=kwargs,
        filename=f"{recording.folder}/{version.name}/code.py",
        path=str(version.path / "code.py"),
    )


def policy_of(recording: RecordingPayload, resolve: Callable[[str], Policy]) -> Policy:
    """Return the policy of the recorded call, resolved anew.

    Args:
        recording: The recorded call.
        resolve: Returns the policy that holds here for a preset.

    Raises:
        UsageError: A journal may not choose that policy.
    """
    mend = "name the policy to run it under with --policy"
    if recording.policy not in presets():
        raise UsageError(
            f"the policy of then, {recording.policy!r}, is no preset, and a journal names no files; {mend}"
        )
    policy = resolve(recording.policy)
    missing = sorted(frozenset(Wall) - policy.isolation.require)
    if missing:
        raise UsageError(
            f"the policy of then, {recording.policy!r}, does not require {', '.join(missing)}, which a journal may not "
            f"do without; {mend}"
        )
    return policy


def compare(recording: RecordingPayload, now: Outcome) -> Compared:
    """Compare the new outcome with the recorded answer."""
    then, unreadable = _answer(recording)
    if not now.ok:
        return Compared(then, same=False, said=f"it failed now: {now.describe()}")
    if recording.error is not None:
        return Compared(None, same=False, said=f"it has a value now; then it raised {recording.error.type}")
    if unreadable is not None:
        return Compared(None, same=None, said=f"whether the value is the same cannot be told: {unreadable}")
    alike = same(then, now.value)
    said = {True: "the value is the same", False: "the value is another", None: "the values cannot be compared"}[alike]
    return Compared(then, alike, said)


def _answer(recording: RecordingPayload) -> tuple[object, str | None]:
    """Return the recorded value, and the reason where it is unknown."""
    if recording.error is not None:
        return None, None
    if recording.answer is None:
        return None, f"that of then was not kept ({recording.left_out})"
    try:
        return read(recording.answer), None
    except UsageError as error:
        return None, str(error)
