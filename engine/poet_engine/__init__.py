"""POET engine: generated Python, scanned, isolated, and answered by your own function when it fails.

Nothing heavy is imported here: each public name is loaded at its first use.
"""

import importlib

from poet_engine._lazy import loader

TYPE_CHECKING = False  # type checkers read it as true; loading `typing` would be most of what importing this costs
if TYPE_CHECKING:
    from poet_engine._wiring import export_statistics as export_statistics
    from poet_engine._wiring import export_to_otel as export_to_otel
    from poet_engine._wiring import export_to_prometheus as export_to_prometheus
    from poet_engine._wiring import gauges as gauges
    from poet_engine.decorator import poet as poet
    from poet_engine.engine import Engine as Engine
    from poet_engine.errors import InputRefused as InputRefused
    from poet_engine.errors import PoetError as PoetError
    from poet_engine.job import Job as Job
    from poet_engine.outcome import Outcome as Outcome
    from poet_engine.policy import Policy as Policy

# public name → module that holds it
_HOMES = {
    "Engine": "poet_engine._wiring",
    "InputRefused": "poet_engine.errors",
    "Job": "poet_engine.job",
    "Outcome": "poet_engine.outcome",
    "PoetError": "poet_engine.errors",
    "Policy": "poet_engine.policy",
    "export_statistics": "poet_engine._wiring",
    "export_to_otel": "poet_engine._wiring",
    "export_to_prometheus": "poet_engine._wiring",
    "gauges": "poet_engine._wiring",
    "poet": "poet_engine.decorator",
}

__all__ = [
    "Engine",
    "InputRefused",
    "Job",
    "Outcome",
    "PoetError",
    "Policy",
    "export_statistics",
    "export_to_otel",
    "export_to_prometheus",
    "gauges",
    "poet",
]


_load = loader(__name__, _HOMES)


def __getattr__(name: str) -> object:
    """Load a public name at its first use."""
    value = _load(name)
    if name == "poet":
        from poet_engine.decorator import install_later  # noqa: PLC0415 - it is loaded by now

        install_later(_install)
    return value


def _install() -> None:
    """Install what calls of decorated functions need; the first of them asks for it."""
    importlib.import_module("poet_engine._wiring")


def __dir__() -> list[str]:
    """Return the public names, loaded or not."""
    return sorted(__all__)
