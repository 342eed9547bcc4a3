"""The start method `forkserver` of `multiprocessing` works, without anything being executed."""

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.regressions.conftest import OpenEngine, RunPlainly

    from poet_engine.outcome import Outcome

_PROCESS = """
import multiprocessing, os, signal, sys, time
def leave(code):
    sys.exit(code)
def answer(queue, lock, event, pipe):
    with lock:
        queue.put((multiprocessing.current_process().name, multiprocessing.get_start_method()))
    event.wait(20)
    pipe.send(os.getppid() != parent)
def fail():
    raise ValueError("in the child")
parent = 0
if __name__ == "__main__":
    context = multiprocessing.get_context("forkserver")
    queue, lock, event = context.Queue(), context.Lock(), context.Event()
    ours, theirs = context.Pipe()
    child = context.Process(target=answer, args=(queue, lock, event, theirs), name="child")
    child.start()
    print(queue.get(timeout=20))
    event.set()
    print(ours.recv())
    child.join(20)
    print(child.exitcode)
    for target, args in ((leave, (3,)), (leave, (None,)), (os._exit, (4,)), (os.abort, ()), (fail, ())):
        child = context.Process(target=target, args=args)
        child.start()
        child.join(20)
        print(target.__name__, child.exitcode)
    child = context.Process(target=time.sleep, args=(20,), daemon=True)
    child.start()
    print(child.is_alive())
    child.terminate()
    child.join()
    print(child.exitcode == -signal.SIGTERM, multiprocessing.active_children())
"""
_POOL = """
import multiprocessing, os
from concurrent.futures import ProcessPoolExecutor
def work(n):
    if n == 3:
        raise ValueError(f"not {n}")
    return n * n
def begin(value):
    global begun
    begun = value
def seen(_n):
    return begun
if __name__ == "__main__":
    multiprocessing.set_start_method("forkserver")
    print(multiprocessing.get_start_method())
    with multiprocessing.Pool(2, begin, ("begun",)) as pool:
        print(pool.map(work, range(3)), pool.map(seen, [0]))
        try:
            pool.map(work, [3])
        except ValueError as error:
            print(repr(error), "in work" in str(error.__cause__))
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("forkserver")) as executor:
        print(list(executor.map(work, range(3))))
        print(repr(executor.submit(work, 3).exception()))
        print(type(executor.submit(os._exit, 1).exception()).__name__)
"""
_PRELOAD = """
import multiprocessing
def names():
    import sys
    return "fractions" in sys.modules, __name__
if __name__ == "__main__":
    multiprocessing.set_forkserver_preload(["__main__", "fractions"])
    context = multiprocessing.get_context("forkserver")
    with context.Pool(1) as pool:
        print(pool.apply(names))
    with context.Manager() as manager:
        shared = manager.dict(a=1)
        print(shared.copy())
"""
_UNGUARDED = """
import multiprocessing
print("once or more")
child = multiprocessing.get_context("forkserver").Process(target=print, args=("child",))
child.start()
child.join()
print(child.exitcode)
"""
_PROGRAMS = {"process": _PROCESS, "pool": _POOL, "preload": _PRELOAD, "without a guard": _UNGUARDED}
_FUNCTION = """
import multiprocessing

def double(x):
    return 2 * x

def f(numbers):
    with multiprocessing.get_context("forkserver").Pool(1) as pool:
        return pool.map(double, numbers)
"""
_ERROR = """
import multiprocessing
def fail():
    raise ValueError("in the child")
if __name__ == "__main__":
    child = multiprocessing.get_context("forkserver").Process(target=fail)
    child.start()
    child.join()
"""


@pytest.mark.usefixtures("listening")
@pytest.mark.parametrize("source", _PROGRAMS.values(), ids=_PROGRAMS)
def test_it_works_as_in_cpython(same_as_cpython: "Callable[[str, str, str], Outcome]", source: str) -> None:
    assert same_as_cpython(source, "", "lab").status == "ok"


@pytest.mark.usefixtures("listening")
def test_a_childs_error_is_reported_as_in_cpython(
    same_as_cpython: "Callable[[str, str, str], Outcome]", cpython: "RunPlainly"
) -> None:
    words = same_as_cpython(_ERROR, "", "lab").stderr
    assert words.splitlines()[-1] == "ValueError: in the child"
    assert [line for line in words.splitlines() if "script.py" in line] == [
        line for line in cpython(_ERROR).stderr.splitlines() if "script.py" in line
    ]


@pytest.mark.usefixtures("listening")
@pytest.mark.parametrize("name", ["process", "pool"])
def test_it_works_where_the_policy_lists_the_module(
    open_engine: "OpenEngine",
    any_code_policy: "Callable[[str, str], str]",
    stdout_of_cpython: "Callable[[str], str]",
    name: str,
) -> None:
    """Which has it imported before there is a program, and each program has a key of its own all the same."""
    engine = open_engine(any_code_policy("lab", '[static.imports]\nmultiprocessing = ["*"]\n'))
    outcome = engine.run_script(_PROGRAMS[name])
    assert (outcome.status, outcome.stdout) == ("ok", stdout_of_cpython(_PROGRAMS[name])), outcome.describe()
    key = "import multiprocessing\nprint(multiprocessing.current_process().authkey.hex())"
    assert engine.run_script(key).stdout != engine.run_script(key).stdout


@pytest.mark.usefixtures("listening")
def test_a_function_s_module_is_found_in_the_child(
    open_engine: "OpenEngine", any_code_policy: "Callable[[str, str], str]"
) -> None:
    engine = open_engine(any_code_policy("lab", ""))
    for _ in range(2):
        assert engine.run(_FUNCTION, "f", [1, 2]).value == [2, 4]
