"""Confine a payload inside a container, as one ordered list of steps that it applies to itself.

The daemon has made the outer isolation, and without capabilities nothing can be mounted or unshared.
"""

import contextlib
import functools
import os
import signal
from collections.abc import Callable

from . import confine, kernel, seccomp
from .prepared_calls import PreparedCall, library_call, python_call


def apart_from_init(_plan: confine.ConfinementPlan) -> list[PreparedCall]:
    """Start a session, and reset the signals to those of a new program: only the first process needs a handler."""
    return [library_call("setsid"), python_call(_signals_of_a_new_program)]


def _signals_of_a_new_program() -> None:
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)


def first_to_be_killed(_plan: confine.ConfinementPlan) -> list[PreparedCall]:
    """Have the kernel take this process when the container is out of memory, and not the one that reports it.

    The file belongs to root while we are not dumpable.
    """
    return [kernel.set_dumpable_call(dumpable=True), python_call(_be_killed_first)]


def _be_killed_first() -> None:
    with contextlib.suppress(OSError):
        confine.write("/proc/self/oom_score_adj", "1000")


def emptied_scratch_space(_plan: confine.ConfinementPlan) -> list[PreparedCall]:
    """Work in the container's own `/tmp`, which is emptied between two payloads."""
    return [library_call("umask", 0o077), library_call("chdir", b"/tmp")]


def own_budgets(plan: confine.ConfinementPlan) -> list[PreparedCall]:
    """Set the limits that a lane would have set: the first process of a container needs more than they leave."""
    return [python_call(functools.partial(confine.lasting_budgets, plan.config, 0))]


def other_identity(plan: confine.ConfinementPlan) -> list[PreparedCall]:
    """Become a user without capabilities, where the first process is another user."""
    if plan.identity is None:
        return []
    return [python_call(_leave_all_groups), *confine.own_identity(plan), *confine.no_capabilities(plan)]


def _leave_all_groups() -> None:
    os.setgroups([])


# The daemon has made the outer isolation, and without capabilities nothing can be mounted or unshared.
STEPS: tuple[Callable[[confine.ConfinementPlan], list[PreparedCall]], ...] = (
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
