"""The wire without a wire: whatever comes, in whatever pieces, is frames or a FrameError."""

import random  # noqa: TID251 - hypothesis hands out seeded ones; this is their type
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from poet_engine.guest.frames import HEADER_SIZE, Frame, FrameError, FrameKind, FrameTooLargeError, Reader, pack

FUZZ = settings(deadline=None, max_examples=300)  # a shared machine is slow at times, which says nothing
LIMITS = {FrameKind.RESULT: 1000, FrameKind.EXCEPTION: 10}

frames = st.one_of(
    st.builds(Frame, st.just(FrameKind.RESULT), st.binary(max_size=200)),
    st.builds(Frame, st.just(FrameKind.EXCEPTION), st.binary(max_size=10)),
)


def packed(several: list[Frame]) -> bytes:
    return b"".join(pack(frame.kind, frame.payload) for frame in several)


def test_a_frame_is_its_kind_its_length_and_its_content() -> None:
    assert pack(FrameKind.RESULT, b"abc") == b"\x02\x00\x00\x00\x03abc"
    assert pack(FrameKind.READY) == b"\x05\x00\x00\x00\x00"


@pytest.mark.parametrize("kind", FrameKind)
def test_every_kind_comes_out_as_it_went_in(kind: FrameKind) -> None:
    assert Reader({kind: 5}).feed(pack(kind, b"12345")) == [Frame(kind, b"12345")]


def test_it_does_not_matter_where_the_stream_is_cut() -> None:
    whole = packed(
        [Frame(FrameKind.RESULT, b"first"), Frame(FrameKind.EXCEPTION, b""), Frame(FrameKind.RESULT, b"\x02\x00" * 9)]
    )
    expected = Reader(LIMITS).feed(whole)
    assert len(expected) == 3
    for cut in range(len(whole) + 1):
        reader = Reader(LIMITS)
        assert reader.feed(whole[:cut]) + reader.feed(whole[cut:]) == expected
        assert reader.pending == 0


def test_a_stream_may_come_byte_by_byte() -> None:
    whole = packed([Frame(FrameKind.RESULT, b"slow"), Frame(FrameKind.EXCEPTION, b"drip")])
    reader = Reader(LIMITS)
    came = [frame for byte in whole for frame in reader.feed(bytes([byte]))]
    assert came == [Frame(FrameKind.RESULT, b"slow"), Frame(FrameKind.EXCEPTION, b"drip")]


def test_what_belongs_to_no_whole_frame_is_counted() -> None:
    reader = Reader(LIMITS)
    assert reader.feed(pack(FrameKind.RESULT, b"whole") + b"\x02\x00\x00") == [Frame(FrameKind.RESULT, b"whole")]
    assert reader.pending == 3


def test_a_content_of_exactly_its_limit_may_come() -> None:
    assert Reader({FrameKind.RESULT: 4}).feed(pack(FrameKind.RESULT, b"1234")) == [Frame(FrameKind.RESULT, b"1234")]


@pytest.mark.parametrize("length", [1001, 1 << 20, 0xFFFFFFFF])
def test_a_lying_length_is_refused_before_any_content_comes(length: int) -> None:
    reader = Reader(LIMITS)
    with pytest.raises(FrameTooLargeError) as caught:
        reader.feed(struct.pack(">BI", FrameKind.RESULT, length))
    assert (caught.value.length, caught.value.limit) == (length, 1000)
    assert str(length) in str(caught.value)


def test_each_kind_has_a_limit_of_its_own() -> None:
    with pytest.raises(FrameTooLargeError):
        Reader(LIMITS).feed(struct.pack(">BI", FrameKind.EXCEPTION, 11))


@pytest.mark.parametrize("number", [0, 7, 255, FrameKind.REQUEST, FrameKind.READY, FrameKind.SETUP_FAILED])
def test_a_kind_that_may_not_come_here_is_refused(number: int) -> None:
    """A guest cannot send what only the host or its setup sends."""
    with pytest.raises(FrameError, match=f"kind {number} "):
        Reader(LIMITS).feed(struct.pack(">BI", number, 0))


def test_a_bad_frame_behind_a_good_one_is_not_overlooked() -> None:
    with pytest.raises(FrameError):
        Reader(LIMITS).feed(pack(FrameKind.RESULT, b"good") + b"\xff\x00\x00\x00\x00")


@FUZZ
@given(st.lists(frames, max_size=6), st.randoms(use_true_random=False))
def test_any_frames_in_any_pieces_come_out_as_they_went_in(several: list[Frame], dice: random.Random) -> None:
    whole, reader, came = packed(several), Reader(LIMITS), []
    while whole:
        size = dice.randint(1, len(whole))
        came += reader.feed(whole[:size])
        whole = whole[size:]
    assert came == several


@FUZZ
@given(st.lists(st.binary(max_size=64), max_size=8))
def test_any_bytes_are_frames_or_a_frame_error(pieces: list[bytes]) -> None:
    reader, taken = Reader(LIMITS), 0
    for piece in pieces:
        try:
            came = reader.feed(piece)
        except FrameError:
            return
        taken += len(piece)
        taken -= sum(HEADER_SIZE + len(frame.payload) for frame in came)
        assert reader.pending == taken
        assert reader.pending < HEADER_SIZE + max(LIMITS.values())
