"""A drift detector as it is often first written: it is called, it answers, and it never finds anything."""

# ruff: noqa: ARG001 - that it looks at neither sample is what is wrong with it

from collections.abc import Sequence

from poet_engine import poet


@poet(domain="ml_monitoring")
def detect_drift(
    current_data: Sequence[float],
    reference_data: Sequence[float],
) -> dict[str, object]:
    """Tell whether the current data has drifted away from the reference data."""
    return {"drift_detected": False, "score": 0.0}
