"""Connect to a Docker daemon, and translate its failures."""

from poet_engine.dockerd.connection import DEFAULT_HOST, DaemonConnection, keep_from_children

__all__ = ["DEFAULT_HOST", "DaemonConnection", "keep_from_children"]
