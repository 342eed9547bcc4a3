"""The files that big values go through: what is in them, and that nobody else can change it."""

import contextlib
import fcntl
import mmap
import os
import resource
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from poet_engine.guest.attachments import THRESHOLD, Collected
from poet_engine.guest.errors import UndecodableError
from poet_engine.sandbox.process.memory_files import ArgumentFiles, OutputRecord, ResultFile

PAGE = mmap.PAGESIZE


def collected(*pieces: bytes) -> Collected:
    parts = Collected(alignment=PAGE)
    for piece in pieces:
        parts.add(memoryview(piece), "x", "bytes")
    return parts


@pytest.fixture(params=["as privileges allow", "sealed"])
def files(request: pytest.FixtureRequest) -> Iterator[ArgumentFiles]:
    made = ArgumentFiles()
    made._tried = request.param == "sealed"  # it has asked for a folder of its own, and got none
    with contextlib.closing(made):
        yield made


def test_nothing_big_needs_no_file(files: ArgumentFiles) -> None:
    assert files.hold(Collected()) is None


def test_pieces_lie_where_their_references_say(files: ArgumentFiles) -> None:
    one, other = os.urandom(THRESHOLD + 5), os.urandom(3 << 20)
    parts = collected(one, other)
    (_, _), (second, _) = parts.pieces
    size = parts.size
    fd = files.hold(parts)
    assert fd is not None
    assert os.fstat(fd).st_size == size
    assert os.pread(fd, len(one), 0) == one
    assert os.pread(fd, len(other), second) == other
    assert not parts.pieces
    os.close(fd)


CHANGES: dict[str, Callable[[int], object]] = {
    "write": lambda fd: os.pwrite(fd, b"x", 0),
    "append": lambda fd: os.pwrite(fd, b"x", THRESHOLD),
    "shrink": lambda fd: os.ftruncate(fd, 0),
    "grow": lambda fd: os.ftruncate(fd, THRESHOLD * 2),
    "map for writing": lambda fd: mmap.mmap(fd, THRESHOLD, flags=mmap.MAP_SHARED),
    "allocate": lambda fd: os.posix_fallocate(fd, 0, 2 * THRESHOLD),
    "unseal": lambda fd: fcntl.fcntl(fd, fcntl.F_ADD_SEALS, 0),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_nobody_can_change_an_argument(files: ArgumentFiles, change: Callable[[int], object]) -> None:
    """Also not the process that made it, which keeps no descriptor for writing."""
    fd = files.hold(collected(b"a" * THRESHOLD))
    assert fd is not None
    with pytest.raises(OSError, match=r"not permitted|denied|Bad file|Invalid"):
        change(fd)
    assert os.pread(fd, THRESHOLD + 1, 0) == b"a" * THRESHOLD
    os.close(fd)


def test_a_private_mapping_of_an_argument_can_be_written_to(files: ArgumentFiles) -> None:
    fd = files.hold(collected(b"a" * THRESHOLD))
    assert fd is not None
    with mmap.mmap(fd, THRESHOLD, flags=mmap.MAP_PRIVATE) as mapped:
        mapped[:1] = b"b"
        assert mapped[:2] == b"ba"
    assert os.pread(fd, 2, 0) == b"aa"
    os.close(fd)


def test_files_stay_readable_when_their_maker_is_closed(files: ArgumentFiles) -> None:
    fd = files.hold(collected(b"a" * THRESHOLD))
    assert fd is not None
    files.close()
    files.close()
    assert os.pread(fd, THRESHOLD, 0) == b"a" * THRESHOLD
    os.close(fd)


def test_no_descriptor_is_left_over(files: ArgumentFiles) -> None:
    def opened() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    def make() -> None:
        fd = files.hold(collected(b"a" * THRESHOLD))
        assert fd is not None
        os.close(fd)

    make()
    before = opened()
    for _ in range(5):
        make()
    assert opened() == before


@pytest.fixture
def results() -> Iterator[ResultFile]:
    made = ResultFile(4 * THRESHOLD)
    yield made
    made.close()


def test_a_result_file_can_be_written_to_and_keeps_its_size(results: ResultFile) -> None:
    os.pwrite(results.fd, b"r" * THRESHOLD, THRESHOLD)
    assert results.take(THRESHOLD, THRESHOLD) == b"r" * THRESHOLD
    for size in (0, 4 * THRESHOLD - 1, 4 * THRESHOLD + 1):
        with pytest.raises(PermissionError):
            os.ftruncate(results.fd, size)
    with pytest.raises(PermissionError):
        os.pwrite(results.fd, b"x", 4 * THRESHOLD)
    with pytest.raises(PermissionError):
        fcntl.fcntl(results.fd, fcntl.F_ADD_SEALS, fcntl.F_SEAL_WRITE)


def test_what_was_taken_does_not_change_with_the_file(results: ResultFile) -> None:
    with mmap.mmap(results.fd, 4 * THRESHOLD) as shared:
        shared[:3] = b"one"
        piece, copy = results.take(0, THRESHOLD), results.copy(0, THRESHOLD)
        shared[:3] = b"two"
        assert piece[:3] == copy[:3] == b"one"


@pytest.mark.parametrize(("offset", "length"), [(1, 4 * THRESHOLD), (4 * THRESHOLD, THRESHOLD), (1 << 70, THRESHOLD)])
def test_nothing_is_taken_beyond_the_end(results: ResultFile, offset: int, length: int) -> None:
    with pytest.raises(UndecodableError, match="beyond"):
        results.take(offset, length)
    with pytest.raises(UndecodableError, match="beyond"):
        results.copy(offset, length)


def test_a_file_that_nobody_wrote_to_takes_no_memory_and_reads_as_zeros(results: ResultFile) -> None:
    assert results.take(0, 4 * THRESHOLD) == bytes(4 * THRESHOLD)
    assert os.fstat(results.fd).st_blocks == 0


def test_cleared_it_gives_its_memory_back(results: ResultFile) -> None:
    os.pwrite(results.fd, b"r" * 4 * THRESHOLD, 0)
    assert results.take(0, THRESHOLD) == b"r" * THRESHOLD
    assert os.fstat(results.fd).st_blocks > 0
    results.clear()
    assert os.fstat(results.fd).st_blocks == 0
    assert results.take(0, THRESHOLD) == bytes(THRESHOLD)


def test_a_host_that_may_write_only_short_files_has_a_shorter_one() -> None:
    """A limit on file sizes must not keep a sandbox from starting."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (THRESHOLD, hard))
    try:
        results = ResultFile(8 * THRESHOLD)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert os.fstat(results.fd).st_size == THRESHOLD
    with pytest.raises(UndecodableError, match="beyond"):
        results.take(0, 2 * THRESHOLD)
    results.close()


def test_a_record_of_output_keeps_its_size_and_is_read_whole() -> None:
    record = OutputRecord()
    os.pwrite(record.fd, b"printed", 0)
    with pytest.raises(PermissionError):
        os.ftruncate(record.fd, 0)
    assert record.unflushed() == (b"printed", b"")
    record.close()
