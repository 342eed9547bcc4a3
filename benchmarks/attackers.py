"""Three attackers beside one honest caller: how much longer its calls take than alone.

Each attacker gives the same order again and again, those of `host_costs.py` that take the most. Rounds alone and rounds
beside the attackers take turns, so that a machine whose speed changes does not decide. The attackers call the same
engine's sandbox, or each one of its own.

Usage: `python benchmarks/attackers.py [--seconds 2] [--rounds 3] [--orders integers,sockets] [--json]`.
"""

import argparse
import contextlib
import dataclasses
import statistics
import sys
import threading
import time
from collections.abc import Iterator, Sequence

import standing
from poet_engine.job import Job
from poet_engine.policy import Policy
from poet_engine.sandbox.base import Sandbox
from poet_engine.sandbox.process import ProcessSandbox
from standing import Machine, Spread

ATTACKERS = 3
MOST = 3.0  # times as long as alone that the honest caller's median may take
_POLICY = """
version = 1
name = "attackers"
extends = "restricted"
[limits]
wall = "20s"
cpu = "2s"
memory = "1GiB"
result = "8MiB"
output = "8MiB"
"""
_LEAST_CALLS = 2
_HONEST = Job(source="def f(values):\n    return sum(values)\n", entry="f", args=([1.0, 2.0, 3.0],))
_SOURCE = """
import os, socket

def send(content, size):
    view = memoryview(bytes([2]) + len(content).to_bytes(4, "big") + content)
    while view:
        view = view[os.write(3, view[:size]):]
    os._exit(0)

def computing():
    while True:
        pass

def integers():
    send(b"[" + b"1," * ((4 << 20) - 8) + b"1]", 1 << 20)

def text():
    send(b'"' + b"x" * ((8 << 20) - 8) + b'"', 1 << 20)

def tuples():
    send(b"[" + b",".join([b'{"~":"tuple","v":[1]}'] * 300_000) + b"]", 1 << 20)

def bytewise():
    send(b'"' + b"x" * ((8 << 20) - 8) + b'"', 1)

def printing():
    while True:
        os.write(1, b"x")

def forks():
    while True:
        try:
            os.fork()
        except OSError:
            pass

def sockets():
    while True:
        try:
            socket.socket()
        except OSError:
            pass
"""
ORDERS = ("computing", "integers", "text", "tuples", "bytewise", "printing", "forks", "sockets")


@dataclasses.dataclass(frozen=True, slots=True)
class Measurement:
    """What was measured, and on what.

    Attributes:
        machine: On what.
        alone_ms: The honest caller's calls, in all rounds without attackers.
        beside: The order, and where it was given → the honest caller's calls beside it.
        ratios: The same → its median in times of that of the rounds alone around it.
    """

    machine: Machine
    alone_ms: Spread
    beside: dict[str, Spread]
    ratios: dict[str, float]


def _honest(sandbox: Sandbox, seconds: float) -> list[float]:
    """Milliseconds of each call, one right after the other."""
    taken: list[float] = []
    until = time.monotonic() + seconds
    while len(taken) < _LEAST_CALLS or time.monotonic() < until:
        began = time.monotonic()
        outcome = sandbox.run(_HONEST)
        taken.append((time.monotonic() - began) * 1e3)
        if not outcome.ok:
            raise RuntimeError(f"an honest call ended as {outcome.describe()}")
    return taken


@contextlib.contextmanager
def _attacked(sandboxes: Sequence[Sandbox], order: str) -> Iterator[None]:
    """Have an attacker call each of the sandboxes without a pause."""
    stop = threading.Event()

    def attack(sandbox: Sandbox) -> None:
        while not stop.is_set():
            sandbox.run(Job(source=_SOURCE, entry=order, args=()))

    threads = [threading.Thread(target=attack, args=(sandbox,)) for sandbox in sandboxes]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def measure(seconds: float, rounds: int, orders: Sequence[str]) -> Measurement:
    """Measure every order, given to the honest caller's own sandbox and to others."""
    policy = Policy.parse(_POLICY)
    everything: list[float] = []
    beside: dict[str, Spread] = {}
    ratios: dict[str, float] = {}
    with contextlib.ExitStack() as stack:
        own = stack.enter_context(ProcessSandbox(policy))
        others = [stack.enter_context(ProcessSandbox(policy)) for _ in range(ATTACKERS)]
        _honest(own, seconds)
        for order in orders:
            for where, sandboxes in (("one engine", [own] * ATTACKERS), ("engines of their own", others)):
                alone: list[float] = []
                attacked: list[float] = []
                for _ in range(rounds):
                    alone += _honest(own, seconds)
                    with _attacked(sandboxes, order):
                        _honest(own, seconds / 4)
                        attacked += _honest(own, seconds)
                everything += alone
                beside[f"{where}: {order}"] = Spread.of(attacked)
                ratios[f"{where}: {order}"] = statistics.median(attacked) / statistics.median(alone)
    return Measurement(Machine.this(), Spread.of(everything), beside, ratios)


def table(found: Measurement) -> Iterator[str]:
    """The lines for people."""
    yield f"{found.machine} · {ATTACKERS} attackers and one honest caller"
    yield f"alone: p50 {found.alone_ms.p50:.2f} ms, p95 {found.alone_ms.p95:.2f} ms"
    for name, spread in found.beside.items():
        yield f"{name:36} p50 {spread.p50:6.2f} ms, p95 {spread.p95:7.2f} ms, {found.ratios[name]:5.1f} times"
    yield f"the worst: {max(found.ratios.values()):.1f} times; allowed: {MOST:.0f}"


def main(arguments: Sequence[str] | None = None) -> int:
    """See `standing.main`."""
    parser = argparse.ArgumentParser(description="Measure an honest caller beside three attackers.")
    parser.add_argument("--seconds", type=float, default=2.0, help="of each round (default: 2)")
    parser.add_argument("--rounds", type=int, default=3, help="alone and beside the attackers (default: 3)")
    parser.add_argument("--orders", default=",".join(ORDERS), help="what the attackers do (default: all)")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")
    asked = parser.parse_args(arguments)
    orders = [order for order in asked.orders.split(",") if order in ORDERS]
    return standing.main(lambda: measure(asked.seconds, max(1, asked.rounds), orders), table, asked)


if __name__ == "__main__":
    sys.exit(main())
