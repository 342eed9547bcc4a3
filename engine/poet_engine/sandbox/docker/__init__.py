"""Code in containers of a Docker engine."""
