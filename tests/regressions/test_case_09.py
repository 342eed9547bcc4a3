"""What a thread could not get is told by what is missing, not by what the error's text may mean."""

from collections.abc import Callable

import pytest

from poet_engine import Engine

OpenEngine = Callable[[str], Engine]
AnyCodePolicy = Callable[[str, str], str]

_DEEP = """
import sys, threading
sys.setrecursionlimit(10**6)
threading.stack_size({size})
def depth(n):
    return 0 if n == 0 else 1 + depth(n - 1)
thread = threading.Thread(target=lambda: print(depth(20000)))
thread.start()
thread.join()
"""


def test_a_stack_that_has_no_room_is_memory(open_engine: OpenEngine, any_code_policy: AnyCodePolicy) -> None:
    """Its address space is more than the call may have."""
    outcome = open_engine(any_code_policy("restricted", "")).run_script(_DEEP.format(size="512 * 1024 * 1024"))
    if outcome.ok:  # where address space that nobody touches is free
        assert outcome.stdout == "20000\n"
    else:
        assert (outcome.status, outcome.cause) == ("limit", "memory"), outcome
        assert "tasks" not in outcome.limits_hit


def test_a_stack_that_has_room_works(open_engine: OpenEngine, any_code_policy: AnyCodePolicy) -> None:
    """The usual sizes of programs that recurse deeply fit into a policy that gives them the memory."""
    policy = any_code_policy("restricted", 'memory = "768MiB"')
    assert open_engine(policy).run_script(_DEEP.format(size="512 * 1024 * 1024")).stdout == "20000\n"


def test_a_function_too(open_engine: OpenEngine, any_code_policy: AnyCodePolicy) -> None:
    """The same error of a function."""
    source = f"def f():\n{''.join(f'    {line}' for line in _DEEP.format(size='1 << 40').splitlines(keepends=True))}"
    outcome = open_engine(any_code_policy("restricted", "")).run(source, "f")
    assert (outcome.status, outcome.cause) == ("limit", "memory"), outcome


@pytest.mark.parametrize("size", ["0", "1 << 20"])
def test_too_many_threads_are_tasks(open_engine: OpenEngine, any_code_policy: AnyCodePolicy, size: str) -> None:
    """Their stacks have room, and the policy gives no more threads."""
    source = f"""
import threading
threading.stack_size({size})
enough = threading.Event()
def f():
    try:
        for _ in range(40):
            threading.Thread(target=enough.wait, daemon=True).start()
    finally:
        enough.set()
"""
    outcome = open_engine(any_code_policy("restricted", "threads = 4")).run(source, "f")
    assert (outcome.status, outcome.cause) == ("limit", "tasks"), outcome
