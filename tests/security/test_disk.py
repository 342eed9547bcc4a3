"""Code that fills the disk, by bytes or by names, and code that writes where others read."""

import errno
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from poet_engine.guest import landlock
from poet_engine.outcome import Blame, Status

if TYPE_CHECKING:
    from tests.security.conftest import Contained, Everywhere, Hostile

# What each does, and the limit in which it ends. The policy in conftest.py allows 4 MiB and 64 inodes.
FILLS: dict[str, tuple[str, str]] = {
    "many empty files": ("for n in range(200): open(f'/tmp/{n}', 'w').close()\nreturn 'done'", "inodes"),
    "many folders": ("for n in range(200): os.mkdir(f'/tmp/{n}')\nreturn 'done'", "inodes"),
    "a deep folder": ("for n in range(200): os.mkdir('deep'); os.chdir('deep')\nreturn 'done'", "inodes"),
    "many symbolic links": ("for n in range(200): os.symlink('x' * 200, f'/tmp/{n}')\nreturn 'done'", "inodes"),
    "many names of one file": (
        "open('/tmp/file', 'w').close()\nfor n in range(200): os.link('/tmp/file', f'/tmp/{n}')\nreturn 'done'",
        "inodes",
    ),
    "names that are no text": (
        "for n in range(200): open(b'/dev/shm/\\xff\\n\\x1b[2J%d' % n, 'w').close()\nreturn 'done'",
        "inodes",
    ),
    "a hole of a terabyte": ("open('/tmp/hole', 'wb').truncate(args[0] << 20)\nreturn 'done'", "file_size"),
    "a byte at the far end": (
        "os.pwrite(os.open('/tmp/far', os.O_CREAT | os.O_WRONLY), b'x', args[0] << 20)\nreturn 'done'",
        "file_size",
    ),
    "one reservation": (
        "os.posix_fallocate(os.open('/tmp/one', os.O_CREAT | os.O_WRONLY), 0, args[0] << 20)\nreturn 'done'",
        "file_size",
    ),
    "two reservations": (
        (
            "for name in 'ab':\n    file = os.open('/tmp/' + name, os.O_CREAT | os.O_WRONLY)\n"
            "    os.posix_fallocate(file, 0, 3 << 20)\nreturn 'done'"
        ),
        "disk",
    ),
    "copies within the kernel": (
        (
            "open('/tmp/a', 'wb').write(bytes(3 << 20))\nsource = os.open('/tmp/a', os.O_RDONLY)\n"
            "target = os.open('/tmp/b', os.O_CREAT | os.O_WRONLY)\n"
            "while os.copy_file_range(source, target, 1 << 20): pass\nreturn 'done'"
        ),
        "disk",
    ),
    "sendfile": (
        (
            "open('/tmp/a', 'wb').write(bytes(3 << 20))\nsource = os.open('/tmp/a', os.O_RDONLY)\n"
            "target = os.open('/tmp/b', os.O_CREAT | os.O_WRONLY)\n"
            "while os.sendfile(target, source, None, 1 << 20): pass\nreturn 'done'"
        ),
        "disk",
    ),
    "splice": (
        (
            "reader, writer = os.pipe()\ntargets = [os.open(f'/tmp/{n}', os.O_CREAT | os.O_WRONLY) for n in range(2)]\n"
            "for n in range(96): os.write(writer, bytes(1 << 16)); os.splice(reader, targets[n // 48], 1 << 16)\n"
            "return 'done'"
        ),
        "disk",
    ),
    "files that were removed and are held": (
        (
            "hold = []\nfor n in range(6):\n"
            "    hold.append(os.open('/tmp/a', os.O_CREAT | os.O_WRONLY)); os.unlink('/tmp/a')\n"
            "    for _ in range(16): os.write(hold[-1], bytes(1 << 16))\nreturn 'done'"
        ),
        "disk",
    ),
}
# As large as the largest of the deeds above, so that the same code runs to its end.
DISK, INODES = '"16MiB"', "6500"


NO_SUCH_CALL = "gVisor does not have it, and says so: docs/sandboxes.md"
NO_INODES = "gVisor bounds the bytes and not the number of files; docs/sandboxes.md says so"


def _skip_what_gvisor_lacks(sees: frozenset[str], body: str) -> None:
    if "linux" not in sees and ("copy_file_range" in body or "O_TMPFILE" in body):
        pytest.skip(NO_SUCH_CALL)


