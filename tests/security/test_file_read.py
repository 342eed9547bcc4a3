"""Code that reads what belongs to the user: files, the environment, what the host process holds open."""

import errno
import glob
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from poet_engine.guest import landlock
from poet_engine.outcome import Blame, Status

if TYPE_CHECKING:
    from tests.security.conftest import Contained, Everywhere, Hostile

READ = "with open(args[0], encoding='utf-8') as file: return file.read()"
ERRNO = "try: os.close(os.open(args[0], os.O_RDONLY))\nexcept OSError as error: return error.errno\nreturn 'opened'"
# Everything that could stand between the code and a file of the user's.
ALL = "mounts ids capabilities seccomp landlock"


@pytest.fixture
def secret() -> Iterator[Path]:
    """A file of the user who runs the tests, as private as files in a home folder are.

    Not below `/tmp`: the code has one of its own there, which Landlock opens for it.
    """
    with tempfile.TemporaryDirectory(prefix="poet-test-", dir="/var/tmp") as folder:
        file = Path(folder) / "secret"
        file.write_text("canary", encoding="utf-8")
        file.chmod(0o600)
        yield file


def test_a_file_of_the_user_is_not_there(everywhere: "Everywhere", secret: Path) -> None:
    outcome = everywhere(READ, str(secret))

    assert outcome.stdout == "reached\n"
    assert (outcome.status, outcome.cause, outcome.blame) == (Status.ERROR, "exception", Blame.CODE)
    assert outcome.error is not None
    assert outcome.error.type == "FileNotFoundError"
    assert outcome.evidence is not None
    assert (outcome.evidence.counter, outcome.evidence.value) == ("exception", "FileNotFoundError")


def test_control_with_the_walls_down_the_file_is_read(hostile: "Hostile", secret: Path) -> None:
    assert hostile(READ, str(secret), without=ALL).value == "canary"


def test_the_root_of_its_own_alone_hides_the_file(hostile: "Hostile", secret: Path) -> None:
    outcome = hostile(READ, str(secret), without=ALL.replace("mounts", ""))

    assert outcome.error is not None
    assert outcome.error.type == "FileNotFoundError"


def test_landlock_alone_keeps_the_file_closed(hostile: "Hostile", secret: Path) -> None:
    if not landlock.abi():
        pytest.skip("this kernel has no Landlock; the root of its own stands without it")

    outcome = hostile(READ, str(secret), without=ALL.replace("landlock", ""))

    assert outcome.stdout == "reached\n"
    assert outcome.error is not None
    assert outcome.error.type == "PermissionError"


@pytest.mark.root
def test_the_uid_of_its_own_alone_may_not_read_the_file(hostile: "Hostile", secret: Path) -> None:
    """Only as root has a lane a uid of its own; rootless this wall has no effect, and the threat model says so."""
    outcome = hostile(READ, str(secret), without="mounts seccomp landlock")

    assert outcome.stdout == "reached\n"
    assert outcome.error is not None
    assert outcome.error.type == "PermissionError"


ELSEWHERE = [
    *(
        "/etc/passwd",
        "/etc/hostname",
        "/home",
        "/proc",
        "/proc/1/environ",
        "/proc/self/mountinfo",
        "/sys",
        "/run",
        "/var",
    ),
    *("/dev/mem", "/dev/kmsg", "/dev/tty", "/dev/ptmx", "/dev/fuse", "/dev/kvm", "/boot", "/mnt", "/opt", "/srv"),
]


@pytest.mark.parametrize("path", [path for path in ELSEWHERE if os.path.lexists(path)])
def test_nothing_else_of_the_machine_is_there(hostile: "Hostile", path: str) -> None:
    outcome = hostile(ERRNO, path)

    assert (outcome.stdout, outcome.value) == ("reached\n", 2)


def test_control_with_the_walls_down_they_are_there(hostile: "Hostile") -> None:
    assert [hostile(ERRNO, path, without=ALL).value for path in ("/etc/passwd", "/proc", "/proc/self/mountinfo")] == [
        "opened"
    ] * 3


