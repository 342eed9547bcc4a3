"""What every sandbox promises for a whole script, and what comes of scripts where code really runs."""

import dataclasses
import os
from typing import TYPE_CHECKING

import pytest

from poet_engine._cancellation import Cancellation
from poet_engine.errors import ClosedError, UsageError
from poet_engine.job import Job, Script
from poet_engine.outcome import Blame, Outcome, Status
from poet_engine.policy import Policy
from poet_engine.sandbox.base import Sandbox
from poet_engine.sandbox.fake import ScriptedSandbox, ok

if TYPE_CHECKING:
    from tests.conformance.conftest import Differs, Open

COPY = """
import pathlib, sys
for name in sys.argv[1:]:
    target = pathlib.Path("out", name)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(pathlib.Path(name).read_bytes())
sys.stdout.write(sys.stdin.read())
"""


def _copies(script: Script) -> Outcome:
    """What a scripted sandbox has to answer to stand for `COPY`."""
    files = {f"out/{name}": script.files_in[name] for name in script.argv}
    return dataclasses.replace(ok(None), stdout=script.stdin.decode(), exit_code=0, files=files)


@pytest.fixture
def sandbox(fresh: Sandbox) -> Sandbox:
    return ScriptedSandbox([ok(1)], for_script=_copies) if fresh.name == "scripted" else fresh


class TestContract:
    def test_files_and_input_go_in_and_files_and_output_come_out(self, sandbox: Sandbox) -> None:
        files = {"a.bin": bytes(range(256)), "deep/er/b.txt": "grüße".encode()}
        script = Script(source=COPY, stdin=b"to be said", argv=list(files), files_in=files, files_out=["out/**"])

        outcome = sandbox.run_script(script)

        assert (outcome.status, outcome.value, outcome.exit_code) == (Status.OK, None, 0)
        assert outcome.files == {f"out/{name}": content for name, content in files.items()}
        assert (outcome.files_skipped, outcome.stdout) == ({}, "to be said")
        assert outcome.sandbox == sandbox.name

    @pytest.mark.parametrize(
        "script",
        [
            Script(source="", files_in={"../a": b""}),
            Script(source="", files_in={"/a": b""}),
            Script(source="", files_out=["../*"]),
            Script(source="", argv=["\0"]),
        ],
    )
    def test_an_odd_name_is_refused_and_nothing_runs(self, sandbox: Sandbox, script: Script) -> None:
        with pytest.raises(UsageError):
            sandbox.run_script(script)
        assert sandbox.statistics().calls == 0

    def test_a_script_is_counted_as_a_call(self, sandbox: Sandbox) -> None:
        sandbox.run_script(Script(source="print()"))
        assert sandbox.statistics().calls == 1
        assert "calls=1" in repr(sandbox)

    def test_a_closed_one_refuses(self, sandbox: Sandbox) -> None:
        sandbox.close()
        with pytest.raises(ClosedError):
            sandbox.run_script(Script(source=""))

    def test_one_that_is_cancelled_before_it_begins_says_so(self, sandbox: Sandbox) -> None:
        with Cancellation() as cancellation:
            cancellation.cancel()
            outcome = sandbox.run_script(Script(source="while True: pass"), cancellation=cancellation)
        assert (outcome.status, outcome.cause) == (Status.CANCELLED, "caller")


ENDS: list[tuple[str, str, str | None, int | None]] = [
    ("x = 1", "ok", None, 0),
    ("import sys; sys.exit()", "ok", None, 0),
    ("import sys; sys.exit(0)", "ok", None, 0),
    ("raise SystemExit", "ok", None, 0),
    ("import sys; sys.exit(3)", "error", "nonzero_exit", 3),
    ("import sys; sys.exit('why')", "error", "nonzero_exit", 1),
    ("import os; os._exit(0)", "no_result", "early_exit", 0),
    ("import os; os._exit(4)", "error", "nonzero_exit", 4),
    ("import os; os.kill(os.getpid(), 11)", "crash", "signal:SIGSEGV", None),
    ("1 / 0", "error", "exception", 1),
    ("def f(:", "error", "exception", 1),
    ("while True: pass", "limit", "cpu", None),
    ("import time; time.sleep(60)", "limit", "wall", None),
    ("hold = bytearray(1 << 40)", "limit", "memory", 1),
    ("for n in range(9): open(str(n), 'wb', 0).write(bytes(1 << 20))", "limit", "disk", 1),
    ("for n in range(99): open(str(n), 'wb').close()", "limit", "inodes", 1),
    ("while True: print('x' * 1000)", "limit", "output", None),
    ("import os; os.execv('/bin/true', ['true'])", "violation", "seccomp:execve", None),
    ("import socket; socket.socket()", "violation", "network", 1),
]


