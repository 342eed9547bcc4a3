"""The smallest acceptance set that needs no model: retried until it answers, and refused before the body runs."""

import random  # noqa: TID251 - the user's own function, with a seed
from typing import TYPE_CHECKING

import pytest

from poet_engine import InputRefused

if TYPE_CHECKING:
    from tests.unit.decorator.conftest import Detector, Workshop

HEAD = "from poet_engine.decorator import poet\n\n\n"
UNRELIABLE = (
    "import random\n\nRANDOM = random.Random(7)\nCALLS = []\n\n\n@poet(retries=None, idempotent=True)\n"
    "def unreliable_api_call():\n"
    "    CALLS.append(1)\n    if RANDOM.random() < 0.7:\n        raise ConnectionError('try again')\n"
    "    return {'status': 'ok'}\n"
)
POSITIVE = (
    'RAN = []\n\n\n@poet\n{}def add_positive_numbers(a, b):\n    """Add two numbers. Both must be positive."""\n'
    "    RAN.append((a, b))\n    return a + b\n"
)
DIVIDE = "@poet\ndef divide(a: float, b: float) -> float:\n    {}return a / b\n"


def test_an_unreliable_call_is_retried_until_it_answers(workshop: "Workshop") -> None:
    """Two hundred calls that fail with probability 0.7: all of them answer, each within its deadline."""
    call: Detector = workshop.load(HEAD + UNRELIABLE, "api", "unreliable_api_call")
    for _ in range(200):
        began = workshop.clock.now
        assert call() == {"status": "ok"}
        assert workshop.clock.now - began < 5.0
        workshop.clock.advance(1.0)
    attempts = len(call.original.__globals__["CALLS"])
    assert random.Random(7).random() < 0.7  # noqa: S311 - the very first attempt failed
    assert attempts > 500
    assert sum(event.payload.attempts or 0 for event in workshop.events()) == attempts


@pytest.mark.parametrize(("a", "b", "named"), [(-1, 2, "a"), (1, 0, "b"), ("1", 2, "a"), (1, None, "b")])
def test_what_is_not_positive_is_refused_before_the_body_runs(
    workshop: "Workshop", a: object, b: object, named: str
) -> None:
    """The error names the argument and the rule; it is a ValueError; the event has it as a refusal of the caller."""
    add: Detector = workshop.load(HEAD + POSITIVE.format(""), "adding", "add_positive_numbers")
    with pytest.raises(InputRefused, match=f"{named}: must be positive") as caught:
        add(a, b)
    assert isinstance(caught.value, ValueError)
    assert add.original.__globals__["RAN"] == []
    payload = workshop.events()[0].payload
    assert (payload.status, payload.outcome, payload.served_by, payload.attempts) == ("failure", "refused", "none", 0)
    assert payload.error is not None
    assert payload.error.type == "InputRefused"
    assert add(1, 2.5) == 3.5


@pytest.mark.parametrize(
    "said",
    [
        "",
        '"""Divide a by b, where b must not be zero."""\n    ',
        '"""Args:\n        b: Must not be zero.\n    """\n    ',
    ],
)
@pytest.mark.parametrize("zero", ["0", "0.0", "-0.0"])
def test_a_zero_is_refused_and_never_infinite(workshop: "Workshop", said: str, zero: str) -> None:
    """Whether the docstring says so or only the division does; whoever caught ZeroDivisionError still does."""
    divide: Detector = workshop.load(HEAD + DIVIDE.format(said), "dividing", "divide")
    with pytest.raises(InputRefused, match="b: must not be zero"):
        divide(1.0, float(zero))
    with pytest.raises(ZeroDivisionError):
        divide(1.0, float(zero))
    assert divide(1.0, 4.0) == 0.25


def test_a_function_that_handles_zero_is_left_to_it(workshop: "Workshop") -> None:
    text = DIVIDE.format("").replace("return a / b", "return a / b if b else 0.0")
    divide: Detector = workshop.load(HEAD + text, "dividing", "divide")
    assert divide(1.0, 0.0) == 0.0


def test_a_version_in_the_sandbox_is_not_asked_either(workshop: "Workshop") -> None:
    """The rules stand in front of generated code as of the original."""
    text = (
        '@poet(domain="ml_monitoring")\ndef detect_drift(current, reference, alpha: float = 0.05):\n'
        '    """Tell whether data has drifted. alpha must be between 0 and 1."""\n'
        "    return {'drift_detected': False}\n"
    )
    detect: Detector = workshop.load(HEAD + text)
    with pytest.raises(InputRefused, match="alpha: must be between 0 and 1"):
        detect([1.0], [2.0], alpha=5)
    with pytest.raises(InputRefused, match="alpha: must be float"):
        detect([1.0], [2.0], alpha="0.05")
    assert workshop.jobs == []
    assert detect([1.0], [2.0], alpha=0.01) == {"drift_detected": True}
