"""Write docs/differences-from-cpython.md anew: what a program may notice of running in a sandbox at all.

    python tools/cpython_differences.py

Everything else is the same: tests/conformance/test_programs.py runs whole programs in plain CPython and in every
sandbox. Each line here has a program in tests/conformance/differences, which must still end otherwise.
"""

from pathlib import Path
from typing import NamedTuple

PAGE = Path(__file__).resolve().parents[1] / "docs" / "differences-from-cpython.md"
COMMAND = "python tools/cpython_differences.py"


class Departure(NamedTuple):
    """One line of the table.

    Attributes:
        program: The program that shows it, below `tests/conformance/differences`.
        what: The thing that differs.
        cpython: What plain CPython does, started as `python script.py`.
        sandbox: What a sandbox does.
        why: The reason why it must remain.
    """

    program: str
    what: str
    cpython: str
    sandbox: str
    why: str


DEPARTURES: tuple[Departure, ...] = (
    Departure(
        "other_programs",
        "other programs",
        "`os.execv` becomes another program",
        "the run ends: `violation/seccomp:execve`; gVisor does not name the call",
        "a sandbox runs the code that it was given, and nothing of the machine's",
    ),
    Departure(
        "processes",
        "processes",
        "`os.fork` makes one",
        "as many as `limits.processes` says; above that `BlockingIOError`, as from a kernel that has no room",
        "the default policy grants none",
    ),
    Departure(
        "threads",
        "threads",
        "as many as the machine can have",
        "as many as `limits.threads` says; above that CPython's own `RuntimeError`",
        "a budget of the policy",
    ),
    Departure(
        "memory",
        "memory",
        "as much as the machine has",
        "`MemoryError` above `limits.memory`; an uncaught one is `limit/memory`",
        "a budget of the policy",
    ),
    Departure(
        "open_files",
        "open files",
        "as many as the machine gives its user",
        "`OSError` with EMFILE above `limits.open_files`",
        "a budget of the policy",
    ),
    Departure(
        "disk",
        "files",
        "as large as the disk has room",
        "`OSError` with ENOSPC or EFBIG above `limits.disk`",
        "a budget of the policy",
    ),
    Departure(
        "output",
        "output",
        "as much as is written",
        "the run ends at `limits.output`: `limit/output`; what was written until then is kept",
        "a budget of the policy",
    ),
    Departure(
        "early_exit",
        "`os._exit(0)`",
        "exit status 0 is success",
        "the same exit status, and `no_result/early_exit`",
        "who leaves without coming to an end has not said that the work is done",
    ),
    Departure(
        "network",
        "connections",
        "any address can be reached",
        "none can, loopback neither, but what `network.allow` names",
        "nothing leaves a sandbox unasked",
    ),
    Departure(
        "named_sockets",
        "Unix sockets with a name",
        "any process of the machine may listen and connect",
        "streams among the processes of one run, where `limits.processes` is above 0 and a cgroup counts memory; else "
        "`PermissionError`; `multiprocessing` needs them for `Manager` and `forkserver`",
        "without processes there is nobody to talk to, and without a cgroup nothing bounds what waits in them",
    ),
    Departure(
        "packages",
        "installed packages",
        "`site-packages` of the interpreter",
        "the packages that the policy lists, and what they need",
        "the packages of whoever runs the engine are nobody else's business",
    ),
    Departure(
        "environment",
        "environment variables",
        "those of the caller",
        "a fixed list",
        "variables hold secrets",
    ),
    Departure(
        "flags",
        "variables and flags of the interpreter",
        "`PYTHON...` variables are heeded, also when the program sets them for `breakpoint()`",
        "they are not: `ignore_environment`, `no_site` and others of `sys.flags` say so",
        "the interpreter was started before there was a program",
    ),
    Departure(
        "wrapped_output",
        "a text stream that the program makes around `sys.stdout.buffer`",
        "holds text back, up to 8 KiB, also while bytes are written below it",
        "hands each text on at once",
        "what a program has printed is kept when it is killed, and such a stream has no record of its own",
    ),
    Departure(
        "parents",
        "the parent process",
        "`os.getppid()` is the caller's",
        "the sandbox's own first process, or none",
        "processes of the machine are not seen",
    ),
    Departure(
        "host_name",
        "the machine's name",
        "`os.uname().nodename` is the machine's",
        "`poet`, in containers their own",
        "the machine is nobody's business",
    ),
    Departure(
        "proc",
        "`/proc` and `/sys`",
        "there",
        "not in the process sandbox; in containers their own",
        "they show what else runs, and more of the kernel than a program needs",
    ),
)

_HEAD = f"""# Differences from CPython

A program that a policy lets through behaves as it does under plain CPython: standard output and error, exit status and
files are the same. `tests/conformance/test_programs.py` holds that with whole programs, each run in the same
interpreter outside and in every sandbox. What differs on purpose is here, and each line is shown by a program in
`tests/conformance/differences`: a difference that is gone fails its test. [sandboxes.md](sandboxes.md#what-differs) has
what differs from one sandbox to another, [cpython-suite.md](cpython-suite.md) what CPython's own tests say, and
[scripts.md](scripts.md) how a script's ending becomes an outcome.

This page is made by `{COMMAND}`.

| what | plain CPython | in a sandbox | why |
|---|---|---|---|
"""


def page() -> str:
    """Return the page in Markdown."""
    rows = (f"| {row.what} | {row.cpython} | {row.sandbox} | {row.why} |\n" for row in DEPARTURES)
    return _HEAD + "".join(rows)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
