"""Signals do in a sandbox what they do in a program that CPython runs."""

from collections.abc import Callable

import pytest

from poet_engine import Engine, Outcome

OpenEngine = Callable[[str], Engine]
AnyCodePolicy = Callable[[str, str], str]
SameWords = Callable[[str], Outcome]

SCRIPTS = {
    "SIGINT is raised": """
import signal
try:
    signal.raise_signal(signal.SIGINT)
except KeyboardInterrupt:
    print('caught')
""",
    "SIGINT is sent": """
import os, signal, time
try:
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(5)
except KeyboardInterrupt:
    print('caught')
""",
    "SIGINT is not caught": "import signal\nprint('before')\nsignal.raise_signal(signal.SIGINT)",
    "SIGINT in a thread's program": """
import _thread, threading, time
threading.Timer(0.05, _thread.interrupt_main).start()
try:
    for _ in range(100):
        time.sleep(0.01)
except KeyboardInterrupt:
    print('caught')
""",
    "a handler of its own": """
import signal
print(signal.signal(signal.SIGINT, lambda *_: print('handled')))
signal.raise_signal(signal.SIGINT)
""",
    "SIGINT is ignored": """
import signal
signal.signal(signal.SIGINT, signal.SIG_IGN)
signal.raise_signal(signal.SIGINT)
print('on')
""",
    "SIGPIPE": """
import os
reads, writes = os.pipe()
os.close(reads)
try:
    os.write(writes, b'x')
except BrokenPipeError:
    print('caught')
""",
    "all that are not at their default": """
import signal
for number in sorted(signal.valid_signals()):
    if signal.getsignal(number) is not signal.SIG_DFL:
        print(int(number), signal.getsignal(number))
""",
    "none is blocked": """
import signal
print(signal.pthread_sigmask(signal.SIG_BLOCK, []), signal.sigpending())
""",
    "an alarm": """
import signal, time
signal.signal(signal.SIGALRM, lambda *_: print('rang'))
signal.setitimer(signal.ITIMER_REAL, 0.01)
time.sleep(0.1)
""",
}


@pytest.mark.parametrize("source", SCRIPTS.values(), ids=SCRIPTS)
def test_a_script_meets_signals_as_in_cpython(same_words_as_cpython: SameWords, source: str) -> None:
    """Both outputs, and the status or the signal that it ends with, are those of plain CPython."""
    same_words_as_cpython(source)


@pytest.mark.parametrize("keep", ["none", "process"])
def test_a_function_can_catch_an_interruption(
    open_engine: OpenEngine, any_code_policy: AnyCodePolicy, keep: str
) -> None:
    """Uncaught it is an exception like any other: the function's caller goes on."""
    source = """
import signal
def f(catch):
    try:
        signal.raise_signal(signal.SIGINT)
    except KeyboardInterrupt:
        if catch:
            return 'caught'
        raise
"""
    engine = open_engine(any_code_policy("restricted", "") + f'[isolation]\nfresh = "{keep}"\n')
    assert [engine.run(source, "f", True).value for _ in range(3)] == ["caught"] * 3
    outcome = engine.run(source, "f", False)
    assert (outcome.status, outcome.cause, outcome.signal) == ("error", "exception", None)
    assert outcome.error is not None
    assert outcome.error.type == "KeyboardInterrupt"


def test_a_signal_to_the_first_process_ends_nothing(open_engine: OpenEngine, any_code_policy: AnyCodePolicy) -> None:
    """The process that payloads are forked from takes no signal of theirs."""
    source = """
import os, signal
def f():
    try:
        os.kill(os.getppid(), signal.SIGINT)
    except PermissionError:
        pass
    return 'on'
"""
    engine = open_engine(any_code_policy("restricted", ""))
    assert [engine.run(source, "f").value for _ in range(3)] == ["on"] * 3