@pytest.mark.parametrize(("body", "cause"), FILLS.values(), ids=FILLS)
def test_every_way_to_fill_the_disk_ends_in_its_limit(
    everywhere: "Everywhere", sees: frozenset[str], body: str, cause: str
) -> None:
    _skip_what_gvisor_lacks(sees, body)
    if cause == "inodes" and "inodes" not in sees:
        pytest.skip(NO_INODES)

    outcome = everywhere(body, 1 << 20)

    assert outcome.stdout == "reached\n"
    assert (outcome.status, outcome.cause, outcome.blame) == (Status.LIMIT, cause, Blame.CODE), outcome.describe()
    assert outcome.limits_hit == (cause,)


@pytest.mark.parametrize("body", [body for body, _ in FILLS.values()], ids=FILLS)
def test_control_where_there_is_room_the_same_is_done(
    everywhere: "Everywhere", sees: frozenset[str], body: str
) -> None:
    """In containers `/dev/shm` has 1/32 of the inodes, on top."""
    _skip_what_gvisor_lacks(sees, body)

    outcome = everywhere(body, 8, disk=DISK, inodes=INODES)

    assert outcome.value == "done", outcome.describe()


def test_after_a_filled_disk_the_next_call_in_the_lane_has_all_of_it(everywhere: "Everywhere") -> None:
    """Also when it left names that are no text, a folder two hundred deep, and nothing that may be entered."""
    leave = (
        "os.mkdir('/tmp/mine'); os.chdir('/tmp/mine')\n"
        "open(b'\\xff\\n', 'w').close(); os.symlink('/etc/shadow', 'out')\n"
        "open('hole', 'wb').truncate(4 << 20)\nfor n in range(200): os.mkdir('deep'); os.chdir('deep')\n"
        "os.chmod('/tmp/mine', 0)\nreturn 'left'"
    )
    look = (
        "return os.listdir('/tmp'), os.listdir('/dev/shm'), os.statvfs('/tmp').f_bfree == os.statvfs('/tmp').f_blocks"
    )

    assert everywhere(leave, lanes=1, disk=DISK, inodes=INODES).value == "left"
    assert everywhere(look, lanes=1, disk=DISK, inodes=INODES).value == ([], [], True)


MAKE = (
    "import ctypes\nlibc, told = ctypes.CDLL(None, use_errno=True), []\nfor folder in args[1]:\n"
    "    path = f'{folder}/{args[0]:o}'.encode()\n"
    "    told.append(0 if libc.mknod(path, args[0], args[2]) == 0 else ctypes.get_errno())\nreturn told"
)
FIFO, DEVICES = 0o010600, (0o020666, 0o060666)
OWN = ["/tmp", "/dev/shm"]  # noqa: S108 - inside the sandbox
OTHERS = ["", "/dev", "/usr", str(Path(os.__file__).parent)]


def test_a_named_pipe_is_made_in_the_calls_own_folders_only(everywhere: "Everywhere") -> None:
    """Whoever looks at the folders from outside does not wait for it: unit/guest/test_collected_files.py."""
    assert everywhere(MAKE, FIFO, OWN, 0).value == [0, 0]
    answers = everywhere(MAKE, FIFO, OTHERS, 0).value
    assert isinstance(answers, list)
    assert set(answers) <= {errno.EROFS, errno.EACCES, errno.ENOENT, errno.EPERM}


def test_no_named_pipe_is_left_for_the_next_call(everywhere: "Everywhere") -> None:
    """Nor what lies in one that somebody held open."""
    leave = (
        "os.mkfifo('/tmp/pipe')\nglobal held\nheld = os.open('/tmp/pipe', os.O_RDWR)\nos.write(held, b'x')\n"
        "return os.listdir('/tmp')"
    )
    assert everywhere(leave, lanes=1).value == ["pipe"]
    assert everywhere("return os.listdir('/tmp')", lanes=1).value == []


@pytest.mark.parametrize("mode", DEVICES, ids=["of characters", "of blocks"])
def test_no_device_file_is_made(everywhere: "Everywhere", mode: int) -> None:
    """Not even the one with number 0, which is none; a bit that the kernel does not take changes nothing."""
    for device in (0, os.makedev(1, 3)):
        for form in (mode, mode | 1 << 16):
            assert everywhere(MAKE, form, OWN, device).value == [errno.EPERM, errno.EPERM]


HOARDS: dict[str, str] = {
    "files": "hold = []\nwhile True: hold.append(os.open('/dev/null', os.O_RDONLY))",
    "files without a name": "hold = []\nwhile True: hold.append(os.open('/tmp', os.O_TMPFILE | os.O_RDWR))",
    "pipes": "hold = []\nwhile True: hold.append(os.pipe())",
    "pairs of sockets": "import socket\nhold = []\nwhile True: hold.append(socket.socketpair())",
    "copies of one": "while True: os.dup(0)",
    "epoll": "import select\nhold = []\nwhile True: hold.append(select.epoll())",
}


