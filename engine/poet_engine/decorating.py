"""`poet` as programs import it: what its calls need is loaded by the first of them."""

from poet_engine.decorator import install_later, poet

__all__ = ["poet"]


def _assemble() -> None:
    from poet_engine import _wiring  # noqa: F401, PLC0415 - importing it installs what decorated functions use


install_later(_assemble)
