"""A job as a request, and a hostile frame as an answer."""

import dataclasses
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from poet_engine.errors import SerializationError
from poet_engine.guest import codec
from poet_engine.guest.errors import UndecodableError
from poet_engine.guest.frames import Frame, FrameError, FrameKind, FrameTooLargeError, pack
from poet_engine.job import Job
from poet_engine.outcome import ErrorInfo
from poet_engine.sandbox import wire
from poet_engine.sandbox.verdict import Garbled, InputRefusal, Raised, Returned

FUZZ = settings(deadline=None, max_examples=300)  # a shared machine is slow at times, which says nothing
JOB = Job(source="def f(): pass", entry="f")


def answer(kind: FrameKind, payload: bytes) -> object:
    return wire.read([Frame(kind, payload)], 0)


def told(kind: FrameKind, fields: object) -> object:
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
        with pytest.raises(SerializationError, match="Pass plain data instead") as caught:
            wire.request(job)
        assert (caught.value.where, caught.value.kind) == (where, "object")

    def test_an_argument_that_contains_itself_is_named(self) -> None:
        endless: list[object] = []
        endless.append(endless)
        with pytest.raises(SerializationError, match="contains itself"):
            wire.request(dataclasses.replace(JOB, args=[endless]))

    def test_large_arguments_stay_beside_it_each_on_a_page_of_its_own(self) -> None:
        one, other = b"a" * 100_000, bytearray(b"b" * 70_000)
        made = wire.request(dataclasses.replace(JOB, args=[one, b"small"], kwargs={"k": [other]}))
        assert len(made.content) < 500
        assert [(offset % 4096, bytes(data)) for offset, data in made.parts.pieces] == [(0, one), (0, bytes(other))]

    def test_large_arguments_beyond_the_budget_of_memory_are_refused_by_name(self) -> None:
        job = dataclasses.replace(JOB, args=[b"a" * 100_000], kwargs={"rows": {"b": b"b" * 100_000}})
        assert wire.request(job, memory=202_752).parts.size == 202_400
        with pytest.raises(SerializationError, match="Pass less at once, or raise limits") as caught:
            wire.request(job, memory=150_000)
        assert caught.value.where == "argument 'rows'['b']"


class Region:
    """Attachments that a guest sent, and how much of them was taken."""

    def __init__(self, size: int) -> None:
        self.size, self.taken = size, 0

    def take(self, offset: int, length: int) -> bytearray:
        if offset + length > self.size:
            raise UndecodableError("a reference beyond the attachments")
        self.taken += length
        return bytearray(length)

    def copy(self, offset: int, length: int) -> bytes:
        return bytes(self.take(offset, length))


class TestAttachments:
    """A result of 256 KiB may be that much together with what lies beside it."""

    LIMIT = 1 << 18

    def read(self, *references: tuple[int, int]) -> tuple[object, Region]:
        region = Region(self.LIMIT)
        content = json.dumps([{"~": "bytes", "v": reference} for reference in references]).encode()
        return wire.read([Frame(FrameKind.RESULT, content)], 0, region, self.LIMIT), region

    def test_a_result_may_refer_to_them(self) -> None:
        answer, _region = self.read((0, 1 << 16), (1 << 16, 1 << 17))
        assert answer == Returned([bytes(1 << 16), bytes(1 << 17)])

    @pytest.mark.parametrize(
        "references",
        [[(0, 1 << 18)], [(0, 1 << 16)] * 4, [(0, 1 << 17), (1 << 16, 1 << 17)], [(0, 1 << 62)], [(1 << 62, 1 << 18)]],
        ids=["no room for the frame", "the same four times", "overlapping", "huge", "huge and beyond"],
    )
    def test_together_they_may_not_be_more_than_a_result(self, references: list[tuple[int, int]]) -> None:
        """Each counts, also where they overlap, and nothing is taken that would be too much."""
        region = Region(self.LIMIT)
        content = json.dumps([{"~": "bytes", "v": reference} for reference in references]).encode()
        with pytest.raises(FrameTooLargeError) as caught:
            wire.read([Frame(FrameKind.RESULT, content)], 0, region, self.LIMIT)
        assert caught.value.length > caught.value.limit == self.LIMIT
        assert region.taken + len(content) <= self.LIMIT

    def test_a_lying_reference_is_garbled_with_the_rule(self) -> None:
        assert self.read((1 << 18, 1 << 16))[0] == Garbled("a reference beyond the attachments")
        assert self.read((-1, 1 << 16))[0] == Garbled("a bad reference to an attachment")

    def test_without_attachments_no_reference_is_good(self) -> None:
        content = b'{"~":"bytes","v":[0,65536]}'
        assert answer(FrameKind.RESULT, content) == Garbled("an attachment where none came")

    @FUZZ
    @given(st.lists(st.tuples(st.integers(-1, 1 << 19), st.integers(0, 1 << 18)), max_size=12))
    def test_no_references_make_the_host_take_more_than_the_limit(self, references: list[tuple[int, int]]) -> None:
        region = Region(self.LIMIT)
        content = json.dumps([{"~": "bytes", "v": reference} for reference in references]).encode()
        try:
            read = wire.read([Frame(FrameKind.RESULT, content)], 0, region, self.LIMIT)
        except FrameTooLargeError:
            read = None
        assert read is None or isinstance(read, Returned | Garbled)
        assert region.taken + len(content) <= self.LIMIT


