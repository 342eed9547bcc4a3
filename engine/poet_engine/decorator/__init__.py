"""`@poet`: a plain function in, the same function with a generated version in front of it out."""

from typing import TYPE_CHECKING

from poet_engine._lazy import loader
from poet_engine.decorator.decorate import poet
from poet_engine.decorator.wiring import Wiring, install, install_later

if TYPE_CHECKING:
    from poet_engine.decorator.execution import Execution as Execution
    from poet_engine.decorator.handle import PoetHandle as PoetHandle

__all__ = ["Execution", "PoetHandle", "Wiring", "install", "install_later", "poet"]

# Loaded at their first use, as everything that only calls need.
_HOMES = {"Execution": "poet_engine.decorator.execution", "PoetHandle": "poet_engine.decorator.handle"}


__getattr__ = loader(__name__, _HOMES)
