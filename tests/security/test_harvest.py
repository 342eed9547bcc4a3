"""Files that a script leaves to trap the host, which brings out plain files of the script's own and nothing else."""

import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from poet_engine.job import Script
from poet_engine.outcome import Outcome, Status

if TYPE_CHECKING:
    from tests.security.conftest import Everywhere

CANARY = b"a file of the host's, which no sandbox may give away"
_HEAD = "import os, sys, time\nprint('reached', flush=True)\n"
# One script for all bodies, since a container serves one.
_ANY_BODY = _HEAD + "exec(sys.argv.pop(1))\n"


@pytest.fixture
def canary(tmp_path: Path) -> Path:
    """A file of the host that everybody may read."""
    folder = tmp_path / "home"
    folder.mkdir(mode=0o755)
    (folder / "canary").write_bytes(CANARY)
    return folder / "canary"


def harvested(everywhere: "Everywhere", body: str, *arguments: str, **limits: str) -> Outcome:
    script = Script(source=_ANY_BODY, argv=(body, *arguments), files_out=["**"])
    outcome = everywhere.sandbox("", 8, **limits).run_script(script)
    assert outcome.stdout.startswith("reached\n"), outcome.describe()
    return outcome


LINKS: dict[str, str] = {
    "to a file": "os.symlink(sys.argv[1], 'out')",
    "to a folder": "os.symlink(os.path.dirname(sys.argv[1]), 'out')",
    "to the root": "os.symlink('/', 'out')",
    "upwards": "os.symlink('../' * 30 + sys.argv[1], 'out')",
    "in the place of a file": "open('out', 'w').close(); os.unlink('out'); os.symlink(sys.argv[1], 'out')",
    "through another link": "os.symlink(os.path.dirname(sys.argv[1]), 'out'); os.symlink('out/canary', 'second')",
}


@pytest.mark.parametrize("body", LINKS.values(), ids=LINKS)
def test_a_link_is_not_followed(everywhere: "Everywhere", canary: Path, body: str) -> None:
    outcome = harvested(everywhere, body, str(canary))

    assert outcome.status is Status.OK
    assert outcome.files == {}
    assert outcome.files_skipped["out"] == "it is a symbolic link"


@pytest.mark.parametrize("body", LINKS.values(), ids=LINKS)
def test_control_to_a_host_that_copies_what_it_finds_the_link_gives_the_file_away(
    canary: Path, tmp_path: Path, body: str
) -> None:
    """The same deeds, done without a sandbox, against the usual way to collect a folder."""
    work = tmp_path / "work"
    work.mkdir()
    subprocess.run([sys.executable, "-c", _HEAD + body, str(canary)], cwd=work, check=True, capture_output=True)

    found = work / "out" if (work / "out").is_file() else work / "out" / "canary"
    if not found.exists():
        found = work / "out" / str(canary).lstrip("/")
    shutil.copyfile(found, tmp_path / "copy")

    assert (tmp_path / "copy").read_bytes() == CANARY


def test_a_link_in_the_place_of_a_folder_that_was_named_is_not_followed(everywhere: "Everywhere", canary: Path) -> None:
    body = "os.symlink(os.path.dirname(sys.argv[1]), 'results')"
    script = Script(source=_ANY_BODY, argv=[body, str(canary)], files_out=["results/canary", "results/*"])

    outcome = everywhere.sandbox().run_script(script)

    assert (outcome.stdout, outcome.files) == ("reached\n", {})
    assert outcome.files_skipped == {
        "results": "it is a symbolic link",
        "results/canary": "no such file was found",
    }


def test_the_working_folder_itself_cannot_be_replaced(everywhere: "Everywhere", canary: Path) -> None:
    """The host holds the folder, not its name."""
    body = (
        "open('a', 'w').close(); os.rename('/tmp/poet-script', '/tmp/x'); os.symlink(sys.argv[1], '/tmp/poet-script')"
    )

    outcome = harvested(everywhere, body, str(canary))

    assert outcome.files == {"a": b""}


