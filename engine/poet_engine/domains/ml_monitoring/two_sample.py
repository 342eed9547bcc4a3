"""The two-sample drift test of every generated detector: the code below this text is copied into each of them.

No module of the package imports it, since numpy and scipy are an extra; tests do. It keeps to what the gate allows
under the `data` policy, and its names begin with an underscore so that they do not collide with the user's.
"""

import math
from collections import Counter
from dataclasses import dataclass, replace
from decimal import Decimal
from numbers import Real

import numpy as np
from scipy import stats

# The level that the p-value is compared with when the caller gives none.
_LEVEL = 0.05
# With fewer usable values than this on either side there is no judgement: almost any outcome could be chance.
_FEWEST = 5
# Above this many values a fixed random sample is compared instead, which keeps sorting within a second or so.
_MOST = 1_000_000
# A clear difference with a score below this is pointed out as small: enough values make any difference clear.
_SMALL_SCORE = 0.1
# Cochran's rule for the chi-square approximation: at most a fifth of the expected counts may be below five.
_EXPECTED = 5.0
_SHARE_BELOW_EXPECTED = 0.2
# Above this many values complete separation is far below any level, and the number of orders too large to compute.
_COUNTABLE = 50
# The name of the only feature of a plain sequence.
_PLAIN = "value"

_Array = np.ndarray[tuple[int, ...], np.dtype[np.float64 | np.str_]]
_Floats = np.ndarray[tuple[int, ...], np.dtype[np.float64]]


@dataclass(frozen=True)
class _SampleColumn:
    """One feature of one sample, cleaned.

    The kind is continuous (numbers), categorical (labels), mixed (both), unusable (values of any other type), missing
    (values, none of them usable), repeated (more than one column has the name) or empty.
    """

    kind: str
    numbers: _Floats
    labels: list[tuple[str, object]]
    dropped: int

    def size(self) -> int:
        return len(self.labels) if self.kind == "categorical" else len(self.numbers)


@dataclass(frozen=True)
class _Sample:
    """The features of one sample; those of lists and plain arrays have no names of their own."""

    columns: dict[str, _SampleColumn]
    named: bool


@dataclass(frozen=True)
class _DriftFinding:
    """The result of comparing one feature; `drift` is None for as long as, or because, nothing was judged."""

    n_reference: int
    n_current: int
    warnings: list[str]
    data_type: str
    method: str = "none"
    statistic: float | None = None
    p_value: float | None = None
    score: float | None = None
    drift: bool | None = None
    # The smallest p-value that samples of these sizes can have.
    least_p: float = 0.0


def _judge(current: object, reference: object, level: object = None) -> dict[str, object]:
    """Compare two samples and say whether they come from different distributions.

    Numbers are compared by the two-sample Kolmogorov-Smirnov test, categories by the chi-square test of homogeneity.
    There is drift when `p_value` is below `threshold`; a statistic is never compared with a level. Several features
    (a data frame, a mapping of columns, a list of mappings, equally long rows, a 2-d array, an array with fields) are
    tested one by one, their p-values are multiplied by the number of tests (Bonferroni), and the clearest feature
    stands for all. Features that have names are compared by name, whatever their order.

    What the report says:
        drift_detected: True, False, or None when the data allows no judgement; `warnings` says why.
        score: How far apart the samples are, from 0 (alike) to 1 (nothing in common): the KS statistic for numbers,
            the Jensen-Shannon distance to base 2 for categories. It is a size, not a probability.
        method, statistic, p_value: The test, and what it computed.
        threshold: The level that the p-value was compared with.
        confidence: 1 - p_value. It is not the probability that there is drift.
        n_reference, n_current: How many usable values there were.
    """
    limit = _checked_level(level)
    before, now, alone = _matched(_sample(reference, "reference"), _sample(current, "current"))
    findings = {name: _compare(before[name], now[name]) for name in before if name in now}
    alone += [f"feature {name!r} is only in the reference sample; not compared" for name in before if name not in now]
    alone += [f"feature {name!r} is only in the current sample; not compared" for name in now if name not in before]
    if _is_empty(before) or _is_empty(now):
        findings = {_PLAIN: _nothing(_rows(before), _rows(now))}
        alone = []
    elif not findings:
        alone.append("not judged: the two samples have no feature in common")
    tests = sum(finding.p_value is not None for finding in findings.values())
    return _report({name: _decide(finding, tests, limit) for name, finding in findings.items()}, tests, limit, alone)


