"""Domain of functions that monitor data and models: drift detectors that POET writes without a language model."""

from poet_engine.domains.ml_monitoring.writing import write

__all__ = ["write"]
