"""Read from `/proc` how processes are told apart."""

import os
from pathlib import Path


def start_time(pid: int) -> str:
    """Return the clock ticks after boot at which a process started, as text; empty when it is gone."""
    fields = stat_fields(pid)
    return fields[19] if fields else ""


def stat_fields(pid: int) -> list[str]:
    """Return the fields after the name in `/proc/PID/stat`: the state first, then the parent; empty when it is gone."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    return text.rpartition(")")[2].split()


def pid_namespace() -> int:
    """Return the inode of this process's pid namespace: pids and start times mean something only in there."""
    return os.stat("/proc/self/ns/pid").st_ino  # noqa: PTH116 - of what the link leads to, which has no path