@pytest.mark.parametrize("body", HOARDS.values(), ids=HOARDS)
def test_descriptors_run_out_at_their_limit(everywhere: "Everywhere", sees: frozenset[str], body: str) -> None:
    _skip_what_gvisor_lacks(sees, body)

    outcome = everywhere(body, inodes="128", open_files="40")

    assert outcome.stdout == "reached\n"
    assert (outcome.status, outcome.cause, outcome.blame) == (Status.LIMIT, "fds", Blame.CODE)
    longer = body.replace("while True", "for _ in range(40)") + "\nreturn 'held'"
    assert everywhere(longer, inodes="128", open_files="200").value == "held"


PIPES = (
    "import fcntl\nhold = []\nfor n in range(args[0]):\n    hold.append(os.pipe()); writer = hold[-1][1]\n"
    "    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 1 << 20); os.set_blocking(writer, False)\n"
    "    os.write(writer, bytes(1 << 20))\nreturn n + 1"
)


def test_what_lies_in_pipes_is_charged(everywhere: "Everywhere", sees: frozenset[str]) -> None:
    if "counters" not in sees:
        pytest.skip("without a cgroup inside, the number of descriptors bounds what lies in pipes")

    outcome = everywhere(PIPES, 24, memory='"16MiB"')

    assert (outcome.stdout, outcome.status, outcome.cause) == ("reached\n", Status.LIMIT, "memory")
    assert everywhere(PIPES, 24).value == 24


# {0} is a file, {1} its folder. Each changes nothing where it gets through: a wall that fails costs no interpreter.
TOUCHES: dict[str, str] = {
    "open it for writing": "os.close(os.open({0}, os.O_RDWR))",
    "open it for appending": "os.close(os.open({0}, os.O_WRONLY | os.O_APPEND))",
    "map it for writing": (
        "import mmap; mmap.mmap(os.open({0}, os.O_RDONLY), 1, mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE)"
    ),
    "set its size": "os.truncate({0}, os.stat({0}).st_size)",
    "set its mode": "os.chmod({0}, os.stat({0}).st_mode & 0o7777)",
    "set its times": "os.utime({0}, ns=(os.stat({0}).st_atime_ns, os.stat({0}).st_mtime_ns))",
    "set its times to now, open": "os.utime(os.open({0}, os.O_RDONLY))",
    "rename it": "os.rename({0}, {0})",
    "link it": "os.link({0}, {1} + '/new')",
    "remove a name": "os.unlink({1} + '/none')",
    "remove a folder": "os.rmdir({1} + '/none')",
    "make a folder": "os.mkdir({1} + '/new')",
    "make a link": "os.symlink('x', {1} + '/new')",
    "make a file": "os.close(os.open({1} + '/new', os.O_CREAT | os.O_EXCL | os.O_WRONLY))",
    "reserve in it": "os.posix_fallocate(os.open({0}, os.O_RDONLY), 0, 1)",
    "write through its folder": "os.open(os.path.basename({0}), os.O_WRONLY, dir_fd=os.open({1}, os.O_RDONLY))",
}
# Beyond these the deed itself would not work: a descriptor for reading does not write, whatever wall there is.
REFUSED = {errno.EROFS, errno.EACCES, errno.EPERM, errno.EXDEV, errno.EBADF}


def _touch(deed: str) -> str:
    return f"try: {deed.format('args[0]', 'args[1]')}\nexcept OSError as error: return error.errno\nreturn 'done'"


@pytest.mark.parametrize("deed", TOUCHES.values(), ids=TOUCHES)
def test_no_file_of_the_interpreter_is_changed_in_any_way(hostile: "Hostile", deed: str) -> None:
    """By the read-only mount alone too, against an owner whom no permission stops."""
    library = Path(os.__file__).resolve()

    for without in ("", "landlock ids capabilities", "landlock ids capabilities seccomp"):
        outcome = hostile(_touch(deed), str(library), str(library.parent), without=without)
        assert outcome.stdout == "reached\n"
        assert outcome.value in REFUSED, (without, outcome.describe())


# All of them in one call: what a container answers, by its name. Beyond what there is to touch in the image.
TOUCH_ALL = (
    "answers = {}\nfor name, deed in args[0].items():\n"
    "    try: exec(deed, globals(), {'args': (os.__file__, os.path.dirname(os.__file__))})\n"
    "    except OSError as error: answers[name] = error.errno\n    else: answers[name] = 'done'\nreturn answers"
)


