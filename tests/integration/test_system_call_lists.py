"""The list of allowed system calls, measured: what the libraries ask for beyond it, and do without."""

import pytest

from poet_engine.job import Job
from poet_engine.outcome import Status
from poet_engine.policy import Policy
from poet_engine.sandbox.process import ProcessSandbox

pytestmark = pytest.mark.sandbox

# What the libraries try and do without, each with its reason. A name that is not here and turns up makes a test fail.
_DONE_WITHOUT = {
    "mbind",  # OpenBLAS spreads its buffers over NUMA nodes where it may
    "clone3",  # glibc tries it first for threads and falls back to clone, whose flags a filter can read
}

_STANDARD = """
import array, bisect, collections, concurrent.futures, contextlib, copy, csv, dataclasses, datetime, decimal, enum
import fractions, functools, hashlib, heapq, io, itertools, json, math, mmap, operator, os, pathlib, queue, random, re
import secrets, shutil, sqlite3, statistics, string, struct, tempfile, textwrap, threading, time, uuid, zlib, zoneinfo

def work():
    random.random(), secrets.token_bytes(8), uuid.uuid4(), time.time(), time.perf_counter(), time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "a"
        path.write_text("x"), path.read_text(), path.stat(), path.rename(path.with_name("b"))
        shutil.copy(pathlib.Path(folder) / "b", folder + "/c"), os.listdir(folder), os.utime(folder + "/c")
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        total = sum(pool.map(lambda n: n * n, range(10)))
    waited = threading.Event().wait(0.01)
    time.sleep(0.001)
    zoneinfo.ZoneInfo("Europe/Berlin"), datetime.datetime.now(), hashlib.sha256(b"x").hexdigest()
    mmap.mmap(-1, 4096).close()
    return total, waited, os.cpu_count() is not None, sorted(os.sched_getaffinity(0)) != []
"""

_NUMERIC = """
import threading
import numpy as np
import pandas as pd
from scipy import fft, linalg, optimize, signal, sparse, special, stats

def work():
    rng = np.random.default_rng()
    matrix = rng.normal(size=(200, 200))
    products = []
    threads = [threading.Thread(target=lambda: products.append((matrix @ matrix).sum())) for _ in range(4)]
    [thread.start() for thread in threads], [thread.join() for thread in threads]
    np.linalg.svd(matrix), linalg.lu(matrix), fft.fft(matrix[0]), special.gamma(2.5)
    stats.ks_2samp(matrix[0], matrix[1]), optimize.minimize(lambda x: (x**2).sum(), [1.0, 2.0])
    signal.find_peaks(matrix[0]), sparse.eye(10).dot(np.ones(10))
    frame = pd.DataFrame({"k": list("abab"), "v": [1.0, 2.0, 3.0, None]})
    frame.groupby("k").mean(), frame.merge(frame, on="k"), frame.describe(), pd.date_range("2024", periods=3)
    np.save("/tmp/m.npy", matrix), np.load("/tmp/m.npy", mmap_mode="r").sum()
    return len(products)
"""


@pytest.mark.parametrize(("policy", "source"), [("restricted", _STANDARD), ("data", _NUMERIC)])
def test_the_libraries_need_nothing_that_is_not_listed(policy: str, source: str) -> None:
    if policy == "data":
        pytest.importorskip("pandas")
        pytest.importorskip("scipy")
    text = f'extends = "{policy}"\n[limits]\nwall = "60s"\ncpu = "60s"\nmemory = "1GiB"\n'
    with ProcessSandbox(Policy.parse(text), audit=True) as sandbox:
        outcome = sandbox.run(Job(source=source, entry="work"))
        assert outcome.status is Status.OK, outcome.describe()
        assert sandbox.unlisted_calls <= _DONE_WITHOUT


def test_the_audit_sees_a_call_that_is_not_listed() -> None:
    """The control: without it the test above would pass however short the list of needs is."""
    source = (
        "import os\ndef work():\n    try:\n        os.memfd_create('x')\n"
        "    except OSError as error:\n        return error.errno\n"
    )
    with ProcessSandbox(Policy.load("restricted"), audit=True) as sandbox:
        outcome = sandbox.run(Job(source=source, entry="work"))
        assert outcome.value == 38  # ENOSYS: the call is told and then refused as ever
        assert "memfd_create" in sandbox.unlisted_calls
