"""Events: their ids, their JSON form and what is not accepted as one."""

import datetime as dt
import json
import subprocess
import sys
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poet_engine import events
from poet_engine.errors import UsageError

NOW = 1_700_000_000.25


def factory() -> events.EventFactory:
    return events.EventFactory(lambda: NOW, lambda n: bytes(range(n)), "test", "unit tests", "0.1.0")


def execution(**changes: object) -> events.ExecutionEvent:
    payload = events.ExecutionPayload(
        function_name="shop.price",
        version="v1",
        execution_id="e-1",
        start_time=1.0,
        end_time=2.5,
        status="failure",
        metrics=events.ExecutionMetrics(duration_ms=1500.0, memory_mb=1.5, cpu_percent=99.0),
        error=events.ExecutionError(type="ValueError", message="no"),
        outcome="error",
        served_by="original",
        attempts=2,
        limits_hit=("wall",),
    )
    event = factory().execution(payload, correlation_id="c-1")
    for name, value in changes.items():
        object.__setattr__(event.payload, name, value)
    return event


class TestUuid7:
    def test_rfc_9562_example(self) -> None:
        """The example of RFC 9562, appendix A.6: its time, rand_a and rand_b give its UUID."""
        rand = (0xCC3 << 68) | 0x18C4DC0C0C07398F
        assert str(events.uuid7(0x017F22E279B0, rand.to_bytes(10))) == "017f22e2-79b0-7cc3-98c4-dc0c0c07398f"

    @given(st.integers(0, 2**48 - 1), st.binary(min_size=10, max_size=10))
    def test_any_input_gives_a_version_7_that_holds_the_time(self, now_ms: int, noise: bytes) -> None:
        made = events.uuid7(now_ms, noise)
        assert (made.version, made.variant) == (7, uuid.RFC_4122)
        assert made.int >> 80 == now_ms

    def test_later_ids_sort_later(self) -> None:
        assert str(events.uuid7(1, b"\xff" * 10)) < str(events.uuid7(2, bytes(10)))

    @pytest.mark.parametrize(("now_ms", "noise"), [(-1, bytes(10)), (2**48, bytes(10)), (0, bytes(9)), (0, bytes(11))])
    def test_out_of_range_is_refused(self, now_ms: int, noise: bytes) -> None:
        with pytest.raises(UsageError, match="UUIDv7"):
            events.uuid7(now_ms, noise)


class TestForm:
    def test_the_schema_is_the_published_one(self) -> None:
        """Field names are a contract with other programs; absent values are absent, not null."""
        found = json.loads(execution().to_json())
        assert list(found) == ["id", "type", "timestamp", "correlation_id", "metadata", "payload"]
        assert found["metadata"] == {"version": "0.1.0", "environment": "test", "service": "unit tests"}
        assert found["type"] == "function.execution"
        assert found["timestamp"] == NOW
        assert found["payload"] == {
            "function_name": "shop.price",
            "version": "v1",
            "execution_id": "e-1",
            "start_time": 1.0,
            "end_time": 2.5,
            "status": "failure",
            "metrics": {"duration_ms": 1500.0, "memory_mb": 1.5, "cpu_percent": 99.0},
            "error": {"type": "ValueError", "message": "no"},
            "outcome": "error",
            "served_by": "original",
            "attempts": 2,
            "limits_hit": ["wall"],
        }

    def test_each_kind_survives_the_round_trip(self) -> None:
        make = factory()
        feedback = events.FeedbackPayload(
            function_name="f",
            version="v1",
            execution_id="e",
            feedback_type="user",
            rating=0.5,
            comments="ünïcode \N{SNOWMAN}",
            metrics=events.FeedbackMetrics(success_rate=0.9),
            suggestions=("faster",),
        )
        update = events.UpdatePayload(function_name="f", new_version="v1", reason="first", changes=("made",))
        breaker = events.BreakerPayload(
            function_name="f", version="v1", sandbox="process", old_state="closed", new_state="open", reason="60 %",
            failure_rate=60.0, calls=10, wait_s=61.5, pinned=False, manual=False,
        )  # fmt: skip
        recording = events.RecordingPayload(
            function_name="shop.price", version="v1", execution_id="e-1", folder="shop.price", policy="data",
            policy_digest="d", served_by="original", arguments='{"args":["\\"",1],"kwargs":{}}', answer="null",
            left_out="nothing",
        )  # fmt: skip
        raised = events.RecordingPayload(
            function_name="f", version="v1", execution_id="e-1", folder="f", policy="data", policy_digest="d",
            served_by="none", error=events.ExecutionError(type="ValueError", message="no"),
        )  # fmt: skip
        story = execution(
            usage=events.Resources(wall_ms=1.5, memory_bytes=7),
            tries=(events.AttemptNote(by="generated", result="ok", after_ms=0.0, took_ms=1.0),),
            refusals=(events.RefusalNote(by="breaker", reason="open"),),
        )
        told = (make.recording(recording, causation_id="x"), make.recording(raised))
        made = (make.feedback(feedback), make.update(update, causation_id="x"), make.breaker(breaker), *told)
        for event in (execution(), story, *made):
            assert events.from_json(event.to_json()) == event
            assert events.from_json(event.to_json().encode()) == event

    def test_lone_surrogates_do_not_make_an_unreadable_event(self) -> None:
        """Text from a guest may hold them; they have no UTF-8."""
        event = execution(evidence="bad \ud800 text")
        read = events.from_json(event.to_json())
        assert isinstance(read, events.ExecutionEvent)
        assert read.payload.evidence == "bad ? text"

    @pytest.mark.parametrize("value", [float("nan"), float("inf"), object(), {1: 2, b"": 3}])
    def test_what_json_cannot_say_is_an_error_that_names_the_event(self, value: object) -> None:
        event = execution(evidence=value)
        with pytest.raises(events.EventError, match=event.id):
            event.to_json()

    def test_a_megabyte_is_the_limit(self) -> None:
        event = execution(evidence="x" * events.MAX_BYTES)
        with pytest.raises(events.EventError, match="shorten"):
            event.to_json()

    def test_cloudevent_has_the_required_attributes(self) -> None:
        event = execution()
        view = event.cloudevent()
        assert {key: view[key] for key in ("specversion", "id", "source", "type", "subject", "correlationid")} == {
            "specversion": "1.0",
            "id": event.id,
            "source": "/test/unit%20tests",
            "type": "function.execution",
            "subject": "shop.price",
            "correlationid": "c-1",
        }
        assert dt.datetime.fromisoformat(str(view["time"])).timestamp() == NOW
        assert view["data"] == json.loads(event.to_json())["payload"]
        assert all(key.isalnum() and key.islower() for key in view)


