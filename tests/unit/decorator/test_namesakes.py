"""Two modules of one folder with functions of the same name: their calls, their numbers and feedback do not mix."""

import dataclasses
from typing import TYPE_CHECKING

import pytest
from tests.unit.decorator.conftest import DETECTOR

from poet_engine.decorator.once_logger import transition_payload
from poet_engine.errors import UsageError
from poet_engine.events import BreakerPayload, FeedbackEvent
from poet_engine.journal import Journal
from poet_engine.resilience.breaker import BreakerRegistry, BreakerSettings

if TYPE_CHECKING:
    from tests.unit.decorator.conftest import Detector, Workshop

METHOD = (
    "from poet_engine.decorator import poet\n\n\nclass Cart:\n    @poet\n"
    "    def total(self):\n        return 1\n\n\ntotal = Cart.total\n"
)


def called(workshop: "Workshop", module: str, times: int) -> "Detector":
    detect = workshop.load(name=module)
    for _ in range(times):
        detect([1.0], [2.0])
    return detect


class TestVersions:
    def test_each_has_its_own_numbers(self, workshop: "Workshop") -> None:
        """The name in the events stays what it was; the module beside it tells them apart."""
        first, second = called(workshop, "first", 2), called(workshop, "second", 3)
        assert [event.payload.function_name for event in workshop.events()] == ["detect_drift"] * 5
        assert [event.payload.module for event in workshop.events()] == ["first"] * 2 + ["second"] * 3
        found = [detect.poet.metrics() for detect in (first, second)]
        assert [[(one.module, one.calls) for one in ones] for ones in found] == [[("first", 2)], [("second", 3)]]

    def test_the_last_calls_are_its_own_last_calls(self, workshop: "Workshop") -> None:
        """However many the other one has made since."""
        first = called(workshop, "first", 2)
        called(workshop, "second", 5)
        assert [one.calls for one in first.poet.metrics(calls=2)] == [2]

    def test_feedback_is_about_its_own_calls(self, workshop: "Workshop") -> None:
        first, second = called(workshop, "first", 1), called(workshop, "second", 1)
        execution = second.poet.call([1.0], [2.0])
        with pytest.raises(UsageError, match="has no call"):
            first.poet.feedback(execution.execution_id, rating=1)
        event = second.poet.event(second.poet.feedback(execution.execution_id, rating=1))
        assert isinstance(event, FeedbackEvent)
        assert (event.payload.function_name, event.payload.module) == ("detect_drift", "second")


class TestOriginals:
    def test_they_are_told_apart_without_any_version(self, workshop: "Workshop") -> None:
        """A method has no folder of its own; the module is in its events all the same."""
        first, second = (workshop.load(METHOD, name, "total") for name in ("first", "second"))
        for detect, times in ((first, 1), (second, 2)):
            for _ in range(times):
                detect(object())
        assert [[one.calls for one in detect.poet.metrics()] for detect in (first, second)] == [[1], [2]]


def test_events_that_name_no_module_are_of_the_one_with_the_plain_folder(workshop: "Workshop") -> None:
    """Those that an earlier program has left, when only versions were told apart."""
    first, second = called(workshop, "first", 1), called(workshop, "second", 1)
    names = sorted(path.name for path in (workshop.folder / ".poet").iterdir() if path.is_dir())
    assert names == ["detect_drift", "events", "second.detect_drift"]
    older = workshop.events()[0]
    with Journal.open(workshop.folder / ".poet" / "events" / "journal.db") as journal:
        for number in range(3):
            payload = dataclasses.replace(older.payload, execution_id=f"older-{number}", module=None)
            journal.record(dataclasses.replace(older, id=f"event-{number}", payload=payload))
    assert [(one.module, one.calls) for one in first.poet.metrics()] == [("first", 4)]
    assert [(one.module, one.calls) for one in second.poet.metrics()] == [("second", 1)]
    first.poet.feedback("older-0", rating=1)
    with pytest.raises(UsageError, match="has no call"):
        second.poet.feedback("older-0", rating=1)


@pytest.mark.parametrize(("text", "name"), [(DETECTOR, "detect_drift"), (METHOD, "total")])
def test_breakers_are_named_as_the_events_of_their_calls(workshop: "Workshop", text: str, name: str) -> None:
    """Of versions and of originals alike, whatever their folders are called."""
    told: list[BreakerPayload] = []
    workshop.breakers = BreakerRegistry(
        lambda _key: BreakerSettings(),
        clock=workshop.clock,
        wall_clock=lambda: 0.0,
        random=lambda: 0.5,
        on_transition=lambda key, transition: told.append(transition_payload(key, transition)),
    )
    for module in ("first", "second"):
        workshop.load(text, module, name)([1.0], *([[2.0]] if text is DETECTOR else []))
    for breaker in workshop.breakers:
        breaker.force_open("looks odd")
    calls = [(event.payload.function_name, event.payload.module) for event in workshop.events()]
    assert [module for _name, module in calls] == ["first", "second"]
    assert [(one.function_name, one.module) for one in told if not one.function_name.startswith("backend")] == calls
    assert {one.module for one in told if one.function_name.startswith("backend")} <= {None}
