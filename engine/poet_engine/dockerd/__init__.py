"""Talking to a Docker engine: the connection, and what its failures mean."""

from poet_engine.dockerd.connection import DEFAULT_HOST, DaemonConnection, keep_from_children

__all__ = ["DEFAULT_HOST", "DaemonConnection", "keep_from_children"]
