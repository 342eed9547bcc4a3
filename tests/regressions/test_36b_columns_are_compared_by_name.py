"""Data frames are compared by the names of their columns (case 36b: swapped columns were drift)."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tests.regressions.modules import loaded

from poet_engine._equality import same
from poet_engine.domains.ml_monitoring.two_sample import _judge

RNG = np.random.default_rng(0)
AGE, INCOME = RNG.normal(40, 10, 300), RNG.normal(50_000, 9_000, 300)
PEOPLE = pd.DataFrame({"age": AGE, "income": INCOME})
SWAPPED = PEOPLE[["income", "age"]]
RICHER = SWAPPED.assign(income=SWAPPED["income"] * 2)
RECORDS = [("age", "f8"), ("income", "f8")]
FORMS: dict[str, Callable[[pd.DataFrame], object]] = {
    "frame": lambda frame: frame,
    "mapping of lists": lambda frame: {name: frame[name].tolist() for name in frame},
    "mapping of arrays": lambda frame: {name: frame[name].to_numpy() for name in frame},
    "mapping of columns": lambda frame: {name: frame[name] for name in frame},
    "list of mappings": lambda frame: frame.to_dict("records"),
    "array with fields": lambda frame: np.array(
        [tuple(row) for row in frame.to_numpy()], dtype=[(str(name), "f8") for name in frame.columns]
    ),
}


def told(report: dict[str, object]) -> str:
    warnings = report["warnings"]
    assert isinstance(warnings, list)
    return "\n".join(warnings)


@pytest.mark.parametrize("reference", FORMS)
@pytest.mark.parametrize("current", FORMS)
def test_the_order_of_columns_is_no_drift(current: str, reference: str) -> None:
    """In whatever form the two samples come; a change of one column is drift of that column."""
    report = _judge(FORMS[current](SWAPPED), FORMS[reference](PEOPLE))
    assert (report["drift_detected"], told(report)) == (False, "")
    report = _judge(FORMS[current](RICHER), FORMS[reference](PEOPLE))
    assert report["drift_detected"] is True
    features = report["per_feature"]
    assert isinstance(features, dict)
    assert {name: one["drift_detected"] for name, one in features.items()} == {"age": False, "income": True}


@pytest.mark.parametrize("form", FORMS)
def test_a_column_of_one_side_only_is_told_by_name(form: str) -> None:
    """Which side has it is said; the others are compared."""
    report = _judge(FORMS[form](PEOPLE.assign(height=1.0)), PEOPLE.rename(columns={"age": "years"}))
    assert "'years' is only in the reference sample" in told(report)
    assert "'height' is only in the current sample" in told(report)
    assert "'age' is only in the current sample" in told(report)
    assert report["drift_detected"] is False
    assert _judge(FORMS[form](PEOPLE[["age"]]), PEOPLE[["income"]])["drift_detected"] is None


def test_columns_of_other_types_are_told_by_name() -> None:
    report = _judge(PEOPLE.assign(age=PEOPLE["age"].astype(str)), PEOPLE)
    assert report["drift_detected"] is None
    assert "age: not judged: the reference sample is continuous and the current one categorical" in told(report)
    dates = PEOPLE.assign(age=pd.date_range("2020-01-01", periods=300))
    assert "age: not judged" in told(_judge(dates, PEOPLE))


@pytest.mark.parametrize("kind", ["int64", "int32", "float32", "object"])
def test_numbers_are_numbers_whatever_type_holds_them(kind: str) -> None:
    whole = PEOPLE.round()
    assert _judge(whole.astype(np.dtype(kind))[["income", "age"]], whole)["drift_detected"] is False


def test_a_name_that_two_columns_have_is_not_judged() -> None:
    """Neither of them is taken for the other; another column may still have drifted."""
    twice = pd.concat([PEOPLE, PEOPLE[["age"]] + 100], axis=1)
    for current, reference, role in ((twice, PEOPLE, "current"), (PEOPLE, twice, "reference")):
        report = _judge(current, reference)
        assert report["drift_detected"] is None
        assert f"age: not judged: more than one column of the {role} sample has this name" in told(report)
    assert _judge(twice.assign(income=0.0), PEOPLE)["drift_detected"] is True
    assert _judge(pd.DataFrame({1: AGE, "1": INCOME}), pd.DataFrame({1: AGE}))["drift_detected"] is None


def test_columns_without_names_are_taken_in_their_order_and_that_is_told() -> None:
    """As where the one sample is a frame and the other its values."""
    for current, reference, role in ((PEOPLE.to_numpy(), PEOPLE, "current"), (PEOPLE, PEOPLE.to_numpy(), "reference")):
        report = _judge(current, reference)
        assert report["drift_detected"] is False
        assert f"the {role} sample has no names for its columns, so they were taken in the order" in told(report)
    assert _judge(SWAPPED.to_numpy(), PEOPLE)["drift_detected"] is True
    report = _judge(PEOPLE.to_numpy(), PEOPLE.assign(height=1.0))
    assert report["drift_detected"] is None
    assert "not as many as the other one" in told(report)


def test_rows_of_plain_numbers_stay_as_they_were() -> None:
    """The control: two arrays have nothing but the order of their columns."""
    assert _judge(PEOPLE.to_numpy(), PEOPLE.to_numpy())["drift_detected"] is False
    assert _judge(SWAPPED.to_numpy(), PEOPLE.to_numpy())["drift_detected"] is True


def test_answers_with_columns_in_another_order_are_not_the_same() -> None:
    """A caller reads an answer by position as well: `iloc` and `to_csv` differ."""
    assert same(PEOPLE, PEOPLE.copy()) is True
    assert same(PEOPLE, SWAPPED) is False
    assert same({"frame": PEOPLE}, {"frame": SWAPPED}) is False


STUB = """\
from poet_engine import poet


@poet(domain="ml_monitoring")
def detect_drift(current, reference):
    return {"drift_detected": False}
"""


@pytest.mark.sandbox
def test_in_the_sandbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Frames arrive there with their names."""
    monkeypatch.setenv("POET_HOME", str(tmp_path / "home"))
    detect = vars(loaded(tmp_path / "monitoring_of_frames.py", STUB))["detect_drift"]
    detect.poet.prepare()
    for current, drifted in ((SWAPPED, False), (RICHER, True), (PEOPLE.to_dict("list"), False)):
        execution = detect.poet.call(current, PEOPLE)
        assert (execution.served_by, execution.value["drift_detected"]) == ("generated", drifted)
