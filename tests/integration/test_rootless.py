"""The same suites, as an ordinary user: what root can do for a sandbox must not be what makes it hold."""

import importlib.metadata
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytestmark = [pytest.mark.user, pytest.mark.sandbox]

Require = Callable[[str, bool, str], None]

ROOT = Path(__file__).resolve().parents[2]
_FIRST_OF_RANGE = 700_000
NOBODY_ELSE = 54321  # a user that no distribution hands out, and that need not be in any list of users
# Not again: what the Docker engine does, which is the same for everybody, and what the gate says of a text.
_NOT_AGAIN = (
    "-m",
    "not docker",
    "--ignore=tests/conformance/test_packages.py",
    "--ignore=tests/security/test_gate_corpus.py",
    "--ignore=tests/security/test_allow_lists.py",
    "--ignore=tests/security/test_private_names.py",
)
_NEEDED = ("pydantic", "psutil", "pytest", "pytest-timeout")
_MAY_BE_SKIPPED = re.compile(
    "needs root|cgroup|nothing counts memory|Landlock|this kernel has no|x86|outside has no|lacks its own tests"
)
_NAME = re.compile(r"[A-Za-z0-9._-]+")

_WALLS = """
import json, os
from poet_engine.job import Job
from poet_engine.policy import Policy
from poet_engine.sandbox.process import ProcessSandbox
with open("/proc/self/status") as status:
    capabilities = next(int(line.split()[1], 16) for line in status if line.startswith("CapEff"))
with ProcessSandbox(Policy.load("restricted")) as sandbox:
    value = sandbox.run(Job(source="def entry(x):\\n    return x * 2\\n", entry="entry", args=(21,))).value
    down = [wall.wall for wall in sandbox.walls() if not wall.held]
    own_uid = sandbox.means().own_uid
told = {"uid": os.geteuid(), "capabilities": capabilities, "down": down, "value": value, "own_uid": own_uid}
print(json.dumps(told))
"""
# In a mount namespace of its own the machine's lists name this user, with a range of ids; then it is that user.
_NAMED = """
mount --bind "$0/passwd" /etc/passwd && mount --bind "$0/range" /etc/subuid && mount --bind "$0/range" /etc/subgid &&
exec setpriv --reuid "$1" --regid "$1" --clear-groups -- "${@:2}"
"""
_WITH_A_RANGE = [
    "tests/regressions/test_f2_kept_payloads_are_frozen.py",
    "tests/conformance/test_walls.py",
    "tests/conformance/test_scripts.py",
    "tests/security/test_privilege.py",
    "tests/security/test_harvest.py",
]
_LIBRARIES = ("numpy", "scipy", "pandas")  # of the `data` policy
_SUITES = (
    "tests/conformance",
    "tests/security",
    "tests/regressions/test_f2_kept_payloads_are_frozen.py",
    "tests/integration/test_attachments.py",
    "tests/integration/test_lifecycle.py",
    "tests/integration/test_process_sandbox.py",  # with the `data` policy and its libraries
    "tests/integration/test_system_call_lists.py",
)


def _distributions() -> set[str]:
    """What the suites need, with everything that it needs in turn on this machine."""
    found: set[str] = set()
    waiting = [*_NEEDED, *_LIBRARIES]
    while waiting:
        name = waiting.pop()
        try:
            lines = importlib.metadata.requires(name) or []
        except importlib.metadata.PackageNotFoundError:
            continue  # needed on another platform only
        if name not in found:
            found.add(name)
            waiting += [match[0] for line in lines if "extra ==" not in line and (match := _NAME.match(line))]
    return found


def _link(source: str, target: str) -> None:
    """The same file under another name, where that is possible: the numeric libraries are 300 MB, compiled already."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)  # with its time, by which the interpreter knows that the compiled form is the same


def _copy_packages(target: Path) -> None:
    target.mkdir()
    for name in _distributions():
        distribution = importlib.metadata.distribution(name)
        tops = {file.parts[0] for file in distribution.files or () if file.parts[0] not in ("..", "__pycache__")}
        for top in tops:
            source = Path(str(distribution.locate_file(top)))
            if source.is_dir():
                shutil.copytree(source, target / top, dirs_exist_ok=True, copy_function=_link)
            elif source.is_file():
                shutil.copy(source, target / top)


def _copy_interpreter(target: Path) -> Path:
    """The interpreter with its standard library, for a user who cannot reach where it lies."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    (target / "bin").mkdir(parents=True)
    python = target / "bin" / version
    shutil.copy(Path(sys.executable).resolve(), python)
    library = Path(sysconfig.get_path("stdlib"))
    # Its shared library is found by a run path in its file, which must lead to the copy and may be shorter.
    path = os.fsencode(library.parent) + b"\0"
    python.write_bytes(python.read_bytes().replace(path, b"$ORIGIN/../lib\0".ljust(len(path), b"\0")))
    drop = shutil.ignore_patterns("__pycache__", "test", "idlelib", "ensurepip", "site-packages", "dist-packages")
    shutil.copytree(library, target / "lib" / version, ignore=drop)
    for shared in library.parent.glob("libpython*.so*"):
        shutil.copy(shared, target / "lib")
    return python


@pytest.fixture(scope="module")
def checkout() -> Iterator[Path]:
    """A copy of what the suites need, in a folder that everybody may read; any pytest that starts locks its own."""
    with tempfile.TemporaryDirectory(prefix="poet-rootless-", ignore_cleanup_errors=True) as folder:
        target = Path(folder)
        target.chmod(0o755)
        for name in ("benchmarks", "engine", "policies", "tests", "tools"):
            shutil.copytree(ROOT / name, target / name, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "pyproject.toml", target)
        _copy_packages(target / "packages")
        state = target / "state"
        state.mkdir()
        if os.geteuid() == 0:
            os.chown(state, NOBODY_ELSE, NOBODY_ELSE)
        yield target


