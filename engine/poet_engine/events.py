"""The event types of the journal: frozen values, their JSON form, and their CloudEvents view (docs/events.md).

The module is in one piece because every shape inherits one strict form and is read by one function.
"""

import dataclasses
import datetime as dt
import functools
import json
import urllib.parse
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

from poet_engine import _json
from poet_engine._pydantic_errors import first_problem
from poet_engine.errors import UsageError

if TYPE_CHECKING:
    from pydantic import TypeAdapter

MAX_BYTES = 1_000_000  # an event's JSON form, in UTF-8
_MAX_ID = 200  # ours have 36 characters; producers outside may have their own
_END_OF_TIME = 253_402_300_800.0  # the year 10000, in seconds: the last that RFC 3339 can write is just before

_RANDOM_BYTES = 10  # 74 of these 80 bits end up in a UUIDv7


class EventError(UsageError):
    """Raised for an event that cannot be written or read: too large, not JSON, a missing, unknown or mistyped field."""


def uuid7(now_ms: int, random_bytes: bytes) -> uuid.UUID:
    """Return a UUIDv7: 48 bits of time, then randomness (RFC 9562, section 5.7).

    Args:
        now_ms: Milliseconds since the Unix epoch, 0 <= now_ms < 2**48.
        random_bytes: Exactly 10 unpredictable bytes.

    Raises:
        UsageError: The time or the number of bytes is out of range.
    """
    if not 0 <= now_ms < 1 << 48:
        raise UsageError(f"a UUIDv7 holds milliseconds from 0 to 2**48 - 1, not {now_ms}")
    if len(random_bytes) != _RANDOM_BYTES:
        raise UsageError(f"a UUIDv7 takes {_RANDOM_BYTES} random bytes, not {len(random_bytes)}")
    noise = int.from_bytes(random_bytes)
    rand_a = noise >> 68
    rand_b = noise & ((1 << 62) - 1)
    return uuid.UUID(int=now_ms << 80 | 0x7 << 76 | rand_a << 64 | 0b10 << 62 | rand_b)


