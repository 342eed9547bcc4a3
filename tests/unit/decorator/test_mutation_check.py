"""Functions that change their arguments, as their trials show."""

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.decorator.conftest import Workshop

HEAD = "import bisect\n\nfrom poet_engine.decorator import poet\n\n\n"
BODY = (
    "@poet(domain='ml_monitoring')\n{0}def detect_drift(current, reference: 'list[float]'):\n"
    "    {1}\n    return {{'drift_detected': False}}\n"
)


@pytest.mark.parametrize("asynchronous", ["", "async "])
@pytest.mark.parametrize(
    ("statement", "changed"),
    [
        ("current.append(1.0)", "current"),
        ("reference.clear()", "reference"),
        ("bisect.insort(reference, 0.5)", "reference"),
        ("current.append(1.0); [][1]", "current"),
    ],
)
def test_the_original_serves_and_the_reason_names_the_argument(
    workshop: "Workshop", statement: str, changed: str, asynchronous: str
) -> None:
    """The caller may count on the change; also where the body calls another function, or raises, to make it."""
    reason = workshop.load(HEAD + BODY.format(asynchronous, statement)).poet.reason
    assert f"changes its argument {changed!r}" in str(reason)
    assert (workshop.trials, list(workshop.folder.glob(".poet/detect_drift/v*"))) == ([], [])


@pytest.mark.parametrize("statement", ["current = [*current, 1.0]", "current = list(current); current.sort()", "[][1]"])
def test_a_function_that_works_on_a_copy_has_a_version(workshop: "Workshop", statement: str) -> None:
    """The control: it was tried as well."""
    assert workshop.load(HEAD + BODY.format("", statement)).poet.reason is None
    assert len(workshop.observed) == 3


@pytest.mark.parametrize("rule", ['allow = ["a.example:443"]', 'allow_private = ["10.1.2.3:443"]'])
def test_a_body_that_may_reach_the_network_is_not_tried(workshop: "Workshop", rule: str) -> None:
    """It would send what nobody asked it to send."""
    text = f'extends = "data"\n[network]\n{rule}\n'
    policy = f"from poet_engine import Policy\n\nPOLICY = Policy.parse({text!r})\n\n\n"
    body = BODY.replace("'ml_monitoring'", "'ml_monitoring', policy=POLICY").format("", "current.append(1.0)")
    assert workshop.load(HEAD + policy + body).poet.reason is None
    assert (workshop.observed, len(workshop.trials)) == ([], 3)