def test_no_other_folder_can_be_passed_to_the_host(everywhere: "Everywhere") -> None:
    """A descriptor that is sent later is not taken, with whatever frame it comes."""
    body = (
        "import socket\nopen('mine', 'w').close()\nfolder = os.open('/usr', os.O_PATH)\n"
        "socket.send_fds(socket.socket(fileno=3), [bytes([int(sys.argv[1])]) + b'\\0\\0\\0\\4null'], [folder])\n"
        "os._exit(0)"
    )
    harvested(everywhere, "")
    before = _open_folders()
    for kind, status in (("2", Status.OK), ("8", Status.NO_RESULT)):
        outcome = harvested(everywhere, body, kind)
        assert (outcome.status, outcome.files) == (status, {"mine": b""})
    assert _open_folders() == before


def _open_folders() -> int:
    return sum(entry.is_dir() for entry in Path("/proc/self/fd").iterdir())


def test_a_sparse_file_costs_the_host_nothing(everywhere: "Everywhere") -> None:
    """It may be as large as `disk` at most, and as often as there are inodes; it is refused by its size."""
    body = "for n in range(50):\n    with open(f'{n:02}', 'wb') as f: f.truncate(3 << 20)\nopen('zz', 'w').write('1')"

    outcome = harvested(everywhere, body, result='"1MiB"')

    assert outcome.files == {"zz": b"1"}
    assert len(outcome.files_skipped) == 50
    assert "3,145,728 bytes" in outcome.files_skipped["00"]


def test_control_the_sparse_files_would_fill_the_memory_of_a_host_that_reads_them(everywhere: "Everywhere") -> None:
    """More than the memory of a container, whose part is to read them."""
    body = "for n in range(26):\n    with open(f'{n:02}', 'wb') as f: f.truncate(3 << 20)"

    outcome = harvested(everywhere, body, result='"256MiB"')

    assert sum(map(len, outcome.files.values())) == 78 << 20


def test_a_thousand_nested_folders_end_at_the_cap(everywhere: "Everywhere") -> None:
    body = "for n in range(1000):\n    os.mkdir('d'); os.chdir('d')\nopen('deep', 'w').close()\nprint('there')"

    outcome = harvested(everywhere, body, inodes="2000")

    assert outcome.stdout == "reached\nthere\n"
    assert outcome.files == {}
    assert list(outcome.files_skipped.values()) == ["it lies deeper than 32 levels"]


def test_ten_thousand_files_end_at_the_cap(everywhere: "Everywhere") -> None:
    body = "for n in range(10000): os.close(os.open(f'{n:05}', os.O_CREAT))\nprint('there')"

    outcome = harvested(everywhere, body, inodes="12000", cpu='"3s"', wall='"10s"')

    assert outcome.stdout == "reached\nthere\n"
    assert len(outcome.files) == 4096
    assert len(outcome.files_skipped) == 101


ODD_NAMES = [b"a\nb", b"\xff", b"\x1b[2J", b"back\\slash", "\N{RIGHT-TO-LEFT OVERRIDE}gpj.exe".encode(), b"\x7f"]


def test_odd_names_are_passed_over_and_shown_harmlessly(everywhere: "Everywhere") -> None:
    outcome = harvested(everywhere, f"for name in {ODD_NAMES!r}: os.close(os.open(name, os.O_CREAT))\nprint('there')")

    assert outcome.stdout == "reached\nthere\n"
    assert outcome.files == {}
    assert len(outcome.files_skipped) == len(ODD_NAMES)
    assert all(name.isprintable() for name in outcome.files_skipped)


def test_a_name_of_the_hosts_libraries_cannot_be_linked_in(everywhere: "Everywhere") -> None:
    """A hard link would make a file of the host's look like one of the script's."""
    body = (
        "for source in (os.__file__, '/dev/null', '/dev/zero'):\n"
        "    try: os.link(source, 'linked')\n    except OSError as error: print(error.errno, flush=True)"
    )

    outcome = harvested(everywhere, body)

    assert len(outcome.stdout.split()) == 4
    assert outcome.files == {}


