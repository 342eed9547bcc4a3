"""The shipped judgement itself. Expected numbers are scipy's, or follow from the definitions by hand."""

import datetime as dt
import math
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from poet_engine.domains.ml_monitoring.two_sample import _MOST, _judge, _thinned

KEYS = {
    "drift_detected",
    "score",
    "method",
    "statistic",
    "p_value",
    "threshold",
    "data_type",
    "confidence",
    "per_feature",
    "correction",
    "n_reference",
    "n_current",
    "warnings",
}


def told(report: dict[str, object]) -> str:
    warnings = report["warnings"]
    assert isinstance(warnings, list)
    return "; ".join(warnings)


def feature(report: dict[str, object], name: str) -> dict[str, object]:
    features = report["per_feature"]
    assert isinstance(features, dict)
    entry = features[name]
    assert isinstance(entry, dict)
    return entry


@pytest.mark.parametrize(
    ("current", "drift"),
    [
        ("same", False),
        ("mean", True),
        ("spread", True),
        ("exponential", True),
    ],
)
def test_the_ready_data_is_judged_as_it_was_made(current: str, drift: bool) -> None:  # noqa: FBT001 - a test parameter
    """Reference N(100, 15) of 1,000; current of 500 each: the same, mean 120, deviation 25, exponential(50)."""
    rng = np.random.default_rng(42)
    reference = rng.normal(100, 15, 1000)
    samples = {
        "same": rng.normal(100, 15, 500),
        "mean": rng.normal(120, 15, 500),
        "spread": rng.normal(100, 25, 500),
        "exponential": rng.exponential(50, 500),
    }
    report = _judge(samples[current], reference)
    expected = stats.ks_2samp(reference, samples[current])
    assert report.keys() == KEYS
    assert report["drift_detected"] is drift
    assert report["statistic"] == pytest.approx(expected.statistic, abs=1e-9)
    assert report["p_value"] == pytest.approx(expected.pvalue, abs=1e-9)
    assert report["score"] == report["statistic"]
    assert report["method"] == "ks_2samp"
    assert (report["n_reference"], report["n_current"], report["data_type"]) == (1000, 500, "continuous")


def test_the_p_value_decides_and_never_the_statistic() -> None:
    """A statistic far above the level is no drift when chance explains it; a tiny one is when it does not."""
    few = _judge([1, 2, 3, 4, 9, 9], [1, 3, 4, 5, 6, 6, 7], 0.05)
    assert few["statistic"] == pytest.approx(1 / 3)
    assert few["drift_detected"] is False
    rng = np.random.default_rng(1)
    many = _judge(rng.normal(0.05, 1, 40_000), rng.normal(0, 1, 40_000), 0.05)
    assert many["statistic"] == pytest.approx(0.03, abs=0.015)
    assert many["drift_detected"] is True
    assert "clear but small" in told(many)


def test_an_empty_sample_shows_no_drift_and_says_why() -> None:
    for current, reference in (([], [1.0] * 9), ([1.0] * 9, []), ([], []), (np.empty(0), np.empty((0, 3))), ({}, {})):
        report = _judge(current, reference)
        assert (report["drift_detected"], report["score"], report["p_value"]) == (False, 0.0, None)
        assert "empty" in told(report)


def test_a_tiny_sample_is_not_judged_but_still_measured() -> None:
    report = _judge([100, 101, 102, 103], list(range(50)))
    assert report["drift_detected"] is None
    assert report["statistic"] == 1.0
    assert "not judged: 4 usable values" in told(report)
    assert _judge([100, 101, 102, 103, 104], list(range(50)))["drift_detected"] is True


def test_a_level_that_samples_of_this_size_cannot_reach_is_no_absence_of_drift() -> None:
    """Five against five: even complete separation has p = 2 / C(10, 5) = 0.0079."""
    separated = _judge([1, 2, 3, 4, 5], [11, 12, 13, 14, 15], 0.005)
    assert separated["p_value"] == pytest.approx(2 / math.comb(10, 5))
    assert separated["drift_detected"] is None
    assert "cannot reach the level 0.005" in told(separated)
    assert _judge([1, 2, 3, 4, 5], [11, 12, 13, 14, 15], 0.01)["drift_detected"] is True


def test_values_that_are_none_or_not_finite_are_dropped_and_counted() -> None:
    clean = [float(value) for value in range(20)]
    spoilt = [*clean, float("nan"), float("inf"), None, -math.inf, 10**400, Decimal("NaN")]
    report = _judge(spoilt, np.array([*clean, np.nan]))
    assert report["p_value"] == 1.0
    assert (report["n_reference"], report["n_current"]) == (20, 20)
    assert "6 missing or non-finite values of the current sample" in told(report)
    assert "1 missing or non-finite values of the reference sample" in told(report)


def test_a_sample_with_nothing_but_missing_values_is_not_judged() -> None:
    report = _judge([float("nan")] * 30, [1.0] * 30)
    assert report["drift_detected"] is None
    assert report["score"] is None
    assert "not judged" in told(report)


def test_constants_are_compared_like_anything_else() -> None:
    assert _judge([3.0] * 20, [3.0] * 30)["drift_detected"] is False
    different = _judge([3.0] * 20, [4.0] * 30)
    assert different["drift_detected"] is True
    assert "constant" in told(different)


def test_lists_tuples_arrays_and_columns_get_the_same_answer() -> None:
    rng = np.random.default_rng(3)
    current, reference = rng.normal(size=40), rng.normal(0.5, size=60)
    expected = _judge(current, reference)
    assert _judge(current.tolist(), tuple(reference)) == expected
    assert _judge(pd.Series(current), pd.Series(reference)) == expected
    assert _judge([Decimal(value) for value in current.tolist()], reference) == expected
    assert _judge(np.arange(30), range(30)) == _judge(list(range(30)), np.arange(30, dtype=np.uint8))


