"""Functions that watch data and models: what POET can write for them without a model of its own."""

from poet_engine.domains.ml_monitoring.writing import write

__all__ = ["write"]
