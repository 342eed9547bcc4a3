"""What of names of sockets is left after a call, and what of the host's could be connected to."""

import os
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from poet_engine.guest import socket_names
from poet_engine.guest.socket_names import SocketNames

HEAD = b"Num       RefCount Protocol Flags    Type St Inode Path\n"
LINE = b"00000000ec5d5d7f: 00000002 00000000 00010000 0001 01 24957474"


@pytest.fixture
def table(tmp_path: Path) -> Iterator[tuple[int, Callable[[bytes], int]]]:
    """A table of sockets as the kernel shows it: its descriptor, and what writes it anew."""
    path = tmp_path / "unix"
    path.write_bytes(HEAD)
    fd = os.open(path, os.O_RDONLY)
    yield fd, lambda lines: path.write_bytes(HEAD + lines)
    os.close(fd)


Table = tuple[int, Callable[[bytes], int]]


class TestSocketNames:
    @pytest.mark.parametrize(
        "name", [b" @name", b" @", b" /tmp/name", b" @two words", b" @\xff\n@", b" @ " + b"x" * 100_000]
    )
    def test_a_name_stays_that_was_not_there(self, table: Table, name: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(socket_names, "_PATIENCE", 0.01)
        fd, write = table
        names = SocketNames(fd)
        assert not names.stay()
        write(LINE + b"\n" + LINE + name + b"\n")
        assert names.stay()

    @pytest.mark.parametrize("lines", [b"", LINE + b"\n", LINE + b" @old\n" + LINE + b" \n"])
    def test_sockets_without_a_name_and_names_that_were_there_are_none(self, table: Table, lines: bytes) -> None:
        fd, write = table
        write(LINE + b" @old\n")
        names = SocketNames(fd)
        write(lines)
        start = time.monotonic()
        assert not names.stay()
        assert time.monotonic() - start < socket_names._PATIENCE

    def test_the_kernel_gets_time_to_clear_up(self, table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
        fd, write = table
        names = SocketNames(fd)
        write(LINE + b" @name\n")
        looks: list[float] = []
        clock = time.monotonic

        def later() -> float:
            looks.append(clock())
            if len(looks) == 3:
                write(b"")
            return looks[-1]

        monkeypatch.setattr(time, "monotonic", later)
        assert not names.stay()
        assert len(looks) == 3


class TestFoundIn:
    def test_sockets_and_the_like_are_found_wherever_they_are(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)  # an address has room for 108 bytes
        for folder in ("seen/deep", "seen/hidden", "elsewhere"):
            Path(folder).mkdir(parents=True)
        Path("seen/file").touch()
        for link, target in (("seen/link", "file"), ("seen/round", ".."), ("seen/broken", "nowhere")):
            Path(link).symlink_to(target)
        for place in ("seen/one", "seen/deep/two", "seen/hidden/three", "elsewhere/four"):
            with socket.socket(socket.AF_UNIX) as listening:
                listening.bind(place)
        Path("seen/to-a-socket").symlink_to("../elsewhere/four")
        os.mkfifo("seen/pipe")

        found = socket_names.found_in(["seen", "seen/file", "nowhere"], ["seen/hidden"])

        assert sorted(found) == ["seen/deep/two", "seen/one", "seen/pipe"]
