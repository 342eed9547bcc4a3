"""Count and limit memory, tasks and CPU of each lane by control groups, where the machine lets us make some."""

from poet_engine.sandbox.cgroup.protocol import Driver, Group, GroupLimits, GroupReading
from poet_engine.sandbox.cgroup.v1 import find_v1
from poet_engine.sandbox.cgroup.v2 import find_v2

__all__ = ["Driver", "Group", "GroupLimits", "GroupReading", "find"]


def find() -> Driver | None:
    """Return the driver for this machine, or None where no usable hierarchy is writable.

    A controller is in one hierarchy only, so on a machine with both, the one that has memory is used.
    """
    return find_v2() or find_v1()
