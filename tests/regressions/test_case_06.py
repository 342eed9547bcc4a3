"""System calls that are refused fail with the error that their best-known callers forgive."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.regressions.conftest import OpenEngine

    from poet_engine.outcome import Outcome

_COPIES = """
import os, shutil, stat
os.makedirs("work/in/deep")
for name in ("a.txt", "deep/b.txt"):
    with open("work/in/" + name, "w") as file:
        file.write(name)
os.symlink("a.txt", "work/in/link")
os.chmod("work/in/a.txt", 0o640)
os.utime("work/in/a.txt", (1, 2))
shutil.copytree("work/in", "work/out", symlinks=True)
shutil.copy2("work/in/a.txt", "work/two.txt")
shutil.copystat("work/in/a.txt", "work/in/deep/b.txt")
shutil.move("work/in", "work/moved")
shutil.make_archive("work/packed", "tar", "work/out")
shutil.unpack_archive("work/packed.tar", "work/unpacked")
for folder, folders, files in sorted(os.walk("work")):
    print(folder, sorted(folders), sorted(files))
for path in ("work/out/a.txt", "work/two.txt", "work/moved/deep/b.txt"):
    found = os.stat(path)
    print(stat.filemode(found.st_mode), found.st_mtime_ns)
os.sync()
os.remove("work/packed.tar")  # it holds the times of the run
for folder in ("moved", "out", "unpacked"):
    os.remove(f"work/{folder}/link")
"""
_REFUSALS = """
import errno, os
def f():
    found = {}
    deeds = {
        "list": lambda: os.listxattr("/tmp"),
        "set": lambda: os.setxattr("/tmp", "user.a", b"1"),
        "get": lambda: os.getxattr("/tmp", "user.a"),
        "nice": lambda: os.nice(1),
        "cores": lambda: os.sched_setaffinity(0, {0}),
        "owner": lambda: os.chown("/tmp", 0, 0),
        "device": lambda: os.mknod("/tmp/device", 0o20600, os.makedev(1, 5)),
        "session": lambda: os.setsid(),
    }
    for name, deed in deeds.items():
        try:
            deed()
            found[name] = "done"
        except OSError as error:
            found[name] = errno.errorcode[error.errno]
    return found
"""


def test_copies_of_folders_and_files_are_as_in_cpython(
    same_as_cpython: "Callable[[str, str, str], Outcome]",
) -> None:
    assert same_as_cpython(_COPIES, "", "restricted").status == "ok"


def test_each_error_is_one_that_callers_forgive(
    open_engine: "OpenEngine", any_code_policy: "Callable[[str, str], str]"
) -> None:
    value = open_engine(any_code_policy("restricted", "")).run(_REFUSALS, "f").value

    assert value == {
        **dict.fromkeys(("list", "set", "get"), "ENOTSUP"),
        **dict.fromkeys(("nice", "cores", "owner", "device", "session"), "EPERM"),
    }
