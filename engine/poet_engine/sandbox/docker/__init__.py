"""The Docker sandbox; docs/sandboxes.md explains its containers, and docs/images.md the images that they run."""

from poet_engine.sandbox.docker.sandbox import DockerSandbox

__all__ = ["DockerSandbox"]
