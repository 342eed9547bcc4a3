"""F4: a policy's path that is a FIFO kept whoever read it waiting for ever.

Every file that a user or a project names goes through one reader. What only a user can name, on his own command line,
may be a pipe; a regular file and a link to one are the controls.
"""

import os
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from poet_engine import Policy, _files
from poet_engine.cli.jobs.job_lines import JobLine, JobsFile
from poet_engine.cli.json_arguments import read_arguments
from poet_engine.cli.source_files import read_text
from poet_engine.errors import PoetError
from poet_engine.policy.layers import policy_context
from poet_engine.sandbox import input_files
from poet_engine.versions import files as store_files

# Where a reader that waits is noticed: nothing below takes longer than a moment.
pytestmark = pytest.mark.timeout(20)

JOB = '{"id": "a", "source": "def f(x):\\n    return x\\n", "entry": "f", "args": [1]}\n'
HUGE = 10 << 30  # bytes, of which none is on the disk


def _no_stdin(_most: int) -> bytes:
    raise AssertionError("nobody asked for standard input")


def _project(path: Path) -> object:
    path.rename(path.with_name("pyproject.toml"))
    return policy_context(path.parent, None, path.parent / "absent")


def _named_by_a_project(path: Path) -> object:
    (path.parent / "pyproject.toml").write_text(f'[tool.poet]\npolicy = "./{path.name}"\n')
    return policy_context(path.parent, None, path.parent / "absent")


def _stored(path: Path) -> object:
    with store_files.folder(path.parent) as here:
        return store_files.read(path.name, at=here, limit=1000, where=path.parent)


# What reads the files that somebody names: each gets the path of one.
READERS: dict[str, Callable[[Path], object]] = {
    "a policy": Policy.load,
    "a policy that another one extends": lambda path: Policy.parse(f'extends = "{path}"'),
    "a policy that is warned of": lambda path: Policy.parse(f'[static]\nwarn = ["{path}"]'),
    "a project": _project,
    "a policy of a project": _named_by_a_project,
    "the machine": lambda path: policy_context(path.parent / "none", None, path),
    "the organisation": lambda path: policy_context(path.parent / "none", str(path), path.parent / "absent"),
    "a source": read_text,
    "an input of a script": lambda path: input_files.read({"a": path}, Policy.load("restricted").limits),
    "a record of the store": _stored,
}


def _fifo(path: Path) -> None:
    os.mkfifo(path)


def _link_to_a_fifo(path: Path) -> None:
    os.mkfifo(path.with_name("fifo"))
    path.symlink_to("fifo")


def _socket(path: Path) -> None:
    listener = socket.socket(socket.AF_UNIX)
    here = os.open(path.parent, os.O_PATH)
    try:
        listener.bind(f"/proc/self/fd/{here}/{path.name}")  # the path itself may be too long for one
    finally:
        os.close(here)
        listener.close()


def _huge(path: Path) -> None:
    path.touch()
    os.truncate(path, HUGE)


KINDS: dict[str, Callable[[Path], object]] = {
    "a FIFO": _fifo,
    "a link to a FIFO": _link_to_a_fifo,
    "a socket": _socket,
    "/dev/zero": lambda path: path.symlink_to("/dev/zero"),
    "/dev/tty": lambda path: path.symlink_to("/dev/tty"),
    "a folder": Path.mkdir,
    "a file of 10 GB": _huge,
    "a link to itself": lambda path: path.symlink_to(path.name),
    "a link to nothing": lambda path: path.symlink_to("absent"),
    "bytes that are no text": lambda path: path.write_bytes(b'name = "\xff"\n'),
}
_WHATEVER = {"an input of a script", "a record of the store"}  # bytes are bytes to them


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("kind", KINDS)
def test_it_is_refused_at_once_and_named(tmp_path: Path, reader: str, kind: str) -> None:
    path = tmp_path / "policy.toml"
    KINDS[kind](path)
    if kind == "bytes that are no text" and reader in _WHATEVER:
        assert READERS[reader](path)
        return
    with pytest.raises((PoetError, OSError)) as caught:
        READERS[reader](path)
    # the store's own callers turn what the system says into an error of theirs, with the path
    assert isinstance(caught.value, PoetError) or reader == "a record of the store"
    if reader not in {"an input of a script", "a record of the store"}:
        assert str(tmp_path) in str(caught.value) or "policy.toml" in str(caught.value)


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("link", [False, True])
def test_control_a_regular_file_is_read(tmp_path: Path, reader: str, *, link: bool) -> None:
    """And a link to one, but in the store, whose folder may come with a project."""
    path = tmp_path / "policy.toml"
    text = '[tool.poet]\npolicy = "data"\n' if reader == "a project" else 'name = "fine"\n'
    (path.with_name("real.toml") if link else path).write_text(text)
    if link:
        path.symlink_to("real.toml")
    if link and reader == "a record of the store":
        with pytest.raises(OSError, match="symbolic links"):
            READERS[reader](path)
    else:
        assert READERS[reader](path) is not None


