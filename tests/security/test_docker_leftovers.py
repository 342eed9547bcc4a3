"""Two calls in one container: the second finds nothing of the first.

They run where only one container can be (`lanes=1`), so that it was the same one as long as none was ended.
"""

import dataclasses
import textwrap
import threading
from typing import TYPE_CHECKING

import pytest

from poet_engine.job import Job, Script
from poet_engine.outcome import Status

if TYPE_CHECKING:
    from tests.security.conftest import Contained


@dataclasses.dataclass(frozen=True)
class Left:
    """What a call leaves, how to look for it, and what is seen: by itself, which is the control, and by the next."""

    leave: str
    look: str
    itself: object
    next_one: object


FOLDERS = "return [sorted(os.listdir(folder)) for folder in ('/tmp', '/dev/shm')]"
ROOM = "return os.statvfs('/tmp').f_bavail * os.statvfs('/tmp').f_frsize >> 10"
LEFT: dict[str, Left] = {
    "files": Left(
        "for folder in ('/tmp', '/dev/shm'): open(folder + '/left', 'w').close()",
        FOLDERS,
        [["left"], ["left"]],
        [[], []],
    ),
    "folders without permissions": Left(
        "os.makedirs('/tmp/a/b/c'); open('/tmp/a/b/f', 'w').close()\n"
        "for name in ('/tmp/a/b/f', '/tmp/a/b/c', '/tmp/a/b', '/tmp/a'): os.chmod(name, 0)",
        FOLDERS,
        [["a"], []],
        [[], []],
    ),
    "deep folders": Left(
        "for _ in range(60): os.mkdir('d'); os.chdir('d')\nos.chdir('/tmp')", FOLDERS, [["d"], []], [[], []]
    ),
    "odd names": Left(
        "for name in (b'\\n', b'\\xff', b'-rf', b' ', b'*', b'x' * 255): open(b'/tmp/' + name, 'w').close()\n"
        "os.symlink('/usr', '/tmp/link'); os.symlink('/tmp', '/tmp/round'); os.link('/tmp/-rf', '/tmp/twin')",
        "return len(os.listdir('/tmp'))",
        9,
        0,
    ),
    "a full disk": Left(
        "with open('/tmp/full', 'wb', 0) as file:\n    for _ in range(16): file.write(bytes(1 << 18))", ROOM, 0, 4096
    ),
    "a file without a name": Left(
        "global hold\nhold = open('/tmp/x', 'wb', 0); hold.write(bytes(1 << 20)); os.unlink('/tmp/x')", ROOM, 3072, 4096
    ),
    "environment": Left("os.environ['LEFT'] = 'x'", "return os.environ.get('LEFT')", "x", None),
    "working folder": Left("os.mkdir('/tmp/in'); os.chdir('/tmp/in')", "return os.getcwd()", "/tmp/in", "/tmp"),  # noqa: S108 - inside
    "mode of files": Left("os.umask(0)", "found = os.umask(0o77)\nreturn found", 0, 0o77),
    "modules": Left("sys.left = 1", "return hasattr(sys, 'left')", True, False),
    "signals": Left(
        "import signal\nsignal.signal(10, signal.SIG_IGN); signal.pthread_sigmask(0, {10})",
        "import signal\nreturn signal.getsignal(10).value, len(signal.pthread_sigmask(0, ()))",
        (1, 1),
        (0, 0),
    ),
    "an alarm": Left(
        "import signal\nsignal.setitimer(signal.ITIMER_REAL, 60)",
        "import signal\nreturn signal.getitimer(signal.ITIMER_REAL)[0] > 0",
        True,
        False,
    ),
    "descriptors": Left(
        "for _ in range(20): os.open('/dev/null', os.O_RDONLY)",
        (
            "found = 0\nfor fd in range(64):\n    try: os.fstat(fd)\n    except OSError: continue\n    found += 1\n"
            "return found"
        ),
        25,
        5,
    ),
    "times of a device": Left(
        (
            "while os.stat('/dev/null').st_mtime_ns <= os.stat('/dev/full').st_mtime_ns: os.utime('/dev/null')\n"
            "os.listdir('/tmp')"
        ),
        "return os.stat('/dev/null').st_mtime_ns > os.stat('/dev/full').st_mtime_ns",
        True,
        False,
    ),
    "name of the process": Left(
        "import ctypes\nctypes.CDLL(None).prctl(15, b'left')",
        "import ctypes\nroom = ctypes.create_string_buffer(16)\nctypes.CDLL(None).prctl(16, room)\nreturn room.value",
        b"left",
        b"poet-call",
    ),
}


@pytest.mark.parametrize("left", LEFT.values(), ids=LEFT)
def test_the_next_call_finds_nothing_of_it(contained: "Contained", left: Left) -> None:
    look = f"def look():\n{textwrap.indent(left.look, '    ')}\n"
    before = contained.sandbox(lanes=1).statistics().lanes_destroyed

    first = contained(f"{look}{left.leave}\nreturn look()", lanes=1)
    second = contained(f"{look}return look()", lanes=1)

    assert (first.stdout, second.stdout) == ("reached\n", "reached\n")
    assert (first.value, second.value) == (left.itself, left.next_one), second.describe()
    assert contained.sandbox(lanes=1).statistics().lanes_destroyed == before


