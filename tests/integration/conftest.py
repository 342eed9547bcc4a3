"""Looking at the processes of a sandbox from outside."""

import contextlib
from collections.abc import Callable

import psutil
import pytest


def _runs_the_guest(process: psutil.Process) -> bool:
    try:
        return "poet_guest" in " ".join(process.cmdline())
    except psutil.Error:
        return False


def descendants(depth: int) -> list[psutil.Process]:
    """Ours at one depth: 1 what we started, 2 zygotes, 3 inits, 4 payloads."""
    level = [psutil.Process()]
    for _ in range(depth):
        found: list[psutil.Process] = []
        for parent in level:
            with contextlib.suppress(psutil.NoSuchProcess):
                found += parent.children()
        level = [child for child in found if _runs_the_guest(child)]
    return level


@pytest.fixture
def guests() -> Callable[[int], list[psutil.Process]]:
    """Processes of the sandboxes of this process, by depth."""
    return descendants


@pytest.fixture
def until_code_burns() -> Callable[[], None]:
    """Waits until a payload has burnt more CPU than being prepared costs; the test's own timeout bounds the wait."""

    def wait() -> None:
        while not any(_cpu_seconds(process) > 0.15 for process in descendants(4)):
            pass

    return wait


def _cpu_seconds(process: psutil.Process) -> float:
    try:
        return sum(process.cpu_times()[:2])
    except psutil.Error:
        return 0.0