@dataclasses.dataclass(frozen=True, slots=True)
class _StrictEvent:
    # Read by pydantic in `from_json`, inherited by every part of an event.
    __pydantic_config__ = {"strict": True, "extra": "forbid", "allow_inf_nan": False}  # noqa: RUF012 - ClassVar would make pydantic resolve it as a field's annotation


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class EventMetadata(_StrictEvent):
    """The program that recorded an event.

    Attributes:
        version: The version of the service that recorded the event.
        environment: The environment, such as `development` or `production`.
        service: The name of the program.
    """

    version: str
    environment: str
    service: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionMetrics(_StrictEvent):
    """The resources that a call used.

    Attributes:
        duration_ms: Elapsed milliseconds of all attempts.
        memory_mb: Peak growth in units of 10**6 bytes; 0.0 where nothing measures it.
        cpu_percent: Processor time over elapsed time, in percent of one core; above 100 with several.
    """

    duration_ms: float
    memory_mb: float
    cpu_percent: float


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionError(_StrictEvent):
    """The error of a call that failed, as text."""

    type: str
    message: str
    stack_trace: str | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FindingNote(_StrictEvent):
    """A finding about the version's source, or about the usage of the call.

    Attributes:
        rule: The id of the rule.
        effect: `enforce`, `warn`, `audit` or `waived`.
        line: The line in the source; 0 where there is none.
        note: The waiver's owner, last day and reason, or the policy that has the finding.
    """

    rule: str
    effect: str
    line: int = 0
    note: str = ""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Resources(_StrictEvent):
    """Limits or usage of a call; a field is left out where nothing limits or measures it.

    Attributes:
        wall_ms: Elapsed milliseconds.
        cpu_ms: Processor milliseconds.
        memory_bytes: The call's own growth at its peak, in bytes.
        tasks: Processes and threads at the same time.
        output_bytes: Bytes of stdout and stderr together.
        network_requests: Requests and connections.
    """

    wall_ms: float | None = None
    cpu_ms: float | None = None
    memory_bytes: int | None = None
    tasks: int | None = None
    output_bytes: int | None = None
    network_requests: int | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class AttemptNote(_StrictEvent):
    """An attempt of a call.

    Attributes:
        by: The code that was tried: `generated`, `previous_version` or `original`.
        result: `ok`, the outcome's status and cause, `raised` and the class, or `untried`.
        after_ms: Its start, in milliseconds after the call's.
        took_ms: Its duration, in milliseconds.
    """

    by: str
    result: str
    after_ms: float
    took_ms: float


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class DeniedNote(_StrictEvent):
    """A call of the kernel that the sandbox denied.

    Attributes:
        call: The name of the call.
        count: The number of times that it was tried.
    """

    call: str
    count: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class RefusalNote(_StrictEvent):
    """A refusal of a call by a part of the pipeline.

    Attributes:
        by: The part: `breaker`, `bulkhead`, `rate_limit` or `deadline`.
        reason: The reason in one sentence, with the breaker's name.
        retry_after: Seconds after which a retry might have succeeded, where that was known.
    """

    by: str
    reason: str
    retry_after: float | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionPayload(_StrictEvent):
    """A call of one version, or of the original.

    Attributes:
        function_name: The name of the called function.
        version: The version that `status` is about, such as `v1`, or `original`.
        execution_id: The id of the call, to which feedback and updates refer.
        start_time: Seconds since the Unix epoch.
        end_time: Seconds since the Unix epoch.
        status: The result of the named version, not of the answer that the caller got.
        metrics: The duration and usage of the call.
        error: The version's error, if it failed.
        outcome: `Outcome.status` of the last attempt.
        cause: `Outcome.cause` of the last attempt.
        served_by: The source of the answer: `generated`, `previous_version`, `original`, or `none` without one.
        attempts: The number of attempts of the first choice (a version or the original).
        queue_wait_ms: Time spent waiting for a place, in milliseconds.
        policy_digest: The digest of the policy that was in force.
        fallback_reason: The reason why the first choice did not answer.
        evidence: The evidence for the outcome, in one phrase.
        limits_hit: Every limit that was reached, in time order.
        findings: The gate's findings, those only recorded included; at most 50.
        late: True where the call ended after its deadline; a running original cannot always be stopped.
        asked: The version that should have answered, where it was not tried.
        blame: The party to blame for the outcome.
        sandbox: The name of the version's sandbox.
        policy: The name of the policy that was in force.
        deadline_ms: The deadline of the whole call, in milliseconds.
        budgets: The policy's limits for each attempt.
        usage: The usage of the last attempt.
        tries: Every attempt, in time order, at most 50, where there was more than one.
        denied: The calls of the kernel that the sandbox denied to the last attempt, and how often each was tried.
        refusals: The refusals of the call, in time order.
        module: The module, which distinguishes functions of one name in one folder: the file's name without `.py`;
            `notebook` for a cell. None for a bare source, and for a function without source.
    """

    function_name: str
    version: str
    execution_id: str
    start_time: float
    end_time: float
    status: Literal["success", "failure"]
    metrics: ExecutionMetrics
    error: ExecutionError | None = None
    outcome: str | None = None
    cause: str | None = None
    served_by: str | None = None
    attempts: int | None = None
    queue_wait_ms: float | None = None
    policy_digest: str | None = None
    fallback_reason: str | None = None
    evidence: str | None = None
    limits_hit: tuple[str, ...] | None = None
    findings: tuple[FindingNote, ...] | None = None
    late: bool | None = None
    asked: str | None = None
    blame: str | None = None
    sandbox: str | None = None
    policy: str | None = None
    deadline_ms: float | None = None
    budgets: Resources | None = None
    usage: Resources | None = None
    tries: tuple[AttemptNote, ...] | None = None
    denied: tuple[DeniedNote, ...] | None = None
    refusals: tuple[RefusalNote, ...] | None = None
    module: str | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FeedbackMetrics(_StrictEvent):
    """Measured feedback: rates from 0 to 1, `avg_duration` in milliseconds."""

    success_rate: float | None = None
    avg_duration: float | None = None
    error_rate: float | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FeedbackPayload(_StrictEvent):
    """Feedback about one call; the scale of `rating` is the caller's, and `module` is the call's."""

    function_name: str
    version: str
    execution_id: str
    feedback_type: Literal["performance", "error", "user", "system"]
    rating: float | None = None
    comments: str | None = None
    metrics: FeedbackMetrics | None = None
    suggestions: tuple[str, ...] | None = None
    module: str | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class UpdatePayload(_StrictEvent):
    """A change of the version that serves; `old_version` is None for the first one."""

    function_name: str
    old_version: str | None = None
    new_version: str
    reason: str
    changes: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class BreakerPayload(_StrictEvent):
    """A breaker's change of state, by itself or by a person; docs/resilience.md describes the states.

    Attributes:
        function_name: The function, as in the events of its calls; for the breaker of a backend, `backend` and its
            name.
        version: `v1` or `original`; None for a backend.
        sandbox: The name of the sandbox, or `host` for an original.
        old_state: The state before.
        new_state: The state after; equal to the one before for a pin or a reset alone.
        reason: The reason in one phrase.
        failure_rate: Failed calls in percent; None with too few recorded calls.
        slow_call_rate: Slow calls in percent; None with too few recorded calls.
        calls: The number of calls in its window.
        wait_s: Seconds until the new state ends by itself; None where it does not.
        pinned: Whether only a reset ends the state.
        manual: Whether a person caused it, rather than measurements.
        module: As in the events of its calls; None for a backend.
    """

    function_name: str
    version: str | None = None
    sandbox: str
    old_state: str
    new_state: str
    reason: str
    failure_rate: float | None = None
    slow_call_rate: float | None = None
    calls: int
    wait_s: float | None = None
    pinned: bool
    manual: bool
    module: str | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class RecordingPayload(_StrictEvent):
    """The arguments and the result of a call, where recording is enabled.

    Attributes:
        function_name: The name of the called function.
        version: The version that was called.
        execution_id: The id of the call.
        folder: The name of the folder of the function's versions, beside the journal.
        policy: The name of the policy that was in force.
        policy_digest: The digest of that policy.
        served_by: The source of the answer, as in the call's own event.
        arguments: The wire form of `{"args": [...], "kwargs": {...}}` from before the call; None where it is left out.
        answer: The wire form of the value that the caller got; None where it is left out, or there was none.
        error: The error that the caller got instead of a value.
        left_out: The reason why arguments or answer are missing.
    """

    function_name: str
    version: str
    execution_id: str
    folder: str
    policy: str
    policy_digest: str
    served_by: str
    arguments: str | None = None
    answer: str | None = None
    error: ExecutionError | None = None
    left_out: str | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Event(_StrictEvent):
    """The fields that all events have.

    Attributes:
        id: Unique; a UUIDv7 where the event is ours. The journal keeps the first event of an id.
        type: The name of the payload's shape.
        timestamp: Seconds since the Unix epoch.
        correlation_id: An id that related events share.
        causation_id: The id of the event that triggered this one.
        metadata: The program that recorded the event.
        payload: The content of the event.
    """

    id: str
    type: str
    timestamp: float
    correlation_id: str | None = None
    causation_id: str | None = None
    metadata: EventMetadata
    payload: ExecutionPayload | FeedbackPayload | UpdatePayload | BreakerPayload | RecordingPayload

    def __post_init__(self) -> None:
        if not 0 < len(self.id) <= _MAX_ID:
            raise EventError(f"an event's id has 1 to {_MAX_ID} characters, not {len(self.id)}")
        if not 0 <= self.timestamp < _END_OF_TIME:
            raise EventError(f"an event's timestamp is seconds since 1970 and before the year 10000: {self.timestamp}")

    def to_json(self) -> str:
        """Return one line of JSON; fields that are None are left out, and lone surrogates become `?`.

        Raises:
            EventError: The event has a value without a JSON form (nan, inf, an object), or exceeds 1 MB.
        """
        try:
            text = json.dumps(self, default=_fields, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        except (TypeError, ValueError, RecursionError) as error:
            raise EventError(f"event {self.id!r} has no JSON form: {error}") from error
        data = text.encode("utf-8", "replace")
        if len(data) > MAX_BYTES:
            raise EventError(
                f"event {self.id!r} has {len(data)} bytes and an event may have {MAX_BYTES}; shorten its texts"
            )
        return data.decode()

    def cloudevent(self) -> dict[str, object]:
        """Return the event in the JSON format of CloudEvents 1.0; `subject` is the function's name.

        Raises:
            EventError: As `to_json`.
        """
        speaker = self.metadata
        event: dict[str, object] = {
            "specversion": "1.0",
            "id": self.id,
            "source": "/" + "/".join(urllib.parse.quote(s, safe="") for s in (speaker.environment, speaker.service)),
            "type": self.type,
            "subject": self.payload.function_name,
            "time": dt.datetime.fromtimestamp(self.timestamp, dt.UTC).isoformat().replace("+00:00", "Z"),
            "datacontenttype": "application/json",
            "data": json.loads(self.to_json())["payload"],
        }
        # Names of extension attributes are lower-case letters and digits only.
        if self.correlation_id is not None:
            event["correlationid"] = self.correlation_id
        if self.causation_id is not None:
            event["causationid"] = self.causation_id
        return event


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionEvent(_Event):
    """The event of a call: `function.execution`."""

    type: Literal["function.execution"] = "function.execution"
    payload: ExecutionPayload


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FeedbackEvent(_Event):
    """The event of feedback about a call: `function.feedback`."""

    type: Literal["function.feedback"] = "function.feedback"
    payload: FeedbackPayload


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class UpdateEvent(_Event):
    """The event of a change of the serving version: `function.updates`."""

    type: Literal["function.updates"] = "function.updates"
    payload: UpdatePayload


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class BreakerEvent(_Event):
    """The event of a breaker's transition: `breaker.transition`."""

    type: Literal["breaker.transition"] = "breaker.transition"
    payload: BreakerPayload


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class RecordingEvent(_Event):
    """The event of a recorded call with arguments and result: `function.recording`."""

    type: Literal["function.recording"] = "function.recording"
    payload: RecordingPayload


Event: TypeAlias = ExecutionEvent | FeedbackEvent | UpdateEvent | BreakerEvent | RecordingEvent


def from_json(text: str | bytes) -> Event:
    """Read one event, strictly: no unknown, missing, doubled or mistyped field, no nan, no more than 1 MB.

    Raises:
        EventError: The event is wrong; the message has the problem and its place.
    """
    data = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    if len(data) > MAX_BYTES:
        raise EventError(f"an event may have {MAX_BYTES} bytes and this one has {len(data)}")
    try:
        event = _adapter().validate_json(data)
        # Only now: the first pass has bounded nesting and digits, so that this one cannot run away.
        _json.decode(data.decode())
    except ValueError as error:
        raise EventError(f"not an event: {first_problem(error)}") from error
    return event


class EventFactory:
    """Factory of events with new ids and the current time.

    Args:
        clock: Seconds since the Unix epoch.
        random_bytes: Returns so many unpredictable bytes: `os.urandom`, or a test's own.
        environment: The environment, such as `development` or `production`.
        service: The program that records.
        version: The version of that program.
    """

    __slots__ = ("_clock", "_metadata", "_random_bytes")

    def __init__(
        self,
        clock: Callable[[], float],
        random_bytes: Callable[[int], bytes],
        environment: str,
        service: str,
        version: str,
    ) -> None:
        self._clock = clock
        self._random_bytes = random_bytes
        self._metadata = EventMetadata(version=version, environment=environment, service=service)

    def __repr__(self) -> str:
        return f"EventFactory({self._metadata!r})"

    def new_id(self) -> str:
        """Return a UUIDv7 of the current time, such as for an execution."""
        return self._id_at(self._clock())

    def execution(
        self, payload: ExecutionPayload, *, correlation_id: str | None = None, causation_id: str | None = None
    ) -> ExecutionEvent:
        """Return the event of a call."""
        now = self._clock()
        return ExecutionEvent(
            id=self._id_at(now),
            timestamp=now,
            correlation_id=correlation_id,
            causation_id=causation_id,
            metadata=self._metadata,
            payload=payload,
        )

    def feedback(
        self, payload: FeedbackPayload, *, correlation_id: str | None = None, causation_id: str | None = None
    ) -> FeedbackEvent:
        """Return the event of feedback about a call."""
        now = self._clock()
        return FeedbackEvent(
            id=self._id_at(now),
            timestamp=now,
            correlation_id=correlation_id,
            causation_id=causation_id,
            metadata=self._metadata,
            payload=payload,
        )

    def update(
        self, payload: UpdatePayload, *, correlation_id: str | None = None, causation_id: str | None = None
    ) -> UpdateEvent:
        """Return the event of a change of the serving version."""
        now = self._clock()
        return UpdateEvent(
            id=self._id_at(now),
            timestamp=now,
            correlation_id=correlation_id,
            causation_id=causation_id,
            metadata=self._metadata,
            payload=payload,
        )

    def breaker(self, payload: BreakerPayload) -> BreakerEvent:
        """Return the event of a breaker's transition."""
        now = self._clock()
        return BreakerEvent(id=self._id_at(now), timestamp=now, metadata=self._metadata, payload=payload)

    def recording(self, payload: RecordingPayload, *, causation_id: str | None = None) -> RecordingEvent:
        """Return the event of a recorded call."""
        now = self._clock()
        return RecordingEvent(
            id=self._id_at(now),
            timestamp=now,
            correlation_id=payload.execution_id,
            causation_id=causation_id,
            metadata=self._metadata,
            payload=payload,
        )

    def _id_at(self, now: float) -> str:
        return str(uuid7(int(now * 1000), self._random_bytes(_RANDOM_BYTES)))


def _fields(value: object) -> dict[str, object]:
    """Return the fields of a part of an event that are not None, for `json.dumps`."""
    if not isinstance(value, _StrictEvent):
        raise EventError(f"a {type(value).__name__} has no JSON form")
    # Not `dataclasses.fields`: it filters the class's fields anew each time, for every part of every event.
    return {name: found for name in value.__dataclass_fields__ if (found := getattr(value, name)) is not None}


@functools.cache
def _adapter() -> "TypeAdapter[Event]":
    import pydantic  # noqa: PLC0415 - only readers of events pay for it; `import poet_engine` stays light

    return pydantic.TypeAdapter(Annotated[Event, pydantic.Discriminator("type")])
