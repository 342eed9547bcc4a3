"""Ordinary code that people and models write passes."""

from collections.abc import Callable

import pytest

from poet_engine.outcome import Finding

Scan = Callable[[str, str], tuple[tuple[Finding, ...], str | None]]

ALLOWED: dict[str, str] = {
    "dataclasses and hints": """
from __future__ import annotations
from dataclasses import dataclass, field
from typing import Generic, Optional, Protocol, TypeVar
import datetime as dt
from datetime import datetime, timedelta

T = TypeVar("T")

@dataclass(frozen=True, order=True)
class Point(Generic[T]):
    x: float
    y: float = 0.0
    tags: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        object.__setattr__(self, "x", float(self.x))

    def __add__(self, other: "Point") -> "Point":
        if not isinstance(other, self.__class__):
            return NotImplemented
        return Point(self.x + other.x, self.y + other.y)

    def __repr__(self) -> str:
        return f"{self.__class__.__name__}({self.x!r}, {self.y:.2f})"

class Sized(Protocol):
    def size(self) -> Optional[int]: ...

def stamps():
    return datetime.now() - timedelta(days=1), dt.datetime.now(dt.timezone.utc).isoformat()
""",
    "collections and algorithms": """
import collections, functools, heapq, itertools, json, math, operator, re, string
import collections.abc
from collections import Counter, OrderedDict, defaultdict, deque, namedtuple
from functools import lru_cache, partial, reduce, wraps
from itertools import accumulate, chain, groupby, islice, product

Pair = namedtuple("Pair", "a b")

@lru_cache(maxsize=None)
def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)

@functools.cache
def square(n):
    return n * n

def words(text: str) -> dict[str, int]:
    return dict(Counter(w.lower() for w in re.findall(r"\\w+", text) if w not in set(string.punctuation)))

def dijkstra(graph, start):
    distance = defaultdict(lambda: math.inf)
    distance[start] = 0
    heap = [(0, start)]
    while heap:
        d, u = heapq.heappop(heap)
        if d > distance[u]:
            continue
        for v, w in graph[u].items():
            if (new := d + w) < distance[v]:
                distance[v] = new
                heapq.heappush(heap, (new, v))
    return dict(distance)

def order(rows):
    return sorted(rows, key=operator.itemgetter(0)), reduce(operator.add, map(lambda x: x**2, [1, 2]), 0)

class Stack(collections.abc.Sequence):
    def __init__(self, items=()):
        self._items, self.__count = list(items), 0
    def __len__(self):
        return len(self._items)
    def __getitem__(self, index):
        return self._items[index]

def grouped():
    return [(k, list(g)) for k, g in groupby(sorted("abca"))], json.dumps({"a": 1}, sort_keys=True), json.loads("[1]")

if __name__ == "__main__":
    print(grouped())
""",
    "decorators of one's own": """
import time
from functools import wraps

def timed(function):
    @wraps(function)
    def inner(*args, **kwargs):
        began = time.perf_counter()
        try:
            return function(*args, **kwargs)
        finally:
            print(f"{function.__name__} took {time.perf_counter() - began:.3f}s")
    return inner

@timed
def add(a, b=2, /, *, c: int = 3):
    return a + b + c
""",
    "classes": """
from abc import ABC, abstractmethod
from enum import Enum, IntEnum, auto
from typing import NamedTuple

class Color(Enum):
    RED = auto()
    BLUE = auto()

class Shape(ABC):
    kinds: dict = {}
    __slots__ = ("side",)
    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        Shape.kinds[cls.__name__] = cls
    @property
    def name(self):
        return type(self).__name__
    @staticmethod
    def make(kind):
        return kind()
    @classmethod
    def of(cls, *args):
        return cls(*args)
    @abstractmethod
    def area(self): ...
    def __eq__(self, other):
        return self.__class__ is other.__class__ and self.side == other.side
    def __hash__(self):
        return hash(self.side)
    def __enter__(self):
        return self
    def __exit__(self, *exc):
        return False

class Row(NamedTuple):
    a: int
    b: str = "x"

def names():
    return list(Color.__members__), Row(1)._asdict(), Row(1)._replace(a=2)
""",
    "control flow": """
from contextlib import contextmanager, suppress

@contextmanager
def around(x):
    try:
        yield x
    except (ValueError, KeyError) as error:
        raise RuntimeError(f"bad {error}") from error
    else:
        pass
    finally:
        print("done")

def counter():
    n = 0
    while True:
        yield n
        n += 1

def read(iterator):
    out = []
    try:
        while True:
            out.append(next(iterator))
    except StopIteration:
        return out

def drain(iterator):
    with suppress(StopIteration):
        while True:
            print(next(iterator))

def first(items):
    while 1:
        for item in items:
            if item:
                break
        else:
            continue
        break

def forever(step):
    import itertools
    for n in itertools.count(1):
        if step(n):
            return n

def matched(x):
    match x:
        case {"a": a, **rest}:
            return a, rest
        case [head, *others]:
            return head, others
        case int() | float():
            return 1
        case _:
            return None

def closure():
    total = 0
    def add(n):
        nonlocal total
        total += n
        return total
    return add

COUNT = 0
def count():
    global COUNT
    COUNT += 1
    with around(1) as one, suppress(ValueError):
        assert one
    del one

async def wait(x):
    async for y in x:
        await y
""",
    "builtins' names as parameters": """
def f(input, id, type, open, file=None, vars=(), dir=".", compile=False):
    close = open + 1
    eval = [exec for exec in input]
    return type, vars, dir, compile, close, eval, getattr(file, "name", None), hasattr(file, "mode")

def help(topic):
    return topic

print(help("x"))
""",
    "module names as parameters": """
import time
from datetime import date

def speed(distance, time, date=None):
    time = time or 1
    return distance / time, date

def now():
    return time.time(), date.today()
""",
    "texts": """
TEMPLATE = "Hello {name}, {0:>10} {point.x} {row[key]}"
def greet(n, p, r):
    return TEMPLATE.format(3, name=n, point=p, row=r) + "{} {:.2f}".format(1, 2.0) + "%s" % (n,) + f"{n:{10}}"
print("π ≈ 3.14", "日本語", "emoji 🎉")
Δx = naïve = 1
def f(d):
    return d.strip().split(",")[0].replace("a", "b").title(), "a" * 3, format(3.14159, ".2f")
""",
    "sizes": """
def f(n):
    return [0] * 1_000_000, 2**100, 10**9 + 7, bytearray(1024), list(range(100_000)), [0] * n, 1 << n, 1 << 64
MOD = 998_244_353
INF = float("inf")
BIG = 10**18
""",
    "a class with methods called query and dump": """
class Tree:
    def query(self, low, high):
        return low + high
    def dump(self):
        return "x"
def f():
    return Tree().query(1, 2), Tree().dump()
""",
    "hashes and chance": """
import base64, binascii, hashlib, hmac, random, uuid

def f(data: bytes, key: bytes):
    digest = hmac.new(key, data, hashlib.sha256).hexdigest()
    return digest, base64.b64encode(data).decode(), binascii.hexlify(data), uuid.uuid4(), random.Random(3).random()
""",
    "a utf-8 cookie": "#!/usr/bin/env python3\n# -*- coding: utf-8 -*-\nx = 'é'\n",
    "a long elif": "def f(x):\n    if x < 0:\n        return 0\n"
    + "".join(f"    elif x == {number}:\n        return {number}\n" for number in range(120)),
    "a long sum": "x = " + " + ".join(str(number) for number in range(300)),
    "a long chain": "def f(s):\n    return s" + ".strip()" * 60,
    "a big table": "T = {\n" + "".join(f"    {number}: 'value {number}',\n" for number in range(2000)) + "}\n",
}

