"""Analysis of whether a function's body only reads, so that it may run again after a transient failure."""

from poet_engine.decorator.read_only.body import first_effect

__all__ = ["first_effect"]
