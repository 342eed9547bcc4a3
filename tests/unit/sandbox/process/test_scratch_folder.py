"""How the working folder of a script gets to the host: with the first message, and with no later one."""

import array
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from poet_engine.guest import kernel
from poet_engine.guest.frames import FrameKind, pack
from poet_engine.outcome import Outcome, Status
from poet_engine.sandbox.process.scratch_folder import ScratchFolder

DONE = Outcome(status=Status.OK, value="forged")
Pair = tuple[socket.socket, socket.socket]


@pytest.fixture
def pair() -> Iterator[Pair]:
    """The host's end, set up as a lane's is, and the guest's."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
    ours.setblocking(False)
    with ours, theirs:
        yield ours, theirs


@pytest.fixture
def work(tmp_path: Path) -> Iterator[int]:
    (tmp_path / "a").write_bytes(b"1")
    fd = os.open(tmp_path, os.O_PATH | os.O_DIRECTORY)
    yield fd
    os.close(fd)


def _open_descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def send(theirs: socket.socket, data: bytes, fd: int) -> None:
    kernel.send_with_descriptors(theirs, data, [fd])


def test_the_folder_comes_with_the_first_message_and_files_come_out_of_it(pair: Pair, work: int) -> None:
    ours, theirs = pair
    with ScratchFolder(["*"], 100) as folder:
        send(theirs, pack(FrameKind.FOLDER), work)
        theirs.sendall(b"what follows")
        assert folder.receive(ours, 100) == b"what follows"
        found = folder.collect_files(DONE, ended=True)
        assert (found.files, found.files_skipped, found.value) == ({"a": b"1"}, {}, None)


def _is_open_elsewhere(reading: int) -> bool:
    """Whether anybody still holds the other end of a pipe whose own writing end was closed here."""
    try:
        return os.read(reading, 1) != b""
    except BlockingIOError:
        return True


@pytest.mark.parametrize("later", [pack(FrameKind.FOLDER), pack(FrameKind.RESULT, b"null"), b"x"])
def test_a_later_descriptor_is_closed_by_the_kernel_unseen(pair: Pair, work: int, later: bytes) -> None:
    ours, theirs = pair
    reading, writing = os.pipe2(os.O_NONBLOCK)
    with ScratchFolder(["*"], 100) as folder:
        send(theirs, pack(FrameKind.FOLDER), work)
        send(theirs, later, writing)
        os.close(writing)
        assert folder.receive(ours, 100) == later
        assert not _is_open_elsewhere(reading)
        assert folder.collect_files(DONE, ended=True).files == {"a": b"1"}
    os.close(reading)


def test_control_whoever_asks_for_descriptors_gets_them(pair: Pair) -> None:
    ours, theirs = pair
    reading, writing = os.pipe2(os.O_NONBLOCK)
    send(theirs, b"x", writing)
    os.close(writing)
    _data, ancillary, _flags, _address = ours.recvmsg(100, socket.CMSG_SPACE(64))
    assert _is_open_elsewhere(reading)
    for _level, kind, content in ancillary:
        if kind == socket.SCM_RIGHTS:
            os.close(array.array("i", content)[0])
    assert not _is_open_elsewhere(reading)
    os.close(reading)


def test_of_several_descriptors_none_but_the_first_is_kept(pair: Pair, work: int) -> None:
    ours, theirs = pair
    reading, writing = os.pipe2(os.O_NONBLOCK)
    with ScratchFolder(["*"], 100) as folder:
        kernel.send_with_descriptors(theirs, pack(FrameKind.FOLDER), [work, writing, writing])
        os.close(writing)
        with pytest.raises(BlockingIOError):
            folder.receive(ours, 100)
        assert not _is_open_elsewhere(reading)
    os.close(reading)


def test_a_payload_that_ends_before_it_begins_has_no_folder(pair: Pair) -> None:
    ours, theirs = pair
    theirs.close()
    with ScratchFolder(["*"], 100) as folder:
        assert folder.receive(ours, 100) == b""
        found = folder.collect_files(DONE, ended=True)
        assert (found.files, found.files_skipped) == ({}, {"*": "the script never began"})


def test_nothing_is_looked_at_before_the_end_is_confirmed(pair: Pair, work: int) -> None:
    ours, theirs = pair
    with ScratchFolder(["a"], 100) as folder:
        send(theirs, pack(FrameKind.FOLDER), work)
        with pytest.raises(BlockingIOError):
            folder.receive(ours, 100)
        found = folder.collect_files(DONE, ended=False)
        assert (found.files, found.files_skipped) == ({}, {"a": "the end of the script was not confirmed"})


def test_closing_lets_the_folder_go(pair: Pair, work: int) -> None:
    ours, theirs = pair
    before = _open_descriptors()
    folder = ScratchFolder(["a"], 100)
    send(theirs, pack(FrameKind.FOLDER), work)
    with pytest.raises(BlockingIOError):
        folder.receive(ours, 100)
    assert "taken=True" in repr(folder)
    folder.close()
    folder.close()
    assert _open_descriptors() == before