def _checked_level(level: object) -> float:
    if level is None:
        return _LEVEL
    number = float(level) if isinstance(level, Real) and not isinstance(level, bool) else math.nan
    if not 0 < number < 1:
        raise ValueError(f"the significance level is {level!r}; it must be a number between 0 and 1, such as {_LEVEL}")
    return number


def _matched(
    reference: _Sample, current: _Sample
) -> tuple[dict[str, _SampleColumn], dict[str, _SampleColumn], list[str]]:
    """The columns of both samples under the same names, and what there is to say of that."""
    before, now = reference.columns, current.columns
    if reference.named == current.named:
        return before, now, []
    role, names = ("current", list(before)) if reference.named else ("reference", list(now))
    if len(before) != len(now):
        return before, now, [f"the {role} sample has no names for its columns, and not as many as the other one"]
    note = f"the {role} sample has no names for its columns, so they were taken in the order of the other sample"
    return dict(zip(names, before.values(), strict=True)), dict(zip(names, now.values(), strict=True)), [note]


def _sample(sample: object, role: str) -> _Sample:
    """Split a sample into its features and clean each; a plain sequence has one feature."""
    if isinstance(sample, dict):
        return _named([(name, _sequence(values, f"{role}[{name!r}]", 1)) for name, values in sample.items()])
    if hasattr(sample, "columns") and hasattr(sample, "iloc"):  # a data frame; pandas need not be there for the others
        names = list(sample.columns)
        return _named([(name, np.asarray(sample.iloc[:, place])) for place, name in enumerate(names)])
    if isinstance(sample, np.ndarray) and sample.dtype.names is not None:
        return _named([(name, np.asarray(sample[name])) for name in sample.dtype.names])
    values = _sequence(sample, role)
    if isinstance(values, list) and values and all(isinstance(row, dict) for row in values):
        rows = [row for row in values if isinstance(row, dict)]
        keys = list(dict.fromkeys(name for row in rows for name in row))
        return _named([(name, [row.get(name) for row in rows]) for name in keys])
    return _Sample(_unnamed(values, role), named=False)


def _named(columns: list[tuple[object, list[object] | _Array]]) -> _Sample:
    """Columns by their names as text; a name that two of them have says of neither what it is."""
    times = Counter(str(name) for name, _ in columns)
    found = {str(name): _column(values) for name, values in columns}
    repeated = {name: _SampleColumn("repeated", np.empty(0), [], 0) for name in times if times[name] > 1}
    return _Sample({**found, **repeated}, named=True)


def _unnamed(values: list[object] | _Array, role: str) -> dict[str, _SampleColumn]:
    if isinstance(values, np.ndarray):
        if values.ndim == 1:
            return {_PLAIN: _column(values)}
        return {f"feature_{index}": _column(values[:, index]) for index in range(values.shape[1])}
    if values and all(isinstance(row, (list, tuple, np.ndarray)) for row in values):
        table = [list(row) for row in values if isinstance(row, (list, tuple, np.ndarray))]
        if len({len(row) for row in table}) > 1:
            raise ValueError(f"the rows of {role} differ in length")
        return {f"feature_{index}": _column(list(column)) for index, column in enumerate(zip(*table, strict=True))}
    return {_PLAIN: _column(values)}


def _sequence(sample: object, role: str, most_dimensions: int = 2) -> list[object] | _Array:
    if isinstance(sample, (list, tuple)):
        return list(sample)
    array = np.asarray(sample)
    if not 1 <= array.ndim <= most_dimensions:
        raise TypeError(f"{role} must be a sequence or a table of values")
    return array


def _column(values: list[object] | _Array) -> _SampleColumn:
    if isinstance(values, np.ndarray):
        if values.dtype.kind in "fiu":
            numbers = values.astype(np.float64)
            return _numeric(numbers[np.isfinite(numbers)], len(numbers))
        # Dates, durations, complex numbers and records have no place in either test.
        if values.dtype.kind in "mMcV" and len(values):
            return _SampleColumn("unusable", np.empty(0), [], 0)
        values = values.tolist()
    labels = [label for label in (_label(value) for value in values) if label is not None]
    kinds = {kind for kind, _ in labels}
    if kinds <= {"number"}:
        return _numeric(np.array([number for _, number in labels], dtype=np.float64), len(values))
    kind = "unusable" if "other" in kinds else "mixed" if "number" in kinds else "categorical"
    return _SampleColumn(kind, np.empty(0), labels, len(values) - len(labels))


