"""What is heard of a payload: of one that serves one call every byte, of one that is kept what answers this call."""

import pytest

from poet_engine.guest.attachments import NOTHING
from poet_engine.guest.frames import STAYS, FrameKind, pack
from poet_engine.outcome import Status
from poet_engine.sandbox.response import ResponseReader
from poet_engine.sandbox.verdict import Garbled, Kill, Returned

NONCE = b"12345678"
RESULT = pack(FrameKind.RESULT, b"42")
STRAY = pack(FrameKind.RESULT, b"99")
ANSWER = pack(FrameKind.NONCE, NONCE + STAYS) + RESULT


def in_time() -> Kill | None:
    """The deadline is far."""
    return None


def kept() -> ResponseReader:
    return ResponseReader(100, in_time, script=False, nonce=NONCE)


def hear(hearing: ResponseReader, *pieces: bytes) -> object:
    """What the answer is when these pieces have come."""
    for piece in pieces:
        assert hearing.take(piece, NOTHING) is None
    return hearing.answer.value if isinstance(hearing.answer, Returned) else None


@pytest.mark.parametrize("cut", range(len(ANSWER) + 1))
def test_an_answer_is_heard_wherever_it_is_cut(cut: int) -> None:
    hearing = kept()

    assert hear(hearing, ANSWER[:cut], ANSWER[cut:]) == 42
    assert hearing.stays


def test_a_payload_that_ends_says_so_in_its_answer() -> None:
    hearing = kept()

    assert hear(hearing, pack(FrameKind.NONCE, NONCE) + RESULT) == 42
    assert not hearing.stays


@pytest.mark.parametrize(
    "pieces",
    [
        (STRAY, ANSWER),
        (STRAY + ANSWER,),
        (ANSWER + STRAY,),
        (ANSWER + STRAY[:3],),
        (pack(FrameKind.NONCE, b"87654321" + STAYS) + STRAY, ANSWER),
    ],
    ids=["before", "just before", "just after", "a part of it", "of another call"],
)
def test_what_is_left_over_of_another_call_is_no_answer_and_costs_the_payload_its_place(
    pieces: tuple[bytes, ...],
) -> None:
    hearing = kept()

    assert hear(hearing, *pieces) == 42
    assert not hearing.stays


def test_a_flood_of_such_words_ends_the_run() -> None:
    kill = kept().take(STRAY * 9, NOTHING)

    assert kill is not None
    assert (kill.status, kill.cause) == (Status.NO_RESULT, "result_undecodable")


def test_without_the_nonce_nothing_is_an_answer() -> None:
    assert hear(kept(), STRAY) is None


@pytest.mark.parametrize("data", [RESULT + STRAY, RESULT + b"\2", ANSWER])
def test_a_payload_that_serves_one_call_says_one_frame_and_not_a_byte_more(data: bytes) -> None:
    hearing = ResponseReader(100, in_time, script=False)

    assert hearing.take(data, NOTHING) is not None
    assert hearing.answer is None or isinstance(hearing.answer, Garbled)
