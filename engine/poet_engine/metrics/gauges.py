"""What the machine and this process's lanes are doing at this moment."""

import dataclasses
from collections.abc import Callable, Iterable

from poet_engine._fork import ForkedLock


@dataclasses.dataclass(frozen=True, slots=True)
class Lanes:
    """The lanes of one sandbox, or of several together.

    Attributes:
        lanes: Prepared or at work.
        busy: At work.
        waiting: Calls that wait for one.
    """

    lanes: int = 0
    busy: int = 0
    waiting: int = 0


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Gauges:
    """One reading.

    Attributes:
        memory_total_bytes: Of the machine.
        memory_available_bytes: What programs could still get of it.
        cpu_percent: Of all cores, since the reading before; None for the first one.
        cores: How many there are.
        process_memory_bytes: What this process has in memory; its sandboxes are not part of it.
        lanes: Of this process.
    """

    memory_total_bytes: int
    memory_available_bytes: int
    cpu_percent: float | None
    cores: int
    process_memory_bytes: int
    lanes: Lanes


class Host:
    """Reads the gauges, with psutil. Thread-safe.

    Args:
        lanes: Of each sandbox that is open in this process.
    """

    def __init__(self, lanes: Callable[[], Iterable[Lanes]]) -> None:
        self._lanes = lanes
        self._lock = ForkedLock()
        self._read_before = False

    def __repr__(self) -> str:
        return f"<Host read_before={self._read_before}>"

    def read(self) -> Gauges:
        """All of them now; takes about a tenth of a millisecond."""
        import psutil  # noqa: PLC0415 - only who asks for numbers pays for it

        memory = psutil.virtual_memory()
        with self._lock:
            cpu = psutil.cpu_percent(interval=None)  # since its last call; the first one has nothing to compare with
            known, self._read_before = self._read_before, True
        found = tuple(self._lanes())
        return Gauges(
            memory_total_bytes=memory.total,
            memory_available_bytes=memory.available,
            cpu_percent=cpu if known else None,
            cores=psutil.cpu_count() or 1,
            process_memory_bytes=psutil.Process().memory_info().rss,
            lanes=Lanes(
                lanes=sum(one.lanes for one in found),
                busy=sum(one.busy for one in found),
                waiting=sum(one.waiting for one in found),
            ),
        )
