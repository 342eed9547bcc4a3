"""One call against a first process that says what a test tells it to: in turn, out of turn, hostile, or nothing."""

import contextlib
import itertools
import json
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poet_engine.guest import codec, container_protocol
from poet_engine.guest.attachments import Collected
from poet_engine.guest.frames import Frame, FrameKind, Reader, pack
from poet_engine.outcome import DeniedCall, Evidence, Outcome
from poet_engine.policy import Policy
from poet_engine.sandbox import wire
from poet_engine.sandbox.docker import container_run as module
from poet_engine.sandbox.docker.container import Container
from poet_engine.sandbox.docker.container_run import ContainerRun
from poet_engine.sandbox.docker.output_files import Files
from poet_engine.sandbox.docker.stream import Stream
from poet_engine.sandbox.pool.worker_pool import Disposition

LIMITS = Policy.parse('[limits]\nwall = "300ms"\ncpu = "300ms"\nresult = "1MiB"\noutput = "1KiB"\n').limits
COUNTS = pack(FrameKind.COUNTS, container_protocol.COUNTS.pack(1000, 2000, 0, 0, 3))
GONE = Evidence("container", "it was removed from outside", source="docker")
SILENT = Evidence("docker_daemon", "no answer", source="host")


def ended(status: int = 0, leftovers: int = 0, *, clean: bool = True) -> bytes:
    return pack(FrameKind.ENDED, container_protocol.ENDED.pack(status, leftovers, clean))


def answer(value: str) -> bytes:
    return pack(FrameKind.ANSWER, pack(FrameKind.RESULT, value.encode()))


class Init:
    """The other end of a container's streams.

    Args:
        lost: What the engine says when it is asked what became of the container.
    """

    def __init__(self, lost: Evidence = GONE) -> None:
        ours, self.peer = socket.socketpair()
        self.container = Container("id", "poet-x", Stream(ours, LIMITS.result), 1000)
        self.run = ContainerRun(self.container, LIMITS, LIMITS.wall, time.monotonic)
        self._lost = lost
        self.asked = 0

    def say(self, *frames: bytes) -> None:
        data = b"".join(frames)
        self.peer.sendall(struct.pack(">BxxxI", 1, len(data)) + data)

    def outcome(self, parts: Collected | None = None) -> Outcome:
        return self.run.to_the_end(wire.Request(b"{}", parts or Collected()), None, self._became)

    def _became(self) -> tuple[Evidence, int]:
        self.asked += 1
        return self._lost, 0

    @contextlib.contextmanager
    def asked_for_a_piece(self, *frames: bytes, hangs_up: bool = False) -> Iterator[None]:
        """While the block runs, say this when an attachment is asked for."""
        reader = Reader(
            dict.fromkeys((FrameKind.CALL, FrameKind.BYTES, FrameKind.FETCH, FrameKind.COUNT, FrameKind.KILL), 1 << 20)
        )

        def reply() -> None:
            while not any(frame.kind is FrameKind.FETCH for frame in reader.feed(self.peer.recv(1 << 20))):
                continue
            self.say(*frames)
            if hangs_up:
                self.peer.shutdown(socket.SHUT_WR)

        thread = threading.Thread(target=reply)
        thread.start()
        yield
        thread.join()

    def close(self) -> None:
        self.container.close()
        self.peer.close()


@pytest.fixture
def init() -> Iterator[Init]:
    made = Init()
    yield made
    made.close()


def test_an_answer_is_enough_and_its_payload_may_leave(init: Init) -> None:
    init.say(pack(FrameKind.OUT, b"hello"), answer("7"), COUNTS)
    outcome = init.outcome()
    assert (outcome.value, outcome.stdout, init.run.container_after) == (7, "hello", Disposition.DRAIN)
    assert init.asked == 0


def test_denied_calls_are_counted_by_what_the_first_process_reports(init: Init) -> None:
    asked = [("socket", (2, 1), 1), ("listxattr", (0,), 1), ("socket", (2, 1), 40)]
    init.say(*(pack(FrameKind.NOTIFIED, json.dumps(each).encode()) for each in asked), answer("7"), COUNTS)
    outcome = init.outcome()
    assert (outcome.value, outcome.denied) == (7, (DeniedCall("socket", 41), DeniedCall("listxattr", 1)))


@pytest.mark.parametrize(("told", "found"), [((3, 5, 4), 5), ((-1,), None)])
def test_tasks_are_the_most_that_were_told(init: Init, told: tuple[int, ...], found: int | None) -> None:
    counts = [pack(FrameKind.COUNTS, container_protocol.COUNTS.pack(1000, 2000, 0, 0, tasks)) for tasks in told]
    init.say(*counts, ended())
    assert init.outcome().usage.tasks_peak == found


