"""A job as a request, and a hostile frame as an answer."""

import dataclasses
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from poet_engine.errors import CannotTravelError
from poet_engine.guest import codec
from poet_engine.guest.frames import Frame, FrameError, FrameTooLargeError, Kind, pack
from poet_engine.job import Job
from poet_engine.outcome import ErrorInfo
from poet_engine.sandbox import wire
from poet_engine.sandbox.verdict import Garbled, Raised, Refused, Returned

FUZZ = settings(deadline=None, max_examples=300)  # a shared machine is slow at times, which says nothing
JOB = Job(source="def f(): pass", entry="f")


def answer(kind: Kind, payload: bytes) -> object:
    return wire.read([Frame(kind, payload)], 0)


def told(kind: Kind, fields: object) -> object:
    return answer(kind, json.dumps(fields).encode())


class TestRequest:
    def test_it_holds_what_the_guest_needs_and_values_in_wire_form(self) -> None:
        job = dataclasses.replace(JOB, args=[1, (2,)], kwargs={"k": {3}, "f": float("inf")}, filename="<f>")
        assert json.loads(wire.request(job).content) == {
            "source": "def f(): pass",
            "entry": "f",
            "filename": "<f>",
            "args": [1, {"~": "tuple", "v": [2]}],
            "kwargs": {"k": {"~": "set", "v": [3]}, "f": {"~": "float", "v": "inf"}},
        }

    @pytest.mark.parametrize(
        ("job", "where"),
        [
            (dataclasses.replace(JOB, args=[1, [object()]]), "argument 2[0]"),
            (dataclasses.replace(JOB, kwargs={"rows": {"a": object()}}), "argument 'rows'['a']"),
        ],
    )
    def test_an_argument_that_cannot_travel_is_named(self, job: Job, where: str) -> None:
        with pytest.raises(CannotTravelError, match="Pass plain data instead") as caught:
            wire.request(job)
        assert (caught.value.where, caught.value.kind) == (where, "object")

    def test_an_argument_that_contains_itself_is_named(self) -> None:
        endless: list[object] = []
        endless.append(endless)
        with pytest.raises(CannotTravelError, match="contains itself"):
            wire.request(dataclasses.replace(JOB, args=[endless]))


class TestReader:
    def test_only_answers_may_come(self) -> None:
        for kind in set(Kind) - {Kind.RESULT, Kind.EXCEPTION, Kind.REFUSED}:
            with pytest.raises(FrameError):
                wire.reader(100).feed(pack(kind))

    def test_a_result_has_the_limit_of_the_policy_and_texts_one_of_their_own(self) -> None:
        assert wire.reader(3).feed(pack(Kind.RESULT, b"123")) == [Frame(Kind.RESULT, b"123")]
        with pytest.raises(FrameTooLargeError):
            wire.reader(3).feed(pack(Kind.RESULT, b"1234"))
        for kind in (Kind.EXCEPTION, Kind.REFUSED):
            assert len(wire.reader(3).feed(pack(kind, bytes(1 << 18)))) == 1
            with pytest.raises(FrameTooLargeError):
                wire.reader(1 << 30).feed(pack(kind, bytes((1 << 18) + 1)))


class TestAnswer:
    def test_a_result_is_its_value(self) -> None:
        assert answer(Kind.RESULT, codec.dumps((1, {"a"}), "x")) == Returned((1, {"a"}))

    def test_a_result_that_breaks_the_format_is_garbled_with_the_rule(self) -> None:
        assert answer(Kind.RESULT, b'{"a":1,"a":2}') == Garbled("a key stands twice in one mapping")

    @pytest.mark.parametrize("pending", [1, 5, 100])
    def test_a_trailing_byte_spoils_a_good_result(self, pending: int) -> None:
        assert isinstance(wire.read([Frame(Kind.RESULT, b"1")], pending), Garbled)

    @pytest.mark.parametrize("count", [0, 2, 3])
    def test_none_or_several_frames_are_garbled(self, count: int) -> None:
        assert isinstance(wire.read([Frame(Kind.RESULT, b"1")] * count, 0), Garbled)

    def test_a_refusal_names_argument_and_rule(self) -> None:
        assert told(Kind.REFUSED, {"argument": "a", "rule": "be positive"}) == Refused("a", "be positive")

    def test_an_exception_is_text(self) -> None:
        fields = {"type": "E", "message": "m", "traceback": "t", "kind": "memory", "raised": False}
        assert told(Kind.EXCEPTION, fields) == Raised(ErrorInfo("E", "m", "t"), "memory", by_statement=False)

    def test_missing_or_mistyped_fields_are_empty_and_speak_for_no_budget(self) -> None:
        for fields in ({}, {"type": 1, "message": [], "kind": None, "raised": "no"}):
            assert told(Kind.EXCEPTION, fields) == Raised(ErrorInfo("", "", ""), "exception", by_statement=True)
        assert told(Kind.REFUSED, {"argument": {}}) == Refused("", "")

    def test_long_fields_are_cut(self) -> None:
        raised = told(Kind.EXCEPTION, {"message": "x" * 200_000})
        assert isinstance(raised, Raised)
        assert raised.error.message == "x" * 65536

    def test_half_characters_are_replaced(self) -> None:
        assert told(Kind.REFUSED, {"argument": "a\ud800b", "rule": ""}) == Refused("a?b", "")

    @pytest.mark.parametrize("kind", [Kind.EXCEPTION, Kind.REFUSED])
    @pytest.mark.parametrize("payload", [b"", b"x", b"[]", b"null", b"\xff", b"[" * 260_000, b'{"a":1,"a":2}', b"NaN"])
    def test_an_unreadable_text_frame_is_garbled(self, kind: Kind, payload: bytes) -> None:
        assert answer(kind, payload) == Garbled(f"an unreadable {kind.name.lower()} frame")

    @FUZZ
    @given(st.sampled_from([Kind.RESULT, Kind.EXCEPTION, Kind.REFUSED]), st.binary(max_size=200))
    def test_any_frame_is_an_answer(self, kind: Kind, payload: bytes) -> None:
        assert isinstance(answer(kind, payload), Returned | Refused | Raised | Garbled)
