"""Engines as users open them, in every sandbox, and the plain CPython that programs are compared with."""

import contextlib
import dataclasses
import functools
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import pytest

from poet_engine import Policy
from poet_engine.outcome import Outcome, Status
from poet_engine.sandbox import cgroup

if TYPE_CHECKING:
    from tests.unit.decorator.conftest import LentGate, Workshop

    from poet_engine import Engine

OpenEngine = Callable[[str], "Engine"]

_REAL = [
    pytest.param("process", marks=pytest.mark.sandbox),
    pytest.param("docker", marks=pytest.mark.docker),
    pytest.param("docker-runsc", marks=[pytest.mark.docker, pytest.mark.runsc]),
]
_TIME = 60  # seconds that a program outside of every sandbox may take
# Where a script's own folder is in a sandbox; its name in texts of plain CPython is replaced by this one.
_FOLDER = "/tmp/poet-script"  # noqa: S108 - inside the sandbox
# A line of the standard library in a traceback: an image may have another patch level of it, somewhere else.
_LIBRARY = re.compile(r'File "[^"]*/python3\.\d+/([^"]+)", line \d+')
# What a program is compared under: CPython's own surroundings, and none of the developer's.
_ENVIRONMENT = {"PATH": os.defpath, "LANG": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1"}


@pytest.fixture(scope="session", params=_REAL)
def sandbox_kind(request: pytest.FixtureRequest) -> str:
    """Which sandbox: `process`, `docker` (with runc) or `docker-runsc` (with gVisor)."""
    return str(request.param)


@pytest.fixture
def listening(sandbox_kind: str) -> None:
    """Whoever takes it needs sockets with names, which no process has where nothing counts memory."""
    if sandbox_kind == "process" and cgroup.find() is None:
        pytest.skip("nothing counts memory here, so that nobody may listen")


@pytest.fixture(scope="session")
def open_engine(sandbox_kind: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenEngine]:
    """`open_engine(toml)` is an engine of that sandbox under that policy; equal texts share one."""
    from poet_engine import Engine  # noqa: PLC0415 - it asks for the installed package, which test_rootless.py has not

    sandbox, _, runtime = sandbox_kind.partition("-")
    runtime = runtime or "runc"
    journal = tmp_path_factory.mktemp("journal") / "events.db"
    with contextlib.ExitStack() as closing:

        @functools.cache
        def opened(toml: str) -> Engine:
            engine = Engine.open(
                Policy.parse(toml), sandbox, runtime=runtime if sandbox == "docker" else None, journal=journal
            )
            return closing.enter_context(engine)

        yield opened


@dataclasses.dataclass(frozen=True, slots=True)
class Ended:
    """A script that ran in plain CPython."""

    stdout: str
    stderr: str
    exit_code: int
    files: dict[str, bytes]


class RunPlainly(Protocol):
    """Runs a script as plain CPython does, in an empty folder."""

    def __call__(self, source: str, stdin: str = "") -> Ended:
        """What came of it."""
        ...


@pytest.fixture(scope="session")
def cpython() -> RunPlainly:
    """`cpython(source, stdin="")` runs a script as plain CPython does, in an empty folder."""
    return _run


def _run(source: str, stdin: str = "") -> Ended:
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder, "script.py")
        script.write_text(source, encoding="utf-8")
        ended = subprocess.run(
            [sys.executable, script.name],
            input=stdin.encode(),
            capture_output=True,
            cwd=folder,
            env=_ENVIRONMENT,
            timeout=_TIME,
            check=False,
        )
        found = [path for path in Path(folder).rglob("*") if path.is_file() and path != script]
        files = {str(path.relative_to(folder)): path.read_bytes() for path in found}
        here = os.path.realpath(folder)
    out, err = (text.decode().replace(here, _FOLDER) for text in (ended.stdout, ended.stderr))
    return Ended(out, err, ended.returncode, files)


@pytest.fixture(scope="session")
def same_as_cpython(open_engine: OpenEngine, cpython: RunPlainly) -> Callable[[str, str, str], Outcome]:
    """`same_as_cpython(source, stdin, preset)` compares a script's output, exit status and files with plain CPython's.

    It gives the sandbox's outcome. What the policy's gate finds does not matter; its walls and budgets do.
    """

    def compared(source: str, stdin: str, preset: str) -> Outcome:
        plain = cpython(source, stdin)
        outcome = open_engine(_any_code(preset, "")).run_script(source, stdin=stdin, files_out=["**"])
        files = {name: content for name, content in outcome.files.items() if name != "script.py"}
        assert (outcome.stdout, outcome.exit_code, files) == (plain.stdout, plain.exit_code, plain.files), outcome
        assert outcome.status is not Status.INFRA
        return outcome

    return compared


@pytest.fixture(scope="session")
def same_words_as_cpython(open_engine: OpenEngine, cpython: RunPlainly) -> Callable[[str], Outcome]:
    """`same_words_as_cpython(source)` compares standard error too, and how the process ended, under `restricted`."""

    def compared(source: str) -> Outcome:
        plain = cpython(source)
        outcome = open_engine(_any_code("restricted", "")).run_script(source)
        code = outcome.exit_code if outcome.signal is None else -signal.Signals[outcome.signal]
        words = [_LIBRARY.sub(r'File "lib/\1"', text) for text in (outcome.stderr, plain.stderr)]
        assert words[0] == words[1]
        assert (outcome.stdout, code) == (plain.stdout, plain.exit_code), outcome
        return outcome

    return compared


@pytest.fixture(scope="session")
def stdout_of_cpython(cpython: RunPlainly) -> Callable[[str], str]:
    """`stdout_of_cpython(source)` is what a script prints in plain CPython."""
    return lambda source: cpython(source).stdout


@pytest.fixture(scope="session")
def any_code_policy() -> Callable[[str, str], str]:
    """`any_code_policy(preset, limits)` is a policy, as text, that lets any code run inside the preset's walls."""
    return _any_code


def _any_code(preset: str, limits: str) -> str:
    return f'name = "any-code"\nextends = "{preset}"\n[static]\nmode = "warn"\n[limits]\n{limits}\n'


@pytest.fixture(scope="session")
def lent_gate() -> "Iterator[LentGate]":
    """A gate for many workshops."""
    from tests.regressions.workshops import opened_gate  # noqa: PLC0415 - as above

    with opened_gate() as lent:
        yield lent


@pytest.fixture
def workshop(tmp_path: Path, lent_gate: "LentGate") -> "Iterator[Workshop]":
    """What decorated functions use for the length of one test, without a sandbox."""
    from tests.regressions.workshops import opened_workshop  # noqa: PLC0415 - as above

    with opened_workshop(tmp_path, lent_gate) as shop:
        yield shop
