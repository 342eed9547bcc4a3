"""Gauges of the machine and of this process's lanes."""

import dataclasses
from collections.abc import Callable, Iterable

from poet_engine._fork import ForkedLock


@dataclasses.dataclass(frozen=True, slots=True)
class Lanes:
    """Counts of the lanes of one sandbox, or of several together.

    Attributes:
        lanes: Lanes that are prepared or busy.
        busy: Lanes with a running call.
        waiting: Calls that wait for a lane.
    """

    lanes: int = 0
    busy: int = 0
    waiting: int = 0


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Gauges:
    """A reading of all gauges.

    Attributes:
        memory_total_bytes: Memory of the machine.
        memory_available_bytes: Memory that programs could still get.
        cpu_percent: Use of all cores since the previous reading, 0 to 100; None for the first.
        cores: The number of cores.
        process_memory_bytes: Resident memory of this process without its sandboxes.
        lanes: The lanes of this process.
    """

    memory_total_bytes: int
    memory_available_bytes: int
    cpu_percent: float | None
    cores: int
    process_memory_bytes: int
    lanes: Lanes


class Host:
    """Reader of the gauges, by psutil. Thread-safe.

    Args:
        lanes: Returns the lanes of each open sandbox of this process.
    """

    def __init__(self, lanes: Callable[[], Iterable[Lanes]]) -> None:
        self._lanes = lanes
        self._lock = ForkedLock()
        self._read_before = False

    def __repr__(self) -> str:
        return f"<Host read_before={self._read_before}>"

    def read(self) -> Gauges:
        """Return a reading of all gauges; takes about a tenth of a millisecond."""
        import psutil  # noqa: PLC0415 - only readers of the gauges need it

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