def _numeric(finite: _Floats, total: int) -> _SampleColumn:
    kind = "continuous" if len(finite) else "missing" if total else "empty"
    return _SampleColumn(kind, finite, [], total - len(finite))


def _label(value: object) -> tuple[str, object] | None:
    """Return a value's kind and comparable form; None for a missing one (None, nan, infinity, beyond a float)."""
    if value is None:
        return None
    if isinstance(value, (bool, np.bool_)):
        return "truth", bool(value)
    if isinstance(value, (str, bytes)):
        return "text", value
    if isinstance(value, (float, int, Real, Decimal)):
        try:
            number = float(value)
        except (OverflowError, ValueError):
            return None
        return ("number", number) if math.isfinite(number) else None
    return "other", None


def _is_empty(sample: dict[str, _SampleColumn]) -> bool:
    return all(column.kind == "empty" for column in sample.values())


def _rows(sample: dict[str, _SampleColumn]) -> int:
    return max((column.size() for column in sample.values()), default=0)


def _compare(before: _SampleColumn, now: _SampleColumn) -> _DriftFinding:
    warnings = [
        f"{column.dropped} missing or non-finite values of the {role} sample were dropped"
        for role, column in (("reference", before), ("current", now))
        if column.dropped
    ]
    finding = _DriftFinding(before.size(), now.size(), warnings, before.kind if before.kind == now.kind else "mixed")
    if "empty" in (before.kind, now.kind):
        return _nothing(finding.n_reference, finding.n_current)
    if "repeated" in (before.kind, now.kind):
        role = "reference" if before.kind == "repeated" else "current"
        reason = f"not judged: more than one column of the {role} sample has this name"
        return replace(finding, warnings=[*warnings, reason])
    if before.kind != now.kind or before.kind not in ("continuous", "categorical"):
        reason = f"not judged: the reference sample is {before.kind} and the current one {now.kind}"
        return replace(finding, warnings=[*warnings, reason])
    return _ks(finding, before, now) if before.kind == "continuous" else _chi_square(finding, before, now)


def _nothing(n_reference: int, n_current: int) -> _DriftFinding:
    which = "both samples are" if not n_reference and not n_current else "one of the samples is"
    reason = f"{which} empty, so there is nothing to compare"
    return _DriftFinding(n_reference, n_current, [reason], "empty", score=0.0, drift=False)


def _ks(finding: _DriftFinding, before: _SampleColumn, now: _SampleColumn) -> _DriftFinding:
    reference, current = _thinned(before.numbers), _thinned(now.numbers)
    warnings = list(finding.warnings)
    if len(reference) < len(before.numbers) or len(current) < len(now.numbers):
        warnings.append(f"more than {_MOST} values: a fixed random sample of them was compared")
    if np.ptp(reference) == 0 or np.ptp(current) == 0:
        warnings.append("one of the samples is constant")
    result = stats.ks_2samp(reference, current)
    few = min(len(reference), len(current))
    # Complete separation is the clearest outcome; two of the C(n + m, n) equally likely orders show it.
    least_p = 2 / math.comb(len(reference) + len(current), few) if few <= _COUNTABLE else 0.0
    statistic, p_value = float(result.statistic), float(result.pvalue)
    return replace(
        finding,
        method="ks_2samp",
        statistic=statistic,
        p_value=p_value,
        score=statistic,
        warnings=warnings,
        least_p=least_p,
    )


def _thinned(numbers: _Floats) -> _Floats:
    if len(numbers) <= _MOST:
        return numbers
    # A fixed seed, so that the same data always gets the same answer; random, so that cycles in the data do not alias.
    return np.random.default_rng(0).choice(numbers, size=_MOST, replace=False)


