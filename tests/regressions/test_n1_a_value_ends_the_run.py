"""N1: "a value, then a forbidden call" was judged by a race. What comes first decides, the same each time."""

import collections
from collections.abc import Callable

import pytest

from poet_engine import Engine
from poet_engine.outcome import Status

AnyCodePolicy = Callable[[str, str], str]
TIMES = 40
_VALUE = 'os.write(3, b"\\x02\\0\\0\\0\\x011")'
_HEAD = "import ctypes, os, socket\nlibc = ctypes.CDLL(None)\ndef f():\n    "
AFTER = {
    "a forbidden call": "libc.ptrace(0, 0, 0, 0)",
    "a change of identity": "libc.setuid(0)",
    "a denied socket": "try: socket.socket()\n    except OSError: pass",  # else the error would be a second answer
    "an end with another status": "os._exit(3)",
}


def _verdicts(engine: Engine, source: str) -> dict[tuple[Status, str | None], int]:
    outcomes = [engine.run(source, "f") for _ in range(TIMES)]
    return dict(collections.Counter((outcome.status, outcome.cause) for outcome in outcomes))


@pytest.mark.parametrize("deed", AFTER.values(), ids=AFTER)
def test_what_follows_a_value_does_not_change_the_verdict(
    open_engine: Callable[[str], Engine], any_code_policy: AnyCodePolicy, deed: str
) -> None:
    strict = any_code_policy("restricted", "") + "[isolation]\nfail_on_denied = true\n"
    source = f"{_HEAD}{_VALUE}\n    {deed}\n    os._exit(0)\n"
    assert _verdicts(open_engine(strict), source) == {(Status.OK, None): TIMES}


def test_a_forbidden_call_before_a_value_ends_the_run(
    open_engine: Callable[[str], Engine], any_code_policy: AnyCodePolicy, sandbox_kind: str
) -> None:
    """It never returns, so no value of that thread can follow it; half a value before it is none."""
    cause = "seccomp:unknown" if sandbox_kind == "docker-runsc" else "seccomp:ptrace"
    source = f"{_HEAD}os.write(3, b'\\2\\0\\0\\0')\n    libc.ptrace(0, 0, 0, 0)\n    os.write(3, b'\\x011')\n"
    assert _verdicts(open_engine(any_code_policy("restricted", "")), source) == {(Status.VIOLATION, cause): TIMES}
