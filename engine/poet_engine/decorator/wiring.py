"""What decorated functions need of the outside, and where it is put by whoever assembles the program.

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
    """What the decorator needs of the outside; `assembly` gives it."""

    poet_version: str

    def engine(self, policy: "Policy") -> "Engine":
        """The engine for a policy, shared by all functions that ask for the same one."""
        ...

    def surroundings(self, start: Path) -> "PolicyContext":
        """The layers of policies around code in a folder."""
        ...

    def recorder(self, journal: Path) -> "Recorder":
        """What keeps the events of the functions whose journal this is."""
        ...

    def new_id(self) -> str:
        """A fresh id for an execution."""
        ...

    def now(self) -> float:
        """Seconds since the epoch."""
        ...

    def mode(self) -> "Mode":
        """What versions may do in this program.

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
        """Where versions go when the module's own folder cannot be written."""
        ...

    @property
    def pipeline(self) -> "Pipeline":
        """What decides how calls go."""
        ...

    @property
    def pauses(self) -> "Pauses":
        """How to let time pass between attempts."""
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
    """What was installed."""
    if not _installed:
        require()
        _installers[0]()
    return _installed[0]
