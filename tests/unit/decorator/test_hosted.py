"""Functions that no version can stand for: they answer as before, say why once, and each call is recorded."""

import functools
import logging
import operator
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from poet_engine.decorator.handle import PoetHandle
from poet_engine.decorator.options import Options
from poet_engine.errors import SandboxUnavailableError

if TYPE_CHECKING:
    from tests.unit.decorator.conftest import Workshop

HEAD = "from poet_engine.decorator import poet\n\n\n"
IN_A_CLASS = HEAD + (
    "class Monitor:\n    limit = 1\n\n    @poet(domain='ml_monitoring')\n"
    "    def detect_drift(self, current, reference):\n"
    "        return {'drift_detected': self.limit}\n\n\n"
    "def detect_drift(current, reference):\n    return Monitor().detect_drift(current, reference)\n"
)
CLOSURE = HEAD + (
    "def make(limit):\n    @poet(domain='ml_monitoring')\n    def detect_drift(current, reference):\n"
    "        return {'drift_detected': limit}\n\n    return detect_drift\n\n\ndetect_drift = make(1)\n"
)
FREE_NAME = HEAD + (
    "LIMIT = [1]\n\n\n@poet(domain='ml_monitoring')\ndef detect_drift(current, reference):\n"
    "    return {'drift_detected': LIMIT[0]}\n"
)


def decorated(parameters: str = "current, reference", options: str = "domain='ml_monitoring'") -> str:
    return f"{HEAD}@poet({options})\ndef detect_drift({parameters}):\n    return {{'drift_detected': 1}}\n"


CASES = [
    pytest.param(IN_A_CLASS, "is a method", id="method"),
    pytest.param(CLOSURE, "defined anew by each call", id="closure"),
    pytest.param(FREE_NAME, "LIMIT", id="free name"),
    pytest.param(decorated("a, b"), "a", id="ambiguous roles"),
    pytest.param(decorated(options="domain='weather'"), "there is no domain 'weather'", id="unknown domain"),
    pytest.param(decorated(options="policy='nowhere'"), "nowhere", id="unknown policy"),
    pytest.param(decorated(options="domain=5"), "domain=5 is a int", id="domain of a wrong type"),
    pytest.param(decorated(options="domain='financial'"), "no built-in code yet", id="domain without code"),
]


@pytest.mark.parametrize(("text", "reason"), CASES)
def test_the_original_answers_and_says_why_once(
    workshop: "Workshop", caplog: pytest.LogCaptureFixture, text: str, reason: str
) -> None:
    """Two calls: two answers, one line in the log, two events that name the reason and judge nothing."""
    detect = workshop.load(text)
    assert [detect([1.0], [2.0]) for _ in range(2)] == [{"drift_detected": 1}] * 2
    said = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert len(said) == 1
    assert "is served by the original" in said[0]
    assert reason in said[0]
    events = workshop.events()
    assert [(e.payload.served_by, e.payload.version, e.payload.attempts) for e in events] == [
        ("original",) * 2 + (1,)
    ] * 2
    assert {(e.payload.status, e.payload.outcome) for e in events} == {("success", None)}
    assert reason in str(events[0].payload.fallback_reason)


def test_no_sandbox_stands(workshop: "Workshop", caplog: pytest.LogCaptureFixture) -> None:
    """The setting that stops it is named, nothing is stored, and the call is recorded beside the module."""
    workshop.refuses = SandboxUnavailableError("user namespaces are forbidden; set user.max_user_namespaces")
    detect = workshop.load()
    execution = detect.poet.call([1.0], [2.0])
    assert (execution.value, execution.served_by) == ({"drift_detected": False, "score": 0.0}, "original")
    assert "user.max_user_namespaces" in caplog.text
    assert len(workshop.events()) == 1
    assert detect.poet.event(execution.event_id) is not None


def test_a_bug_of_ours_costs_no_answer(workshop: "Workshop", caplog: pytest.LogCaptureFixture) -> None:
    """It is reported as one, with its traceback in the log."""
    workshop.refuses = RuntimeError("nobody thought of this")
    execution = workshop.load().poet.call([1.0], [2.0])
    assert execution.served_by == "original"
    assert "bug in poet" in str(execution.fallback_reason)
    assert any(record.exc_info for record in caplog.records)


TYPED: dict[str, object] = {}
exec("def typed(current, reference):\n    return 1\n", TYPED)  # noqa: S102 - how a prompt or a notebook defines one


class Detects:
    """An object that can be called."""

    def __call__(self, current: object, reference: object) -> int:
        """Answer."""
        del current, reference
        return 1


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        pytest.param(lambda _current, _reference: 1, "lambda", id="lambda"),
        pytest.param(TYPED["typed"], "interactive session", id="typed at a prompt"),
        pytest.param(operator.eq, "no Python source", id="builtin"),
        pytest.param(functools.partial(lambda _one, _two: 1), "no Python source", id="partial"),
        pytest.param(Detects(), "no Python source", id="callable object"),
    ],
)
def test_what_has_no_source_is_recorded_in_the_state_folder(
    workshop: "Workshop", caplog: pytest.LogCaptureFixture, function: Callable[[object, object], object], reason: str
) -> None:
    """There is no module to lie beside, so the event goes where POET_HOME points."""
    handle = PoetHandle(function, Options(domain="ml_monitoring"))
    assert handle.call(2, 2).value == 1
    assert handle.call(2, 2).value == 1
    assert len(caplog.records) == 1
    assert reason in caplog.text
    assert len(workshop.events("home/events/journal.db")) == 2


def test_a_module_that_changed_under_the_program(workshop: "Workshop", tmp_path: Path) -> None:
    """The function that runs is not the one in the file any more, so no version is written for either."""
    detect = workshop.load()
    (tmp_path / "monitoring.py").write_text("# all gone\n" * 3)
    assert detect([1.0], [2.0]) == {"drift_detected": False, "score": 0.0}
    assert "start the program again" in str(detect.poet.reason)


def test_a_second_decorator_inside_is_named(workshop: "Workshop", tmp_path: Path) -> None:
    """Another decorator's wrapper has no source of the user's; the remedy says where @poet belongs."""
    text = decorated().replace(
        "@poet(",
        "import functools\n\n\ndef other(f):\n    @functools.wraps(f)\n"
        "    def wrapper(*args):\n        return f(*args)\n    return wrapper\n\n\n@poet(",
    )
    detect = workshop.load(text.replace("def detect_drift", "@other\ndef detect_drift"))
    assert detect([1.0], [2.0]) == {"drift_detected": 1}
    assert "closest to the function" in str(detect.poet.reason)
    assert not (tmp_path / ".poet" / "detect_drift").exists()
