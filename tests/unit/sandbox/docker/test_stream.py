"""What comes out of a container is bytes that may be anything: they are frames, or an error of ours."""

import gc
import os
import socket
import struct
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poet_engine.dockerd import keep_from_children
from poet_engine.guest import container_protocol
from poet_engine.guest.frames import Frame, FrameError, FrameKind, pack
from poet_engine.sandbox.docker.stream import Envelopes, Stream, StreamError


def envelope(data: bytes, stream: int = 1) -> bytes:
    return struct.pack(">BxxxI", stream, len(data)) + data


def pieces(data: bytes, cuts: list[int]) -> Iterator[bytes]:
    start = 0
    for cut in sorted({min(cut, len(data)) for cut in cuts} | {len(data)}):
        yield data[start:cut]
        start = cut


class TestEnvelopes:
    @given(
        parts=st.lists(st.tuples(st.sampled_from([1, 2]), st.binary(max_size=300)), max_size=12),
        cuts=st.lists(st.integers(0, 4000), max_size=12),
    )
    def test_they_come_off_wherever_the_bytes_were_cut(self, parts: list[tuple[int, bytes]], cuts: list[int]) -> None:
        envelopes = Envelopes()
        sent = b"".join(envelope(data, stream) for stream, data in parts)
        out = b"".join(envelopes.feed(piece) for piece in pieces(sent, cuts))
        assert out == b"".join(data for stream, data in parts if stream == 1)
        words = b"".join(data for stream, data in parts if stream == 2)
        assert envelopes.last_words == words[-4096:]

    @given(data=st.binary(max_size=400), cuts=st.lists(st.integers(0, 400), max_size=8))
    def test_of_hostile_bytes_no_more_is_kept_than_came(self, data: bytes, cuts: list[int]) -> None:
        envelopes, out = Envelopes(), 0
        try:
            for piece in pieces(data, cuts):
                out += len(envelopes.feed(piece))
        except StreamError:
            pass
        assert out + len(envelopes.last_words) <= len(data)

    @pytest.mark.parametrize("header", [b"\0" * 8, b"\3\0\0\0\0\0\0\1", b"\1\0\0\0\xff\xff\xff\xff", b"\xff" * 8])
    def test_what_no_engine_sends_is_an_error_before_anything_is_kept(self, header: bytes) -> None:
        with pytest.raises(StreamError, match="an envelope for stream"):
            Envelopes().feed(header)

    def test_the_end_of_a_flood_of_last_words_is_kept(self) -> None:
        envelopes = Envelopes()
        for number in range(1000):
            envelopes.feed(envelope(b"%09d " % number * 100, 2))
        assert len(envelopes.last_words) == 4096
        assert envelopes.last_words.endswith(b"000000999 ")


class Pair:
    """A stream, and the container's end of it."""

    def __init__(self) -> None:
        ours, self.peer = socket.socketpair()
        self.stream = Stream(ours, 1 << 16)

    def say(self, *frames: bytes) -> None:
        self.peer.sendall(envelope(b"".join(frames)))

    def close(self) -> None:
        self.stream.close()
        self.peer.close()


def all_of(stream: Stream) -> list[Frame]:
    """Until it ends, or breaks; anything but an error of ours goes on to the test."""
    frames: list[Frame] = []
    try:
        while True:
            frames += stream.receive()
    except (StreamError, FrameError):
        return frames


@pytest.fixture
def pair() -> Iterator[Pair]:
    made = Pair()
    yield made
    made.close()


class TestStream:
    def test_frames_come_out_in_order(self, pair: Pair) -> None:
        pair.say(pack(FrameKind.OUT, b"a"), pack(FrameKind.ERR, b"b"))
        assert pair.stream.receive() == [Frame(FrameKind.OUT, b"a"), Frame(FrameKind.ERR, b"b")]
        assert pair.stream.receive() == []

    @given(data=st.binary(max_size=600))
    def test_hostile_bytes_are_frames_or_an_error(self, data: bytes) -> None:
        pair = Pair()
        try:
            pair.peer.sendall(data)
            pair.peer.close()
            frames = all_of(pair.stream)
            assert sum(len(frame.payload) for frame in frames) <= len(data)
        finally:
            pair.close()

    @given(data=st.binary(max_size=600))
    def test_hostile_bytes_in_honest_envelopes_are_frames_or_an_error(self, data: bytes) -> None:
        pair = Pair()
        try:
            pair.peer.sendall(envelope(data) if data else b"")
            pair.peer.close()
            frames = all_of(pair.stream)
            assert sum(len(frame.payload) for frame in frames) <= len(data)
        finally:
            pair.close()

    @pytest.mark.parametrize(
        "kind", [FrameKind.CONFIGURE, FrameKind.PREPARE, FrameKind.CALL, FrameKind.KILL, FrameKind.REQUEST]
    )
    def test_what_only_the_host_says_is_an_error(self, pair: Pair, kind: FrameKind) -> None:
        pair.say(pack(kind, b""))
        with pytest.raises(FrameError):
            pair.stream.receive()

    @pytest.mark.parametrize(
        ("kind", "most"), [(FrameKind.COUNTS, container_protocol.COUNTS.size), (FrameKind.OUT, 1 << 16)]
    )
    def test_a_frame_that_is_too_long_is_an_error_when_its_length_is_known(
        self, pair: Pair, kind: FrameKind, most: int
    ) -> None:
        pair.say(pack(kind, bytes(most)))
        assert len(pair.stream.receive()[0].payload) == most
        pair.say(pack(kind, bytes(most + 1))[:64])
        with pytest.raises(FrameError):
            pair.stream.receive()

    def test_what_the_other_side_does_not_take_waits_its_turn(self, pair: Pair) -> None:
        made: list[int] = []

        def frames() -> Iterator[bytes]:
            for number in range(400):
                made.append(number)
                yield pack(FrameKind.BYTES, bytes(1 << 14))

        pair.stream.send_all(frames())
        pair.stream.send(FrameKind.KILL)
        assert pair.stream.sending
        assert len(made) < 400, "frames are made when there is room for them"
        received = 0
        while pair.stream.sending or received < 400 * (1 << 14):
            received += len(pair.peer.recv(1 << 20))
            pair.stream.flush()
        assert made == list(range(400))

    def test_dropping_what_waits_leaves_no_half_frame(self, pair: Pair) -> None:
        pair.stream.send_all(iter([pack(FrameKind.BYTES, b"x" * (1 << 21)), pack(FrameKind.BYTES, b"never")]))
        pair.stream.drop_unsent()
        pair.stream.send(FrameKind.KILL)
        got = b""
        while pair.stream.sending:
            got += pair.peer.recv(1 << 20)
            pair.stream.flush()
        pair.stream.hang_up()
        while data := pair.peer.recv(1 << 20):
            got += data
        assert got == pack(FrameKind.BYTES, b"x" * (1 << 21)) + pack(FrameKind.KILL)

    def test_to_one_that_is_gone_nothing_waits_and_its_end_is_told_by_receiving(self, pair: Pair) -> None:
        pair.peer.close()
        pair.stream.send(FrameKind.KILL)
        assert not pair.stream.sending
        with pytest.raises(StreamError, match="have ended"):
            pair.stream.receive()


def test_a_fork_has_no_stream_of_its_parents() -> None:
    """It would keep the container alive after the host; this is what runs in a forked child."""
    ours, theirs = socket.socketpair()
    keep_from_children(ours)
    child = os.fork()
    if child == 0:
        os._exit(0 if ours.fileno() == -1 else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert ours.fileno() >= 0
    ours.close()
    theirs.close()
    gc.collect()
