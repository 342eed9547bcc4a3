"""Code that prints without end: the run is over at the cap, and the host keeps no byte beyond it."""

from typing import TYPE_CHECKING

import pytest

from poet_engine.outcome import Blame, Status

if TYPE_CHECKING:
    from tests.security.conftest import Everywhere

CAP = 64 << 10  # of the policy in conftest.py

FLOODS: dict[str, str] = {
    "print": "while True: print('x' * 1000)",
    "one long line": "while True: os.write(1, b'x' * 65536)",
    "few bytes": "while True: os.write(1, b'few bytes')",
    "standard error": "while True: os.write(2, b'x' * 65536)",
    "both": "while True: os.write(1, b'o' * 1000); os.write(2, b'e' * 1000)",
    "bytes that are no text": "while True: os.write(1, b'\\xff\\xfe\\x00' * 1000)",
    "from threads": (
        "import threading\ndef flood():\n    while True: os.write(1, b'x' * 4096)\n"
        "for _ in range(3): threading.Thread(target=flood).start()\nflood()"
    ),
    "a larger pipe": "import fcntl\nfcntl.fcntl(1, 1031, 1 << 20)\nwhile True: os.write(1, b'x' * (1 << 20))",
    "without waiting": (
        "os.set_blocking(1, False)\nwhile True:\n    try: os.write(1, b'x' * 65536)\n    except BlockingIOError: pass"
    ),
    "on its way out": "os.write(1, b'x' * 1000)\nfor _ in range(100): os.write(2, b'x' * 65536)\nos._exit(0)",
}


@pytest.mark.parametrize("body", FLOODS.values(), ids=FLOODS)
def test_a_flood_ends_at_the_cap(everywhere: "Everywhere", body: str) -> None:
    outcome = everywhere(body, cpu='"2s"')  # for few bytes, each time a system call

    assert outcome.stdout.startswith("reached\n")
    assert (outcome.status, outcome.cause, outcome.blame) == (Status.LIMIT, "output", Blame.CODE)
    assert outcome.evidence is not None
    assert (outcome.evidence.counter, outcome.evidence.limit) == ("bytes_out", CAP)
    assert isinstance(outcome.evidence.value, int)
    assert outcome.evidence.value > CAP
    assert outcome.stdout_truncated or outcome.stderr_truncated
    assert len(outcome.stdout) + len(outcome.stderr) <= CAP
    assert outcome.limits_hit[0] == "output"


def test_control_where_the_cap_allows_it_everything_is_printed(everywhere: "Everywhere") -> None:
    body = "for _ in range(4): os.write(1, b'x' * 65536)\nreturn 'printed'"

    outcome = everywhere(body, output='"1MiB"')

    assert outcome.value == "printed"
    assert len(outcome.stdout) == len("reached\n") + 4 * 65536
    assert everywhere(body).cause == "output"


def test_a_flood_just_before_the_value_does_not_hide_behind_it(everywhere: "Everywhere") -> None:
    """The value may come first on the wire; then it stands, but what is kept is capped and told all the same."""
    outcome = everywhere("os.write(1, b'x' * 60000); os.write(2, b'y' * 60000)\nreturn 'value'")

    assert outcome.status is Status.OK or outcome.cause == "output"
    assert len(outcome.stdout) + len(outcome.stderr) <= CAP
    assert outcome.stdout_truncated or outcome.stderr_truncated


def test_printing_nothing_while_the_pipe_is_full_is_not_a_hang(everywhere: "Everywhere") -> None:
    """The host drains while it waits: code may print more than a pipe holds, up to the cap."""
    outcome = everywhere("for _ in range(60): os.write(1, b'x' * 1024); os.write(2, b'x' * 16)\nreturn 'done'")

    assert outcome.value == "done"
    assert outcome.usage.bytes_out == len("reached\n") + 60 * 1040


def test_a_child_that_keeps_the_pipe_open_does_not_hold_the_call(everywhere: "Everywhere", pace: int) -> None:
    outcome = everywhere("if not os.fork(): time.sleep(60)\nos._exit(0)", processes="2")

    assert outcome.stdout == "reached\n"
    assert (outcome.status, outcome.cause) == (Status.NO_RESULT, "early_exit")
    assert outcome.usage.wall_ms < 2000 * pace
    assert outcome.leftovers == 1


def test_after_a_flood_the_sandbox_serves_the_next_call(everywhere: "Everywhere") -> None:
    assert everywhere("while True: os.write(1, b'x' * 65536)", lanes=1).cause == "output"
    assert everywhere("return 'served'", lanes=1).stdout == "reached\n"