@pytest.mark.parametrize("way", ["/tmp/../../../../../..{path}", "/./{path}", "/tmp/link"])  # noqa: S108 - inside the sandbox
def test_no_way_around_leads_out_of_the_root(everywhere: "Everywhere", secret: Path, way: str) -> None:
    body = f"os.symlink(args[0], '/tmp/link')\nos.chdir('/')\n{READ.replace('args[0]', 'args[1]')}"

    outcome = everywhere(body, str(secret), way.format(path=secret))

    assert outcome.stdout == "reached\n"
    assert outcome.error is not None
    assert outcome.error.type == "FileNotFoundError"


def test_only_python_and_its_libraries_are_at_the_root(hostile: "Hostile") -> None:
    """Folders that lead to the interpreter are empty frames: nothing else of what they hold outside is there."""
    body = (
        "found = []\nfor folder, folders, files in os.walk('/'):\n    if folder in args[0]: folders.clear(); continue\n"
        "    found += [path for name in files if not os.path.islink(path := os.path.join(folder, name))]\n"
        "return sorted(found)"
    )
    library = str(Path(os.__file__).resolve().parent)
    shared = [str(Path(path).resolve()) for path in ("/lib", "/lib64", "/usr/lib", "/usr/share/zoneinfo")]
    prefix = str(Path(sys.base_prefix).resolve() / "lib")

    files = hostile(body, [library, prefix, *shared], without="landlock", cpu='"3s"').value

    assert files == ["/dev/full", "/dev/null", "/dev/urandom", "/dev/zero"]


WRITES = ["/new", "/usr/new", "/dev/new", "{library}/new.py", "{library}/os.py"]
READ_ONLY, DENIED = 30, 13


@pytest.mark.parametrize("path", WRITES)
def test_nothing_that_others_see_can_be_written(hostile: "Hostile", path: str) -> None:
    """Not even as the owner, whom no permission stops."""
    target = path.format(library=Path(os.__file__).resolve().parent)
    body = (
        "try: os.close(os.open(args[0], os.O_WRONLY | os.O_CREAT))\n"
        "except OSError as error: return error.errno\nreturn 'opened'"
    )

    assert hostile(body, target).value in (READ_ONLY, DENIED)
    for without in ("landlock ids", "landlock ids capabilities", "landlock ids capabilities seccomp"):
        outcome = hostile(body, target, without=without)
        assert outcome.stdout == "reached\n"
        assert outcome.value == READ_ONLY or (os.geteuid() and outcome.value == DENIED), without


# One of each: what says whose machine this is, who uses it, and what runs there. Of a kernel that is shared, figures
# such as the load are the same for everybody: docs/threat-model.md.
OF_THE_MACHINE = [
    *("/etc/passwd", "/etc/group", "/etc/hostname", "/etc/machine-id", "/etc/fstab", "/etc/os-release", "/etc/shadow"),
    *("/proc/1/cmdline", "/proc/1/environ", "/proc/self/mountinfo", "/proc/mounts", "/proc/net/tcp", "/proc/net/unix"),
    *("/proc/net/route", "/proc/cmdline", "/proc/modules", "/proc/partitions", "/proc/keys", "/proc/locks"),
]
READ_ALL = (
    "found = {}\nfor path in args:\n    try:\n        with open(path, 'rb') as file: found[path] = file.read(4096)\n"
    "    except OSError as error: found[path] = error.errno\nreturn found"
)


def _head(path: str) -> bytes:
    try:
        with Path(path).open("rb") as file:
            return file.read(4096)
    except OSError:
        return b""


