"""Scenarios of resilience4j's circuit breaker, as a table: what it documents, and what its state machine does.

Each step is one line: what happens, and what must be so then. Where we differ on purpose, the scenario says so. The
module is in one piece, as the table is: it is there to be read beside the reference.
"""

import dataclasses
import threading
from collections.abc import Callable, Sequence
from typing import Literal

import pytest

from poet_engine.resilience.breaker import Breaker, BreakerSettings, Permit, Refused, State, Transition

Call = Literal["ok", "fail", "slow", "slow_fail"]
SLOW = 2.0  # seconds; a call that takes as long is not slow yet

CLOSED, OPEN, HALF_OPEN = State.CLOSED, State.OPEN, State.HALF_OPEN


class Bench:
    """A breaker with a clock that the test turns, and the permits that were taken and not told about."""

    def __init__(self, settings: BreakerSettings, chance: float = 0.5) -> None:
        self.now = 1000.25  # not the beginning of a second
        self.told: list[Transition] = []
        self.breaker = Breaker(
            "bench", settings, clock=lambda: self.now, random=lambda: chance, on_transition=self.told.append
        )
        self.held: list[Permit] = []

    def take(self) -> Permit:
        answer = self.breaker.acquire()
        assert isinstance(answer, Permit), answer
        return answer

    def record(self, permit: Permit, call: Call) -> None:
        duration = SLOW + 0.001 if call.startswith("slow") else SLOW
        self.breaker.record(permit, failed=call.endswith("fail"), duration=duration)


Step = Callable[[Bench], None]


def calls(*kinds: Call) -> Step:
    def step(bench: Bench) -> None:
        for kind in kinds:
            bench.record(bench.take(), kind)

    return step


def state(expected: State) -> Step:
    def claim(bench: Bench) -> None:
        assert bench.breaker.state is expected, bench.breaker

    return claim


def rates(failure: float | None, slow: float | None) -> Step:
    def claim(bench: Bench) -> None:
        found = bench.breaker.statistics()
        assert (found.failure_rate, found.slow_call_rate) == (failure, slow)

    return claim


def held_calls(count: int) -> Step:
    """Calls that go through and have not ended."""
    return lambda bench: bench.held.extend(bench.take() for _ in range(count))


def end(*kinds: Call) -> Step:
    """The oldest of them end."""

    def step(bench: Bench) -> None:
        for kind in kinds:
            bench.record(bench.held.pop(0), kind)

    return step


def cancel(count: int) -> Step:
    """The oldest of them are cancelled."""

    def step(bench: Bench) -> None:
        for _ in range(count):
            bench.breaker.release(bench.held.pop(0))

    return step


def refused(retry_after: float | None) -> Step:
    def claim(bench: Bench) -> None:
        answer = bench.breaker.acquire()
        assert isinstance(answer, Refused), answer
        assert answer.retry_after == retry_after

    return claim


def wait(seconds: float) -> Step:
    def step(bench: Bench) -> None:
        bench.now += seconds

    return step


def does(deed: Callable[[Breaker], None]) -> Step:
    return lambda bench: deed(bench.breaker)


BASE = BreakerSettings(
    sliding_window_size=10,
    minimum_number_of_calls=4,
    failure_rate_threshold=50.0,
    slow_call_rate_threshold=75.0,
    slow_call_duration_threshold=SLOW,
    permitted_number_of_calls_in_half_open_state=3,
    wait_duration_in_open_state=10.0,
    exponential_backoff_multiplier=1.0,
    exponential_max_wait_duration_in_open_state=100.0,
    randomized_wait_factor=0.0,
)


@dataclasses.dataclass(frozen=True)
class Scenario:
    name: str
    steps: Sequence[Step]
    settings: BreakerSettings = BASE


OPENED: tuple[Step, ...] = (calls("fail", "fail", "fail", "fail"), state(OPEN))
TRIED: tuple[Step, ...] = (*OPENED, wait(10))  # the next call makes it half-open

