"""F1: a result of a few thousand bytes kept the host busy for seconds, under whatever deadline.

What it costs to decode a result is bounded by the bytes that came: at most 50 ms of CPU and 24 bytes of memory for each
MiB and byte of them, for everything that the codec knows. `benchmarks/decoding.py` has the content, and prints numbers.
"""

import functools
import gc
import importlib
import json
import random  # noqa: TID251 - hypothesis hands out seeded ones; this is their type
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Protocol

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from poet_engine import Engine
from poet_engine.guest import codec, decoding_budget, json_shape
from poet_engine.guest.attachments import Collected
from poet_engine.guest.decoding_budget import DecodingBudget
from poet_engine.guest.errors import DeadlinePassedError, UndecodableError
from poet_engine.outcome import Blame, Outcome, Status

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
MIB = 1 << 20


@functools.cache
def decoding() -> ModuleType:
    """The benchmark, which has the content that costs the most."""
    sys.path.append(str(BENCHMARKS))  # for what it imports itself
    try:
        return importlib.import_module("decoding")
    finally:
        sys.path.remove(str(BENCHMARKS))


class Content(Protocol):
    """A message of any length; see the benchmark."""

    def of(self, count: int) -> bytes: ...
    def paid(self, size: int) -> bytes: ...
    def unpaid(self, size: int) -> bytes: ...


CONTENTS: dict[str, Content] = dict(decoding().contents())


@pytest.fixture(scope="module", autouse=True)
def _warm() -> Iterator[None]:
    """What the tags need is imported once in a process, and not timed; nor is a pass over all that other tests left."""
    decoding().warm()
    yield
    gc.unfreeze()


def test_every_tag_of_the_codec_has_its_worst_content() -> None:
    assert set(decoding().TAGGED) == set(codec.DECODERS)


# What the two take, in milliseconds, on the machine of docs/performance.md when nothing else runs there.
_USUAL_COMPUTING, _USUAL_ALLOCATING = 8.2, 6.0
_LISTS = b"[" + b",".join([b"[1]"] * 40_000) + b"]"


def _computing() -> None:
    assert sum(len(str(number)) for number in range(100_000)) == 488_890


def _allocating() -> None:
    """Make as many objects as a message of a MiB does: pages and the collector of garbage are part of what it costs."""
    assert len(json.loads(_LISTS)) == 40_000


def _slowness() -> float:
    """How many times slower than there this thread gets on just now; neighbours on a shared core cost it its caches."""
    works = ((_computing, _USUAL_COMPUTING), (_allocating, _USUAL_ALLOCATING))
    return max(1.0, *(_milliseconds(work) / usual for work, usual in works))


def _milliseconds(work: Callable[[], None]) -> float:
    start = time.thread_time()
    work()
    return (time.thread_time() - start) * 1000


def slow(message: bytes, pace: int) -> str:
    """What it took, when that is too long in each of several attempts; else nothing."""
    taken = []
    for _attempt in range(8):
        before = _slowness()
        taken.append(decoding().milliseconds(message, 1) / max(before, _slowness()))
        if taken[-1] <= decoding().MOST_MS * pace:
            return ""
    return f"{min(taken):.1f} ms"


@pytest.mark.parametrize("name", CONTENTS)
def test_decoding_takes_no_longer_than_its_bytes_allow(name: str, pace: int) -> None:
    """Neither of what has not paid for more than its bytes, nor of what has; and it ends when its time is over."""
    content = CONTENTS[name]
    paid = content.paid(MIB)

    assert not slow(content.unpaid(MIB), pace)
    assert not slow(paid, pace)
    with pytest.raises(DeadlinePassedError):
        codec.loads(paid, costs=DecodingBudget(len(paid), lambda: True))