ALLOWED_WITH_DATA: dict[str, str] = {
    "numpy": """
import numpy as np
import numpy
from numpy import linalg
from numpy.linalg import norm as length
from numpy.random import default_rng
from numpy.typing import NDArray

def f(a: np.ndarray, b: NDArray[np.float64]) -> float:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(3, 4)) @ np.eye(4)
    x[x < 0] = 0.0
    return float(np.linalg.norm(x)) + linalg.det(np.eye(2)) + length(a) + default_rng(1).random() + numpy.pi

def g(x):
    x = np.asarray(x, dtype=float)
    if np.isnan(x).any():
        raise ValueError("nan")
    return np.percentile(x, [25, 50, 75]).tolist(), np.zeros((3, 3)), np.array([1, 2]).astype(np.int64).T

def h(x):
    return isinstance(x, (np.integer, np.floating)), np.vectorize(lambda v: v)(x), np.fft.fft(x), np.inf
""",
    "scipy": """
import scipy.stats
import scipy.stats as st
from scipy import stats
from scipy.optimize import minimize
from scipy.stats import ks_2samp, norm

def f(a, b):
    statistic, p = ks_2samp(a, b)
    result = minimize(lambda x: (x - 1) ** 2, x0=[0.0])
    return stats.mannwhitneyu(a, b).pvalue, scipy.stats.norm.cdf(0.3), st.t.ppf(0.9, 3), norm(0, 1).pdf(0), result.x, p
""",
    "pandas": """
import pandas as pd

def f(frame: pd.DataFrame):
    out = frame.groupby("k").agg({"v": ["mean", "std"]}).reset_index()
    out["z"] = (out["v"] - out["v"].mean()) / out["v"].std(ddof=0)
    out.loc[out["z"].isna(), "z"] = 0.0
    return out.sort_values("z").to_dict("records"), pd.concat([out, out]), out.to_json(), out.to_csv(index=False)

def g(frame):
    return frame.apply(lambda row: row.sum(), axis=1), frame.merge(frame, on="k"), pd.to_datetime(frame["t"]).dt.month
""",
}


@pytest.mark.parametrize("name", ALLOWED)
@pytest.mark.parametrize("preset", ["restricted", "data"])
def test_ordinary_code_passes(scan_with: Scan, name: str, preset: str) -> None:
    assert scan_with(ALLOWED[name], preset) == ((), None)


@pytest.mark.parametrize("name", ALLOWED_WITH_DATA)
def test_ordinary_data_code_passes_under_data(scan_with: Scan, name: str) -> None:
    assert scan_with(ALLOWED_WITH_DATA[name], "data") == ((), None)
