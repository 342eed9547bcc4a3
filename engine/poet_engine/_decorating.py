"""The decorator `poet` for programs: the modules that calls need are loaded at the first call."""

from poet_engine.decorator import install_later, poet

__all__ = ["poet"]


def _assemble() -> None:
    from poet_engine import _wiring  # noqa: F401, PLC0415 - importing it installs the wiring of decorated functions


install_later(_assemble)