class User:
    """Runs Python as an ordinary user: as another one when these tests run as root.

    Args:
        python: An interpreter that the user can execute.
        checkout: Where the code is.
    """

    def __init__(self, python: Path, checkout: Path) -> None:
        self.python, self.checkout = python, checkout

    def __call__(self, *arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
        """Run to the end; the environment says where the code is, and what is given."""
        paths = [self.checkout / "engine", self.checkout / "packages"]
        defaults = {
            "PYTHONPATH": os.pathsep.join(map(str, paths)),
            "PYTHONDONTWRITEBYTECODE": "1",
            "TMPDIR": str(self.checkout / "state"),
        }
        return self._run([str(self.python), *arguments], self.checkout, {**defaults, **environment})

    def _run(self, command: list[str], folder: Path, environment: dict[str, str]) -> "subprocess.CompletedProcess[str]":
        whoever = NOBODY_ELSE if os.geteuid() == 0 else None
        return subprocess.run(
            command,
            cwd=folder,
            env=environment,
            user=whoever,
            group=whoever,
            extra_groups=None if whoever is None else [],
            capture_output=True,
            text=True,
            check=False,
        )

    def can_import(self) -> bool:
        """Whether this interpreter starts for the user, is of our version, and finds all that is needed."""
        code = "import sys, poet_engine.sandbox.process, psutil, pytest; print(sys.version_info[:2])"
        try:
            done = self("-c", code)
        except OSError:
            return False
        return done.returncode == 0 and done.stdout.strip() == str(tuple(sys.version_info[:2]))


class UserWithRange(User):
    """The same user, to whom an administrator gave further ids: the lists say so in a mount namespace of its own."""

    def _run(self, command: list[str], folder: Path, environment: dict[str, str]) -> "subprocess.CompletedProcess[str]":
        name = "poet-test"
        known = Path("/etc/passwd").read_text(encoding="utf-8")
        (folder / "passwd").write_text(f"{known.rstrip()}\n{name}:x:{NOBODY_ELSE}:{NOBODY_ELSE}::/:/bin/false\n")
        (folder / "range").write_text(f"{name}:{_FIRST_OF_RANGE}:1000\n")
        wrapped = ["unshare", "--mount", "--propagation", "private", "bash", "-c", _NAMED, str(folder)]
        return subprocess.run(
            [*wrapped, str(NOBODY_ELSE), *command],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture
def user_with_range(user: User, require: Require) -> UserWithRange:
    """Skips where nothing could map a range."""
    tools = [tool for tool in ("newuidmap", "newgidmap", "unshare", "setpriv") if shutil.which(tool) is None]
    lists = [name for name in ("/etc/subuid", "/etc/subgid") if not Path(name).exists()]
    reason = f"needs root and {', '.join([*tools, *lists])} (Debian, Ubuntu: apt install uidmap)"
    require("subids", os.geteuid() == 0 and not tools and not lists, reason)
    return UserWithRange(user.python, user.checkout)


@pytest.fixture(scope="module")
def user(checkout: Path) -> Iterator[User]:
    """With the first interpreter of this version that an ordinary user can execute; a copy of this one if none can."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    named = [Path(folder) / f"python{version}" for folder in ("/usr/bin", "/usr/local/bin")]
    candidates = [User(python, checkout) for python in (Path(sys.executable), *named)]
    found = next((candidate for candidate in candidates if candidate.can_import()), None)
    if found is not None:
        yield found
        return
    # Where interpreters may lie: below /tmp the way to it would be seen by calls that must find that folder empty.
    with tempfile.TemporaryDirectory(prefix="poet-rootless-", dir="/usr/local/lib") as folder:
        Path(folder).chmod(0o755)
        yield User(_copy_interpreter(Path(folder) / "python"), checkout)


def test_it_is_an_ordinary_user_and_the_walls_hold(user: User) -> None:
    done = user("-c", _WALLS)

    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["uid"] != 0
    assert told["capabilities"] == 0
    assert told["down"] == []
    assert told["value"] == 42
    if os.geteuid() == 0:
        assert not told["own_uid"], "this user has no range"


def test_with_a_range_of_ids_the_code_runs_as_a_user_of_its_own(user_with_range: UserWithRange) -> None:
    done = user_with_range("-c", _WALLS)

    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["uid"], told["capabilities"]) == (NOBODY_ELSE, 0)
    assert told["down"] == []
    assert told["value"] == 42
    assert told["own_uid"]


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_with_a_range_of_ids_walls_files_and_privileges_are_as_they_must_be(user_with_range: UserWithRange) -> None:
    done = user_with_range(
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "--no-header",
        *_NOT_AGAIN,
        *_WITH_A_RANGE,
        POET_REQUIRE="process",
    )

    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("suite", _SUITES)
def test_the_same_suite_passes(user: User, suite: str) -> None:
    """Skips are told apart: only what needs root or a cgroup may be left out."""
    if os.geteuid() != 0:
        pytest.skip("these tests run as an ordinary user already, and so did the suite itself")
    done = user(
        "-m", "pytest", "-q", "-p", "no:cacheprovider", "--no-header", *_NOT_AGAIN, suite, POET_REQUIRE="process"
    )

    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    reasons = [line for line in done.stdout.splitlines() if line.startswith("SKIPPED")]
    assert [line for line in reasons if not _MAY_BE_SKIPPED.search(line)] == []
