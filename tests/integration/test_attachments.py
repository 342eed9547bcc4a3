"""Large values through real lanes: what they arrive as, what they cost, and that nothing of them stays."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
import pytest

from poet_engine.errors import SerializationError
from poet_engine.job import Job
from poet_engine.outcome import Outcome, Status
from poet_engine.policy import Policy
from poet_engine.sandbox.pool.scheduling import PoolSize
from poet_engine.sandbox.process import ProcessSandbox

pytestmark = pytest.mark.sandbox

MIB = 1 << 20
_POLICY = """
version = 1
name = "large"
extends = "data"
[limits]
memory = "128MiB"
result = "16MiB"
[isolation]
preload = ["numpy"]
"""
_SOURCE = """
import numpy as np

def echo(x):
    return x

def double(x):
    x *= 2
    return x

def described(x):
    return type(x).__name__, str(x.dtype), x.shape, bool(x.flags.writeable), bool(x.flags.c_contiguous), float(x.sum())

def zeros(size):
    return np.zeros(size, dtype="u1")

def used(x):
    return float((x * 2).sum())
"""


class Caller:
    """Runs functions of one source.

    Args:
        sandbox: Where they run.
    """

    def __init__(self, sandbox: ProcessSandbox) -> None:
        self.sandbox = sandbox

    def __call__(self, entry: str, *args: object, source: str = _SOURCE) -> Outcome:
        """The outcome of `entry(*args)`."""
        return self.sandbox.run(Job(source=source, entry=entry, args=args))


@pytest.fixture(scope="module")
def call() -> Iterator[Caller]:
    with ProcessSandbox(Policy.parse(_POLICY), size=PoolSize(least=1, most=1)) as sandbox:
        yield Caller(sandbox)


FORMS: dict[str, Callable[[np.ndarray[tuple[int], np.dtype[np.float64]]], object]] = {
    "plain": lambda flat: flat,
    "two-dimensional": lambda flat: flat.reshape(-1, 4),
    "Fortran": lambda flat: np.asfortranarray(flat.reshape(-1, 4)),
    "reversed": lambda flat: flat[::-1],
    "every second": lambda flat: np.repeat(flat, 2)[::2],
    "big-endian": lambda flat: flat.astype(">f8"),
    "read-only": lambda flat: np.broadcast_to(flat, (1, flat.size)),
    "truths": lambda flat: flat > 5,
    "dates": lambda flat: flat.astype("<M8[s]"),
    "small floats": lambda flat: (flat % 100).astype("<f2"),
    "complex": lambda flat: flat.astype("<c16"),
}


@pytest.mark.parametrize("count", [400, 40_000])
@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_an_array_is_the_same_after_the_way_in_and_out(
    call: Caller, form: Callable[[np.ndarray[tuple[int], np.dtype[np.float64]]], object], count: int
) -> None:
    """On both sides of the size from which arrays stay out of the frame."""
    value = form(np.arange(float(count)))

    arrived = call("echo", value).unwrap()

    expected = np.asarray(value)
    assert isinstance(arrived, np.ndarray)
    assert arrived.dtype == expected.dtype
    assert arrived.flags.writeable
    np.testing.assert_array_equal(arrived, expected)


@pytest.mark.parametrize("count", [400, 40_000])
def test_a_series_is_the_same_after_the_way_in_and_out(call: Caller, count: int) -> None:
    value = pd.Series(np.arange(float(count)), index=np.arange(count) * 2, name="n")

    arrived = call("echo", value).unwrap()

    assert isinstance(arrived, pd.Series)
    pd.testing.assert_series_equal(arrived, value)


@pytest.mark.parametrize("rows", [30, 30_000])
def test_a_frame_is_the_same_after_the_way_in_and_out(call: Caller, rows: int) -> None:
    """The module is loaded where one arrives, though the policy does not preload it."""
    value = pd.DataFrame({"n": np.arange(rows), "t": ["a", "b", None] * (rows // 3), "d": pd.Timestamp("2024-01-01")})

    arrived = call("echo", value).unwrap()

    assert isinstance(arrived, pd.DataFrame)
    pd.testing.assert_frame_equal(arrived, value)


@pytest.mark.parametrize("count", [400, 40_000])
def test_code_may_write_into_an_array_and_the_callers_stays(call: Caller, count: int) -> None:
    value = np.arange(float(count))

    assert call("described", value).unwrap() == ("ndarray", "float64", (count,), True, True, float(value.sum()))
    np.testing.assert_array_equal(call("double", value).unwrap(), np.arange(float(count)) * 2)
    np.testing.assert_array_equal(value, np.arange(float(count)))


def test_fifty_large_results_leave_a_lane_as_it_was(call: Caller) -> None:
    """The lane is not destroyed, which it would be with more than 4 MiB still charged to it."""
    assert call("zeros", 12 * MIB).ok
    before, opened = call.sandbox.statistics(), len(list(Path("/proc/self/fd").iterdir()))
    resident = psutil.Process().memory_info().rss

    for _ in range(50):
        value = call("zeros", 12 * MIB).unwrap()
        assert isinstance(value, np.ndarray)
        assert value.size == 12 * MIB
        del value  # nothing else holds it, also not until the next collection of garbage

    after = call.sandbox.statistics()
    assert (after.lanes_made, after.lanes_destroyed) == (before.lanes_made, before.lanes_destroyed)
    assert (
        len(list(Path("/proc/self/fd").iterdir())) < opened + 10
    )  # a payload in the making has some or others; fifty would be a leak
    assert psutil.Process().memory_info().rss < resident + 48 * MIB  # an allocator keeps a few; all would be 600


def test_fifty_large_arguments_leave_no_file_in_memory(call: Caller) -> None:
    value = np.zeros(4 * MIB)
    assert call("used", value).value == 0
    before = psutil.virtual_memory().shared

    for _ in range(50):
        assert call("used", value).value == 0

    assert psutil.virtual_memory().shared < before + 200 * MIB  # fifty of them would be 1600


def test_an_argument_does_not_double_the_memory_of_the_host(call: Caller) -> None:
    value = np.ones(12 * MIB)
    Path("/proc/self/clear_refs").write_text("5")  # forgets the peak
    peak = _peak()

    assert call("echo", value).cause == "result_size"

    assert _peak() < peak + 16 * MIB


def _peak() -> int:
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) << 10


def test_an_argument_counts_in_full_against_the_memory(call: Caller) -> None:
    """What is left of 128 MiB beside 64 does for 40 more and not for 64 more."""
    assert call("used", np.ones(5 * MIB)).value == 10 * MIB
    outcome = call("used", np.ones(8 * MIB))
    assert (outcome.status, outcome.cause) == (Status.LIMIT, "memory")
    assert call("described", np.ones(8 * MIB)).ok


def test_an_argument_without_room_is_refused_or_ends_as_a_limit(call: Caller) -> None:
    with pytest.raises(SerializationError, match="argument 1 is a ndarray") as caught:
        call("described", np.ones(16 * MIB + 1))
    assert "limits.memory" in str(caught.value)
    outcome = call("used", np.ones(16 * MIB))
    assert (outcome.status, outcome.cause) == (Status.LIMIT, "memory")


DEEDS = [
    "os.pwrite(attached, b'x', 0)",
    "os.ftruncate(attached, 0)",
    "os.ftruncate(attached, 1 << 20)",
    "mmap.mmap(attached, size, flags=mmap.MAP_SHARED)",
    "os.posix_fallocate(attached, 0, 1 << 20)",
]


@pytest.mark.parametrize("deed", DEEDS)
def test_the_file_of_an_argument_cannot_be_changed(call: Caller, deed: str) -> None:
    source = (
        "import os, mmap\ndef entry(x):\n    size = x.nbytes\n    def length(fd):\n"
        "        try: return os.fstat(fd).st_size\n        except OSError: return 0\n"
        "    attached = next(fd for fd in range(64) if length(fd) == size)\n    print('reached', flush=True)\n"
        f"    try: {deed}\n    except OSError as error: return type(error).__name__, float(x.sum())"
    )

    outcome = call("entry", np.ones(50_000), source=source)

    assert outcome.stdout == "reached\n"
    assert outcome.value in [("PermissionError", 50_000.0), ("OSError", 50_000.0)]


def test_a_child_that_goes_on_writing_changes_nothing_and_is_ended() -> None:
    source = """
