"""A policy that allows processes opens, and its code may start as many of them as it says."""

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.regressions.conftest import OpenEngine

_POLICY = (
    'version = 1\nname = "with processes"\nextends = "restricted"\n[static]\nmode = "warn"\n'
    "[limits]\nprocesses = {processes}\nthreads = {threads}\n"
)
# With the start method that needs no program: a sandbox starts none.
_CHILD = """
import multiprocessing

def work(pipe, x):
    pipe.send(x * 7)

def f(x, children):
    fork = multiprocessing.get_context("fork")
    answers = []
    started = []
    for _ in range(children):
        ours, theirs = fork.Pipe()
        child = fork.Process(target=work, args=(theirs, x))
        child.start()
        started.append((child, ours))
    for child, pipe in started:
        answers.append(pipe.recv())
        child.join()
    return answers
"""
_ALIVE_AT_ONCE = """
import os, signal

def f(children):
    for _ in range(children):
        if not os.fork():
            signal.pause()
"""
_THREAD = "import threading\ndef f():\n    threading.Thread(target=print).start()\n"


@pytest.mark.parametrize(("processes", "threads"), [(1, 0), (1, 8), (3, 1)])
def test_it_opens_and_answers(open_engine: "OpenEngine", processes: int, threads: int) -> None:
    engine = open_engine(_POLICY.format(processes=processes, threads=threads))

    assert engine.run("def f():\n    return 6 * 7\n", "f").value == 42
    assert engine.run(_CHILD, "f", 6, processes).value == [42] * processes


def test_one_process_beyond_the_allowed_number_is_refused(open_engine: "OpenEngine") -> None:
    outcome = open_engine(_POLICY.format(processes=1, threads=0)).run(_ALIVE_AT_ONCE, "f", 2)

    assert (outcome.status, outcome.cause) == ("limit", "tasks")
    assert outcome.error is not None
    assert outcome.error.type == "BlockingIOError"


def test_without_threads_none_is_started(open_engine: "OpenEngine") -> None:
    outcome = open_engine(_POLICY.format(processes=0, threads=0)).run(_THREAD, "f")

    assert (outcome.status, outcome.cause) == ("limit", "tasks")