def test_two_names_of_one_file_are_refused(everywhere: "Everywhere") -> None:
    outcome = harvested(everywhere, "open('a', 'w').close(); os.link('a', 'b')")

    assert outcome.files == {}
    assert set(outcome.files_skipped) == {"a", "b"}


def test_a_pipe_keeps_nobody_waiting(everywhere: "Everywhere") -> None:
    """Not even when it takes the place of a file, and holds something."""
    body = (
        "open('f', 'w').close(); os.unlink('f'); os.mkfifo('f'); os.mkdir('d'); os.mkfifo('d/g')\n"
        "held = os.open('f', os.O_RDWR); os.write(held, b'x')"
    )
    outcome = harvested(everywhere, body)

    assert (outcome.status, outcome.files) == (Status.OK, {})
    assert outcome.files_skipped == dict.fromkeys(("f", "d/g"), "it is no regular file")


def test_devices_cannot_be_made_at_all(everywhere: "Everywhere") -> None:
    """What would come of them is in the tests of the walk, which makes real ones."""
    call = "os.mknod('f', 0o20666, os.makedev(1, 5))"
    outcome = harvested(everywhere, f"try: {call}\nexcept OSError as error: print(type(error), flush=True)")

    assert outcome.stdout != "reached\n"
    assert (outcome.files, outcome.files_skipped) == ({}, {})


SPOKEN: dict[str, tuple[str, Status]] = {
    "a refusal, to blame the caller": (r"b'\x04\0\0\0\x1c{\"argument\":\"a\",\"rule\":\"b\"}'", Status.NO_RESULT),
    "a value": (r"b'\x02\0\0\0\1' + b'1'", Status.OK),
    "a large value": (r"b'\x02\0\0\1\0' + b'1' * 256", Status.LIMIT),
    "that it could not be set up": (r"b'\x06\0\0\0\0'", Status.NO_RESULT),
}


@pytest.mark.parametrize(("frame", "status"), SPOKEN.values(), ids=SPOKEN)
def test_a_forged_frame_says_no_more_than_that_the_script_has_ended(
    everywhere: "Everywhere", frame: str, status: Status
) -> None:
    outcome = harvested(everywhere, f"os.write(3, {frame})\nos._exit(0)")

    assert (outcome.status, outcome.value) == (status, None)


def test_a_forged_end_does_not_hide_how_the_process_ended(everywhere: "Everywhere") -> None:
    """The host follows a script to its confirmed end, so that no file is read while somebody could write it."""
    body = "os.write(3, b'\\x02\\0\\0\\0\\4null')\n"

    crashed = harvested(everywhere, body + "os.kill(os.getpid(), 11)")
    left = harvested(everywhere, body + "os._exit(5)")
    stayed = harvested(everywhere, body + "open('a', 'w').close()\ntime.sleep(60)")

    assert (crashed.status, crashed.cause) == (Status.CRASH, "signal:SIGSEGV")
    assert (left.status, left.exit_code) == (Status.ERROR, 5)
    assert (stayed.status, stayed.cause, stayed.files) == (Status.LIMIT, "wall", {"a": b""})


def test_a_process_that_outlives_the_script_is_dead_before_the_host_looks(everywhere: "Everywhere") -> None:
    """It would go on writing; what is read is what was there when it was killed."""
    body = (
        "reading, writing = os.pipe()\n"
        "if os.fork() == 0:\n"
        "    n = 0\n"
        "    while True:\n"
        "        n += 1\n"
        "        with open('new', 'w') as f: f.write(str(n))\n"
        "        os.rename('new', 'count')\n"
        "        n == 1 and os.write(writing, b'x')\n"
        "os.read(reading, 1)"
    )

    outcome = harvested(everywhere, body, processes="2")

    assert (outcome.status, outcome.leftovers) == (Status.OK, 1)
    assert int(outcome.files["count"]) >= 1
