"""The command line."""

from poet_engine.cli.app import main

__all__ = ["main"]
