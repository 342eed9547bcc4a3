"""`@poet`: a plain function in, the same function with a generated version in front of it out."""

from poet_engine.decorator.decorate import poet
from poet_engine.decorator.execution import Execution
from poet_engine.decorator.function import PoetHandle
from poet_engine.decorator.wiring import Wiring, install

__all__ = ["Execution", "PoetHandle", "Wiring", "install", "poet"]