def test_an_end_that_left_nothing_gives_the_container_back(init: Init) -> None:
    init.say(COUNTS, ended())
    outcome = init.outcome()
    assert (outcome.status.value, outcome.cause) == ("no_result", "early_exit")
    assert init.run.container_after is Disposition.REARM


@pytest.mark.parametrize("left", [ended(leftovers=1), ended(clean=False)])
def test_an_end_that_left_something_ends_the_container(init: Init, left: bytes) -> None:
    init.say(COUNTS, left)
    init.outcome()
    assert init.run.container_after is Disposition.DISCARD


def test_one_that_is_gone_is_asked_after_and_nobodys_fault_but_ours(init: Init) -> None:
    init.peer.close()
    outcome = init.outcome()
    assert (outcome.status.value, outcome.cause, outcome.evidence) == ("infra", "lane_lost", GONE)
    assert init.run.container_after is Disposition.DISCARD


def test_silence_past_the_deadline_is_the_codes_when_the_engine_answers(
    init: Init, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_REAP_GRACE", 0.1)
    outcome = init.outcome()
    assert (outcome.status.value, outcome.cause, init.asked) == ("limit", "wall", 1)
    heard = Reader({FrameKind.CALL: 1 << 20, FrameKind.BYTES: 1 << 20, FrameKind.COUNT: 0, FrameKind.KILL: 0})
    assert [frame.kind for frame in heard.feed(init.peer.recv(1 << 20))][-1] is FrameKind.KILL


def test_silence_past_the_deadline_is_the_engines_when_it_is_silent_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_REAP_GRACE", 0.1)
    init = Init(SILENT)
    outcome = init.outcome()
    init.close()
    assert (outcome.status.value, outcome.cause, outcome.evidence) == ("infra", "docker_daemon", SILENT)


def test_a_flood_is_a_flood_whatever_the_engine_does_then(monkeypatch: pytest.MonkeyPatch) -> None:
    """Code that could turn its limits into failures of ours would earn itself retries."""
    monkeypatch.setattr(module, "_REAP_GRACE", 0.1)
    init = Init(SILENT)
    init.say(pack(FrameKind.OUT, bytes(2048)))
    outcome = init.outcome()
    init.close()
    assert (outcome.status.value, outcome.cause) == ("limit", "output")


@pytest.mark.parametrize(
    "frame",
    [
        pack(FrameKind.PREPARED, container_protocol.PREPARED.pack(1)),
        pack(FrameKind.CAPABILITIES, b"{}"),
        pack(FrameKind.BROKEN, b"x"),
        pack(FrameKind.FETCHED, b"x"),
        pack(FrameKind.COUNTS, b"x"),
        pack(FrameKind.ENDED, b"x"),
        pack(FrameKind.NOTIFIED, b"x"),
        pack(FrameKind.NOTIFIED, b"[]"),
        pack(FrameKind.NOTIFIED, b'["clone", []]'),
        pack(FrameKind.NOTIFIED, b'["socket", ["x"]]'),
        pack(FrameKind.NOTIFIED, b'[["x"], [1]]'),
        pack(FrameKind.NOTIFIED, b"[" * 5000),
        b"\xff" * 64,
    ],
)
def test_frames_out_of_turn_and_hostile_ones_end_the_container_and_raise_nothing(init: Init, frame: bytes) -> None:
    init.say(frame)
    outcome = init.outcome()
    assert not outcome.ok
    assert init.run.container_after is Disposition.DISCARD


@pytest.mark.parametrize("times", ["0", "-1", "1.5", "true", '"x"', "1" + "0" * 4000, "[]"])
def test_what_is_no_number_of_calls_is_not_recorded(init: Init, times: str) -> None:
    init.say(pack(FrameKind.NOTIFIED, f'["socket", [2, 1, 0], {times}]'.encode()), answer("7"), COUNTS)
    outcome = init.outcome()
    assert (outcome.status.value, outcome.cause, outcome.denied) == ("no_result", "result_undecodable", ())


@given(
    frames=st.lists(
        st.tuples(
            st.sampled_from(
                [
                    FrameKind.ANSWER,
                    FrameKind.OUT,
                    FrameKind.NOTIFIED,
                    FrameKind.COUNTS,
                    FrameKind.ENDED,
                    FrameKind.FILES,
                    FrameKind.FETCHED,
                ]
            ),
            st.binary(max_size=40),
        ),
        max_size=6,
    )
)
def test_whatever_it_says_there_is_an_outcome(frames: list[tuple[FrameKind, bytes]]) -> None:
    init = Init()
    init.say(*(pack(kind, content) for kind, content in frames))
    init.peer.shutdown(socket.SHUT_WR)
    outcome = init.outcome()
    init.close()
    assert outcome.blame is not None or outcome.ok


LARGE = answer(json.dumps(codec.to_wire(bytes(100_000), "the result", 0, Collected())))


def test_attachments_come_piece_by_piece(init: Init) -> None:
    init.say(LARGE)
    with init.asked_for_a_piece(*[pack(FrameKind.FETCHED, bytes(50_000))] * 2, pack(FrameKind.FETCHED)):
        assert init.outcome().value == bytes(100_000)


@pytest.mark.parametrize("hangs_up", [True, False])
def test_attachments_that_do_not_come_are_no_fault_of_the_code(
    init: Init, monkeypatch: pytest.MonkeyPatch, *, hangs_up: bool
) -> None:
    monkeypatch.setattr(module, "_FETCH_GRACE", 0.1)
    init.say(LARGE)
    with init.asked_for_a_piece(pack(FrameKind.FETCHED, bytes(50_000)), hangs_up=hangs_up):
        outcome = init.outcome()
    assert (outcome.status.value, outcome.cause, outcome.evidence) == ("infra", "lane_lost", GONE)


def test_attachments_that_are_not_there_are_the_codes_lie(init: Init) -> None:
    init.say(LARGE)
    with init.asked_for_a_piece(pack(FrameKind.FETCHED, bytes(50_000)), pack(FrameKind.FETCHED), COUNTS, ended()):
        outcome = init.outcome()
    assert (outcome.status.value, outcome.cause) == ("no_result", "result_undecodable")


def _drained(work: Callable[[], object], peer: socket.socket) -> bytes:
    """What comes out of a stream while something is done."""
    got = bytearray()

    def drain() -> None:
        while data := peer.recv(1 << 20):
            got.extend(data)

    thread = threading.Thread(target=drain)
    thread.start()
    work()
    thread.join()
    return bytes(got)


@given(
    sizes=st.lists(st.integers(1, 3 * module._PART // 2), max_size=3),
    alignment=st.sampled_from([1, 4096]),
    content=st.integers(0, 2 * module._PART),
)
def test_a_large_request_comes_out_as_it_was_however_it_was_cut(sizes: list[int], alignment: int, content: int) -> None:
    parts = Collected(alignment=alignment)
    region = bytearray()
    for number, size in enumerate(sizes):
        piece = bytes([number + 1]) * size
        offset, _length = parts.add(memoryview(piece), "here", "bytes")
        region += bytes(offset - len(region)) + piece
    request = b"r" * content
    frames: list[Frame] = []
    reader = Reader({FrameKind.CALL: 1 << 20, FrameKind.BYTES: container_protocol.LARGEST_ORDER})
    for packed in module._frames(b"{}", parts, request):
        frames += reader.feed(packed)
    assert [frame.kind for frame in frames] == [FrameKind.CALL] + [FrameKind.BYTES] * (len(frames) - 1)
    assert b"".join(frame.payload for frame in frames[1:]) == bytes(region) + request


def test_a_large_request_is_sent_while_it_is_taken(init: Init) -> None:
    parts = Collected()
    parts.add(memoryview(b"x" * (8 << 20)), "here", "bytes")

    def call() -> None:
        init.say(answer("9"))
        assert init.outcome(parts).value == 9
        while init.container.stream.sending:
            init.container.stream.flush()
        init.container.close()

    got = _drained(call, init.peer)
    assert got.count(b"x") >= 8 << 20


def test_bringing_files_out_is_not_the_scripts_time() -> None:
    """Here each look at the clock takes a tenth of what the script may take."""
    init, ticks, piece = Init(), itertools.count(), bytes(40_000)
    files = Files(("*",), 10_000_000)
    run = ContainerRun(init.container, LIMITS, LIMITS.wall, lambda: next(ticks) * LIMITS.wall / 10, files=files)
    frames = [_files([], b""), *[_files([["a", len(piece)]], piece)] * 20, _files([], b"", skipped={}), COUNTS, ended()]

    teller = threading.Thread(target=init.say, args=(answer("null"), *frames))
    teller.start()
    outcome = run.to_the_end(wire.Request(b"{}", Collected()), None, lambda: (GONE, 0))
    teller.join()
    init.close()

    assert (outcome.status.value, len(outcome.files["a"])) == ("ok", 800_000), outcome.describe()
    assert outcome.usage.wall_ms < LIMITS.wall * 1e3


def _files(sizes: list[list[object]], content: bytes, **last: object) -> bytes:
    header = json.dumps({"files": sizes, **last}).encode()
    return pack(FrameKind.FILES, len(header).to_bytes(4, "big") + header + content)
