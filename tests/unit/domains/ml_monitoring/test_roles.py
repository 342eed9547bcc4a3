import pytest

from poet_engine.domains import Declined, FunctionInfo, FunctionKind, Parameter
from poet_engine.domains.ml_monitoring.roles import Roles, assign


def assigned(*parameters: Parameter | str, handed_back: frozenset[str] = frozenset()) -> Roles | Declined:
    made = tuple(Parameter(entry) if isinstance(entry, str) else entry for entry in parameters)
    info = FunctionInfo(
        name="drift",
        qualname="drift",
        module="m",
        file="m.py",
        line=1,
        source="",
        source_digest="",
        parameters=made,
    )
    return assign(info, handed_back)


@pytest.mark.parametrize(
    ("names", "current", "reference"),
    [
        (("current_data", "reference_data"), "current_data", "reference_data"),
        (("train", "test"), "test", "train"),
        (("baseline", "live"), "live", "baseline"),
        (("X_ref", "X_cur"), "X_cur", "X_ref"),
        (("historicalValues", "recentValues"), "recentValues", "historicalValues"),
        (("expected", "actual"), "actual", "expected"),
        (("new_baseline", "old_baseline"), "new_baseline", "old_baseline"),
        (("current_production", "previous_production"), "current_production", "previous_production"),
        (("old_production", "new_production"), "new_production", "old_production"),
        (("data", "reference"), "data", "reference"),
        (("x", "baseline"), "x", "baseline"),
        (("current", "samples"), "current", "samples"),
    ],
)
def test_names_tell_the_two_samples_apart(names: tuple[str, ...], current: str, reference: str) -> None:
    roles = assigned(*names)
    assert isinstance(roles, Roles)
    assert (roles.current, roles.reference) == (current, reference)


@pytest.mark.parametrize(
    "names",
    [
        (),
        ("current",),
        ("a", "b"),
        ("data1", "data2"),
        ("current", "new"),
        ("baseline", "historical"),
        ("predicted", "actual"),
        ("model", "reference"),
        ("reference", "data", "values"),
        ("current_reference", "reference_current"),
    ],
)
def test_names_that_leave_a_doubt_are_declined_by_name(names: tuple[str, ...]) -> None:
    answer = assigned(*names)
    assert isinstance(answer, Declined)
    for name in names:
        assert repr(name) in answer.reason


@pytest.mark.parametrize("name", ["alpha", "significance_level", "threshold", "p_threshold", "pValueThreshold"])
def test_a_level_is_known_by_its_name(name: str) -> None:
    roles = assigned("current", "reference", Parameter(name, has_default=True, default="0.01"))
    assert isinstance(roles, Roles)
    assert roles.level == name
    assert roles.others == ()


@pytest.mark.parametrize(
    ("name", "default", "fits"),
    [
        ("threshold", "0.25", False),
        ("threshold", "0.2", True),
        ("alpha", "0.9", True),
        ("alpha", "1.0", False),
        ("alpha", "0", False),
        ("alpha", "None", True),
        ("alpha", "True", False),
        ("alpha", "'0.05'", False),
    ],
)
def test_a_default_that_can_be_no_level_is_declined(name: str, default: str, *, fits: bool) -> None:
    roles = assigned("current", "reference", Parameter(name, has_default=True, default=default))
    assert isinstance(roles, Roles) == fits


def test_two_levels_are_one_too_many() -> None:
    answer = assigned("current", "reference", "alpha", "threshold")
    assert isinstance(answer, Declined)
    assert "'alpha', 'threshold'" in answer.reason


def test_options_do_not_compete_with_the_samples() -> None:
    test = Parameter("test", FunctionKind.KEYWORD_ONLY, has_default=True, default="'ks'")
    roles = assigned("current", "reference", test)
    assert isinstance(roles, Roles)
    assert roles.others == (test,)


def test_a_sample_with_a_default_is_still_a_sample() -> None:
    roles = assigned("current", Parameter("reference", has_default=True, default="None"))
    assert isinstance(roles, Roles)
    assert roles.reference == "reference"


def test_a_label_that_is_handed_back_is_no_sample() -> None:
    assert isinstance(assigned("data", "reference", "name"), Declined)
    roles = assigned("data", "reference", "name", handed_back=frozenset({"name"}))
    assert isinstance(roles, Roles)
    assert (roles.current, roles.others) == ("data", (Parameter("name"),))