GIVEN_UP: dict[str, str] = {
    "a child": "if not os.fork(): time.sleep(60)",
    "a grandchild": "if not os.fork():\n    if not os.fork(): time.sleep(60)\n    os._exit(0)",
    "folders too deep": "os.chdir('/tmp')\nfor _ in range(300): os.mkdir('d'); os.chdir('d')",
}


@pytest.mark.parametrize("body", GIVEN_UP.values(), ids=GIVEN_UP)
def test_a_container_that_is_not_proven_empty_serves_nobody_else(contained: "Contained", body: str) -> None:
    def run(body: str) -> object:
        return contained(body, lanes=1, processes="3", inodes="512").value

    before = contained.sandbox(lanes=1, processes="3", inodes="512").statistics().lanes_destroyed
    count = "for pid in range(2, 400):\n    try: os.kill(pid, 0)\n    except OSError: continue\n    found.append(pid)"

    assert run(f"{body}\nreturn 'left'") == "left"
    assert run(f"found = []\n{count}\nreturn len(found), os.listdir('/tmp')") == (1, [])
    assert contained.sandbox(lanes=1, processes="3", inodes="512").statistics().lanes_destroyed == before + 1


# Pages around objects of an interpreter: asking the kernel to read them from an address that is none is an error.
SEARCH = """
import ctypes
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
libc.write.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t]
reading, writing = os.pipe()
needle = bytes(byte ^ 0x55 for byte in args[0])
found, looked, pages = 0, 0, set()
for address in (id(object()), id(bytes(100_000)), id([]), id(needle), libc.malloc(100)):
    pages.update(range((address >> 12) - 6000, (address >> 12) + 6000))
for page in pages:
    if libc.write(writing, page << 12, 4096) == 4096:
        looked += 1
        found += os.read(reading, 4096).count(needle)
return found, looked
"""
SECRET = b"what-only-one-call-may-know"
HIDDEN_SECRET = bytes(byte ^ 0x55 for byte in SECRET)


def _found(contained: "Contained", *, size: int = 0) -> int:
    """How often the secret is in the memory of a call that is told `size` copies of it."""
    outcome = contained(SEARCH, HIDDEN_SECRET, SECRET * size, lanes=1, cpu='"20s"', wall='"20s"')
    assert outcome.stdout == "reached\n"
    assert isinstance(outcome.value, tuple)
    found, looked = outcome.value
    assert looked > 2000
    assert isinstance(found, int)
    return found


@pytest.mark.parametrize("size", [1, 30, 3000, 30_000])
def test_what_one_call_was_told_and_said_is_not_in_the_memory_of_the_next(contained: "Contained", size: int) -> None:
    """It passed through the first process of the container, of which the next is a copy. Its own needle is there."""
    for body in ("return args[0]", "os.write(1, args[0][:20000]); os.write(2, args[0][:20000])"):
        outcome = contained(body, SECRET * size, lanes=1, cpu='"20s"', wall='"20s"')
        assert outcome.stdout.startswith("reached\n")
        assert outcome.status is Status.OK

    assert _found(contained) == 1


def test_control_the_search_finds_what_the_call_itself_was_told(contained: "Contained") -> None:
    assert _found(contained, size=1000) > 100


def test_what_a_script_left_is_not_in_the_memory_of_its_next_run(contained: "Contained") -> None:
    """The files that are brought out are read in the container."""
    body = "\n".join(f"    {line}" for line in SEARCH.replace("args[0]", repr(HIDDEN_SECRET)).splitlines())
    source = (
        "import os, sys\nif sys.argv[1:]:\n    with open('left', 'wb') as file: file.write(os.read(0, 60000))\n"
        "    sys.exit()\n"
        f"def search():\n{body}\nprint(*search())\n"
    )
    sandbox = contained.sandbox(lanes=1, cpu='"20s"', wall='"20s"')

    first = sandbox.run_script(Script(source=source, argv=["x"], stdin=SECRET * 1000, files_out=["left"]))
    second = sandbox.run_script(Script(source=source, files_out=["left"]))

    assert first.files == {"left": SECRET * 1000}
    assert second.files == {}
    assert second.stdout.split()[:1] == ["1"], second.describe()


def test_a_container_serves_one_version_only(contained: "Contained") -> None:
    sandbox = contained.sandbox(lanes=1, threads="5")
    before = sandbox.statistics().lanes_made
    sources = [f"def f():\n    return {number}\n" for number in range(3)]

    for source in sources:
        assert [sandbox.run(Job(source=source, entry="f")).ok for _ in range(3)] == [True] * 3

    assert sandbox.statistics().lanes_made - before == len(sources)


def test_calls_at_once_are_in_containers_of_their_own(contained: "Contained") -> None:
    """Neither sees files or processes of the other."""
    sandbox = contained.sandbox()
    source = (
        "import os, time\ndef f(name):\n    open(f'/tmp/{name}', 'w').close()\n    time.sleep(0.5)\n"
        "    return os.listdir('/tmp')\n"
    )
    seen: dict[str, object] = {}

    def call(name: str) -> None:
        seen[name] = sandbox.run(Job(source=source, entry="f", args=(name,))).value

    threads = [threading.Thread(target=call, args=(name,)) for name in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert seen == {"a": ["a"], "b": ["b"]}