COUNT_WINDOW = (
    Scenario("nothing is known at first", [state(CLOSED), rates(None, None)]),
    Scenario("below the minimum there is no rate", [calls("fail", "fail", "fail"), rates(None, None)]),
    Scenario("below the minimum even failures alone do not open", [calls("fail", "fail", "fail"), state(CLOSED)]),
    Scenario("the call that reaches the minimum may open", [calls("fail", "fail", "fail", "fail"), state(OPEN)]),
    Scenario("a rate equal to the threshold opens", [calls("ok", "ok", "fail", "fail"), state(OPEN)]),
    Scenario("a rate below it does not", [calls("ok", "ok", "ok", "fail"), state(CLOSED), rates(25.0, 0.0)]),
    Scenario("a success may be the call that opens", [calls("fail", "fail", "fail", "ok"), state(OPEN)]),
    Scenario(
        "the oldest call leaves the window",
        [calls("fail", "ok", "ok", "ok"), rates(25.0, 0.0), calls("ok"), rates(0.0, 0.0)],
        dataclasses.replace(BASE, sliding_window_size=4),
    ),
    Scenario(
        "what left the window does not open",
        [calls("fail", "ok", "ok", "ok", "fail", "ok", "ok", "ok", "fail"), state(CLOSED), rates(25.0, 0.0)],
        dataclasses.replace(BASE, sliding_window_size=4),
    ),
    Scenario(
        "a window smaller than the minimum asks for what it can hold",
        [calls("fail"), state(CLOSED), calls("fail"), state(OPEN)],
        dataclasses.replace(BASE, sliding_window_size=2, minimum_number_of_calls=100),
    ),
    Scenario(
        "a window of one call",
        [calls("ok", "ok"), state(CLOSED), calls("fail"), state(OPEN)],
        dataclasses.replace(BASE, sliding_window_size=1),
    ),
    Scenario("an open breaker shows what opened it", [calls("ok", "fail", "fail", "fail"), rates(75.0, 0.0)]),
)

TIMED = dataclasses.replace(BASE, sliding_window_type="time_based", sliding_window_size=5)
TIME_WINDOW = (
    Scenario("calls of one second share a bucket", [calls("ok", "ok", "ok", "fail"), rates(25.0, 0.0)], TIMED),
    Scenario(
        "failures within the window open", [calls("fail", "fail"), wait(4), calls("fail", "fail"), state(OPEN)], TIMED
    ),
    Scenario(
        "a bucket leaves when its second comes round, so at .25 a call from .25 is gone after 4.75 s",
        [calls("ok", "ok", "ok", "fail"), wait(4.5), rates(25.0, 0.0), wait(0.25), rates(None, None)],
        TIMED,
    ),
    Scenario(
        "a call late in its second is gone after 4 s and a little",
        [wait(0.7), calls("ok", "ok", "ok", "fail"), wait(4.04), rates(25.0, 0.0), wait(0.01), rates(None, None)],
        TIMED,
    ),
    Scenario(
        "the buckets leave one by one",
        [
            *(calls("fail"), wait(1), calls("ok", "ok"), wait(1), calls("ok", "ok"), rates(20.0, 0.0)),
            *(wait(3), rates(0.0, 0.0), wait(1), rates(None, None)),
        ],
        TIMED,
    ),
    Scenario(
        "a gap longer than the window leaves nothing",
        [calls("fail", "fail", "fail"), wait(1e6), calls("fail"), state(CLOSED)],
        TIMED,
    ),
    Scenario(
        "the minimum may be more than one second sees",
        [
            calls("fail", "fail"),
            state(CLOSED),
            wait(2),
            calls("fail"),
            state(CLOSED),
            wait(2),
            calls("fail"),
            state(OPEN),
        ],
        TIMED,
    ),
    Scenario(
        "half-open counts calls, not seconds", [*TRIED, calls("ok"), wait(60), calls("ok", "ok"), state(CLOSED)], TIMED
    ),
)

SLOW_CALLS = (
    Scenario("a call as long as the threshold is not slow", [calls("ok", "ok", "ok", "ok"), rates(0.0, 0.0)]),
    Scenario(
        "slow calls below their threshold do not open",
        [calls("ok", "ok", "slow", "slow"), rates(0.0, 50.0), state(CLOSED)],
    ),
    Scenario(
        "slow calls at their threshold open", [calls("ok", "slow", "slow", "slow"), state(OPEN), rates(0.0, 75.0)]
    ),
    Scenario("a slow failure counts as both", [calls("ok", "ok", "ok", "slow_fail"), rates(25.0, 25.0)]),
    Scenario("slow calls in half-open open again", [*TRIED, calls("slow", "slow", "slow"), state(OPEN)]),
    Scenario(
        "slow calls below their threshold in half-open close", [*TRIED, calls("slow", "slow", "ok"), state(CLOSED)]
    ),
    Scenario(
        "by default all calls have to be slow",
        [calls("slow", "slow", "slow", "ok"), state(CLOSED), calls(*("slow",) * 10), state(OPEN)],
        dataclasses.replace(BASE, slow_call_rate_threshold=BreakerSettings().slow_call_rate_threshold),
    ),
)

