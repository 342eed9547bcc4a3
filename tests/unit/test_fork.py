"""Locks and forks."""

import os
import signal
import warnings
import weakref

from poet_engine._fork import ForkedLock, on_fork


def fork() -> int:
    """As a program with threads does it; newer Pythons warn of exactly the danger that is tested here."""
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
        return os.fork()


def ends_well(child: int) -> bool:
    """Whether the child process got to its end, rather than waiting until the alarm took it."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_a_lock_that_is_held_in_the_parent_is_free_in_the_child() -> None:
    """The thread that holds it is not there to let go of it."""
    lock = ForkedLock()
    with lock:
        child = fork()
        if child == 0:
            signal.alarm(10)
            with lock:
                os._exit(0)
        assert repr(lock) == "<ForkedLock held>"
        assert ends_well(child)
    assert repr(lock) == "<ForkedLock free>"


def test_it_is_held_within_the_child_as_anywhere() -> None:
    lock = ForkedLock()
    child = fork()
    if child == 0:
        signal.alarm(10)
        with lock:
            os._exit(0 if repr(lock) == "<ForkedLock held>" else 1)
    assert ends_well(child)


class Told:
    def __init__(self) -> None:
        self.steps: list[str] = []


def test_what_lives_is_told_of_a_fork_on_both_sides() -> None:
    """Also what came after the hook, and nothing that is gone."""
    living: weakref.WeakSet[Told] = weakref.WeakSet()
    on_fork(
        living,
        lambda one: one.steps.append("in the child"),
        before=lambda one: one.steps.append("before"),
        in_parent=lambda one: one.steps.append("in the parent"),
    )
    told = Told()
    living.add(told)
    living.add(Told())  # is gone at once
    child = fork()
    if child == 0:
        os._exit(told.steps != ["before", "in the child"])
    assert ends_well(child)
    assert told.steps == ["before", "in the parent"]
