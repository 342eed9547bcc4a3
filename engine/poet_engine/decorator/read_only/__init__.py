"""Whether a function's body is seen only to read, so that it may run again after a failure that may go away."""

from poet_engine.decorator.read_only.body import first_effect

__all__ = ["first_effect"]