OPEN_STATE = (
    Scenario("open refuses and says for how long", [*OPENED, refused(10.0), wait(4), refused(6.0), state(OPEN)]),
    Scenario("time alone does not make it half-open", [*OPENED, wait(11), state(OPEN)]),
    Scenario(
        "the first call after the wait does, at the very moment that retry_after named",
        [*OPENED, refused(10.0), wait(10), held_calls(1), state(HALF_OPEN)],
    ),
    Scenario(
        "with the automatic transition, time alone does",
        [*OPENED, wait(9.75), state(OPEN), wait(0.25), state(HALF_OPEN)],
        dataclasses.replace(BASE, automatic_transition_from_open_to_half_open_enabled=True),
    ),
    Scenario(
        "a call that began while closed and ends while open does not count (resilience4j still shows it)",
        [held_calls(1), *OPENED, end("ok"), rates(100.0, 0.0), state(OPEN)],
    ),
)

HALF_OPEN_STATE = (
    Scenario(
        "as many calls as permitted go through, and no more", [*TRIED, held_calls(3), refused(None), state(HALF_OPEN)]
    ),
    Scenario("a result gives no new permit", [*TRIED, held_calls(3), end("ok"), refused(None)]),
    Scenario(
        "there is no verdict before all have ended",
        [*TRIED, held_calls(3), end("fail", "fail"), state(HALF_OPEN), rates(None, None)],
    ),
    Scenario("good calls close", [*TRIED, calls("ok", "ok", "ok"), state(CLOSED)]),
    Scenario(
        "a closed breaker begins with an empty window",
        [*TRIED, calls("ok", "ok", "ok"), rates(None, None), calls("fail", "fail", "fail"), state(CLOSED)],
    ),
    Scenario("a rate below the threshold closes", [*TRIED, calls("ok", "fail", "ok"), state(CLOSED)]),
    Scenario("a rate at or over the threshold opens", [*TRIED, calls("fail", "ok", "fail"), state(OPEN)]),
    Scenario(
        "with a minimum below the permitted calls the verdict comes with the minimum",
        [calls("fail", "fail"), wait(10), held_calls(3), end("ok", "ok"), state(CLOSED)],
        dataclasses.replace(BASE, minimum_number_of_calls=2),
    ),
    Scenario(
        "a cancelled call gives its permit back", [*TRIED, held_calls(3), cancel(2), held_calls(2), refused(None)]
    ),
    Scenario(
        "cancelled calls alone decide nothing",
        [*TRIED, *(held_calls(3), cancel(3)) * 5, state(HALF_OPEN), calls("ok", "ok", "ok"), state(CLOSED)],
    ),
    Scenario(
        "a call that began while closed does not count",
        [
            held_calls(1),
            *TRIED,
            held_calls(2),
            end("fail"),
            end("ok"),
            state(HALF_OPEN),
            end("ok"),
            calls("ok"),
            state(CLOSED),
        ],
    ),
    Scenario(
        "its cancellation gives no permit (resilience4j hands one out more)",
        [held_calls(1), *TRIED, held_calls(3), cancel(1), refused(None)],
    ),
    Scenario(
        "a call of an earlier half-open does not count in a later one",
        [
            *TRIED,
            held_calls(1),
            calls("fail", "fail"),
            state(HALF_OPEN),
            does(Breaker.reset),
            *TRIED,
            calls("ok", "ok"),
            end("fail"),
            state(HALF_OPEN),
            calls("ok"),
            state(CLOSED),
        ],
    ),
    Scenario(
        "half-open waits for ever by default", [*TRIED, held_calls(3), wait(1e6), state(HALF_OPEN), refused(None)]
    ),
    Scenario(
        "with a maximum, half-open without a verdict opens again",
        [*TRIED, held_calls(3), end("ok", "ok"), wait(5), state(OPEN), refused(10.0), end("ok"), state(OPEN)],
        dataclasses.replace(BASE, max_wait_duration_in_half_open_state=5.0),
    ),
    Scenario(
        "the open time after that counts from the moment that it was over, as if a timer had seen it",
        [*TRIED, held_calls(3), wait(8), refused(7.0), wait(7), held_calls(1), state(HALF_OPEN)],
        dataclasses.replace(BASE, max_wait_duration_in_half_open_state=5.0),
    ),
)