@pytest.mark.parametrize("without", ["", "landlock", "seccomp landlock"])
def test_in_a_container_what_tells_of_the_machine_is_not_there_or_is_its_own(
    contained: "Contained", without: str
) -> None:
    """With runc Landlock keeps even what the image has; without it, and with gVisor, the image is what there is."""
    outcome = contained(READ_ALL, *OF_THE_MACHINE, without=without, lanes=1)

    assert outcome.stdout == "reached\n"
    assert isinstance(outcome.value, dict), outcome.describe()
    assert list(outcome.value) == OF_THE_MACHINE
    same = [path for path, content in outcome.value.items() if content and content == _head(path)]
    assert not same
    if contained.runtime == "runc" and not without:
        assert set(outcome.value.values()) <= {errno.ENOENT, errno.EACCES, b""}, "empty: /dev/null is mounted there"
    else:
        assert isinstance(outcome.value["/etc/passwd"], bytes), "the control: the same look finds the image's own"


def test_in_a_container_nothing_beside_the_writable_folders_can_be_written(contained: "Contained") -> None:
    body = (
        "answers = []\nfor path in args:\n    try: os.close(os.open(path, os.O_WRONLY | os.O_CREAT))\n"
        "    except OSError as error: answers.append(error.errno)\n    else: answers.append('opened')\nreturn answers"
    )
    paths = ("/new", "/usr/new", "/dev/new", "/opt/poet/new", "/run/new", "/etc/passwd", "/proc/sys/kernel/hostname")

    for without in ("", "landlock", "seccomp landlock"):
        answers = contained(body, *paths, without=without, lanes=1).value
        assert isinstance(answers, list)
        assert len(answers) == len(paths)
        assert set(answers) <= {READ_ONLY, DENIED, errno.ENOENT}, (without, answers)
    assert contained(body, "/tmp/new", "/dev/shm/new", lanes=1).value == ["opened"] * 2  # noqa: S108 - inside


def test_packages_that_the_policy_does_not_name_are_not_there(everywhere: "Everywhere") -> None:
    assert everywhere(ERRNO, str(Path(pytest.__file__).parent)).value == 2


def test_control_with_the_walls_down_packages_are_there(hostile: "Hostile") -> None:
    assert hostile(ERRNO, str(Path(pytest.__file__).parent), without=ALL).value == "opened"


def test_the_hosts_environment_is_not_there(hostile: "Hostile", monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POET_TEST_SECRET", "canary")

    outcome = hostile(
        "import ctypes\nreturn dict(os.environ), ctypes.CDLL(None).getenv(b'POET_TEST_SECRET')", inodes="65"
    )

    assert isinstance(outcome.value, tuple)
    assert "canary" not in str(outcome.value)
    assert outcome.value[1] == 0


@pytest.fixture
def loaded_library() -> Iterator[Path]:
    """A folder with a shared library for a program to load, and a private file beside it."""
    found = glob.glob("/lib/*/libz.so.1") + glob.glob("/lib/*/libm.so.6")  # noqa: PTH207 - text paths
    if not found:
        pytest.skip("this machine has no small shared library to copy")
    with tempfile.TemporaryDirectory(prefix="poet-test-", dir="/var/tmp") as folder:
        shutil.copy(found[0], Path(folder) / "libhostapp.so.1")
        Path(folder, "secret").write_text("canary", encoding="utf-8")
        Path(folder).chmod(0o755)
        yield Path(folder)


_HOST_WITH_LIBRARY = """
import ctypes, sys
folder = sys.argv[1]
ctypes.CDLL(folder + "/libhostapp.so.1")
from poet_engine.job import Job
from poet_engine.policy import Policy
from poet_engine.sandbox.process import ProcessSandbox
source = "import os\\ndef read(folder):\\n    print('reached')\\n    return os.path.exists(folder + '/secret')"
with ProcessSandbox(Policy.load("restricted")) as sandbox:
    outcome = sandbox.run(Job(source=source, entry="read", args=(folder,)))
    print(outcome.stdout.strip(), outcome.value)
"""


def test_a_library_that_the_host_has_loaded_does_not_open_its_folder(loaded_library: Path) -> None:
    """What the host application loads for itself is its own: the files beside it stay hidden."""
    done = subprocess.run(
        [sys.executable, "-c", _HOST_WITH_LIBRARY, str(loaded_library)], capture_output=True, text=True, check=True
    )

    assert done.stdout == "reached False\n"
