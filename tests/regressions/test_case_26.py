"""What `multiprocessing` starts as an interpreter of its own works, without anything being executed."""

import signal
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.regressions.conftest import OpenEngine

    from poet_engine.outcome import Outcome

_SHARED = """
from multiprocessing import shared_memory
block = shared_memory.SharedMemory(create=True, size=16)
block.buf[0] = 7
other = shared_memory.SharedMemory(block.name)
print(other.buf[0])
other.close()
block.close()
block.unlink()
listed = shared_memory.ShareableList([1, "two", 3.0])
print(list(listed))
listed.shm.close()
listed.shm.unlink()
try:
    shared_memory.SharedMemory(block.name)
except FileNotFoundError as error:
    print(error.errno)
"""
_SPAWN = """
import multiprocessing, os, sys

def double(x):
    return 2 * x

def work(queue, lock, event):
    with lock:
        queue.put((os.getpid() != os.getppid(), multiprocessing.current_process().name))
    event.wait(20)
    sys.exit(3)

if __name__ == "__main__":
    context = multiprocessing.get_context("spawn")
    queue, lock, event = context.Queue(), context.Lock(), context.Event()
    child = context.Process(target=work, args=(queue, lock, event), name="child")
    child.start()
    print(queue.get(timeout=20))
    event.set()
    child.join(20)
    print(child.exitcode)
    with context.Pool(2) as pool:
        print(pool.map(double, range(5)))
"""
_DESCRIPTORS = """
import gc, multiprocessing, os

def work():
    own = [open(os.devnull) for _ in range(30)]
    gc.collect()
    for file in own:
        os.fstat(file.fileno())
    print("all are there")

class Holder:
    pass

if __name__ == "__main__":
    gc.disable()
    for _ in range(10):
        holder = Holder()
        holder.held = holder, *multiprocessing.Pipe(), open(__file__)
    del holder
    child = multiprocessing.get_context("spawn").Process(target=work)
    child.start()
    child.join()
    print(child.exitcode)
"""
_FUNCTION = """
import multiprocessing

def double(x):
    return 2 * x

def f(numbers):
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.map(double, numbers)
"""
_EXECUTES = """
import multiprocessing.util, subprocess, sys
def f():
    return subprocess.run([sys.executable, "-c", "print(1)"]).returncode
"""


@pytest.mark.parametrize("source", [_SHARED, _SPAWN, _DESCRIPTORS], ids=["shared memory", "spawn", "descriptors"])
def test_it_works_as_in_cpython(same_as_cpython: "Callable[[str, str, str], Outcome]", source: str) -> None:
    outcome = same_as_cpython(source, "", "lab")
    assert (outcome.status, outcome.stderr) == ("ok", "")


def test_a_function_s_module_is_found_in_the_child(
    open_engine: "OpenEngine", any_code_policy: "Callable[[str, str], str]"
) -> None:
    assert open_engine(any_code_policy("lab", "")).run(_FUNCTION, "f", [1, 2]).value == [2, 4]


def test_nothing_is_executed_all_the_same(
    open_engine: "OpenEngine", any_code_policy: "Callable[[str, str], str]", sandbox_kind: str
) -> None:
    """Under gVisor it is the child that is ended."""
    outcome = open_engine(any_code_policy("lab", "")).run(_EXECUTES, "f")
    assert outcome.stdout == ""
    if sandbox_kind == "docker-runsc":
        assert outcome.value == -signal.SIGSYS
    else:
        assert (outcome.status, outcome.cause) == ("violation", "seccomp:execve")
