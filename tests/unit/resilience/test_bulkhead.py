"""Places and seats: first come, first served, and none is ever lost."""

import threading

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from poet_engine.resilience.bulkhead import Bulkhead, BulkheadWaiter, Capacity


def seat_in(bulkhead: Bulkhead) -> BulkheadWaiter:
    entry = bulkhead.enter()
    assert isinstance(entry, BulkheadWaiter)
    return entry


def test_the_longest_wait_is_served_first() -> None:
    bulkhead = Bulkhead(Capacity(running=1, waiting=3))
    assert bulkhead.enter() is True
    seats = [seat_in(bulkhead) for _ in range(3)]
    assert bulkhead.enter() is False
    bulkhead.leave()
    assert [seat.granted for seat in seats] == [True, False, False]
    assert bulkhead.settle(seats[0])


def test_a_seat_that_is_given_up_is_passed_over() -> None:
    bulkhead = Bulkhead(Capacity(running=1, waiting=2))
    bulkhead.enter()
    first, second = seat_in(bulkhead), seat_in(bulkhead)
    assert not bulkhead.settle(first)
    bulkhead.leave()
    assert (first.granted, second.granted) == (False, True)


def test_a_place_that_comes_while_its_holder_gives_up_is_kept() -> None:
    bulkhead = Bulkhead(Capacity(running=1, waiting=1))
    bulkhead.enter()
    seat = seat_in(bulkhead)
    bulkhead.leave()
    assert bulkhead.settle(seat)
    assert bulkhead.statistics().running == 1
    bulkhead.leave()
    assert bulkhead.statistics().running == 0


def test_whoever_listens_late_is_told_at_once() -> None:
    bulkhead = Bulkhead(Capacity(running=1, waiting=1))
    bulkhead.enter()
    seat = seat_in(bulkhead)
    bulkhead.leave()
    told = threading.Event()
    seat.when_granted(told.set)
    assert told.is_set()


def test_threads_never_exceed_the_places_and_all_get_one() -> None:
    """Sixteen threads, three places: each waits for an event of its own, and at most three are inside."""
    bulkhead = Bulkhead(Capacity(running=3, waiting=16))
    start, lock = threading.Barrier(16), threading.Lock()
    inside, most, served = 0, 0, 0

    def call() -> None:
        nonlocal inside, most, served
        start.wait(10)
        for _ in range(50):
            entry = bulkhead.enter()
            if isinstance(entry, BulkheadWaiter):
                event = threading.Event()
                entry.when_granted(event.set)
                assert event.wait(10)
                assert bulkhead.settle(entry)
            with lock:
                inside += 1
                most = max(most, inside)
            with lock:
                inside -= 1
                served += 1
            bulkhead.leave()

    threads = [threading.Thread(target=call) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert (served, inside) == (800, 0)
    assert most <= 3
    assert (bulkhead.statistics().running, bulkhead.statistics().waiting) == (0, 0)


@pytest.mark.parametrize(("running", "waiting"), [(0, 1), (1, -1)])
def test_no_place_at_all_is_an_error(running: int, waiting: int) -> None:
    with pytest.raises(ValueError, match="at least"):
        Capacity(running, waiting)


class BulkheadMachine(RuleBasedStateMachine):
    """Any order of coming, leaving and giving up, against a plain list."""

    seats: Bundle[BulkheadWaiter] = Bundle("seats")

    def __init__(self) -> None:
        super().__init__()
        self.bulkhead = Bulkhead(Capacity(running=2, waiting=3))
        self.running, self.queue = 0, list[BulkheadWaiter]()

    @rule(target=seats)
    def come(self) -> BulkheadWaiter:
        entry = self.bulkhead.enter()
        if isinstance(entry, BulkheadWaiter):
            assert self.running == 2
            self.queue.append(entry)
            return entry
        assert entry is (self.running < 2)
        self.running += entry
        return BulkheadWaiter()  # a bundle takes a value from every rule; this seat is nowhere

    @rule()
    def leave(self) -> None:
        if not self.running:
            return
        self.bulkhead.leave()
        if self.queue:
            assert self.queue.pop(0).granted
        else:
            self.running -= 1

    @rule(seat=consumes(seats))
    def give_up(self, seat: BulkheadWaiter) -> None:
        if seat in self.queue:
            assert not self.bulkhead.settle(seat)
            self.queue.remove(seat)

    @rule(times=st.integers(1, 3))
    def empty(self, times: int) -> None:
        for _ in range(times):
            self.leave()

    @invariant()
    def counts_agree(self) -> None:
        now = self.bulkhead.statistics()
        assert (now.running, now.waiting) == (self.running, len(self.queue))
        assert not any(seat.granted for seat in self.queue)


TestBulkheadMachine = BulkheadMachine.TestCase
TestBulkheadMachine.settings = settings(max_examples=50, stateful_step_count=30, deadline=None)
