"""Confine a payload inside a container, as one ordered list of steps that it applies to itself.

The daemon has made the outer isolation, and without capabilities nothing can be mounted or unshared.
"""

import contextlib
import os
import signal
from collections.abc import Callable

from . import confine, kernel, seccomp


def apart_from_init(_plan: confine.ConfinementPlan) -> None:
    """Start a session, and reset the signals to those of a new program: only the first process needs a handler."""
    os.setsid()
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)


def first_to_be_killed(_plan: confine.ConfinementPlan) -> None:
    """Have the kernel take this process when the container is out of memory, and not the one that reports it.

    The file belongs to root while we are not dumpable.
    """
    kernel.set_dumpable(dumpable=True)
    with contextlib.suppress(OSError):
        confine.write("/proc/self/oom_score_adj", "1000")


def emptied_scratch_space(_plan: confine.ConfinementPlan) -> None:
    """Work in the container's own `/tmp`, which is emptied between two payloads."""
    os.umask(0o077)
    os.chdir("/tmp")


def own_budgets(plan: confine.ConfinementPlan) -> None:
    """Set the limits that a lane would have set: the first process of a container needs more than they leave."""
    confine.lasting_budgets(plan.config, 0)


def other_identity(plan: confine.ConfinementPlan) -> None:
    """Become a user without capabilities, where the first process is another user."""
    if plan.identity is not None:
        os.setgroups([])
        confine.own_identity(plan)
        confine.no_capabilities(plan)


# The daemon has made the outer isolation, and without capabilities nothing can be mounted or unshared.
STEPS: tuple[Callable[[confine.ConfinementPlan], None], ...] = (
    apart_from_init,
    first_to_be_killed,
    confine.own_standard_input,
    emptied_scratch_space,
    own_budgets,
    confine.budgets,
    other_identity,
    confine.die_with_the_lane,
    confine.no_look_from_outside,
    confine.no_other_files,
)


def can_be_told() -> bool:
    """Return whether a filter can have a listener, tried in a child: a filter cannot be taken off."""
    pid = kernel.fork()
    if pid == 0:
        try:
            kernel.forbid_new_privileges()
            kernel.SeccompFilter(seccomp.program(processes=True)).install()
            os._exit(0)
        except OSError:
            os._exit(1)
    _pid, status = os.waitpid(pid, 0)
    return status == 0
