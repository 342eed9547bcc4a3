"""The command line."""

from poet_engine.cli.entry import main

__all__ = ["main"]
