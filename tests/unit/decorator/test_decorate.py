"""Putting `@poet` on something: what survives, what is refused, and what it costs."""

import inspect
import pickle
import subprocess
import sys
import timeit
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from poet_engine.decorator import poet, wiring
from poet_engine.errors import UsageError

if TYPE_CHECKING:
    from tests.unit.decorator.conftest import Workshop

MOST_SECONDS = 0.001


def plain(left: int, right: int = 2, *, scale: float = 1.0) -> float:
    """Add and scale."""
    return (left + right) * scale


plain.__dict__["note"] = "the user's own"


@pytest.mark.usefixtures("workshop")
class TestWhatSurvives:
    def test_name_text_signature_and_annotations(self) -> None:
        """Everything by which people and tools know the function, and what the user had put on it."""
        wrapped = poet(plain)
        assert (wrapped.__name__, wrapped.__doc__, wrapped.__module__) == ("plain", "Add and scale.", __name__)
        assert vars(wrapped)["__wrapped__"] is plain
        assert vars(wrapped)["note"] == "the user's own"
        assert inspect.signature(wrapped) == inspect.signature(plain)

    def test_the_original_is_the_users_own_object(self) -> None:
        wrapped = poet(plain)
        assert wrapped.original is plain
        assert wrapped.original(1, scale=2.0) == 6.0

    def test_with_and_without_parentheses(self) -> None:
        """`@poet`, `@poet()` and `@poet(domain=…)` decorate alike."""
        assert [form(plain).original for form in (poet, poet(), poet(domain="base"))] == [plain] * 3

    def test_it_travels_to_other_processes_by_its_name(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """As multiprocessing needs it: what a module's name refers to is pickled as that name."""
        wrapped = poet(importable)
        monkeypatch.setattr(sys.modules[__name__], "importable", wrapped)
        assert pickle.loads(pickle.dumps(wrapped)) is wrapped  # noqa: S301 - our own bytes


def importable(value: int) -> int:
    return value


@pytest.mark.usefixtures("workshop")
class TestWrongUse:
    @pytest.mark.parametrize(
        ("timeout", "reason"),
        [
            ("soon", "expected a duration"),
            ("5 parsecs", "unknown unit 'parsecs'"),
            (-1, "out of range"),
            ("-1s", "negative"),
            (True, "expected a duration"),
            (float("nan"), "out of range"),
            (float("inf"), "out of range"),
            (0, "0 seconds"),
            ("0ms", "0 seconds"),
            ([5], "expected a duration"),
        ],
    )
    def test_a_timeout_that_is_none(self, timeout: str | float, reason: str) -> None:
        """Said when the function is decorated, with what would be right."""
        with pytest.raises(UsageError, match=reason):
            poet(timeout=timeout)

    def test_options_of_a_wrong_type(self) -> None:
        with pytest.raises(UsageError, match="policy"):
            poet(policy=5)  # type: ignore[call-overload]  # what a caller without a type checker may write
        with pytest.raises(UsageError, match="optimize_for"):
            poet(optimize_for=["speed"])  # type: ignore[call-overload]  # the same

    @pytest.mark.parametrize(
        ("option", "reason"),
        [
            ({"retries": -1}, "how many attempts follow the first one"),
            ({"retries": True}, "how many attempts"),
            ({"retries": 2.0}, "how many attempts"),
            ({"idempotent": 1}, "True, False or None"),
            ({"retry_on": "ConnectionError"}, "exception classes"),
            ({"retry_on": (ConnectionError, KeyboardInterrupt)}, "exception classes"),
            ({"retry_on": ConnectionError()}, "exception classes"),
        ],
    )
    def test_retries_that_are_none(self, option: dict[str, object], reason: str) -> None:
        with pytest.raises(UsageError, match=reason):
            poet(**option)  # type: ignore[call-overload]  # what a caller without a type checker may write

    @pytest.mark.parametrize(
        ("thing", "reason"),
        [
            ("ml_monitoring", "name options by keyword"),
            (int, "not on the class int"),
            (staticmethod(plain), "put @staticmethod above @poet"),
            (classmethod(lambda _kind: 1), "put @classmethod above @poet"),
        ],
    )
    def test_what_is_no_function(self, thing: Callable[[int], int], reason: str) -> None:
        """Each of these would break in a less obvious way later."""
        with pytest.raises(UsageError, match=reason):
            poet(thing)


def test_without_the_assembly_it_says_which_import_is_meant() -> None:
    """At decoration, since no call could be answered."""
    before, later = list(wiring._installed), list(wiring._installers)
    wiring._installed.clear()
    wiring._installers.clear()
    try:
        with pytest.raises(UsageError, match="import poet from poet_engine"):
            poet(plain)
    finally:
        wiring._installed[:], wiring._installers[:] = before, later


class TestKindsOfFunctions:
    """Functions and static methods have versions; what gets an object or is none of `def` is served by the original."""

    TEXT = (
        "import functools\n\nfrom poet_engine.decorator import poet\n\n\n"
        "def other(function):\n    @functools.wraps(function)\n    def around(*args):\n"
        "        return {**function(*args), 'around': True}\n\n    return around\n\n\n"
        "class Monitor:\n    limit = 1\n\n"
        "    @poet(domain='ml_monitoring')\n    def method(self, current, reference):\n"
        "        return {'drift_detected': self.limit}\n\n"
        "    @classmethod\n    @poet(domain='ml_monitoring')\n    def of_class(cls, current, reference):\n"
        "        return {'drift_detected': cls.limit}\n\n"
        "    @staticmethod\n    @poet(domain='ml_monitoring')\n    def static(current, reference):\n"
        "        return {'drift_detected': 1}\n\n"
        "    @property\n    @poet(domain='ml_monitoring')\n    def value(self):\n        return self.limit\n\n\n"
        "@other\n@poet(domain='ml_monitoring')\ndef wrapped(current, reference):\n"
        "    return {'drift_detected': 1}\n\n\n"
        "@poet(domain='ml_monitoring')\ndef keywords(*, current, reference):\n    return {'drift_detected': 1}\n\n\n"
        "@poet(domain='base')\ndef numbers(current, reference):\n    yield current\n    yield reference\n\n\n"
        "method, of_class, static = Monitor().method, Monitor().of_class, Monitor.static\n"
        "value = functools.partial(getattr, Monitor(), 'value')\n"
    )

    @pytest.mark.parametrize("kind", ["method", "of_class"])
    def test_what_gets_an_object_is_served_by_the_original(self, workshop: "Workshop", kind: str) -> None:
        detect = workshop.load(self.TEXT, function=kind)
        assert detect([1.0], [2.0]) == {"drift_detected": 1}
        assert "is a method" in str(detect.poet.reason)
        assert workshop.jobs == []

    @pytest.mark.parametrize("kind", ["static", "wrapped"])
    def test_what_gets_none_has_a_version(self, workshop: "Workshop", kind: str) -> None:
        detect = workshop.load(self.TEXT, function=kind)
        found = detect([1.0], [2.0])
        assert isinstance(found, dict)
        assert found["drift_detected"] is True
        assert detect.poet.reason is None
        assert (workshop.jobs[0].entry, workshop.jobs[0].args) == (kind, ([1.0], [2.0]))

    def test_keywords_arrive_as_keywords(self, workshop: "Workshop") -> None:
        detect = workshop.load(self.TEXT, function="keywords")
        assert detect(current=[1.0], reference=[2.0]) == {"drift_detected": True}
        assert workshop.jobs[0].kwargs == {"current": [1.0], "reference": [2.0]}

    def test_a_property_is_read(self, workshop: "Workshop") -> None:
        assert workshop.load(self.TEXT, function="value")() == 1

    def test_a_generator_function_gives_its_generator(self, workshop: "Workshop") -> None:
        found = workshop.load(self.TEXT, function="numbers")(1, 2)
        assert isinstance(found, Iterator)
        assert list(found) == [1, 2]

    def test_a_handle_among_the_arguments_stays_here(self, workshop: "Workshop", tmp_path: Path) -> None:
        """An open file cannot travel: the original answers for this very call."""
        detect = workshop.load(self.TEXT, function="wrapped")
        with (tmp_path / "open").open("w") as file:
            execution = detect.poet.call([1.0], file)
        assert (execution.served_by, execution.attempts) == ("original", 0)
        assert "cannot travel" in str(execution.fallback_reason)


def test_a_static_method_below_its_own_decorator_works(workshop: "Workshop") -> None:
    """`@staticmethod` above `@poet` answers through the class and through an object."""
    text = (
        "from poet_engine.decorator import poet\n\n\nclass Monitor:\n    @staticmethod\n    @poet(domain='base')\n"
        "    def check(current, reference):\n        return current\n\n    @poet(domain='base')\n"
        "    def own(self, reference):\n        return self.limit, reference\n\n    limit = 1\n\n\n"
        "check, own = Monitor().check, Monitor().own\n"
    )
    assert workshop.load(text, function="check")(1, 2) == 1
    assert workshop.load(text, function="own")(2) == (1, 2)


def test_decoration_costs_less_than_a_millisecond(workshop: "Workshop") -> None:
    """And it reads no file, opens nothing and asks nobody. The best of a few tries is what it costs."""
    best = min(timeit.repeat(lambda: poet(domain="ml_monitoring", timeout="5s")(plain), number=20, repeat=5)) / 20
    assert best < MOST_SECONDS
    assert workshop.engines == []


def test_decoration_loads_nothing_heavy(tmp_path: Path) -> None:
    """A program that decorates and does not call pays for no scanner, no numbers and no settings."""
    program = (
        "import sys\nfrom poet_engine import poet\nbefore = set(sys.modules)\n"
        "poet(domain='ml_monitoring', timeout='5s', policy='data')(lambda a, b: a)\n"
        "print(sorted(set(sys.modules) - before))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout == "[]\n"
    assert list(tmp_path.iterdir()) == []
