"""Sandboxes for hostile code: with every wall, and as controls with the walls in question taken down.

Every test of a deed asserts that the deed was reached (`REACHED` was printed just before it), what the verdict and its
evidence are, and shows in a control that the same deed happens when nothing stands in its way.
"""

import contextlib
import re
from collections.abc import Iterator

import pytest

from poet_engine.job import Job
from poet_engine.outcome import Outcome
from poet_engine.policy import Policy
from poet_engine.sandbox import cgroup
from poet_engine.sandbox.pool.schedule import Size
from poet_engine.sandbox.process import ProcessSandbox

_HEAD = 'version = 1\nname = "security"\nextends = "restricted"\n[limits]\n'
# Short enough that nobody waits for a deed to be stopped; a test may set any of them anew.
_LIMITS = {
    "wall": '"3s"',
    "cpu": '"300ms"',
    "memory": '"64MiB"',
    "threads": "4",
    "output": '"64KiB"',
    "disk": '"4MiB"',
    "inodes": "64",
    "result": '"1MiB"',
}


def _stretched(duration: str, pace: int) -> str:
    """A TOML duration in whole seconds or milliseconds, so many times as long."""
    return re.sub(r"\d+", lambda number: str(int(number[0]) * pace), duration)


class Hostile:
    """Runs bodies in sandboxes that it opens on demand and keeps: opening one takes longer than most deeds.

    Args:
        close_later: Takes what is to be closed.
        pace: How many times as long as they say the limits of time are.
    """

    def __init__(self, close_later: contextlib.ExitStack, pace: int) -> None:
        self._close_later, self._pace = close_later, pace
        self._open: dict[tuple[str, str, int], ProcessSandbox] = {}

    def sandbox(self, without: str = "", lanes: int = 8, **limits: str) -> ProcessSandbox:
        """The sandbox of these limits (as TOML values) without these measures (names between spaces)."""
        values = {**_LIMITS, **limits}
        values |= {key: _stretched(values[key], self._pace) for key in ("wall", "cpu")}
        text = _HEAD + "".join(f"{key} = {value}\n" for key, value in values.items())
        key = (text, without, lanes)
        if key not in self._open:
            size = Size(least=1, most=lanes)
            sandbox = ProcessSandbox(Policy.parse(text), without=frozenset(without.split()), size=size)
            self._open[key] = self._close_later.enter_context(sandbox)
        return self._open[key]

    def __call__(self, body: str, *args: object, without: str = "", lanes: int = 8, **limits: str) -> Outcome:
        """Run a body as `deed(*args)`, after it has printed that it was reached."""
        lines = "".join(f"    {line}\n" for line in body.splitlines())
        source = f"import os, sys, time\n\ndef deed(*args):\n    print('reached', flush=True)\n{lines}"
        return self.sandbox(without, lanes, **limits).run(Job(source=source, entry="deed", args=args))


@pytest.fixture(scope="module")
def hostile(pace: int) -> Iterator[Hostile]:
    """`hostile(body, *args, without="mounts ids", memory='"1GiB"')` gives the outcome."""
    with contextlib.ExitStack() as stack:
        yield Hostile(stack, pace)


@pytest.fixture(scope="session")
def counted() -> bool:
    """Whether a cgroup counts memory and tasks here; if not, resource limits are what there is."""
    return cgroup.find() is not None