GROWING = dataclasses.replace(BASE, exponential_backoff_multiplier=3.0)
FAIL_AGAIN: tuple[Step, ...] = (calls("fail", "fail", "fail"), state(OPEN))
OPEN_TIME = (
    Scenario(
        "the open time grows each time up to its maximum",
        [
            *OPENED,
            refused(10.0),
            wait(10),
            *FAIL_AGAIN,
            refused(30.0),
            wait(30),
            *FAIL_AGAIN,
            refused(90.0),
            wait(90),
            *FAIL_AGAIN,
            refused(100.0),
        ],
        GROWING,
    ),
    Scenario(
        "closing ends the growth",
        [*TRIED, *FAIL_AGAIN, wait(30), calls("ok", "ok", "ok"), *OPENED, refused(10.0)],
        GROWING,
    ),
    Scenario(
        "chance in the middle of its range changes nothing",
        [*OPENED, refused(10.0)],
        dataclasses.replace(BASE, randomized_wait_factor=0.5),
    ),
)

BY_HAND = (
    Scenario(
        "forced open refuses for ever",
        [does(lambda b: b.force_open("a person")), wait(1e9), refused(None), state(State.FORCED_OPEN)],
    ),
    Scenario(
        "forced open records nothing",
        [
            held_calls(1),
            does(lambda b: b.force_open("a person")),
            end("ok"),
            rates(None, None),
            state(State.FORCED_OPEN),
        ],
    ),
    Scenario(
        "reset ends it", [does(lambda b: b.force_open("a person")), does(Breaker.reset), calls("ok"), state(CLOSED)]
    ),
    Scenario(
        "reset closes an open one, with an empty window and the first open time",
        [*TRIED, *FAIL_AGAIN, does(Breaker.reset), rates(None, None), *OPENED, refused(10.0)],
        GROWING,
    ),
    Scenario(
        "disabled lets all through and records nothing",
        [does(Breaker.disable), calls(*("fail",) * 20), rates(None, None), state(State.DISABLED)],
    ),
    Scenario(
        "metrics_only lets all through, records, and does not open",
        [does(Breaker.metrics_only), calls(*("fail",) * 20), rates(100.0, 0.0), state(State.METRICS_ONLY)],
    ),
    Scenario(
        "what began before does not count in metrics_only",
        [held_calls(1), does(Breaker.metrics_only), end("fail"), calls("ok", "ok", "ok"), rates(None, None)],
    ),
    Scenario(
        "disabled can be ended by force",
        [does(Breaker.disable), does(lambda b: b.force_open("a person")), refused(None)],
    ),
)


@pytest.mark.parametrize(
    "scenario",
    [*COUNT_WINDOW, *TIME_WINDOW, *SLOW_CALLS, *OPEN_STATE, *HALF_OPEN_STATE, *OPEN_TIME, *BY_HAND],
    ids=lambda scenario: scenario.name.replace(" ", "_"),
)
def test_it_does_what_the_reference_does(scenario: Scenario) -> None:
    bench = Bench(scenario.settings)
    for step in scenario.steps:
        step(bench)
    # A last step that only acts would leave the row without a claim: each is an assertion or a refusal looked at.
    assert scenario.steps[-1].__name__ == "claim"


RACERS, ROUNDS, PERMITTED = 8, 25, 3


@pytest.mark.parametrize("cancelled", [False, True], ids=["all_end", "one_is_cancelled"])
def test_racing_callers_get_as_many_permits_as_there_are(cancelled: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """Eight threads at one barrier, many times: exactly K go through, and K again after one gave its permit back."""
    bench = Bench(BASE)
    for _ in range(ROUNDS):
        for step in TRIED:
            step(bench)
        permits = [answer for answer in race(bench.breaker) if isinstance(answer, Permit)]
        assert len(permits) == PERMITTED
        if cancelled:
            bench.breaker.release(permits.pop())
            again = [answer for answer in race(bench.breaker) if isinstance(answer, Permit)]
            assert len(again) == 1
            permits += again
        assert bench.breaker.state is HALF_OPEN
        for permit in permits:
            bench.record(permit, "ok")
        assert bench.breaker.state is CLOSED


def race(breaker: Breaker) -> list[Permit | Refused]:
    """What each of the racers gets that ask at the same moment."""
    barrier = threading.Barrier(RACERS)
    answers: list[Permit | Refused] = []

    def ask() -> None:
        barrier.wait()
        answers.append(breaker.acquire())

    threads = [threading.Thread(target=ask) for _ in range(RACERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == RACERS
    return answers
