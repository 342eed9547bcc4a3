"""The Docker sandbox; docs/sandboxes.md explains its containers, and docs/images.md what they are made of."""

from poet_engine.sandbox.docker.sandbox import DockerSandbox

__all__ = ["DockerSandbox"]
