"""Rules for a function's arguments, checked before its body runs (docs/decorator.md)."""

from poet_engine.contracts.inputs import Inputs, Refusal, inputs_of

__all__ = ["Inputs", "Refusal", "inputs_of"]
