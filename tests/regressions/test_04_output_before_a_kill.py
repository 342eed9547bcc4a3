"""What a program printed before it was killed is there, whoever killed it and wherever the text was."""

from collections.abc import Callable

import pytest

from poet_engine import Engine

OpenEngine = Callable[[str], Engine]
AnyCodePolicy = Callable[[str, str], str]

WAYS = {
    "a line": "print('printed')",
    "no end of line": "print('printed', end='')",
    "bytes": "sys.stdout.buffer.write(b'printed')",
    "text and bytes": "print('one', end=' ')\nsys.stdout.flush()\nsys.stdout.buffer.write(b'two ')\nprint('three')",
    "reconfigured": "sys.stdout.reconfigure(encoding='utf-8', errors='replace')\nprint('printed ✓')",
    "another encoding": "sys.stdout.reconfigure(encoding='latin-1')\nprint('printed')",
    "wrapped anew": "sys.stdout = io.TextIOWrapper(sys.stdout.buffer, encoding='utf-8')\nprint('printed ✓', end='')",
    "detached": "sys.stdout = io.TextIOWrapper(sys.stdout.detach(), encoding='utf-8')\nprint('printed ✓', end='')",
    "wrapped by a class of its own": """
class Own(io.TextIOWrapper):
    pass
sys.stdout = Own(sys.stdout.buffer)
print('printed ✓', end='')
""",
    "a writer of codecs": "sys.stdout = codecs.getwriter('utf-8')(sys.stdout.buffer)\nprint('printed ✓')",
    "replaced": "print('printed')\nsys.stdout = io.StringIO()\nprint('swallowed')",
    "more than CPython keeps": "for i in range(5000):\n    print('line', i)",
    "pieces that do not fit": "for i in range(40):\n    print('x' * 777 * i, end='')",
    "zero bytes inside": "print('a\\0b\\0c')",
    "flushed in between": "print('one', flush=True)\nprint('two', end='')",
    "a print that failed": """
print('one')
try:
    sys.stdout.write(chr(0xD800))
except ValueError:
    print('two')
""",
}
_HEAD = "import codecs, io, os, signal, sys, time\n"
ENDS = {
    "wall": ("time.sleep(600)", 'wall = "2s"', ("limit", "wall")),
    "cpu": ("while True:\n    pass", 'cpu = "0.5s"\nwall = "20s"', ("limit", "cpu")),
    "crash": ("os.kill(os.getpid(), signal.SIGSEGV)", "", ("crash", "signal:SIGSEGV")),
    "abort": ("os.abort()", "", ("crash", "signal:SIGABRT")),
}


@pytest.mark.parametrize("printing", WAYS.values(), ids=WAYS)
def test_what_was_printed_is_there_when_a_script_is_killed(
    open_engine: OpenEngine,
    stdout_of_cpython: Callable[[str], str],
    any_code_policy: AnyCodePolicy,
    printing: str,
) -> None:
    """It is what CPython would have written, had it come to its end there: all of it, and nothing twice."""
    whole = stdout_of_cpython(_HEAD + printing)
    source = f"{_HEAD}{printing}\nos.kill(os.getpid(), signal.SIGKILL)"
    outcome = open_engine(any_code_policy("restricted", "")).run_script(source)
    assert (outcome.status, outcome.cause, outcome.stdout) == ("crash", "signal:SIGKILL", whole)


@pytest.mark.parametrize("kind", ["script", "function"])
@pytest.mark.parametrize("end", ENDS)
def test_what_was_printed_is_there_however_it_ends(
    open_engine: OpenEngine,
    any_code_policy: AnyCodePolicy,
    end: str,
    kind: str,
) -> None:
    """Both streams, for scripts and functions: budgets, signals, crashes."""
    deed, limits, verdict = ENDS[end]
    engine = open_engine(any_code_policy("restricted", limits))
    body = f"print('to stdout')\nprint('to stderr', end='', file=sys.stderr)\n{deed}"
    if kind == "script":
        outcome = engine.run_script(_HEAD + body)
    else:
        outcome = engine.run(f"{_HEAD}def f():\n" + "".join(f"    {line}\n" for line in body.splitlines()), "f")
    assert (outcome.status, outcome.cause) == verdict
    assert (outcome.stdout, outcome.stderr) == ("to stdout\n", "to stderr")


def test_what_was_printed_is_there_at_a_violation(open_engine: OpenEngine, any_code_policy: AnyCodePolicy) -> None:
    """A program that is ended for a forbidden system call keeps its output."""
    source = "import ctypes\nprint('printed', end='')\nctypes.CDLL(None).ptrace(0, 0, 0, 0)"
    outcome = open_engine(any_code_policy("restricted", "")).run_script(source)
    assert (outcome.status, outcome.stdout) == ("violation", "printed")


def test_what_was_printed_is_there_when_memory_runs_out(
    open_engine: OpenEngine, any_code_policy: AnyCodePolicy
) -> None:
    """A program that runs into its memory budget keeps its output, whether it sees an error or is killed."""
    outcome = open_engine(any_code_policy("restricted", "")).run_script(
        "print('printed', end='')\nx = []\nwhile True:\n    x.append(bytes(1 << 20))"
    )
    assert (outcome.status, outcome.cause, outcome.stdout) == ("limit", "memory", "printed")


@pytest.mark.parametrize("size", [(8 << 20) - 4096, (8 << 20) + 10, (8 << 20) + 70_000])
def test_a_large_result_is_not_taken_for_output(
    open_engine: OpenEngine, any_code_policy: AnyCodePolicy, size: int
) -> None:
    """The record of output lies behind the room for large results: one that is too large never gets there."""
    source = f"def f():\n    print('printed', end='')\n    return b'x' * {size}"
    outcome = open_engine(any_code_policy("restricted", "")).run(source, "f")
    assert outcome.stdout == "printed"
    assert (outcome.status, outcome.cause) in (("ok", None), ("limit", "result_size"))


def test_a_child_does_not_write_into_the_record(open_engine: OpenEngine, any_code_policy: AnyCodePolicy) -> None:
    """What a forked child keeps to itself is lost with it, as in CPython; its parent's output is not touched by it."""
    source = """
import os, time
print('parent', end='')
if os.fork() == 0:
    print('child' * 100, end='')
    os._exit(0)
os.wait()
time.sleep(600)
"""
    outcome = open_engine(any_code_policy("lab", "")).run_script(source, wall=2)
    assert (outcome.status, outcome.stdout) == ("limit", "parent")


def test_what_one_call_has_left_is_not_found_in_another(
    open_engine: OpenEngine, any_code_policy: AnyCodePolicy
) -> None:
    """The record of a payload is mapped before it is forked, in place of the record of the one before."""
    engine = open_engine(any_code_policy("restricted", ""))
    end = "    os.kill(os.getpid(), signal.SIGKILL)\n"
    source = f"{_HEAD}def leave():\n    print('left', end='')\n{end}def quiet():\n{end}"
    assert [engine.run(source, entry).stdout for entry in ["leave", "leave", "quiet", "quiet"] * 4] == [
        "left",
        "left",
        "",
        "",
    ] * 4
