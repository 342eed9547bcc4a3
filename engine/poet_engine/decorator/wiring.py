"""The port of decorated functions to the rest of the program, and the place where the composition root installs it.

The types are only named here: a program that is imported waits for none of them.
"""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from poet_engine.errors import UsageError

if TYPE_CHECKING:
    from poet_engine.decorator.modes import Mode
    from poet_engine.engine import Engine
    from poet_engine.journal.recorder import Recorder
    from poet_engine.policy import Policy
    from poet_engine.policy.layers import PolicyContext
    from poet_engine.resilience.breaker import BreakerRegistry
    from poet_engine.resilience.drivers import Pauses
    from poet_engine.resilience.pipeline import Pipeline


class Wiring(Protocol):
    """The services that the decorator needs from outside; `_wiring` provides them."""

    poet_version: str

    def engine(self, policy: "Policy") -> "Engine":
        """The engine for a policy, shared by all functions that ask for the same one."""
        ...

    def surroundings(self, start: Path) -> "PolicyContext":
        """The layers of policies around code in a folder."""
        ...

    def recorder(self, journal: Path) -> "Recorder":
        """Return the recorder of a journal, shared by the functions that have it."""
        ...

    def new_id(self) -> str:
        """A fresh id for an execution."""
        ...

    def now(self) -> float:
        """Seconds since the epoch."""
        ...

    def mode(self) -> "Mode":
        """Return what versions may do in this program.

        Raises:
            UsageError: The setting has a value that it may not have.
        """
        ...

    def records(self) -> bool:
        """Whether calls of versions are recorded with their arguments, where the function itself does not say.

        Raises:
            UsageError: The setting has a value that it may not have.
        """
        ...

    def home(self) -> Path:
        """Return the state folder: versions go there when the module's own folder cannot be written."""
        ...

    @property
    def pipeline(self) -> "Pipeline":
        """The pipeline of all calls."""
        ...

    @property
    def pauses(self) -> "Pauses":
        """The ways to let time pass between attempts."""
        ...

    @property
    def breakers(self) -> "BreakerRegistry":
        """All breakers of this process."""
        ...


_installed: list[Wiring] = []
_installers: list[Callable[[], None]] = []


def install(wiring: Wiring) -> None:
    """Set what decorated functions use from now on."""
    _installed[:] = [wiring]


def install_later(installer: Callable[[], None]) -> None:
    """Set what installs it when it is first needed, so that a program that only decorates does not load it."""
    _installers[:] = [installer]


def require() -> None:
    """Raise UsageError where nothing is installed and nothing could install it."""
    if not _installed and not _installers:
        raise UsageError("import poet from poet_engine, which knows the sandboxes, instead of poet_engine.decorator")


def wiring() -> Wiring:
    """Return the wiring, installed now where it was only announced."""
    if not _installed:
        require()
        _installers[0]()
    return _installed[0]