def test_categories_are_compared_by_chi_square_and_measured_by_jensen_shannon() -> None:
    current, reference = ["a"] * 30 + ["b"] * 10, ["a"] * 20 + ["b"] * 20
    report = _judge(current, reference)
    expected = stats.chi2_contingency([[20, 20], [30, 10]], correction=False)
    assert (report["method"], report["data_type"]) == ("chi_square", "categorical")
    assert report["statistic"] == pytest.approx(expected.statistic, abs=1e-9)
    assert report["p_value"] == pytest.approx(expected.pvalue, abs=1e-9)
    middle = [0.625, 0.375]
    divergence = sum(
        0.5 * p * math.log2(p / m) for row in ([0.5, 0.5], [0.75, 0.25]) for p, m in zip(row, middle, strict=True)
    )
    assert report["score"] == pytest.approx(math.sqrt(divergence))
    assert report["drift_detected"] is True


def test_unseen_and_rare_categories_are_told() -> None:
    report = _judge(["a"] * 20 + ["new"], ["a"] * 20 + ["b"])
    assert "1 categories of the current sample are not in the reference sample" in told(report)
    assert "approximate" in told(report)
    disjoint = _judge([True] * 20, [False] * 20)
    assert disjoint["score"] == 1.0
    assert disjoint["drift_detected"] is True
    assert _judge(["a"] * 20, np.array(["a"] * 9))["drift_detected"] is False


@pytest.mark.parametrize(
    "current",
    [
        ["a"] * 20,
        [1, "a"] * 10,
        [dt.date(2020, 1, 1)] * 20,
        np.array(["2020-01-01"] * 20, dtype="datetime64[D]"),
        np.array([1j] * 20),
    ],
)
def test_samples_that_cannot_be_compared_are_not_judged(current: object) -> None:
    report = _judge(current, list(range(20)))
    assert report["drift_detected"] is None
    assert report["p_value"] is None
    assert "not judged: the reference sample is continuous" in told(report)


def test_features_are_tested_one_by_one_and_corrected_for_their_number() -> None:
    rng = np.random.default_rng(5)
    reference = {"x": rng.normal(size=50), "y": ["a", "b"] * 25, "z": rng.normal(size=50)}
    current = {"x": rng.normal(1, size=50), "y": ["a", "b"] * 25, "z": rng.normal(size=50)}
    report = _judge(current, reference)
    expected = stats.ks_2samp(reference["x"], current["x"])
    assert report["correction"] == "bonferroni"
    assert report["drift_detected"] is True
    assert report["data_type"] == "mixed"
    assert report["p_value"] == pytest.approx(3 * expected.pvalue)
    assert report["statistic"] == pytest.approx(expected.statistic)
    assert feature(report, "x")["drift_detected"] is True
    assert feature(report, "y")["p_value"] == 1.0
    assert feature(report, "z")["drift_detected"] is False


def test_tables_in_every_form_have_features() -> None:
    rng = np.random.default_rng(6)
    array, other = rng.normal(size=(30, 2)), rng.normal(size=(20, 2))
    by_array = _judge(array, other)
    assert _judge(array.tolist(), other.tolist()) == by_array
    assert _judge([tuple(row) for row in array], other) == by_array
    named = [{"feature_0": row[0], "feature_1": row[1]} for row in array.tolist()]
    report = _judge(named, other)
    assert "the reference sample has no names for its columns, so they were taken in the order" in told(report)
    assert {**report, "warnings": []} == by_array


def test_features_on_one_side_only_are_left_out_and_told() -> None:
    report = _judge({"x": list(range(9)), "new": [1] * 9}, {"x": list(range(9)), "old": [1] * 9})
    assert report["drift_detected"] is False
    assert "'new' is only in the current sample" in told(report)
    assert "'old' is only in the reference sample" in told(report)
    nothing = _judge({"x": [1] * 9}, {"y": [1] * 9})
    assert nothing["drift_detected"] is None
    assert "no feature in common" in told(nothing)


def test_a_feature_that_cannot_be_judged_leaves_the_whole_unknown_unless_another_drifted() -> None:
    same, other = list(range(9)), list(range(20, 29))
    assert _judge({"x": same, "y": [1]}, {"x": same, "y": [1]})["drift_detected"] is None
    assert _judge({"x": other, "y": [1]}, {"x": same, "y": [1]})["drift_detected"] is True


def test_above_a_million_values_a_fixed_sample_is_compared() -> None:
    numbers = np.arange(float(_MOST + 1))
    first, second = _thinned(numbers), _thinned(numbers)
    assert len(first) == _MOST
    assert np.array_equal(first, second)
    assert len(np.unique(first)) == _MOST
    assert _thinned(numbers[:-1]) is not first


@pytest.mark.parametrize("level", [0, 1, -0.1, float("nan"), "0.05", True])
def test_a_level_that_is_none_is_an_error_that_says_what_it_must_be(level: object) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        _judge([1.0] * 9, [1.0] * 9, level)


@pytest.mark.parametrize("sample", [None, "abc", 5, {1, 2}, {"x": 5}, {"x": np.zeros((2, 2))}, np.zeros((2, 2, 2))])
def test_what_is_no_sample_is_an_error_that_names_the_role(sample: object) -> None:
    with pytest.raises((TypeError, ValueError), match="current"):
        _judge(sample, [1.0] * 9)


def test_rows_that_differ_in_length_are_an_error() -> None:
    with pytest.raises(ValueError, match="the rows of reference differ in length"):
        _judge([1.0], [[1, 2], [3]])