@pytest.mark.parametrize("without", ["", "landlock", "seccomp landlock"])
def test_in_a_container_no_file_of_the_image_is_changed_in_any_way(contained: "Contained", without: str) -> None:
    """The image is read-only, and belongs to somebody else than the code."""
    deeds = {name: deed.format("args[0]", "args[1]") for name, deed in TOUCHES.items()}

    outcome = contained(TOUCH_ALL, deeds, without=without, lanes=1)

    assert outcome.stdout == "reached\n"
    assert isinstance(outcome.value, dict), outcome.describe()
    assert list(outcome.value) == list(TOUCHES)
    assert set(outcome.value.values()) <= REFUSED, outcome.value


def test_control_in_a_container_the_same_is_done_to_a_file_of_the_codes_own(contained: "Contained") -> None:
    own = f"open('/tmp/own', 'w').write('own')\nos.mkdir('/tmp/none')\n{TOUCH_ALL}"
    own = own.replace("(os.__file__, os.path.dirname(os.__file__))", "('/tmp/own', '/tmp')")
    deeds = {
        name: deed.format("args[0]", "args[1]")
        for name, deed in TOUCHES.items()
        if name not in NEVER and name not in ("remove a name", "link it", "make a folder", "make a link")
    }

    outcome = contained(own, deeds, lanes=1)

    assert outcome.value == dict.fromkeys(deeds, "done")


@pytest.fixture
def canary() -> Iterator[Path]:
    """A file that everybody may write, in a folder that everybody may write, where no interpreter is at stake."""
    with tempfile.TemporaryDirectory(prefix="poet-test-", dir="/var/tmp") as folder:
        Path(folder).chmod(0o777)
        file = Path(folder, "canary")
        file.write_text("canary", encoding="utf-8")
        file.chmod(0o666)
        yield file


# What only the owner may do, and what needs no more than a descriptor for reading and so is refused always.
OWNERS, NEVER = (
    ("set its mode", "set its times", "set its times to now, open", "link it"),
    ("map it for writing", "reserve in it"),
)
HARMLESS = [name for name in TOUCHES if name not in (*OWNERS, *NEVER) and "remove" not in name]


@pytest.mark.parametrize("name", HARMLESS)
def test_control_with_the_walls_down_the_same_is_done_to_a_canary(hostile: "Hostile", canary: Path, name: str) -> None:
    arguments = (str(canary), str(canary.parent))

    assert hostile(_touch(TOUCHES[name]), *arguments, without="mounts landlock ids seccomp").value == "done"
    assert hostile(_touch(TOUCHES[name]), *arguments).value == errno.ENOENT, "the root of its own"


@pytest.mark.parametrize("name", [name for name in HARMLESS if name != "rename it"])
def test_landlock_alone_keeps_the_canary_as_it_is(hostile: "Hostile", canary: Path, name: str) -> None:
    if landlock.abi() < 3:
        pytest.skip("the Landlock of this kernel knows no truncation; the read-only mount stands without it")

    outcome = hostile(_touch(TOUCHES[name]), str(canary), str(canary.parent), without="mounts ids capabilities seccomp")

    assert (outcome.stdout, outcome.value) == ("reached\n", errno.EACCES)


@pytest.mark.root
@pytest.mark.parametrize("name", OWNERS[:2])
def test_the_uid_of_its_own_alone_keeps_mode_and_times(hostile: "Hostile", canary: Path, name: str) -> None:
    """Landlock does not cover them; rootless the read-only mount stands alone before them."""
    arguments = (str(canary), str(canary.parent))

    assert hostile(_touch(TOUCHES[name]), *arguments, without="mounts landlock seccomp").value == errno.EPERM
    assert (
        hostile(_touch(TOUCHES[name]), *arguments, without="mounts ids landlock seccomp capabilities").value == "done"
    )


@pytest.mark.parametrize("device", ["null", "zero", "full", "urandom"])
def test_device_files_can_be_used_and_not_changed(hostile: "Hostile", device: str) -> None:
    """Their times are the host's own: setting them to now needs no more than the right to write."""
    body = "os.open(args[0], os.O_RDWR)\n" + _touch("os.utime({0})")

    outcome = hostile(body, f"/dev/{device}")

    assert (outcome.stdout, outcome.value) == ("reached\n", errno.EROFS)
    assert hostile(body, f"/dev/{device}", without="landlock ids capabilities seccomp").value == errno.EROFS
    assert hostile(_touch("os.chmod({0}, 0o666)"), f"/dev/{device}").value in REFUSED


def test_control_without_the_mounts_of_its_own_a_devices_times_are_set(hostile: "Hostile") -> None:
    """No other wall is before it."""
    assert hostile(_touch("os.utime({0})"), "/dev/null", without="mounts").value == "done"
