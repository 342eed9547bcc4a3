"""The socket between a host and one container, here with threads in the container's place."""

import os
import socket
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from poet_engine.sandbox.docker.direct_socket import DirectSocket, NoDirectSocketError, sweep, usable


@pytest.fixture(autouse=True)
def temporary(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of temporary files, short enough for the address of a socket."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        monkeypatch.setattr(tempfile, "tempdir", folder)
        yield Path(folder)


def test_who_connects_is_heard_and_nothing_stays_behind(temporary: Path) -> None:
    with DirectSocket() as line, socket.socket(socket.AF_UNIX) as container:
        container.connect(f"{line.folder}/line")
        with line.accept(1.0) as peer:
            container.send(b"here")
            assert peer.recv(4) == b"here"
    assert list(temporary.iterdir()) == []


def test_no_other_user_of_the_machine_gets_to_the_socket() -> None:
    """The container's user may connect to it, but it lies in a folder that only its owner can enter."""
    with DirectSocket() as line:
        outer = Path(line.folder).parent
        assert stat.S_IMODE(outer.stat().st_mode) == 0o700
        assert stat.S_IMODE((Path(line.folder) / "line").stat().st_mode) == 0o666


def test_a_container_that_does_not_come_is_told(temporary: Path) -> None:
    with pytest.raises(NoDirectSocketError, match="no container connected"), DirectSocket() as line:
        line.accept(0.01)
    assert list(temporary.iterdir()) == []


def test_a_forked_child_does_not_hold_the_connection() -> None:
    """If it did, the container would live on when its host is killed."""
    with DirectSocket() as line, socket.socket(socket.AF_UNIX) as container:
        container.connect(f"{line.folder}/line")
        with line.accept(1.0) as peer:
            number = peer.fileno()
            child = os.fork()
            if child == 0:
                try:
                    os.fstat(number)
                    os._exit(1)
                except OSError:
                    os._exit(0)
            assert os.waitpid(child, 0)[1] == 0


def test_what_a_killed_process_left_is_swept_and_a_living_one_s_stays(temporary: Path) -> None:
    abandoned = temporary / "poet-line-4000000-abc"
    (abandoned / "shown").mkdir(parents=True)
    (abandoned / "shown" / "line").touch()
    foreign = temporary / "poet-line-nobody"
    foreign.mkdir()
    with DirectSocket() as line:
        sweep(lambda pid: pid == os.getpid())
        assert Path(line.folder, "line").exists()
    assert [path.name for path in temporary.iterdir()] == ["poet-line-nobody"]


@pytest.mark.parametrize(
    ("host", "desktop", "gvisor", "expected"),
    [
        ("unix:///var/run/docker.sock", False, False, True),
        ("unix:///var/run/docker.sock", True, False, False),
        ("unix:///var/run/docker.sock", False, True, False),
        ("tcp://127.0.0.1:2375", False, False, False),
    ],
)
def test_it_is_tried_where_it_can_work(host: str, *, desktop: bool, gvisor: bool, expected: bool) -> None:
    assert usable(host, desktop=desktop, gvisor=gvisor) is expected


def test_an_address_that_would_be_too_long_is_not_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", "/" + "x" * 90)
    assert not usable("unix:///var/run/docker.sock", desktop=False, gvisor=False)