class TestHostileText:
    @pytest.mark.parametrize(
        ("old", "new", "why"),
        [
            ('"attempts":2', '"attempts":"2"', "valid integer"),
            ('"attempts":2', '"attempts":true', "valid integer"),
            ('"attempts":2', '"attempts":2,"attempts":3', "twice"),
            ('"attempts":2', '"attempts":2,"more":3', "more"),
            ('"attempts":2', '"attempts":' + "9" * 5000, "range"),
            ('"status":"failure"', '"status":"maybe"', "status"),
            ('"start_time":1.0', '"start_time":NaN', "finite"),
            ('"start_time":1.0', '"start_time":1e999', "finite"),
            ('"start_time":1.0,', "", "start_time"),
            ('"timestamp":1700000000.25', '"timestamp":1e300', "timestamp"),
            ('"timestamp":1', '"timestamp":-1', "timestamp"),
            ('"id":"', '"id":"' + "x" * 300, "characters"),
            ('"function.execution"', '"function.unknown"', "function.feedback"),
            ('"shop.price"', '"\\ud800"', "hex escape"),
            ('"wall"]', '["wall"]]', "limits_hit"),
        ],
    )
    def test_one_wrong_field_is_named(self, old: str, new: str, why: str) -> None:
        text = execution().to_json()
        assert old in text
        with pytest.raises(events.EventError, match=why):
            events.from_json(text.replace(old, new, 1))

    @pytest.mark.parametrize(
        "text",
        ["", "{", "null", "[]", "[" * 500_000, '{"a":' * 100_000, "\x00", "\ud800", b"\xff\xfe{}", "9" * 900_000],
    )
    def test_no_event_at_all(self, text: str | bytes) -> None:
        with pytest.raises(events.EventError):
            events.from_json(text)

    def test_size_is_checked_before_parsing(self) -> None:
        with pytest.raises(events.EventError, match="1000001"):
            events.from_json(" " * (events.MAX_BYTES + 1))

    @given(st.binary(max_size=200))
    def test_any_bytes_are_an_event_or_an_event_error(self, data: bytes) -> None:
        with pytest.raises(events.EventError):
            events.from_json(data)


def test_the_factory_takes_time_and_randomness_from_its_arguments() -> None:
    make = factory()
    assert make.new_id() == str(events.uuid7(int(NOW * 1000), bytes(range(10))))
    assert "unit tests" in repr(make)


def test_importing_events_loads_nothing_heavy() -> None:
    code = "import poet_engine.events, sys; sys.exit('pydantic' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
