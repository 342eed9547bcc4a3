"""`adopt` refuses code that cannot stand for the function: nothing is stored, and what served before serves on."""

import pytest
from tests.unit.decorator.conftest import Workshop

from poet_engine.errors import UsageError

FUNCTION = """\
from poet_engine.decorator import poet


@poet({options})
{kind}def detect_drift({parameters}):
    return {{"drift_detected": False}}
"""
BODY = "    return {'drift_detected': True}\n"
REFUSED = {
    "": "there is no code to adopt",
    "  \n\n": "there is no code to adopt",
    "# nothing but a comment\n": "has no function detect_drift",
    "def detect(current, reference):\n" + BODY: "has no function detect_drift at its top level",
    "class A:\n    def detect_drift(self, current, reference):\n        return 1\n": "has no function detect_drift",
    "def outer():\n    def detect_drift(current, reference):\n        return 1\n    return 1\n": "has no function",
    "detect_drift = 5\n": "is not written with `def`",
    "detect_drift = lambda current, reference: 1\n": "is not written with `def`",
    "class detect_drift:\n    pass\n": "is not written with `def`",
    "def detect_drift(current, reference):\n" + BODY + "\n\ndetect_drift = None\n": "is not written with `def`",
    "from math import sqrt as detect_drift\n": "is not written with `def`",
    "async def detect_drift(current, reference):\n" + BODY: "is a plain `def`",
    "def detect_drift(current, reference):\n    yield 1\n": "is a generator",
    "def detect_drift(current, reference:\n" + BODY: "on line 1",
    "def detect_drift(current):\n" + BODY: "takes no 'reference' at position 2",
    "def detect_drift():\n" + BODY: "takes no 'current' at position 1",
    "def detect_drift(reference, current):\n" + BODY: "takes 'reference' where 'current' belongs",
    "def detect_drift(a, b):\n" + BODY: "takes 'a' where 'current' belongs",
    "def detect_drift(current, reference, alpha):\n" + BODY: "cannot be called without 'alpha'",
    "def detect_drift(current, reference, *, alpha):\n" + BODY: "cannot be called without 'alpha'",
    "def detect_drift(current, reference, /):\n" + BODY: "does not take 'current' by its name",
    "def detect_drift(current, *, reference):\n" + BODY: "takes no 'reference' at position 2",
    "def detect_drift(*samples):\n" + BODY: "does not take 'current' by its name",
}
TAKEN = [
    "def detect_drift(current, reference):\n" + BODY,
    "def detect_drift(current, reference, alpha=0.05):\n" + BODY,
    "def detect_drift(current, reference, *rest, alpha=0.05, **kwargs):\n" + BODY,
    "def detect_drift(*args, **kwargs):\n" + BODY,
    "def detect_drift(current=None, reference=None):\n" + BODY,
    "import math\n\nif math.pi > 3:\n    def detect_drift(current, reference):\n        return 1\n",
    "detect_drift = None\n\n\ndef detect_drift(current, reference):\n" + BODY,
]


def function(kind: str = "", parameters: str = "current, reference", options: str = "domain='ml_monitoring'") -> str:
    return FUNCTION.format(kind=kind, parameters=parameters, options=options)


@pytest.mark.parametrize("code", REFUSED)
def test_what_cannot_stand_for_the_function_is_refused(workshop: Workshop, code: str) -> None:
    """The error says what is wrong with it; v1 serves on."""
    detect = workshop.load(function())
    assert detect.poet.current is not None
    with pytest.raises(UsageError) as caught:
        detect.poet.adopt(code)
    assert REFUSED[code] in str(caught.value)
    assert [version.name for version in detect.poet.versions()] == ["v1"]
    assert detect.poet.call([1.0], [2.0]).version == "v1"
    assert workshop.load(function()).poet.call([1.0], [2.0]).version == "v1"


@pytest.mark.parametrize("code", TAKEN)
def test_what_can_take_every_call_is_stored(workshop: Workshop, code: str) -> None:
    """The control: also with more parameters than callers know of."""
    detect = workshop.load(function())
    assert detect.poet.adopt(code).name == "v2"


@pytest.mark.parametrize(
    ("parameters", "code", "complaint"),
    [
        ("current, reference, alpha=0.05", "current, reference", "takes no 'alpha' at position 3"),
        ("current, reference, alpha=0.05", "current, reference, alpha", "cannot be called without 'alpha'"),
        ("current, reference, alpha=0.05", "current, reference, *, alpha=1", "takes no 'alpha' at position 3"),
        ("current, reference, alpha=0.05", "current, reference, alpha=1", None),
        ("current, reference, *, alpha=0.05", "current, reference, alpha=1", None),
        ("current, reference, *, alpha", "current, reference, *, alpha", None),
        ("current, reference, /", "a, b", None),
        ("current, reference, *rest", "current, reference", "does not take *rest"),
        ("current, reference, **rest", "current, reference", "does not take **rest"),
        ("current, reference, *rest, **more", "current, reference, *a, **b", None),
    ],
)
def test_signatures(workshop: Workshop, parameters: str, code: str, complaint: str | None) -> None:
    """Every call that fits the function fits what is adopted, or it is refused."""
    detect = workshop.load(function("", parameters, "domain='base'"))
    text = f"def detect_drift({code}):\n{BODY}"
    if complaint is None:
        assert detect.poet.adopt(text).name == "v1"
        return
    with pytest.raises(UsageError) as caught:
        detect.poet.adopt(text)
    assert complaint in str(caught.value)
    assert detect.poet.versions() == []


def test_a_plain_function_does_not_stand_for_an_async_one(workshop: Workshop) -> None:
    detect = workshop.load(function("async "))
    with pytest.raises(UsageError, match="is an `async def`"):
        detect.poet.adopt("def detect_drift(current, reference):\n" + BODY)
    assert detect.poet.adopt("async def detect_drift(current, reference):\n" + BODY).name == "v2"


def test_under_plain_poet_code_is_adopted_by_name_and_serves(workshop: Workshop) -> None:
    """Somebody has asked for this very version; it serves in the next program as well."""
    text = function(options="")
    detect = workshop.load(text)
    assert detect.poet.call([1.0], [2.0]).served_by == "original"
    with pytest.raises(UsageError, match="has no function"):
        detect.poet.adopt("x = 1\n")
    assert detect.poet.adopt("def detect_drift(current, reference):\n" + BODY).name == "v1"
    for one in (detect, workshop.load(text)):
        assert one.poet.call([1.0], [2.0]).version == "v1"


def test_what_is_no_text_is_refused(workshop: Workshop) -> None:
    with pytest.raises(UsageError, match="takes the text of a module, not a NoneType"):
        workshop.load(function()).poet.adopt(None)  # type: ignore[arg-type]  # what callers without types may do
