"""What may start and what comes next, without a thread."""

from random import Random  # noqa: TID251 - hypothesis makes it, and repeats it

from hypothesis import given
from hypothesis import strategies as st

from poet_engine.bulk.window import JobWindow
from poet_engine.outcome import Outcome, Status


def _outcome(number: int) -> Outcome:
    return Outcome(status=Status.OK, value=number)


def _values(window: JobWindow) -> list[object]:
    taken = []
    while (outcome := window.take()) is not None:
        taken.append(outcome.value)
    return taken


def test_no_more_run_than_may() -> None:
    window = JobWindow(2, ordered=True)
    assert [window.start(), window.start()] == [0, 1]
    assert not window.has_room
    window.finish(1, _outcome(1))
    assert window.has_room
    assert window.running == 1


def test_ordered_outcomes_wait_for_the_first() -> None:
    window = JobWindow(3, ordered=True)
    for _ in range(3):
        window.start()
    window.finish(2, _outcome(2))
    window.finish(1, _outcome(1))
    assert _values(window) == []
    window.finish(0, _outcome(0))
    assert _values(window) == [0, 1, 2]


def test_unordered_outcomes_come_as_jobs_end() -> None:
    window = JobWindow(3, ordered=False)
    for _ in range(3):
        window.start()
    window.finish(2, _outcome(2))
    window.finish(0, _outcome(0))
    assert _values(window) == [2, 0]


def test_one_slow_job_lets_a_bounded_number_go_past_it() -> None:
    window = JobWindow(2, ordered=True)
    window.start()
    while window.has_room:
        number = window.start()
        window.finish(number, _outcome(number))
    assert repr(window) == "<JobWindow started=8 running=1 done=7>"


@given(st.integers(1, 5), st.booleans(), st.randoms(use_true_random=False))
def test_every_job_is_handed_out_once_within_the_bounds(concurrency: int, ordered: object, chance: Random) -> None:
    """Whatever the order in which jobs end."""
    window, running, taken = JobWindow(concurrency, ordered=bool(ordered)), list[int](), list[object]()
    started = 0
    while len(taken) < 40:
        while started < 40 and window.has_room:
            running.append(window.start())
            started += 1
        assert len(running) == window.running <= concurrency
        assert started - len(taken) <= 4 * concurrency
        if running:
            number = running.pop(chance.randrange(len(running)))
            window.finish(number, _outcome(number))
        taken += _values(window)
    assert sorted(map(str, taken)) == sorted(map(str, range(40)))
    assert not ordered or taken == list(range(40))