@pytest.mark.parametrize(("source", "status", "cause", "code"), ENDS, ids=[row[0][:40] for row in ENDS])
def test_how_a_script_ends_is_judged_as_for_functions_and_its_files_are_kept(
    real: Sandbox, differs: "Differs", *, source: str, status: str, cause: str | None, code: int | None
) -> None:
    """What it had written by then comes out whatever came of it."""
    head = "" if source == "def f(:" else "with open('so far', 'w') as f: f.write('this')\n"
    outcome = real.run_script(Script(source=head + source, files_out=["so far"]))

    if cause == "inodes" and differs("inodes"):
        status, cause, code = "ok", None, 0
    elif cause == "network" and differs("denied calls"):
        status, cause = "error", "exception"
    elif status == "violation" and differs("named system calls"):
        cause = "seccomp:unknown"
    assert (str(outcome.status), outcome.cause, outcome.exit_code) == (status, cause, code)
    assert outcome.blame is (None if outcome.ok else Blame.CODE)
    assert outcome.files == ({"so far": b"this"} if head else {})
    assert outcome.leftovers == 0


class TestAsAProgram:
    """It runs as `python script.py` would run it, in a folder of its own that has nothing else."""

    def test_its_surroundings(self, real: Sandbox) -> None:
        source = "import os, sys\nprint(__name__, __file__, sys.argv, os.listdir(), input(), input('? '))"
        outcome = real.run_script(Script(source=source, stdin=b"one\ntwo\nthree", argv=["-x", "a b", ""]))
        assert (
            outcome.stdout
            == "? __main__ /tmp/poet-script/script.py ['script.py', '-x', 'a b', ''] ['script.py'] one two\n"
        )

    def test_without_input_there_is_the_end_of_a_file(self, real: Sandbox) -> None:
        outcome = real.run_script(Script(source="import sys\nprint([sys.stdin.read(), sys.stdin.buffer.read()])"))
        assert outcome.stdout == "['', b'']\n"

    def test_input_may_be_bytes(self, real: Sandbox) -> None:
        source = "import sys\nprint(sys.stdin.buffer.read())"
        assert real.run_script(Script(source=source, stdin=b"\xff\0\r\n")).stdout == "b'\\xff\\x00\\r\\n'\n"

    def test_input_that_is_never_read_keeps_nobody_waiting(self, real: Sandbox) -> None:
        outcome = real.run_script(Script(source="print('done')", stdin=bytes(3 << 20)))
        assert (outcome.status, outcome.stdout) == (Status.OK, "done\n")

    def test_a_module_that_came_with_it_can_be_imported(self, real: Sandbox) -> None:
        files = {"part.py": b"def f():\n    return 'of the part'\n"}
        assert real.run_script(Script(source="import part\nprint(part.f())", files_in=files)).stdout == "of the part\n"

    def test_classes_of_its_own_can_be_pickled(self, real: Sandbox) -> None:
        source = "import pickle\nclass A: pass\nprint(type(pickle.loads(pickle.dumps(A()))) is A)"
        assert real.run_script(Script(source=source)).stdout == "True\n"

    def test_a_traceback_shows_its_own_lines(self, real: Sandbox) -> None:
        source = "def f(x):\n    return 1 / x  # the culprit\n\nif __name__ == '__main__':\n    f(0)\n"
        error = real.run_script(Script(source=source)).error
        assert error is not None
        assert (error.type, error.message) == ("ZeroDivisionError", "division by zero")
        assert 'File "script.py", line 5, in <module>' in error.traceback
        assert "return 1 / x  # the culprit" in error.traceback
        assert "payload.py" not in error.traceback
        assert "guest" not in error.traceback

    @pytest.mark.parametrize(
        "source",
        [
            "import threading, time\nthreading.Thread(target=lambda: (time.sleep(0.1), write())).start()",
            "import atexit\natexit.register(write)",
            "import atexit, sys\natexit.register(write)\nsys.exit(0)",
            "from concurrent.futures import ThreadPoolExecutor\nThreadPoolExecutor(1).submit(write)",
            "f = open('late', 'w')\nf.write('late')\nf.flush()",
        ],
    )
    def test_what_a_program_does_at_its_end_is_done(self, real: Sandbox, source: str) -> None:
        head = "def write():\n    with open('late', 'w') as f: f.write('late')\n"
        outcome = real.run_script(Script(source=head + source, files_out=["late"]))
        assert (outcome.status, outcome.files) == (Status.OK, {"late": b"late"})

    def test_exit_functions_run_after_an_exception_too(self, real: Sandbox) -> None:
        source = "import atexit\natexit.register(print, 'goodbye')\n1 / 0"
        outcome = real.run_script(Script(source=source))
        assert (outcome.cause, outcome.stdout) == ("exception", "goodbye\n")

    def test_two_runs_share_no_files(self, real: Sandbox) -> None:
        source = (
            "import os\nprint(os.listdir('.'), os.listdir('/tmp'))\nopen('a', 'w').close(); open('/tmp/b', 'w').close()"
        )
        said = {real.run_script(Script(source=source)).stdout for _ in range(3)}
        assert said == {"['script.py'] ['poet-script']\n"}


