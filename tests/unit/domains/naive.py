# ruff: noqa: ARG001, ARG002, ARG005 - that they look at one sample at the most is what is wrong with these functions
"""Functions as users write them. They are described from this file, so it is real source and not text in a test."""

import math
import statistics
from collections.abc import Callable, Sequence

import numpy as np

LIMIT = 0.1
Sample = Sequence[float]


def detect_drift(current_data: Sample, reference_data: Sample) -> dict[str, object]:
    """Tell whether the data has drifted.

    It never has.
    """
    return {"drift_detected": False, "score": 0.0}


def reordered(baseline: Sample, live: Sample) -> dict[str, object]:
    return {"drift": False}


def keyword_only(*, new_batch: Sample, old_batch: Sample, alpha: float = 0.01) -> dict[str, object]:
    return {"is_drift": False, "pvalue": 1.0, "note": "naive", "limits": [1, 2]}


def positional_only_drift(historical: Sample, recent: Sample, /) -> bool:
    return bool(sum(recent) > 0)


async def drift_later(expected: Sample, actual: Sample) -> bool:
    return len(actual) > 0


def drift_of_two(a: Sample, b: Sample) -> bool:
    return len(a) > len(b)


def drift_with_label(data: Sample, reference: Sample, feature: str) -> dict[str, object]:
    return {"drift": False, "feature": feature}


def drift_with_mean(current: Sample, reference: Sample) -> dict[str, object]:
    gap = statistics.fmean(current)
    return {"drift": gap > 1, "gap": gap, "scale": math.sqrt(4)}


def drift_built_up(current: Sample, reference: Sample) -> dict[str, object]:
    result: dict[str, object] = {"drift": False}
    result["spread"] = float(np.std(current))
    return result


def drift_that_checks(current: Sample, reference: Sample) -> dict[str, object]:
    if len(current) != len(reference):
        raise ValueError("the samples differ in size")
    return {"drift": False}


def drift_with_option(current: Sample, reference: Sample, bins: int = 10) -> bool:
    return len(current) > bins


def drift_with_two_keys(current: Sample, reference: Sample) -> dict[str, object]:
    if not current:
        return {"drift": False, "reason": "empty"}
    return {"drift": True, "reason": "always"}


def drift_above_a_distance(current: Sample, reference: Sample, threshold: float = 2.5) -> bool:
    return len(current) > threshold


def drift_with_state(current: Sample, reference: Sample) -> bool:
    return len(current) > LIMIT


def drift_as_a_number(current: Sample, reference: Sample) -> float:
    return 0.0


def drift_in_a_tuple(current: Sample, reference: Sample) -> tuple[bool, float]:
    return False, 0.0


def drift_told_to_a_file(current: Sample, reference: Sample) -> bool:
    with open("drift.log", "a") as log:  # noqa: PTH123 - what users do
        log.write("called\n")
    return False


def drift_sorted_in_place(current: list[float], reference: Sample) -> bool:
    current[:] = sorted(current)
    return False


def drift_with_anything(current: Sample, reference: Sample, *rest: float) -> bool:
    return bool(rest)


def accuracy(expected: Sample, actual: Sample) -> dict[str, float]:
    return {"mae": 0.0}


class Monitor:
    def detect_drift(self, current: Sample, reference: Sample) -> bool:
        return False


def make() -> Callable[[Sample, Sample], bool]:
    limit = 3

    def drift_inside(current: Sample, reference: Sample) -> bool:
        return len(current) > limit

    return drift_inside


nameless = lambda current, reference: False  # noqa: E731 - a lambda is what is tested