@pytest.mark.parametrize("name", CONTENTS)
def test_decoding_takes_no_more_memory_than_its_bytes_allow(name: str) -> None:
    content = CONTENTS[name]
    for message in (content.paid(MIB // 8), content.unpaid(MIB // 8)):
        assert decoding().memory(message) < decoding().MOST_MEMORY


@settings(deadline=None, max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(sorted(CONTENTS)), min_size=2, max_size=6), st.randoms(use_true_random=False))
def test_mixtures_take_no_longer_either(pace: int, names: list[str], dice: random.Random) -> None:
    """What pays for one part cannot pay for another as well."""
    parts = [CONTENTS[name].of(dice.randrange(1, 200)) for name in names]
    times = MIB // sum(map(len, parts))
    message = b"[" + b",".join(parts * max(1, times)) + b"]"
    spent = DecodingBudget()
    codec.loads(message, costs=spent)
    for padded in (message, message + b" " * max(0, spent.spent - len(message) - decoding_budget.FREE)):
        assert not slow(padded[: 8 * MIB], pace)


def test_what_has_not_paid_is_refused_with_a_remedy() -> None:
    table = decoding().TAGGED["table"]["of two columns"].unpaid(MIB)
    with pytest.raises(UndecodableError, match="one table in place of many"):
        codec.loads(table, costs=DecodingBudget(len(table)))


@pytest.mark.parametrize("name", CONTENTS)
def test_both_sides_count_the_same(name: str) -> None:
    """An honest guest pays what its host asks for: no value is refused for a difference between them."""
    content = CONTENTS[name].of(30)
    value = codec.loads(content)
    parts = Collected(pays=True)
    form = codec.dumps(value, "x", parts)
    asked = DecodingBudget()
    codec.loads(form, costs=asked)

    assert parts.price + json_shape.price(form) >= asked.spent


# In sandboxes.

HEAD = 'version = 1\nname = "decoding"\nextends = "data"\n[static]\nmode = "warn"\n'
SHORT = HEAD + '[limits]\nwall = "{wall}s"\nresult = "64MiB"\nmemory = "1GiB"\n'
# A frame of the code's own on descriptor 3, which is the way out.
FORGED = """
import json, os

def send(content):
    rest = memoryview(bytes([2]) + len(content).to_bytes(4, "big") + content)
    while rest:
        rest = rest[os.write(3, rest):]
    os._exit(0)

def columns(number):
    columns = [["o", []]] * number
    send(json.dumps({"~": "frame", "c": [None, [0] * number], "i": None, "n": None, "v": columns}).encode())

def tables(number):
    labels = {"~": "index", "n": None, "v": ["r", [0, 1, 1]]}
    send(json.dumps([{"~": "table", "l": 1, "i": None, "c": labels, "v": [[0, "o", [1]]]}] * number).encode())

def series(number):
    send(json.dumps([{"~": "series", "i": None, "n": None, "v": ["o", [1]]}] * number).encode())

def brackets(number):
    send(b"[" + b",".join([b"[" * 99 + b"]" * 99] * number) + b"]")

def paid(size):
    unit = json.dumps({"~": "series", "i": None, "n": None, "v": ["o", [1]]}).encode()
    content = b"[" + b",".join([unit] * (size // 2200)) + b"]"
    send(content + b" " * (size - len(content)))
"""
HONEST = """
import pandas as pd

def tables(number):
    return [pd.DataFrame({"a": [1, 2], "b": ["x", "y"], "c": [1.5, 2.5]}) for _ in range(number)]

def wide(number):
    return pd.DataFrame([range(number)])

def pairs(number):
    return [[index, index + 1] for index in range(number)]

def mapping(number):
    return {f"k{index}": index for index in range(number)}

def rows(number):
    return pd.DataFrame({f"c{column}": range(number) for column in range(20)})

def lists(number):
    return [[] for _ in range(number)]

def numbers(number):
    return set(range(number))
"""
Timed = Callable[[Callable[[], Outcome]], tuple[Outcome, float]]


@pytest.fixture
def timed() -> Timed:
    """`timed(call)` is an outcome, and the CPU time of the thread that watched it, in seconds."""

    def run(call: Callable[[], Outcome]) -> tuple[Outcome, float]:
        began = time.thread_time()
        outcome = call()
        return outcome, time.thread_time() - began

    return run


@pytest.mark.parametrize(
    ("entry", "number"), [("columns", 195_000), ("tables", 30_000), ("series", 60_000), ("brackets", 20_000)]
)
def test_a_forged_frame_costs_the_host_little(
    open_engine: Callable[[str], Engine], timed: Timed, entry: str, number: int, pace: int
) -> None:
    engine = open_engine(HEAD)
    outcome, taken = timed(lambda: engine.run(FORGED, entry, number))

    assert (outcome.status, outcome.cause, outcome.blame) == (Status.NO_RESULT, "result_undecodable", Blame.CODE)
    assert "fewer and larger pieces" in outcome.describe()
    assert taken < 0.5 * pace
    assert engine.run(HONEST, "mapping", 1).ok


def test_decoding_is_cut_at_the_deadline(open_engine: Callable[[str], Engine], timed: Timed, pace: int) -> None:
    """What was paid for takes time too, and that is the call's."""
    slack = open_engine(SHORT.format(wall=60)).run(FORGED, "paid", 48 * MIB)
    assert slack.ok, slack.describe()
    tight, taken = timed(lambda: open_engine(SHORT.format(wall=1)).run(FORGED, "paid", 48 * MIB))

    assert (tight.status, tight.cause, tight.blame) == (Status.LIMIT, "wall", Blame.CODE), tight.describe()
    assert taken < 1.5 * pace


@pytest.mark.parametrize(
    ("entry", "number"),
    [
        *(("tables", 500), ("wide", 5_000), ("wide", 195_000), ("pairs", 250_000), ("mapping", 50_000)),
        *(("rows", 100_000), ("lists", 350_000), ("numbers", 100_000)),
    ],
)
def test_what_honest_code_returns_still_travels(open_engine: Callable[[str], Engine], entry: str, number: int) -> None:
    outcome = open_engine(SHORT.format(wall=60)).run(HONEST, entry, number)

    assert outcome.ok, outcome.describe()
    shape_of = getattr(outcome.value, "shape", None)
    expected = {"wide": (1, number), "rows": (number, 20)}.get(entry)
    assert shape_of == expected
    assert expected is not None or len(outcome.value) == number  # type: ignore[arg-type]  # a collection, as its source says


def test_too_many_small_pieces_are_refused_with_what_to_return_instead(open_engine: Callable[[str], Engine]) -> None:
    outcome = open_engine(HEAD + '[limits]\nwall = "60s"\ncpu = "60s"\n').run(HONEST, "tables", 5_000)

    assert (outcome.status, outcome.cause, outcome.blame) == (Status.NO_RESULT, "result_undecodable", Blame.CODE)
    assert "limits.result" in outcome.describe()
    assert "one table, one array or one list in place of many" in outcome.describe()
