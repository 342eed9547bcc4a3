"""Named pipes and empty files are made as under plain CPython, and device files are refused as to an ordinary user."""

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.regressions.conftest import OpenEngine

    from poet_engine.outcome import Outcome

_PIPES = """
import os, pathlib, shutil, stat, threading
os.umask(0o022)
os.mkdir("folder")
os.mkfifo("folder/pipe", 0o640)
found = os.stat("folder/pipe")
print(stat.filemode(found.st_mode), pathlib.Path("folder/pipe").is_fifo(), found.st_size)
def write():
    with open("folder/pipe", "w") as pipe:
        pipe.write("through a pipe")
thread = threading.Thread(target=write)
thread.start()
with open("folder/pipe") as pipe:
    print(pipe.read())
thread.join()
try:
    os.mkfifo("folder/pipe")
except FileExistsError as error:
    print(error)
try:
    os.open("folder/pipe", os.O_WRONLY | os.O_NONBLOCK)
except OSError as error:
    print(error)
try:
    shutil.copytree("folder", "copy")
except shutil.Error as error:
    print(error.args[0])
folder = os.open("folder", os.O_RDONLY)
os.mkfifo("other", dir_fd=folder)
os.mknod("folder/file")
os.mknod("folder/another", 0o600 | stat.S_IFREG)
print(sorted((name, stat.filemode(os.stat("folder/" + name).st_mode)) for name in os.listdir("folder")))
"""
_DEVICES = """
import os, stat
def f():
    words = []
    for kind in (stat.S_IFCHR, stat.S_IFBLK):
        try:
            os.mknod("/tmp/device", 0o600 | kind, os.makedev(1, 3))
        except OSError as error:
            words.append(str(error))
    return words
"""


@pytest.mark.parametrize("preset", ["restricted", "lab"])
def test_they_are_as_in_cpython(same_as_cpython: "Callable[[str, str, str], Outcome]", preset: str) -> None:
    outcome = same_as_cpython(_PIPES, "", preset)
    assert outcome.status == "ok"
    assert not {call.call for call in outcome.denied} & {"mknod", "mknodat"}


def test_a_device_file_is_refused_as_to_an_ordinary_user(
    open_engine: "OpenEngine", any_code_policy: "Callable[[str, str], str]"
) -> None:
    outcome = open_engine(any_code_policy("restricted", "")).run(_DEVICES, "f")
    assert outcome.value == ["[Errno 1] Operation not permitted"] * 2