def test_a_file_that_grows_is_read_no_further_than_it_may(tmp_path: Path) -> None:
    path = tmp_path / "grows"
    path.write_bytes(b"x" * 10)
    with _files.open_regular(path) as file:
        with path.open("ab") as more:
            more.write(b"y" * 1000)
        with pytest.raises(_files.LargeFileError):
            _files.content(file, 100)


def test_a_file_that_has_no_end_is_not_waited_for() -> None:
    """Some files of the kernel are regular by their names, and reading them waits for what happens next."""
    end, other = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        with open(end, "rb") as file, pytest.raises(BlockingIOError, match="no end"):  # noqa: PTH123 - a descriptor has no path
            _files.content(file, 10)
    finally:
        os.close(other)


class TestPipesOfTheUser:
    """`--args @FILE` and `--jobs FILE`: whoever runs the command may name the shell's `<(…)`."""

    def test_arguments_come_through_a_pipe(self) -> None:
        end, other = os.pipe()
        try:
            os.write(other, b"[1, 2]")
            os.close(other)
            assert read_arguments(f"@/dev/fd/{end}", stdin=_no_stdin) == ((1, 2), {})
        finally:
            os.close(end)

    def test_a_writer_that_takes_its_time_is_waited_for(self, tmp_path: Path) -> None:
        """In the shell: `{ sleep 1; echo '[1]'; } > fifo & poet run … --args @fifo`."""
        os.mkfifo(tmp_path / "fifo")
        program = "import sys\nwith open(sys.argv[1], 'w') as fifo:\n    sys.stdin.read()\n    fifo.write('[1]')\n"
        command = [sys.executable, "-c", program, str(tmp_path / "fifo")]
        with subprocess.Popen(command, stdin=subprocess.PIPE) as writer:
            assert writer.stdin is not None
            keep = os.open(tmp_path / "fifo", os.O_RDWR | os.O_CLOEXEC)  # until the writer is there
            ready = os.open(tmp_path / "fifo", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            found: list[object] = []
            reader = threading.Thread(
                target=lambda: found.append(read_arguments(f"@{tmp_path / 'fifo'}", stdin=_no_stdin))
            )
            reader.start()
            writer.stdin.close()
            writer.wait()
            os.close(keep)
            os.close(ready)
            reader.join()
        assert found == [((1,), {})]

    def test_one_that_nobody_writes_to_is_at_its_end(self, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "fifo")
        with pytest.raises(PoetError, match="is not JSON"):
            read_arguments(f"@{tmp_path / 'fifo'}", stdin=_no_stdin)

    def test_jobs_come_through_a_pipe_and_are_read_twice(self) -> None:
        end, other = os.pipe()
        try:
            os.write(other, JOB.encode() * 2)
            os.close(other)
            with JobsFile.open(Path(f"/dev/fd/{end}")) as jobs:
                for _ in range(2):
                    assert [isinstance(line, JobLine) for line in jobs.lines()] == [True, True]
        finally:
            os.close(end)

    def test_jobs_come_from_standard_input(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with tempfile.TemporaryFile() as file:
            file.write(JOB.encode())
            file.seek(0)
            with open(os.dup(file.fileno()), encoding="utf-8") as text:  # noqa: PTH123 - a descriptor has no path
                monkeypatch.setattr(sys, "stdin", text)
                with JobsFile.open(Path("-")) as jobs:
                    assert [str(jobs.path), *(isinstance(line, JobLine) for line in jobs.lines())] == [
                        "standard input",
                        True,
                    ]

    @pytest.mark.parametrize("kind", [name for name in KINDS if "FIFO" not in name and "text" not in name])
    def test_anything_else_is_refused(self, tmp_path: Path, kind: str) -> None:
        path = tmp_path / "jobs.jsonl"
        KINDS[kind](path)
        with pytest.raises(PoetError):
            read_arguments(f"@{path}", stdin=_no_stdin)
        if kind != "a file of 10 GB":  # jobs have no such limit
            with pytest.raises(PoetError):
                JobsFile.open(path)


def test_the_command_says_so_and_ends(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo.toml")
    poet = "import sys\nfrom poet_engine.cli import main\nsys.exit(main(sys.argv[1:]))"
    for command in (["policy", "check", "fifo.toml"], ["policy", "show", "./fifo.toml"], ["scan", "fifo.toml"]):
        asked = [sys.executable, "-c", poet, *command]
        ended = subprocess.run(asked, cwd=tmp_path, capture_output=True, text=True, timeout=15, check=False)
        assert ended.returncode in {1, 2}
        assert "it is a FIFO" in ended.stdout + ended.stderr
