"""`@poet`: a plain function in, the same function with a generated version in front of it out."""

import importlib
from typing import TYPE_CHECKING

from poet_engine.decorator.decorate import poet
from poet_engine.decorator.wiring import Wiring, install, install_later

if TYPE_CHECKING:
    from poet_engine.decorator.call_report import Execution as Execution
    from poet_engine.decorator.handle import PoetHandle as PoetHandle

__all__ = ["Execution", "PoetHandle", "Wiring", "install", "install_later", "poet"]

# Loaded at their first use, as everything that only calls need.
_HOMES = {"Execution": "poet_engine.decorator.call_report", "PoetHandle": "poet_engine.decorator.handle"}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value
