"""The processor time of another process, from that process's own clock."""

import time


def cpu_seconds(pid: int) -> float:
    """Processor time of its threads so far, by `MAKE_PROCESS_CPUCLOCK(pid, CPUCLOCK_SCHED)`; 0 when it is gone."""
    try:
        return time.clock_gettime((~pid << 3) | 2)
    except OSError:
        return 0.0
