"""What code inside can order from the host: processor time and memory, for everything that it can send or try.

Each order is given by hostile code in a sandbox, and the thread of the host that watches it is timed, less what an
empty call takes. `charged` is the part of that which is on the run's own CPU budget.
Memory is the peak of the host beyond the message, in bytes for each byte that came, of a second run.

Usage: `python benchmarks/host_costs.py [--size 1] [--attempts 3] [--json] [--page docs/threat-model.md]`;
`--page` writes the table anew.
"""

import argparse
import dataclasses
import sys
import time
import tracemalloc
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import decoding
import standing
from poet_engine.guest import codec, seccomp, syscalls
from poet_engine.guest.frames import FrameKind
from poet_engine.job import Job
from poet_engine.outcome import Outcome
from poet_engine.policy import Policy
from poet_engine.sandbox.base import Sandbox
from poet_engine.sandbox.process import ProcessSandbox
from standing import Machine

MIB = 1 << 20
BEGIN, END = "<!-- host costs: `python benchmarks/host_costs.py --page docs/threat-model.md` -->\n", "<!-- end -->\n"
# CPU time of the host for each second of the code's that may be on no budget.
MOST_UNCHARGED = 2.0
_POLICY = """
version = 1
name = "host-costs"
extends = "data"
[limits]
wall = "60s"
cpu = "60s"
memory = "1GiB"
result = "16MiB"
output = "16MiB"
"""
_SOURCE = """
import ctypes, os, zlib

def send(kind, packed, size):
    content = zlib.decompress(packed)
    view = memoryview(bytes([kind]) + len(content).to_bytes(4, "big") + content)
    while view:
        view = view[os.write(3, view[:size]):]
    os._exit(0)

def write(number, size):
    piece = b"x" * size
    for _ in range(number):
        os.write(1 + _ % 2, piece)

def call(number, times, first):
    libc = ctypes.CDLL(None, use_errno=True)
    for _ in range(times):
        libc.syscall(number, first, 1, 0, 0, 0, 0)

def fork(times):
    for _ in range(times):
        try:
            if os.fork() == 0:
                os._exit(0)
        except OSError:
            pass

def nothing():
    return None
"""
_WHOLE = 1 << 20  # bytes that are written at once
_TRIES = 1000
_SMALL = 1 << 12  # bytes of a frame whose size does not matter
_ANSWERS = (FrameKind.RESULT, FrameKind.EXCEPTION, FrameKind.REFUSED)
_TEXT = b'{"type": "' + b"x" * 250_000 + b'"}'
_INTERNET = 2
_PROCESSES = ("clone", "fork", "vfork")  # refused, and not forbidden


@dataclasses.dataclass(frozen=True, slots=True)
class Order:
    """One thing that the code can have the host do.

    Attributes:
        entry: The function of the hostile source.
        args: Its arguments.
        size: Bytes that it sends; 0 for a call.
        times: Calls that it tries; 0 for bytes.
    """

    entry: str
    args: tuple[object, ...]
    size: int = 0
    times: int = 0


@dataclasses.dataclass(frozen=True, slots=True)
class Cost:
    """What one order took.

    Attributes:
        host_ms: CPU time of the host's thread.
        code_ms: CPU time of the code itself.
        charged: The part of the host's time that is on the run's budget.
        each: For each MiB in milliseconds, or for each call or small frame in microseconds.
        unit: Which of the two.
        memory: Bytes of the host's memory at the peak for each byte that came; None for calls.
        became: The status and cause of the run.
    """

    host_ms: float
    code_ms: float
    charged: float
    each: float
    unit: str
    memory: float | None
    became: str

    @property
    def uncharged(self) -> float:
        """CPU time of the host that is on no budget, for each of the code's and of what is on it."""
        return self.host_ms * (1 - self.charged) / max(0.001, self.code_ms + self.host_ms * self.charged)


@dataclasses.dataclass(frozen=True, slots=True)
class Measurement:
    """What was measured, and on what."""

    machine: Machine
    size_mib: float
    costs: dict[str, Cost]


def _sends(kind: FrameKind, content: bytes, piece: int = _WHOLE) -> Order:
    return Order("send", (int(kind), zlib.compress(content, 1), piece), size=len(content) + 5)