class TestReader:
    def test_only_answers_may_come(self) -> None:
        for kind in set(FrameKind) - {FrameKind.RESULT, FrameKind.EXCEPTION, FrameKind.REFUSED}:
            with pytest.raises(FrameError):
                wire.reader(100).feed(pack(kind))

    def test_a_result_has_the_limit_of_the_policy_and_texts_one_of_their_own(self) -> None:
        assert wire.reader(3).feed(pack(FrameKind.RESULT, b"123")) == [Frame(FrameKind.RESULT, b"123")]
        with pytest.raises(FrameTooLargeError):
            wire.reader(3).feed(pack(FrameKind.RESULT, b"1234"))
        for kind in (FrameKind.EXCEPTION, FrameKind.REFUSED):
            assert len(wire.reader(3).feed(pack(kind, bytes(1 << 18)))) == 1
            with pytest.raises(FrameTooLargeError):
                wire.reader(1 << 30).feed(pack(kind, bytes((1 << 18) + 1)))


class TestAnswer:
    def test_a_result_is_its_value(self) -> None:
        assert answer(FrameKind.RESULT, codec.dumps((1, {"a"}), "x")) == Returned((1, {"a"}))

    def test_a_result_that_breaks_the_format_is_garbled_with_the_rule(self) -> None:
        assert answer(FrameKind.RESULT, b'{"a":1,"a":2}') == Garbled("a key stands twice in one mapping")

    @pytest.mark.parametrize("pending", [1, 5, 100])
    def test_a_trailing_byte_spoils_a_good_result(self, pending: int) -> None:
        assert isinstance(wire.read([Frame(FrameKind.RESULT, b"1")], pending), Garbled)

    @pytest.mark.parametrize("count", [0, 2, 3])
    def test_none_or_several_frames_are_garbled(self, count: int) -> None:
        assert isinstance(wire.read([Frame(FrameKind.RESULT, b"1")] * count, 0), Garbled)

    def test_a_refusal_names_argument_and_rule(self) -> None:
        assert told(FrameKind.REFUSED, {"argument": "a", "rule": "be positive"}) == InputRefusal("a", "be positive")

    def test_an_exception_is_text(self) -> None:
        fields = {"type": "E", "message": "m", "traceback": "t", "kind": "memory", "raised": False}
        assert told(FrameKind.EXCEPTION, fields) == Raised(ErrorInfo("E", "m", "t"), "memory", by_statement=False)

    def test_missing_or_mistyped_fields_are_empty_and_speak_for_no_budget(self) -> None:
        for fields in ({}, {"type": 1, "message": [], "kind": None, "raised": "no"}):
            assert told(FrameKind.EXCEPTION, fields) == Raised(ErrorInfo("", "", ""), "exception", by_statement=True)
        assert told(FrameKind.REFUSED, {"argument": {}}) == InputRefusal("", "")

    def test_long_fields_are_cut(self) -> None:
        raised = told(FrameKind.EXCEPTION, {"message": "x" * 200_000})
        assert isinstance(raised, Raised)
        assert raised.error.message == "x" * 65536

    def test_half_characters_are_replaced(self) -> None:
        assert told(FrameKind.REFUSED, {"argument": "a\ud800b", "rule": ""}) == InputRefusal("a?b", "")

    @pytest.mark.parametrize("kind", [FrameKind.EXCEPTION, FrameKind.REFUSED])
    @pytest.mark.parametrize("payload", [b"", b"x", b"[]", b"null", b"\xff", b"[" * 260_000, b'{"a":1,"a":2}', b"NaN"])
    def test_an_unreadable_text_frame_is_garbled(self, kind: FrameKind, payload: bytes) -> None:
        assert answer(kind, payload) == Garbled(f"an unreadable {kind.name.lower()} frame")

    @FUZZ
    @given(st.sampled_from([FrameKind.RESULT, FrameKind.EXCEPTION, FrameKind.REFUSED]), st.binary(max_size=200))
    def test_any_frame_is_an_answer(self, kind: FrameKind, payload: bytes) -> None:
        assert isinstance(answer(kind, payload), Returned | InputRefusal | Raised | Garbled)
