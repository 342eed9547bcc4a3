"""What honest code probes for fails with an error that it can catch, and the supervisor records it."""

from typing import TYPE_CHECKING

import pytest

from poet_engine.outcome import DeniedCall

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.regressions.conftest import OpenEngine

    AnyCode = Callable[[str, str], str]

_UUID = "import uuid\ndef f():\n    return uuid.uuid1().version\n"
_PROBES = """
import os, socket
def f():
    answers = []
    for deed in (socket.socket, socket.socket, lambda: os.nice(1), lambda: os.listxattr("/tmp")):
        try:
            deed()
        except OSError as error:
            answers.append(error.errno)
    return answers
"""
_UNCAUGHT = "import socket\ndef f():\n    socket.create_connection(('192.0.2.1', 80), 1)\n"
_AFTERWARDS = (
    "import socket\ndef f():\n    try:\n        socket.socket()\n    except OSError:\n        pass\n    1 / 0\n"
)
_NICE = "import os\ndef f():\n    os.nice(1)\n"
_FORBIDDEN = "import ctypes\ndef f():\n    ctypes.CDLL(None).ptrace(0, 0, 0, 0)\n"


@pytest.fixture
def heard(sandbox_kind: str) -> bool:
    """Whether a supervisor is notified of calls; gVisor has no notifications."""
    return sandbox_kind != "docker-runsc"


def _policy(any_code_policy: "AnyCode", isolation: str = "") -> str:
    return any_code_policy("restricted", "") + f"[isolation]\n{isolation}\n"


def test_a_probe_that_is_caught_is_told_beside_the_value(
    open_engine: "OpenEngine", any_code_policy: "AnyCode", *, heard: bool
) -> None:
    engine = open_engine(_policy(any_code_policy))

    assert engine.run(_UUID, "f").value == 1
    outcome = engine.run(_PROBES, "f")
    assert (outcome.status, outcome.value) == ("ok", [13, 13, 1, 95])
    assert {(each.call, each.count) for each in outcome.denied} == (
        {("socket", 2), ("setpriority", 1), ("listxattr", 1)} if heard else set()
    )


@pytest.mark.parametrize("source", [_UNCAUGHT, _AFTERWARDS])
def test_an_uncaught_error_after_a_denied_socket_is_a_violation(
    open_engine: "OpenEngine", any_code_policy: "AnyCode", source: str, *, heard: bool
) -> None:
    """By the supervisor's record, whatever the error says."""
    outcome = open_engine(_policy(any_code_policy)).run(source, "f")

    assert (outcome.status, outcome.cause) == (("violation", "network") if heard else ("error", "exception"))
    assert outcome.denied == ((DeniedCall("socket", 1),) if heard else ())
    assert outcome.error is not None
    assert outcome.error.traceback


def test_what_is_no_socket_is_an_error_like_any_other(
    open_engine: "OpenEngine", any_code_policy: "AnyCode", *, heard: bool
) -> None:
    outcome = open_engine(_policy(any_code_policy)).run(_NICE, "f")

    assert (outcome.status, outcome.cause) == ("error", "exception")
    assert outcome.denied == ((DeniedCall("setpriority", 1),) if heard else ())


def test_a_policy_may_end_the_run_at_once(
    open_engine: "OpenEngine", any_code_policy: "AnyCode", *, heard: bool
) -> None:
    outcome = open_engine(_policy(any_code_policy, 'on_denied = "kill"')).run(_PROBES, "f")

    assert (outcome.status, outcome.cause) == ("violation", "network" if heard else "seccomp:unknown")
    assert outcome.denied == ((DeniedCall("socket", 1),) if heard else ())


def test_a_policy_may_forgive_nothing_that_was_caught(
    open_engine: "OpenEngine", any_code_policy: "AnyCode", *, heard: bool
) -> None:
    engine = open_engine(_policy(any_code_policy, "fail_on_denied = true"))
    outcome = engine.run(_PROBES, "f")

    assert (outcome.status, outcome.cause) == ("violation", "network" if heard else "seccomp:unknown")
    assert outcome.value is None
    assert engine.run("def f():\n    return 1\n", "f").value == 1


def test_what_only_attacks_ask_for_ends_the_run_under_every_policy(
    open_engine: "OpenEngine", any_code_policy: "AnyCode", *, heard: bool
) -> None:
    outcome = open_engine(_policy(any_code_policy)).run(_FORBIDDEN, "f")

    assert (outcome.status, outcome.cause) == ("violation", "seccomp:ptrace" if heard else "seccomp:unknown")
    assert outcome.denied == ()
