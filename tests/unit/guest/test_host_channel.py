"""What passes through a container's first process arrives whole, in order, and is gone when it is wiped."""

import contextlib
import os
from collections.abc import Iterator

import pytest

from poet_engine.guest.frames import FrameError, FrameKind, Reader, pack
from poet_engine.guest.host_channel import PIECE, CommandReader, FrameRelay, FrameWriter

LIMITS = {FrameKind.BYTES: 1000, FrameKind.KILL: 0}
SECRET = b"only-one-call-may-know"


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    ends = os.pipe()
    yield ends
    for fd in ends:
        with contextlib.suppress(OSError):
            os.close(fd)


def _taken(orders: CommandReader) -> list[tuple[FrameKind, bytes]]:
    found = []
    while (order := orders.next()) is not None:
        found.append((order[0], bytes(order[1])))
    return found


def _held(owner: object) -> bytes:
    """All that the memory of its places holds."""
    return b"".join(bytes(found) for found in vars(owner).values() if isinstance(found, memoryview))


def test_orders_come_whole_and_in_turn_however_they_are_cut(pipe: tuple[int, int]) -> None:
    reading, writing = pipe
    orders = CommandReader(reading, LIMITS)
    sent = [(FrameKind.BYTES, bytes([number]) * (number * 3)) for number in range(1, 40)] + [(FrameKind.KILL, b"")]
    stream = b"".join(pack(kind, content) for kind, content in sent)
    found = []
    for start in range(0, len(stream), 7):
        os.write(writing, stream[start : start + 7])
        assert orders.receive()
        found += _taken(orders)

    assert found == sent


def test_many_orders_at_once_fill_the_place_and_go_on(pipe: tuple[int, int]) -> None:
    reading, writing = pipe
    orders = CommandReader(reading, LIMITS)
    sent = [(FrameKind.BYTES, bytes([number]) * 900) for number in range(20)]
    os.write(writing, b"".join(pack(kind, content) for kind, content in sent))
    os.close(writing)
    found = []
    while orders.receive():
        found += _taken(orders)

    assert found == sent


def test_an_order_that_is_too_long_is_none(pipe: tuple[int, int]) -> None:
    reading, writing = pipe
    orders = CommandReader(reading, LIMITS)
    os.write(writing, pack(FrameKind.KILL, b"x"))
    orders.receive()

    with pytest.raises(FrameError, match="1 bytes"):
        orders.next()


def test_wiping_orders_leaves_what_has_not_been_looked_at(pipe: tuple[int, int]) -> None:
    reading, writing = pipe
    orders = CommandReader(reading, LIMITS)
    os.write(writing, pack(FrameKind.BYTES, SECRET) + pack(FrameKind.BYTES, b"next"))
    orders.receive()
    orders.next()
    assert SECRET in _held(orders)

    orders.wipe()

    assert SECRET not in _held(orders)
    assert _taken(orders) == [(FrameKind.BYTES, b"next")]


def test_wiping_orders_clears_what_longer_ones_have_left(pipe: tuple[int, int]) -> None:
    reading, writing = pipe
    orders = CommandReader(reading, LIMITS)
    for content in (b"x" * 500 + SECRET, b"short"):
        os.write(writing, pack(FrameKind.BYTES, content))
        orders.receive()
        orders.next()
    assert SECRET in _held(orders)

    orders.wipe()

    assert not any(_held(orders))


def test_what_is_taken_is_sent_as_one_frame_with_ours_after_it(pipe: tuple[int, int]) -> None:
    reading, writing = pipe
    passage = FrameRelay(writing)
    source, into = os.pipe()
    os.write(into, SECRET)

    size = passage.take(lambda room: os.readv(source, [room]))
    passage.send(FrameKind.ANSWER, size, pack(FrameKind.COUNTS, b"ours"))

    frames = Reader({FrameKind.ANSWER: PIECE, FrameKind.COUNTS: 9}).feed(os.read(reading, 4096))
    assert [(frame.kind, frame.payload) for frame in frames] == [
        (FrameKind.ANSWER, SECRET),
        (FrameKind.COUNTS, b"ours"),
    ]
    assert SECRET in _held(passage)
    passage.wipe()
    assert not any(_held(passage))
    for fd in (source, into):
        os.close(fd)


def test_no_more_than_a_piece_is_taken_at_once(pipe: tuple[int, int]) -> None:
    assert FrameRelay(pipe[1]).take(len) == PIECE


def test_we_speak_in_frames_too(pipe: tuple[int, int]) -> None:
    FrameWriter(pipe[1]).say(FrameKind.BROKEN, b"why")

    assert os.read(pipe[0], 100) == pack(FrameKind.BROKEN, b"why")
