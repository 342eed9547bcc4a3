"""Only the payload answers: a process that the code has forked goes on to the end of the program, and no further."""

from collections.abc import Callable

import pytest

from poet_engine import Engine, Outcome

OpenEngine = Callable[[str], Engine]
AnyCodePolicy = Callable[[str, str], str]
SameAsCPython = Callable[[str, str, str], Outcome]

_LIMITS = "processes = 4"
_WAIT = """
    _pid, status = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(status)
"""
FUNCTIONS = {
    "it returns": ("    return 'child'", 0),
    "it returns what cannot travel": ("    return object()", 0),
    "it raises": ("    raise ValueError('of the child')", 1),
    "it exits": ("    sys.exit(7)", 7),
    "it refuses": ("    raise InputRefused('x', 'of the child')", 1),
    "it leaves at once": ("    os._exit(5)", 5),
    "it has forked one itself": ("    os.fork()\n        return 'child'", 0),
}
SCRIPTS = {
    "it raises": """
import os
pid = os.fork()
if pid == 0:
    raise ValueError('of the child')
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
""",
    "it raises in a function": """
import os, sys
def f():
    if os.fork() == 0:
        print('child')
        return 1 / 0
    print(os.waitstatus_to_exitcode(os.wait()[1]))
f()
""",
    "its atexit functions run": """
import atexit, os
atexit.register(print, 'at its end', flush=True)
if os.fork() == 0:
    print('child')
else:
    os.wait()
    print('parent')
""",
}


@pytest.mark.parametrize(("body", "code"), FUNCTIONS.values(), ids=FUNCTIONS)
def test_the_parent_answers(
    open_engine: OpenEngine, any_code_policy: AnyCodePolicy, sandbox_kind: str, body: str, code: int
) -> None:
    """Whatever the child comes to, the call's value is the parent's, which sees how the child ended."""
    if sandbox_kind == "docker-runsc":
        pytest.skip("gVisor counts tasks in another way")
    source = f"import os, sys\ndef f():\n    pid = os.fork()\n    if pid == 0:\n    {body}{_WAIT}"
    outcome = open_engine(any_code_policy("restricted", _LIMITS)).run(source, "f")
    assert (outcome.status, outcome.value) == ("ok", code), outcome


def test_an_error_of_the_child_is_printed(open_engine: OpenEngine, any_code_policy: AnyCodePolicy) -> None:
    """Nobody else would learn of it; the text has the function's own frames and no others."""
    source = "import os\ndef f():\n    if os.fork() == 0:\n        return 1 / 0\n    os.wait()\n    return 'parent'\n"
    outcome = open_engine(any_code_policy("restricted", _LIMITS)).run(source, "f")
    assert outcome.value == "parent"
    assert outcome.stderr.startswith('Traceback (most recent call last):\n  File "<generated>", line 4, in f\n')
    assert outcome.stderr.endswith("ZeroDivisionError: division by zero\n")
    assert "payload" not in outcome.stderr


@pytest.mark.parametrize("keep", ["none", "process"])
def test_a_child_takes_no_further_call(open_engine: OpenEngine, any_code_policy: AnyCodePolicy, keep: str) -> None:
    """A payload that is kept for the next call is the one that answered, and its child is not there any more."""
    source = "import os\ndef f(n):\n    pid = os.fork()\n    return n if pid else -n\n"
    policy = any_code_policy("restricted", _LIMITS) + f'[isolation]\nfresh = "{keep}"\n'
    engine = open_engine(policy)
    assert [engine.run(source, "f", number).value for number in range(1, 6)] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("source", SCRIPTS.values(), ids=SCRIPTS)
def test_a_scripts_child_ends_as_in_cpython(same_as_cpython: SameAsCPython, source: str) -> None:
    """Standard output and the exit statuses are those of plain CPython."""
    same_as_cpython(source, "", "lab")