def _chi_square(finding: _DriftFinding, before: _SampleColumn, now: _SampleColumn) -> _DriftFinding:
    counts, counts_now = Counter(before.labels), Counter(now.labels)
    names = list(dict.fromkeys([*counts, *counts_now]))
    table = np.array([[counts[name] for name in names], [counts_now[name] for name in names]], dtype=np.float64)
    warnings = list(finding.warnings)
    unseen = sum(name not in counts for name in names)
    if unseen:
        warnings.append(f"{unseen} categories of the current sample are not in the reference sample")
    statistic, p_value = 0.0, 1.0
    if len(names) > 1:
        result = stats.chi2_contingency(table, correction=False)
        statistic, p_value = float(result.statistic), float(result.pvalue)
        if float(np.mean(result.expected_freq < _EXPECTED)) > _SHARE_BELOW_EXPECTED:
            warnings.append("many categories are rare, so the p-value is approximate")
    score = _jensen_shannon(table[0] / table[0].sum(), table[1] / table[1].sum())
    return replace(finding, method="chi_square", statistic=statistic, p_value=p_value, score=score, warnings=warnings)


def _jensen_shannon(first: _Floats, second: _Floats) -> float:
    middle = (first + second) / 2
    total = 0.0
    for part in (first, second):
        seen = part > 0
        total += 0.5 * float(np.sum(part[seen] * np.log2(part[seen] / middle[seen])))
    # Rounding can leave the sum a hair outside of what it can be.
    return math.sqrt(min(max(total, 0.0), 1.0))


def _decide(finding: _DriftFinding, tests: int, limit: float) -> _DriftFinding:
    """Adjust the p-value for the number of tests and compare it with the level, where the samples allow it."""
    if finding.p_value is None or finding.score is None:
        return finding
    p_value = min(1.0, finding.p_value * tests)
    warnings = list(finding.warnings)
    few = min(finding.n_reference, finding.n_current)
    drift: bool | None = p_value < limit
    if few < _FEWEST:
        drift = None
        warnings.append(f"not judged: {few} usable values in one of the samples, and fewer than {_FEWEST} show nothing")
    elif finding.least_p * tests >= limit:
        drift = None
        warnings.append(f"not judged: samples this small cannot reach the level {limit}, however different they are")
    elif drift and finding.score < _SMALL_SCORE:
        warnings.append(f"the difference is clear but small (score {finding.score:.3f})")
    return replace(finding, p_value=p_value, drift=drift, warnings=warnings)


def _report(findings: dict[str, _DriftFinding], tests: int, limit: float, alone: list[str]) -> dict[str, object]:
    plain = list(findings) == [_PLAIN]
    drifts = [finding.drift for finding in findings.values()]
    types = {finding.data_type for finding in findings.values()}
    tested = [finding for finding in findings.values() if finding.p_value is not None]
    leading = min(tested or findings.values(), key=_order, default=_DriftFinding(0, 0, [], "unknown"))
    own = [text if plain else f"{name}: {text}" for name, finding in findings.items() for text in finding.warnings]
    return {
        # One feature that cannot be judged leaves the whole unknown, unless another one has drifted.
        "drift_detected": True if True in drifts else None if None in drifts or not drifts else False,
        "score": leading.score,
        "method": leading.method,
        "statistic": leading.statistic,
        "p_value": leading.p_value,
        "threshold": limit,
        "data_type": "mixed" if len(types) > 1 else leading.data_type,
        "confidence": 0.0 if leading.p_value is None else 1.0 - leading.p_value,
        "per_feature": {} if plain else {name: _entry(finding) for name, finding in findings.items()},
        "correction": "bonferroni" if tests > 1 else "none",
        "n_reference": max((finding.n_reference for finding in findings.values()), default=0),
        "n_current": max((finding.n_current for finding in findings.values()), default=0),
        "warnings": [*alone, *own],
    }


def _order(finding: _DriftFinding) -> tuple[bool, float, float]:
    """Features that were judged come first, then the smaller p-value, then the larger score."""
    return finding.drift is None, finding.p_value or 0.0, -(finding.score or 0.0)


def _entry(finding: _DriftFinding) -> dict[str, object]:
    return {
        "drift_detected": finding.drift,
        "score": finding.score,
        "method": finding.method,
        "statistic": finding.statistic,
        "p_value": finding.p_value,
        "data_type": finding.data_type,
        "n_reference": finding.n_reference,
        "n_current": finding.n_current,
        "warnings": finding.warnings,
    }


def _only(name: str, value: object, known: object) -> None:
    """Refuse a value of an option that this version knows nothing of; the caller gets the original's answer then."""
    if not (value is known or value == known):
        raise ValueError(f"this version supports only {name}={known!r}")