def orders(size: int) -> Iterator[tuple[str, list[Order]]]:
    """Every order by its name: of a tag all of its contents, of which the worst is told."""
    for kind in FrameKind:
        content = _TEXT if kind in _ANSWERS else b""
        if kind is FrameKind.RESULT:
            content = b"[" + b"1," * (size // 2) + b"1]"
        yield f"frame {kind.name}", [_sends(kind, content)]
    yield "frame RESULT, byte by byte", [_sends(FrameKind.RESULT, b'"' + b"x" * (size // 4) + b'"', 1)]
    yield "frame EXCEPTION, byte by byte", [_sends(FrameKind.EXCEPTION, _TEXT, 1)]
    yield "output", [Order("write", (size >> 16, 1 << 16), size=size)]
    yield "output, byte by byte", [Order("write", (size // 4, 1), size=size // 4)]
    yield "plain JSON", [_sends(FrameKind.RESULT, one.unpaid(size)) for one in decoding.PLAIN.values()]
    for tag in codec.DECODERS:
        yield (
            f"tag {tag}",
            [
                _sends(FrameKind.RESULT, message)
                for one in decoding.TAGGED[tag].values()
                for message in (one.unpaid(size), one.paid(size))
            ],
        )
    for name in sorted(seccomp.DENIALS):
        if name in syscalls.NUMBERS:
            yield f"denied {name}", [_tries(name, _TRIES)]
    yield "refused process", [Order("fork", (_TRIES,), times=_TRIES)]
    forbidden = [name for name in syscalls.NUMBERS if seccomp.is_forbidden(name) and name not in _PROCESSES]
    yield "forbidden call, which ends the run", [_tries(name, 1) for name in sorted(forbidden)]


def _tries(name: str, times: int) -> Order:
    return Order("call", (syscalls.NUMBERS[name], times, _INTERNET), times=times)


class _Bench:
    """Gives orders to one sandbox, and times the thread that watches.

    Args:
        sandbox: The sandbox.
        attempts: The best of so many counts.
    """

    def __init__(self, sandbox: Sandbox, attempts: int) -> None:
        self._sandbox, self._attempts = sandbox, attempts
        empty = Order("nothing", ())
        self._empty = min(self._timed(empty)[0] for _ in range(20))

    def _job(self, order: Order) -> Job:
        return Job(source=_SOURCE, entry=order.entry, args=order.args)

    def _timed(self, order: Order) -> tuple[float, Outcome]:
        job = self._job(order)
        began = time.thread_time()
        outcome = self._sandbox.run(job)
        return time.thread_time() - began, outcome

    def cost(self, order: Order) -> Cost:
        """Give an order some times; the attempt that took the host the least."""
        taken, outcome = min((self._timed(order) for _ in range(self._attempts)), key=lambda found: found[0])
        host_ms = max(0.0, taken - self._empty) * 1e3
        charged_ms = min(host_ms, outcome.usage.host_cpu_ms)
        large = order.size > _SMALL
        each = host_ms / (order.size / MIB) if large else host_ms * 1e3 / max(1, order.times)
        return Cost(
            host_ms=host_ms,
            code_ms=max(0.0, outcome.usage.cpu_ms - outcome.usage.host_cpu_ms),
            charged=charged_ms / host_ms if host_ms else 1.0,
            each=each,
            unit="ms a MiB" if large else "µs",
            memory=self._memory(order) if large else None,
            became=f"{outcome.status}/{outcome.cause}" if outcome.cause else str(outcome.status),
        )

    def _memory(self, order: Order) -> float:
        job = self._job(order)
        tracemalloc.start()
        try:
            self._sandbox.run(job)
            return tracemalloc.get_traced_memory()[1] / order.size
        finally:
            tracemalloc.stop()


def measure(size: int, attempts: int) -> Measurement:
    """Give every order."""
    decoding.warm()
    with ProcessSandbox(Policy.parse(_POLICY)) as sandbox:
        bench = _Bench(sandbox, attempts)
        costs = {
            name: max((bench.cost(order) for order in several), key=lambda cost: cost.host_ms)
            for name, several in orders(size)
        }
    return Measurement(Machine.this(), size / MIB, costs)


def rows(found: Measurement) -> Iterator[str]:
    """The table of the page."""
    yield "| order | host's CPU | for each second of the code's | of it charged | memory, bytes a byte | becomes |"
    yield "|---|---|---|---|---|---|"
    for name, one in found.costs.items():
        ratio = f"{one.host_ms / max(0.01, one.code_ms):.2f} s"
        memory = "" if one.memory is None else f"{one.memory:.1f}"
        yield f"| {name} | {one.each:.1f} {one.unit} | {ratio} | {one.charged:.0%} | {memory} | `{one.became}` |"


def table(found: Measurement) -> Iterator[str]:
    """The lines for people."""
    yield f"{found.machine} · up to {found.size_mib:g} MiB · CPU time of the thread that watches"
    yield from rows(found)
    yield f"the most on no budget, for each second on one: {max(one.uncharged for one in found.costs.values()):.2f} s"


def _written(page: Path, found: Callable[[], Measurement]) -> Measurement:
    """Measure, and write the table into a page between its marks."""
    measured = found()
    before, _, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    page.write_text(f"{before}{BEGIN}" + "\n".join([*rows(measured), ""]) + f"{END}{after}", encoding="utf-8")
    return measured


def main(arguments: Sequence[str] | None = None) -> int:
    """See `standing.main`."""
    parser = argparse.ArgumentParser(description="Measure what code inside can order from the host.")
    parser.add_argument("--size", type=float, default=1.0, help="MiB of each message (default: 1)")
    parser.add_argument("--attempts", type=int, default=3, help="the best of so many counts (default: 3)")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")
    parser.add_argument("--page", type=Path, help="a page that gets the table")
    asked = parser.parse_args(arguments)

    def found() -> Measurement:
        return measure(int(asked.size * MIB), max(1, asked.attempts))

    return standing.main(found if asked.page is None else lambda: _written(asked.page, found), table, asked)


if __name__ == "__main__":
    sys.exit(main())
