"""Code that ends before it has answered: an exit status of 0 is not a success, and a signal is not a limit."""

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from poet_engine.guest import syscalls
from poet_engine.outcome import Blame, Status

if TYPE_CHECKING:
    from tests.security.conftest import Everywhere

QUIET: dict[str, str] = {
    "os._exit": "os._exit(0)",
    "sys.exit": "sys.exit(0)",
    "sys.exit without a code": "sys.exit()",
    "raise SystemExit": "raise SystemExit",
    "quit": "import ctypes; ctypes.CDLL(None).exit(0)",
    "from a thread": "import threading; threading.Thread(target=os._exit, args=(0,)).start(); time.sleep(60)",
    "while it is imported away": "sys.modules.clear(); os._exit(0)",
    "after closing the way out": "os.close(3); os._exit(0)",
    "a system call": "import ctypes; ctypes.CDLL(None).syscall(args[0], 0)",
}


@pytest.mark.parametrize("body", QUIET.values(), ids=QUIET)
def test_leaving_quietly_is_no_result(everywhere: "Everywhere", body: str) -> None:
    outcome = everywhere(body, syscalls.NUMBERS["exit_group"])

    assert outcome.stdout == "reached\n"
    assert (outcome.status, outcome.cause, outcome.blame) == (Status.NO_RESULT, "early_exit", Blame.CODE)
    assert outcome.evidence is not None
    assert (outcome.evidence.counter, outcome.evidence.value, outcome.evidence.source) == ("exit_code", 0, "kernel")
    assert outcome.exit_code == 0
    assert outcome.value is None


def test_control_to_whoever_trusts_exit_codes_it_is_a_success() -> None:
    """The deed succeeds against a bare interpreter: no error, no output, code 0."""
    body = "import os\nprint('reached', flush=True)\nos._exit(0)\nprint('the real work')"

    done = subprocess.run([sys.executable, "-c", body], capture_output=True, text=True, check=True)

    assert (done.returncode, done.stdout, done.stderr) == (0, "reached\n", "")


@pytest.mark.parametrize(
    ("body", "code"), [("os._exit(7)", 7), ("sys.exit(7)", 7), ("sys.exit('why')", 1), ("os._exit(137)", 137)]
)
def test_another_exit_code_is_an_error_with_that_code(everywhere: "Everywhere", body: str, code: int) -> None:
    outcome = everywhere(body)

    assert outcome.stdout == "reached\n"
    assert (outcome.status, outcome.cause, outcome.exit_code) == (Status.ERROR, "nonzero_exit", code)
    assert outcome.stderr == ("why\n" if "why" in body else "")


SIGNALS: dict[str, tuple[str, str]] = {
    "SIGKILL": ("os.kill(os.getpid(), 9)", "SIGKILL"),
    "SIGTERM": ("os.kill(os.getpid(), 15)", "SIGTERM"),
    "SIGINT": ("import signal; signal.signal(2, signal.SIG_DFL); os.kill(os.getpid(), 2); time.sleep(60)", "SIGINT"),
    "a null pointer": ("import ctypes; ctypes.string_at(0)", "SIGSEGV"),
    "abort": ("os.abort()", "SIGABRT"),
    "an alarm": ("import signal; signal.alarm(1); time.sleep(60)", "SIGALRM"),
    "a real-time signal": ("os.kill(os.getpid(), 40); time.sleep(60)", "SIG40"),
    "an instruction that does not exist": ("os.kill(os.getpid(), 4)", "SIGILL"),
}


@pytest.mark.parametrize(("body", "name"), SIGNALS.values(), ids=SIGNALS)
def test_a_signal_of_its_own_is_a_crash_and_never_a_limit(everywhere: "Everywhere", body: str, name: str) -> None:
    outcome = everywhere(body)

    assert outcome.stdout == "reached\n"
    assert (outcome.status, outcome.cause, outcome.blame) == (Status.CRASH, f"signal:{name}", Blame.CODE)
    assert outcome.evidence is not None
    assert (outcome.evidence.counter, outcome.evidence.value) == ("wait_status", name)
    assert outcome.signal == name
    assert outcome.limits_hit == ()


ON_OTHERS: dict[str, str] = {
    "init": (
        "for n in (1, 2, 9, 11, 15, 17, 19, 20, 34):\n    try: os.kill(1, n)\n    except PermissionError: pass\n"
        "return 'alive'"
    ),
    "everybody": "try: os.kill(-1, 9)\nexcept ProcessLookupError: pass\nreturn 'alive'",
    "its own group": "try: os.killpg(1, 9)\nexcept OSError: pass\nreturn 'alive'",
}


@pytest.mark.parametrize("body", ON_OTHERS.values(), ids=ON_OTHERS)
def test_the_lane_survives_signals_from_inside(everywhere: "Everywhere", body: str) -> None:
    outcome = everywhere(body, lanes=1)

    assert outcome.stdout == "reached\n"
    assert outcome.status is Status.OK or outcome.cause == "signal:SIGKILL"
    assert everywhere("return 'next'", lanes=1).value == "next"


SPEECHLESS: dict[str, str] = {
    "no way out": "os.close(3); return 1",
    "another socket in its place": "import socket\na, b = socket.socketpair()\nos.dup2(a.fileno(), 3)\nreturn 1",
    "the encoder is broken": "sys.modules['poet_guest.encoding'].encode = None\nreturn 1",
}


@pytest.mark.parametrize("body", SPEECHLESS.values(), ids=SPEECHLESS)
def test_breaking_the_run_loop_only_costs_the_code_its_answer(everywhere: "Everywhere", body: str) -> None:
    outcome = everywhere(body)

    assert outcome.stdout == "reached\n"
    assert outcome.status in (Status.NO_RESULT, Status.ERROR)
    assert outcome.blame is Blame.CODE