import mmap, os

def entry():
    def opened(fd):
        try: os.fstat(fd)
        except OSError: return False
        return True
    results = max(fd for fd in range(64) if opened(fd))
    shared = mmap.mmap(results, os.fstat(results).st_size)
    ready, tell = os.pipe()
    if os.fork() == 0:
        os.write(tell, b"w")
        while True:
            shared[:100_000] = b"c" * 100_000
    os.read(ready, 1)
    os.close(ready), os.close(tell)
    return b"p" * 100_000
"""
    policy = Policy.parse('version = 1\nname = "children"\n[limits]\nprocesses = 1\nmemory = "64MiB"')
    with ProcessSandbox(policy, size=PoolSize(least=1, most=1)) as sandbox:
        value = sandbox.run(Job(source=source, entry="entry")).unwrap()
        assert isinstance(value, bytes)
        assert set(value) <= set(b"cp")
        kept = bytes(value)
        assert sandbox.run(Job(source="def entry():\n    return b'n' * 100_000", entry="entry")).value == b"n" * 100_000
        assert value == kept


def test_a_payload_that_is_kept_lets_go_of_what_one_call_had() -> None:
    """Arguments and results of 24 MiB and more, many times over, within 96 MiB."""
    policy = Policy.parse(_POLICY.replace('"128MiB"', '"96MiB"') + 'fresh = "none"\n')
    with ProcessSandbox(policy, size=PoolSize(least=1, most=1)) as sandbox:
        call, argument = Caller(sandbox), np.ones(3 * MIB)
        for _ in range(20):
            outcome = call("described", argument)
            assert outcome.ok, outcome.describe()
            result = call("zeros", 12 * MIB)
            assert result.ok, result.describe()
            assert np.asarray(result.value).sum() == 0
        assert sandbox.statistics().lanes_made == 1
