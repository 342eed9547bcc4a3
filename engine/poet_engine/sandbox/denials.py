"""Record the denied calls of one run, and decide what they make of it. Pure, whatever the sandbox."""

from poet_engine.guest import seccomp
from poet_engine.outcome import DeniedCall, Evidence, Status
from poet_engine.policy import Isolation, OnDenied
from poet_engine.sandbox.verdict import Denial, Kill


class DenialRecord:
    """The calls of the kernel that one run tried and may not have.

    What is kept is bounded: there are some thirty names. The work of hearing of each is the caller's to charge.

    Args:
        isolation: The policy's requirements; None denies with an error, and forgives what is caught.
    """

    def __init__(self, isolation: Isolation | None = None) -> None:
        self._kills = isolation is not None and isolation.on_denied is OnDenied.KILL
        self._strict = isolation is not None and isolation.fail_on_denied
        self._counts: dict[str, int] = {}
        self._first: Kill | None = None
        self._socket: Kill | None = None

    def saw(self, name: str, arguments: tuple[int, ...], times: int = 1) -> Kill | None:
        """Record a denied call; return the reason to end the run, where the policy says so."""
        self._counts[name] = self._counts.get(name, 0) + times
        violation = violation_of(name, arguments)
        self._first = self._first or violation
        if name == "socket":
            self._socket = violation if self._socket is None or violation.cause == "network" else self._socket
        return violation if self._kills else None

    @property
    def calls(self) -> tuple[DeniedCall, ...]:
        """The calls and how often each was tried, in the order of their first time."""
        return tuple(DeniedCall(name, count) for name, count in self._counts.items())

    @property
    def denial(self) -> Denial | None:
        """The violation that these calls make of the run; None where they make none, whatever came of it."""
        if self._strict and self._first is not None:
            return Denial(self._first, caught=True)
        return None if self._socket is None else Denial(self._socket, caught=False)


def violation_of(name: str, arguments: tuple[int, ...]) -> Kill:
    """Return the violation that a call of the kernel is, under its name, `network` or `priv`."""
    cause = f"seccomp:{name}"
    if seccomp.is_internet_socket(name, arguments):
        cause = "network"
    elif name in seccomp.PRIVILEGE_CALLS:
        cause = "priv"
    return Kill(Status.VIOLATION, cause, Evidence("seccomp_notification", name, source="kernel"))
