"""Control groups: the truth about a lane's memory, tasks and CPU, where the machine lets us have them."""

from poet_engine.sandbox.cgroup.protocol import Driver, Group, GroupLimits, GroupReading
from poet_engine.sandbox.cgroup.v1 import find_v1
from poet_engine.sandbox.cgroup.v2 import find_v2

__all__ = ["Driver", "Group", "GroupLimits", "GroupReading", "find"]


def find() -> Driver | None:
    """The driver for this machine, or None where no usable hierarchy is writable.

    A controller is in one hierarchy only, so on a machine with both it is where memory is that decides.
    """
    return find_v2() or find_v1()
