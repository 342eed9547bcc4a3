"""What a container may say while nobody calls, and that anything else ends it instead of us."""

import contextlib
import json
import socket
import struct
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poet_engine.guest import container_protocol
from poet_engine.guest.frames import FrameKind, Reader, pack
from poet_engine.sandbox.docker.container import Container, ContainerCapabilities, ContainerError
from poet_engine.sandbox.docker.stream import Stream
from poet_engine.sandbox.pool.version import SourceKey

CAPABILITIES = json.dumps({"landlock": 3, "told": True, "counted_by": "cgroup v1"}).encode()
PURE = container_protocol.ENDED.pack(0, 0, True)


class Pair:
    """A container as the host sees it, and its first process' end of the stream."""

    def __init__(self) -> None:
        ours, self.peer = socket.socketpair()
        self.container = Container("id", "poet-x", Stream(ours, 1 << 16), 1000)

    def says(self, kind: FrameKind, content: bytes = b"") -> bool:
        data = pack(kind, content)
        self.peer.sendall(struct.pack(">BxxxI", 1, len(data)) + data)
        return self.container.on_readable()

    def heard(self) -> list[FrameKind]:
        reader = Reader({FrameKind.PREPARE: 1 << 20})
        return [frame.kind for frame in reader.feed(self.peer.recv(1 << 20))]

    def until_it_ends(self) -> None:
        while self.container.on_readable():
            continue

    def close(self) -> None:
        self.container.close()
        self.peer.close()


@pytest.fixture
def pair() -> Iterator[Pair]:
    made = Pair()
    yield made
    made.close()


def test_one_that_stands_is_armed_and_then_ready(pair: Pair) -> None:
    assert not pair.says(FrameKind.CAPABILITIES, CAPABILITIES)
    assert pair.container.standing == ContainerCapabilities(3, True, "cgroup v1")
    assert pair.heard() == [FrameKind.PREPARE]
    assert pair.container.quiet
    assert pair.says(FrameKind.PREPARED, container_protocol.PREPARED.pack(123))
    assert (pair.container.prepared, pair.container.memory) == (True, 123)


def test_memory_that_nothing_counts_is_not_known(pair: Pair) -> None:
    pair.says(FrameKind.PREPARED, container_protocol.PREPARED.pack(-1))
    assert pair.container.memory is None


def test_after_a_call_it_may_say_what_is_left_of_it(pair: Pair) -> None:
    for kind, content in ((FrameKind.OUT, b"x"), (FrameKind.ERR, b"x"), (FrameKind.ANSWER, b"x")):
        assert not pair.says(kind, content)
    assert not pair.says(FrameKind.COUNTS, container_protocol.COUNTS.pack(1, 2, 3, 4, 5))
    assert pair.says(FrameKind.ENDED, PURE)
    assert pair.container.ended
    pair.container.prepare(SourceKey("source", "file"))
    assert not pair.container.ended


@pytest.mark.parametrize(
    ("kind", "content", "why"),
    [
        (FrameKind.ENDED, container_protocol.ENDED.pack(0, 1, True), "left something behind"),
        (FrameKind.ENDED, container_protocol.ENDED.pack(0, 0, False), "left something behind"),
        (FrameKind.ENDED, b"", "ENDED with 0 bytes"),
        (FrameKind.PREPARED, b"\0", "PREPARED with 1 bytes"),
        (FrameKind.BROKEN, b"no numpy", "no numpy"),
        (FrameKind.NOTIFIED, b'["ptrace", [1]]', "NOTIFIED out of turn"),
        (FrameKind.FETCHED, b"x", "FETCHED out of turn"),
        (FrameKind.FILES, b"x", "FILES out of turn"),
        (FrameKind.READY, b"", "frame kind 5 may not come here"),
    ],
)
def test_what_it_may_not_say_ends_it(pair: Pair, kind: FrameKind, content: bytes, why: str) -> None:
    with pytest.raises(ContainerError, match=why):
        pair.says(kind, content)


@pytest.mark.parametrize(
    "told",
    ["{}", "[]", "null", "x", '{"landlock": Infinity, "told": 1, "counted_by": ""}', "[" * 60_000, '{"landlock": "x"}'],
)
def test_what_it_says_of_itself_may_be_unreadable(pair: Pair, told: str) -> None:
    with pytest.raises(ContainerError, match="cannot be read"):
        pair.says(FrameKind.CAPABILITIES, told.encode())


@given(
    kind=st.sampled_from([FrameKind.CAPABILITIES, FrameKind.PREPARED, FrameKind.ENDED, FrameKind.COUNTS]),
    content=st.binary(max_size=40),
)
def test_hostile_content_is_taken_or_ends_the_container(kind: FrameKind, content: bytes) -> None:
    pair = Pair()
    try:
        with contextlib.suppress(ContainerError):
            pair.says(kind, content)
        assert isinstance(pair.container.memory, int | None)
        assert isinstance(pair.container.standing, ContainerCapabilities | None)
    finally:
        pair.close()


def test_one_that_ended_is_not_quiet_and_says_its_last_words(pair: Pair) -> None:
    pair.says(FrameKind.PREPARED, container_protocol.PREPARED.pack(1))
    assert pair.container.quiet
    pair.peer.sendall(struct.pack(">BxxxI", 2, 8) + b"Traceback"[:8])
    pair.peer.shutdown(socket.SHUT_WR)
    assert not pair.container.quiet
    with pytest.raises(ContainerError, match="have ended; Tracebac"):
        pair.until_it_ends()


def test_one_that_was_let_go_is_not_quiet(pair: Pair) -> None:
    pair.container.close()
    assert not pair.container.quiet
