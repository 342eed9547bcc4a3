"""The generated detector against scipy itself: over many samples, on real data, and under the null hypothesis."""

import hashlib
import types
import warnings
from importlib import resources

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from poet_engine.domains import FunctionInfo, Parameter, Written, choose
from poet_engine.gate import Gate
from poet_engine.policy import Policy

SOURCE = (
    "def detect_drift(current_data, reference_data, alpha=0.05):\n    return {'drift_detected': False, 'score': 0.0}\n"
)
# The chance with which a correct detector would leave the bounds below, were the seeds not fixed.
RISK = 1e-6
RUNS = 1500


@pytest.fixture(scope="module")
def version() -> Written:
    info = FunctionInfo(
        name="detect_drift",
        qualname="detect_drift",
        module="user",
        file="user.py",
        line=1,
        source=SOURCE,
        source_digest=hashlib.sha256(SOURCE.encode()).hexdigest(),
        parameters=(
            Parameter("current_data"),
            Parameter("reference_data"),
            Parameter("alpha", has_default=True, default="0.05"),
        ),
    )
    answer = choose("ml_monitoring").write(info)
    assert isinstance(answer, Written)
    return answer


@pytest.fixture(scope="module")
def detect_drift(version: Written) -> types.FunctionType:
    namespace: dict[str, object] = {"__name__": "generated"}
    exec(compile(version.source, "<generated>", "exec"), namespace)  # noqa: S102 - what we wrote ourselves
    entry = namespace[version.entry]
    assert isinstance(entry, types.FunctionType)
    return entry


def test_the_gate_accepts_it_under_the_policy_of_the_domain(version: Written) -> None:
    with Gate() as gate:
        report = gate.scan(version.source, Policy.load("data"))
    assert (report.cause, report.findings) == (None, ())


def nile() -> tuple[list[float], list[float]]:
    """The flow of the Nile up to 1898, and after."""
    text = resources.files("poet_engine").joinpath("_demo", "nile.csv").read_text(encoding="utf-8")
    rows = [line.split(",") for line in text.splitlines() if line[:1].isdigit()]
    before = [float(flow) for year, flow in rows if int(year) <= 1898]
    return before, [float(flow) for year, flow in rows if int(year) > 1898]


def test_the_nile_changed_after_1898(detect_drift: types.FunctionType) -> None:
    """The shipped series is the published one (100 values, mean 919.35), and the detector sees its known change."""
    before, after = nile()
    assert (len(before), len(after), sum(before) + sum(after)) == (28, 72, 91935.0)
    report = detect_drift(after, before)
    expected = stats.ks_2samp(before, after)
    assert report["drift_detected"] is True
    assert report["statistic"] == pytest.approx(expected.statistic, abs=1e-9)
    assert report["p_value"] == pytest.approx(expected.pvalue, abs=1e-9)
    assert detect_drift(before[14:], before[:14])["drift_detected"] is False


def drawn(rng: np.random.Generator, kind: str, size: int) -> NDArray[np.float64]:
    """A sample whose distribution differs a little from one call to the next, or not at all."""
    if kind == "normal":
        return rng.normal(rng.uniform(0, 0.5), rng.uniform(0.8, 1.2), size)
    if kind == "exponential":
        return rng.exponential(rng.uniform(0.8, 1.2), size)
    return rng.integers(0, 12, size).astype(np.float64) if kind == "ties" else rng.standard_cauchy(size)


def test_statistic_and_p_value_are_scipys_for_samples_of_all_sorts(detect_drift: types.FunctionType) -> None:
    """Sizes from 5 to 12,000 (both sides of scipy's switch to the asymptotic form), ties, shifts, spreads and skews."""
    rng = np.random.default_rng(2024)
    kinds = ("normal", "exponential", "ties", "cauchy")
    sizes = [5, 6, 11, 30, 97, 250, 1000]
    pairs = [(int(rng.choice(sizes)), int(rng.choice(sizes)), kind) for _ in range(60) for kind in kinds]
    pairs += [(12_000, 9_000, "normal"), (12_000, 12_000, "ties")]
    for n, m, kind in pairs:
        current, reference = drawn(rng, kind, n), drawn(rng, kind, m)
        with warnings.catch_warnings():
            # For nearly identical small samples scipy's exact sum can exceed 1 by rounding, and it says that it falls
            # back to the asymptotic form; both sides do the same then.
            warnings.filterwarnings("ignore", "ks_2samp: Exact calculation unsuccessful", RuntimeWarning)
            report = detect_drift(current, reference)
            expected = stats.ks_2samp(reference, current)
        assert abs(report["statistic"] - expected.statistic) <= 1e-9
        assert abs(report["p_value"] - expected.pvalue) <= 1e-9
        assert report["drift_detected"] is bool(expected.pvalue < 0.05)


def test_chi_square_is_scipys(detect_drift: types.FunctionType) -> None:
    rng = np.random.default_rng(7)
    names = np.array(["a", "b", "c", "d"])
    for _ in range(100):
        current = rng.choice(names, 200, p=rng.dirichlet([5, 5, 5, 5]))
        reference = rng.choice(names, 300)
        table = [[int(np.sum(side == name)) for name in names] for side in (reference, current)]
        expected = stats.chi2_contingency(table, correction=False)
        report = detect_drift(current, reference)
        assert abs(report["statistic"] - expected.statistic) <= 1e-9
        assert abs(report["p_value"] - expected.pvalue) <= 1e-9


@pytest.mark.parametrize("alpha", [0.01, 0.05, 0.2])
def test_false_alarms_are_as_rare_as_the_level_says(detect_drift: types.FunctionType, alpha: float) -> None:
    """On samples of one distribution the number of alarms lies within the bounds of the binomial distribution.

    The exact test is discrete, so its true level is that of the largest attainable p-value below alpha; the asymptotic
    one is conservative. Hence the upper bound is binomial at alpha, and the lower one at half of it.
    """
    rng = np.random.default_rng(11)
    alarms = sum(detect_drift(rng.normal(size=150), rng.normal(size=211), alpha)["drift_detected"] for _ in range(RUNS))
    assert alarms <= stats.binom.ppf(1 - RISK, RUNS, alpha)
    assert alarms >= stats.binom.ppf(RISK, RUNS, alpha / 2)


def test_false_alarms_of_many_features_together_stay_below_the_level(detect_drift: types.FunctionType) -> None:
    """Five features tested at once raise a false alarm no more often than one would: the correction sees to it."""
    rng = np.random.default_rng(12)
    runs = 400
    alarms = sum(
        detect_drift(rng.normal(size=(60, 5)), rng.normal(size=(80, 5)))["drift_detected"] for _ in range(runs)
    )
    assert alarms <= stats.binom.ppf(1 - RISK, runs, 0.05)
    assert alarms >= stats.binom.ppf(RISK, runs, 0.05 / 2)


def test_drift_that_is_there_is_found(detect_drift: types.FunctionType) -> None:
    """A shift by one standard deviation between samples of 100 is found practically always."""
    rng = np.random.default_rng(13)
    found = sum(detect_drift(rng.normal(1.0, size=100), rng.normal(size=100))["drift_detected"] for _ in range(200))
    assert found >= 198
