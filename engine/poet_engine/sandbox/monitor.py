"""Decide what ends a run, whatever the sandbox: by its time, CPU, output and system calls.

The decisions are pure: they take the time and the counters as arguments, and read neither.
"""

import dataclasses
import math
from collections.abc import Callable

from poet_engine.outcome import Evidence, Status
from poet_engine.policy import Limits
from poet_engine.sandbox.denials import violation_of
from poet_engine.sandbox.verdict import Kill

# Seconds; the kernel accounts CPU time in ticks at worst, so more frequent readings show nothing new.
_MIN_CPU_CHECK = 0.002


@dataclasses.dataclass(slots=True)
class BudgetMonitor:
    """Budgets of one run, and the first reason to end it. Pure: time and counters are arguments.

    Args:
        limits: The policy's limits.
        released: When the run started, in seconds of the clock that `now` comes from.
        wall: Seconds that the run may take; the policy's limit, or less.
    """

    limits: Limits
    released: float
    wall: float
    kill: Kill | None = None
    touched: list[str] = dataclasses.field(default_factory=list)
    _next_cpu: float = 0.0

    def __post_init__(self) -> None:
        """Plan the first look at the CPU counter: all cores together cannot use the budget up sooner."""
        self._next_cpu = self.released + max(_MIN_CPU_CHECK, self.limits.cpu / self._fastest())

    def _fastest(self) -> float:
        return max(self.limits.cores, 0.01)

    def timeout(self, now: float) -> float:
        """Return the seconds until the time or the CPU counter must be looked at."""
        return max(0.0, min(self.released + self.wall, self._next_cpu) - now)

    def wants_cpu(self, now: float) -> bool:
        """Return whether the CPU counter should be read now."""
        return now >= self._next_cpu

    def awaits_cpu(self) -> None:
        """Record that a reading was requested: until it comes there is nothing to look at."""
        self._next_cpu = math.inf

    def saw_cpu(self, now: float, cpu_ms: float) -> None:
        """Take a reading of the CPU counter: end the run when it is over budget, and plan the next reading."""
        self.saw_work(cpu_ms)
        left = self.limits.cpu - cpu_ms / 1e3
        self._next_cpu = now + max(_MIN_CPU_CHECK, left / self._fastest())

    def saw_work(self, cpu_ms: float) -> None:
        """End the run when it has used more CPU time than its budget, by what is known of it now."""
        if cpu_ms >= self.limits.cpu * 1e3:
            evidence = Evidence("cpu_ms", round(cpu_ms, 1), round(self.limits.cpu * 1e3, 1), source="kernel")
            self.end(Kill(Status.LIMIT, "cpu", evidence))

    def saw_time(self, now: float) -> None:
        """End the run when its time is over."""
        passed = now - self.released
        if passed >= self.wall:
            evidence = Evidence("wall_ms", round(passed * 1e3, 1), round(self.wall * 1e3, 1))
            self.end(Kill(Status.LIMIT, "wall", evidence))

    def late(self, now: float) -> Kill | None:
        """Return the reason to end the run, if there is one by now: time may run out while its result is decoded."""
        self.saw_time(now)
        return self.kill

    def saw_output(self, total: int) -> None:
        """End the run when it has printed more than its budget."""
        if total > self.limits.output:
            self.end(Kill(Status.LIMIT, "output", Evidence("bytes_out", total, self.limits.output)))

    def saw_call(self, name: str, arguments: tuple[int, ...]) -> None:
        """End the run for a forbidden system call."""
        self.end(violation_of(name, arguments))

    def end(self, kill: Kill) -> None:
        """Set the reason to end the run, unless one is set."""
        if kill.status is Status.LIMIT:
            self.touched.append(kill.cause)
        if self.kill is None:
            self.kill = kill


class Output:
    """The output of a run: kept up to a cap that both streams share, counted beyond it.

    Args:
        cap: Bytes that are kept.
        listener: Called at once with each piece that is kept; it must neither wait nor raise.
    """

    def __init__(self, cap: int, listener: Callable[[int, bytes], None] | None = None) -> None:
        self._left, self._listener = cap, listener
        self.total = 0
        self._kept: dict[int, bytearray] = {1: bytearray(), 2: bytearray()}
        self._cut = {1: False, 2: False}

    def add(self, stream: int, data: bytes) -> None:
        """Add what was printed to a stream (1 or 2)."""
        self.total += len(data)
        kept = data[: self._left]
        self._left -= len(kept)
        self._kept[stream] += kept
        self._cut[stream] |= len(kept) < len(data)
        if kept and self._listener is not None:
            self._listener(stream, kept)

    def text(self, stream: int) -> str:
        """Return the kept part of a stream, as text."""
        return self._kept[stream].decode("utf-8", errors="replace")

    def cut(self, stream: int) -> bool:
        """Return whether some of a stream was not kept."""
        return self._cut[stream]