class TestRoom:
    def test_more_files_than_fit_are_refused_before_anything_runs(self, real: Sandbox) -> None:
        before = real.statistics().calls
        with pytest.raises(UsageError, match=r"limits\.disk"):
            real.run_script(Script(source="", files_in={"a": bytes(5 << 20)}))
        with pytest.raises(UsageError, match=r"limits\.inodes"):
            real.run_script(Script(source="", files_in={str(n): b"" for n in range(64)}))
        assert real.statistics().calls == before

    def test_what_just_fits_arrives(self, real: Sandbox, differs: "Differs") -> None:
        """As many bytes, and as many files, as the temporary files may have; the script's own file comes after them."""
        whole = Script(source="import os\nprint(os.path.getsize('a'))", files_in={"a": bytes(4 << 20)})
        assert real.run_script(whole).stdout == f"{4 << 20}\n"
        many = Script(source="import os\nprint(len(os.listdir()))", files_in={str(n): b"" for n in range(63)})
        assert real.run_script(many).stdout == ("64\n" if differs("inodes") else "63\n")

    def test_no_more_is_brought_back_than_a_result_may_have(self, real: Sandbox) -> None:
        source = "for name in 'abc': open(name, 'wb').write(bytes(100 << 10))"
        outcome = real.run_script(Script(source=source, files_out=["*"]))
        assert (outcome.status, set(outcome.files)) == (Status.OK, {"a", "b"})
        assert "left of what may be brought back" in outcome.files_skipped["c"]

    def test_the_memory_of_the_files_is_free_again_before_the_next_run(self, open_real: "Open", policy: Policy) -> None:
        """The lane is proven empty by its memory; files that the host still held would cost it its lane."""
        source = "open('a', 'wb').write(bytes(3 << 20))"
        with open_real(policy) as own:
            for _ in range(11):
                assert own.run_script(Script(source=source, files_out=["a"])).ok
            assert own.statistics().lanes_destroyed == 0


def test_functions_and_scripts_take_turns(real: Sandbox) -> None:
    folder = "/tmp"  # noqa: S108 - the sandbox's own
    job = Job(source="import os\ndef f():\n    return os.listdir(), os.getcwd()\n", entry="f")
    for _ in range(3):
        assert real.run(job).value == ([], folder)
        assert real.run_script(Script(source="print(1)")).stdout == "1\n"


def test_where_payloads_are_kept_a_script_still_gets_one_of_its_own(open_real: "Open") -> None:
    """The same source, called as a function's before, has left traces in the payload that serves it."""
    source = "import sys\nprint(hasattr(sys, 'touched'))\nsys.touched = True\ndef f():\n    return 1\n"
    with open_real(Policy.parse('[isolation]\nfresh = "none"\n')) as sandbox:
        assert [sandbox.run(Job(source=source, entry="f")).stdout for _ in range(2)] == ["False\n", ""]
        assert [sandbox.run_script(Script(source=source)).stdout for _ in range(3)] == ["False\n"] * 3
        assert sandbox.run(Job(source=source, entry="f")).stdout in ("", "False\n")


def test_files_that_whoever_runs_the_engine_may_not_read_are_told(real: Sandbox) -> None:
    """Ordinary files can be read by whoever runs the engine, whose user the script need not be."""
    source = "import os\nopen('plain', 'w').write('1')\nopen('private', 'w').write('2'); os.chmod('private', 0)"
    outcome = real.run_script(Script(source=source, files_out=["*"]))
    assert outcome.files["plain"] == b"1"
    if os.geteuid() == 0 or real.name == "docker":
        assert outcome.files["private"] == b"2"
    else:
        assert "may not be read" in outcome.files_skipped["private"]
