"""Whole programs that are run in plain CPython and in a sandbox, and what is compared of them."""

import dataclasses
import functools
import json
import os
import pwd
import re
import signal
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Mapping
from pathlib import Path

from poet_engine.job import Script
from poet_engine.outcome import Outcome
from poet_engine.policy import Policy

PROGRAMS = Path(__file__).parent / "programs"
DIFFERENCES = Path(__file__).parent / "differences"
NAME = "script.py"
INSIDE = "/tmp/poet-script"  # noqa: S108 - the sandbox's own folder of a script
_TIME = 60  # seconds that a program outside of every sandbox may take
# CPython's own surroundings, and none of the developer's.
_ENVIRONMENT = {
    "PATH": os.defpath,
    "LANG": "C.UTF-8",
    "HOME": "/tmp",  # noqa: S108 - not the home folder of whoever runs the tests
    "PYTHONDONTWRITEBYTECODE": "1",
    "OF_THE_CALLER": "given",  # a variable that no sandbox hands on
    **{f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL", "NUMEXPR")},
}
_LIBRARY = re.compile(rf"({re.escape(sysconfig.get_path('stdlib'))}|/usr/local/lib/python3\.\d+)/")
_ADDRESS = re.compile(r"\b0x[0-9a-f]{6,16}\b")
_DIRECTIVE = re.compile(r"# (stdin|argv|files|policy|status|inside|only): (.+)")
_WALL, _CPU = 40, 6  # seconds that a program inside may take
# Which walls a program runs in. What the gate says of a source does not matter here: a sandbox runs it unasked.
_POLICIES = {
    "plain": ("restricted", ""),
    "processes": ("restricted", 'processes = 12\nthreads = 12\nmemory = "1GiB"\n'),
    "data": ("data", ""),
}


@dataclasses.dataclass(frozen=True, slots=True)
class Program:
    """A program with what its first comment lines give it.

    Attributes:
        name: The name of its file.
        source: The whole text.
        stdin: The content of its standard input.
        argv: Its arguments.
        files: Names and texts of the files that lie beside it.
        policy: The name of the policy that it runs under.
        status: The status of its outcome, of programs that show a difference.
        inside: What those print in a sandbox; None where that does not matter.
        only: The sandboxes that it runs in; nothing means all.
    """

    name: str
    source: str
    stdin: str
    argv: tuple[str, ...]
    files: Mapping[str, str]
    policy: str
    status: str
    inside: str | None
    only: tuple[str, ...]

    @property
    def script(self) -> Script:
        """The program as a sandbox takes it, with every file that it leaves asked back."""
        files = {name: text.encode() for name, text in self.files.items()}
        return Script(source=self.source, stdin=self.stdin.encode(), argv=self.argv, files_in=files, files_out=["**"])


@dataclasses.dataclass(frozen=True, slots=True)
class Ending:
    """Whatever a program shows to whoever has started it."""

    stdout: str
    stderr: str
    exit_code: int | None
    files: Mapping[str, bytes]


def policy(name: str, pace: int) -> Policy:
    """Return the policy that programs name, on a machine that is so many times slower than usual."""
    preset, limits = _POLICIES[name]
    times = f'wall = "{_WALL * pace}s"\ncpu = "{_CPU * pace}s"\n'
    return Policy.parse(f'name = "programs-{name}"\nextends = "{preset}"\n[limits]\n{times}{limits}')


@functools.cache
def read(path: Path) -> Program:
    r"""Read a program and its directives, such as `# stdin: "one line\n"` in JSON."""
    source = path.read_text(encoding="utf-8")
    given: dict[str, str] = {}
    for line in source.splitlines():
        found = _DIRECTIVE.fullmatch(line)
        if found is None:
            break
        given[found[1]] = found[2]
    return Program(
        path.stem,
        source,
        str(json.loads(given.get("stdin", '""'))),
        tuple(map(str, json.loads(given.get("argv", "[]")))),
        {str(name): str(text) for name, text in json.loads(given.get("files", "{}")).items()},
        given.get("policy", "plain"),
        str(json.loads(given.get("status", '"ok"'))),
        str(json.loads(given["inside"])) if "inside" in given else None,
        tuple(map(str, json.loads(given.get("only", "[]")))),
    )


@functools.cache
def has_pandas() -> bool:
    """Whether a program that is run outside finds pandas, as the tests may by their own paths."""
    command = [sys.executable, "-c", "import pandas"]
    return subprocess.run(command, env=_ENVIRONMENT, capture_output=True, timeout=_TIME, check=False).returncode == 0


def user_has_name() -> bool:
    """Whether this machine's list of users has the user of the tests."""
    return any(user.pw_uid == os.getuid() for user in pwd.getpwall())


@functools.cache
def in_cpython(path: Path) -> Ending:
    """Run a program as `python script.py` in a fresh folder, in the interpreter of the tests."""
    program = read(path)
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made).resolve()
        for name, text in {NAME: program.source, **program.files}.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text, encoding="utf-8", newline="")
        # standard input is a file, as after `<`: a sandbox promises that too
        (folder.parent / f"{folder.name}.in").write_bytes(program.stdin.encode())
        try:
            with (folder.parent / f"{folder.name}.in").open("rb") as stdin:
                ended = subprocess.run(
                    [sys.executable, NAME, *program.argv],
                    stdin=stdin,
                    capture_output=True,
                    cwd=folder,
                    env=_ENVIRONMENT,
                    timeout=_TIME,
                    check=False,
                )
        finally:
            (folder.parent / f"{folder.name}.in").unlink()
        found = [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
        files = {str(path.relative_to(folder)): path.read_bytes() for path in found}
    files.pop(NAME)
    stdout, stderr = (_shown(stream.decode("utf-8", "replace"), str(folder)) for stream in (ended.stdout, ended.stderr))
    return Ending(stdout, stderr, ended.returncode, files)


def of_outcome(outcome: Outcome) -> Ending:
    """Return the same of a run in a sandbox."""
    files = {name: content for name, content in outcome.files.items() if name != NAME}
    code = outcome.exit_code if outcome.signal is None else -signal.Signals[outcome.signal]  # as subprocess says it
    return Ending(_shown(outcome.stdout, INSIDE), _shown(outcome.stderr, INSIDE), code, files)


def _shown(text: str, folder: str) -> str:
    """Name the script's folder as the sandbox does, and the script by its name alone.

    The folder of the run outside is another one each time, and must not be that of a sandbox, which others may use at
    the same moment. Containers have the standard library in a folder of their own. Addresses of
    objects differ between two runs of CPython, too.
    """
    text = text.replace(f"{folder}/{NAME}", NAME).replace(folder, INSIDE)
    return _ADDRESS.sub("0x...", _LIBRARY.sub("LIBRARY/", text))
