"""What a run may have of the host's processor, and how it is kept from taking that of its neighbours."""

import contextlib
import itertools
import threading
from collections.abc import Iterator

import pytest

from poet_engine.guest.errors import DeadlinePassedError
from poet_engine.sandbox.host_work import HostWork, Neighbours


class Clock:
    """A clock that only those move who wait by it."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@contextlib.contextmanager
def watched(beside: Neighbours, count: int) -> Iterator[None]:
    """Have so many runs watched."""
    runs = [object() for _ in range(count)]
    for run in runs:
        beside.arrive(run)
    yield
    for run in runs:
        beside.leave(run)


def test_work_counts_from_the_first_thing_that_came_to_the_last_mark() -> None:
    clock = Clock()
    work = HostWork(clock)
    clock.now = 1.0
    work.mark()
    assert work.seconds == 0.0
    work.begin()
    clock.now = 1.5
    work.begin()
    work.mark()
    clock.now = 9.0
    assert (work.seconds, work.unseen) == (0.5, 0.5)
    work.saw()
    assert work.unseen == 0.0


@pytest.mark.parametrize(
    ("used", "passed", "size", "expected"),
    [
        (0.009, 0.0, 0, 0.0),  # nobody is slowed for little
        (0.1, 1.0, 0, 0.0),  # a tenth of the time that has passed
        (0.0102, 0.001, 0, 0.001),
        (0.5, 1.0, 0, 0.002),  # and never for long: a deadline is kept
        (0.05, 0.0, 64 << 20, 0.0),  # large pieces cost little for each byte
        (0.05, 0.0, 64 << 10, 0.002),
    ],
)
def test_small_pieces_are_taken_less_often(used: float, passed: float, size: int, expected: float) -> None:
    clock = Clock()
    work = HostWork(clock)
    work.begin()
    clock.now = used
    work.mark()
    work.took(size)
    assert work.pause(passed) == pytest.approx(expected)


def test_a_run_alone_gives_way_to_nobody() -> None:
    clock = Clock()
    beside = Neighbours(clock, clock.sleep)
    with watched(beside, 1):
        beside.give_way()
        assert not clock.slept
        with watched(beside, 1):
            beside.give_way()
        assert len(clock.slept) == 1
    assert repr(beside) == "<Neighbours watching=0 waiting=0 decoding=False>"


def test_after_a_large_result_others_have_the_interpreter_before_the_next_one() -> None:
    clock = Clock()
    beside = Neighbours(clock, clock.sleep)
    with watched(beside, 2):
        with beside.turn(lambda: False):
            clock.now += 1.0
        with beside.turn(lambda: False):
            assert clock.now == pytest.approx(1.5)


def test_alone_there_is_no_pause() -> None:
    clock = Clock()
    beside = Neighbours(clock, clock.sleep)
    with watched(beside, 1):
        for _ in range(2):
            with beside.turn(lambda: False):
                clock.now += 1.0
    assert not clock.slept


def test_large_results_are_decoded_one_at_a_time_and_the_wait_ends_at_the_deadline() -> None:
    beside = Neighbours()
    late = itertools.chain((False, False), itertools.repeat(True)).__next__
    with beside.turn(lambda: False):
        failed: list[BaseException] = []

        def second() -> None:
            try:
                with beside.turn(late):
                    pass
            except DeadlinePassedError as error:
                failed.append(error)

        thread = threading.Thread(target=second)
        thread.start()
        thread.join()
    assert len(failed) == 1
    with beside.turn(lambda: False):
        pass


def test_a_deadline_in_the_pause_gives_the_turn_back() -> None:
    clock = Clock()
    beside = Neighbours(clock, clock.sleep)
    with watched(beside, 2):
        with beside.turn(lambda: False):
            clock.now += 1.0
        with pytest.raises(DeadlinePassedError), beside.turn(lambda: True):
            pass
    with beside.turn(lambda: False):
        pass
