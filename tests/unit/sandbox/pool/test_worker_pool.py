"""Where callers and lanes meet, without any process behind it."""

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from poet_engine._cancellation import Cancellation
from poet_engine.sandbox.pool.scheduling import PoolSize
from poet_engine.sandbox.pool.version import SourceKey
from poet_engine.sandbox.pool.worker_pool import (
    QUEUE_CAUSES,
    STALL_S,
    Disposition,
    NoWorkerError,
    Unavailable,
    WorkerPool,
)
from poet_engine.sandbox.process.lane import Lane

A, B = SourceKey("def f(): pass", "a.py"), SourceKey("def f(): pass", "b.py")
LONG = 30.0  # seconds; nobody waits for so long here


@pytest.fixture
def exchange() -> WorkerPool[Lane]:
    return WorkerPool(PoolSize(least=1, most=4, queue=3), time.monotonic)


@pytest.fixture
def lanes() -> Iterator[list[Lane]]:
    made = [Lane(number, 1000 + number, 1 << 20) for number in range(4)]
    yield made
    for lane in made:
        lane.close()


@pytest.fixture
def callers() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(8) as threads:
        yield threads


def _queue_up(exchange: WorkerPool[Lane], callers: ThreadPoolExecutor, key: SourceKey | None = None) -> "Future[Lane]":
    """One more caller who waits; returns when it does."""
    before = exchange.statistics()["waiting"]
    future = callers.submit(exchange.acquire, LONG, key=key)
    pause = threading.Event()
    while exchange.statistics()["waiting"] == before:
        pause.wait(0.001)
    return future


def test_a_ready_lane_is_handed_out_and_counted(exchange: WorkerPool[Lane], lanes: list[Lane]) -> None:
    exchange.offer(lanes[0])
    assert exchange.statistics()["ready"] == 1
    assert exchange.acquire(0.0) is lanes[0]
    assert (exchange.statistics()["ready"], exchange.statistics()["busy"]) == (0, 1)
    exchange.give_back(lanes[0], Disposition.REARM)
    assert exchange.statistics()["busy"] == 0
    assert exchange.take_returned() == [(lanes[0], Disposition.REARM)]


def test_the_lane_that_was_used_last_is_used_first(exchange: WorkerPool[Lane], lanes: list[Lane]) -> None:
    """So that those which are not needed stay idle, and can be ended."""
    for lane in lanes[:3]:
        exchange.offer(lane)
    assert exchange.acquire(0.0) is lanes[2]
    assert exchange.take_idle() is lanes[0]


def test_callers_are_served_in_the_order_in_which_they_came(
    exchange: WorkerPool[Lane], lanes: list[Lane], callers: ThreadPoolExecutor
) -> None:
    futures = [_queue_up(exchange, callers) for _ in range(3)]
    for lane in lanes[:3]:
        exchange.offer(lane)
    assert [future.result() for future in futures] == lanes[:3]


def test_nobody_overtakes_those_who_wait(
    exchange: WorkerPool[Lane], lanes: list[Lane], callers: ThreadPoolExecutor
) -> None:
    first = _queue_up(exchange, callers)
    exchange.offer(lanes[0])
    assert first.result() is lanes[0]
    with pytest.raises(NoWorkerError) as refused:
        exchange.acquire(0.0)
    assert refused.value.why is Unavailable.TIMEOUT


def test_beyond_the_queue_callers_are_turned_away_at_once(
    exchange: WorkerPool[Lane], callers: ThreadPoolExecutor
) -> None:
    waiting = [_queue_up(exchange, callers) for _ in range(3)]
    with pytest.raises(NoWorkerError, match="3 callers wait") as refused:
        exchange.acquire(LONG)
    assert refused.value.why is Unavailable.FULL
    assert exchange.statistics()["turned_away"] == 1
    exchange.shut()
    assert all(isinstance(future.exception(), NoWorkerError) for future in waiting)


def test_waiting_ends_with_the_deadline_and_leaves_nobody_in_the_queue(exchange: WorkerPool[Lane]) -> None:
    with pytest.raises(NoWorkerError, match=r"within 0\.01 s"):
        exchange.acquire(0.01)
    assert exchange.statistics()["waiting"] == 0


def test_waiting_ends_when_the_caller_gives_up(exchange: WorkerPool[Lane], callers: ThreadPoolExecutor) -> None:
    with Cancellation() as cancellation:
        future = callers.submit(exchange.acquire, LONG, cancellation=cancellation)
        cancellation.cancel()
        assert isinstance(future.exception(), NoWorkerError)
    assert exchange.statistics()["waiting"] == 0


class Interrupting(Cancellation):
    """Ctrl-C at the moment at which the caller looks whether it is wanted still."""

    def __init__(self, before: Callable[[], None]) -> None:
        super().__init__()
        self._before = before

    @property
    def requested(self) -> bool:
        self._before()
        raise KeyboardInterrupt


def test_a_caller_who_is_interrupted_in_the_queue_is_in_nobodys_way(
    exchange: WorkerPool[Lane], lanes: list[Lane]
) -> None:
    with Interrupting(lambda: None) as cancellation, pytest.raises(KeyboardInterrupt):
        exchange.acquire(LONG, cancellation=cancellation)
    assert exchange.statistics()["waiting"] == 0
    exchange.offer(lanes[0])
    assert exchange.acquire(0.0) is lanes[0]


def test_a_caller_who_is_interrupted_with_a_lane_in_hand_puts_it_back(
    exchange: WorkerPool[Lane], lanes: list[Lane]
) -> None:
    with Interrupting(lambda: exchange.offer(lanes[0])) as cancellation, pytest.raises(KeyboardInterrupt):
        exchange.acquire(LONG, cancellation=cancellation)
    assert exchange.statistics() == {"lanes": 0, "ready": 1, "busy": 0, "waiting": 0, "turned_away": 0}
    assert exchange.acquire(0.0) is lanes[0]


def test_when_lanes_cannot_be_made_everybody_is_told(exchange: WorkerPool[Lane], callers: ThreadPoolExecutor) -> None:
    futures = [_queue_up(exchange, callers) for _ in range(2)]
    exchange.fail("no namespaces")
    for future in futures:
        error = future.exception()
        assert isinstance(error, NoWorkerError)
        assert (str(error), error.why) == ("no namespaces", Unavailable.SETUP)


def test_after_the_end_nobody_comes_in(exchange: WorkerPool[Lane], lanes: list[Lane]) -> None:
    exchange.offer(lanes[0])
    exchange.shut()
    with pytest.raises(NoWorkerError) as refused:
        exchange.acquire(LONG)
    assert refused.value.why is Unavailable.CALLED_OFF


class TestKeptPayloads:
    """`fresh = "none"`: a payload serves one version only."""

    @pytest.fixture
    def exchange(self) -> WorkerPool[Lane]:
        return WorkerPool(PoolSize(least=1, most=4, queue=3), time.monotonic, keeps=True)

    def test_a_version_gets_the_lane_that_has_served_it(self, exchange: WorkerPool[Lane], lanes: list[Lane]) -> None:
        for lane in lanes[:2]:
            exchange.offer(lane)
        first = exchange.acquire(0.0, key=A)
        exchange.give_back(first, Disposition.KEEP)
        assert exchange.acquire(0.0, key=A) is first

    def test_it_never_gets_another_versions_lane(self, exchange: WorkerPool[Lane], lanes: list[Lane]) -> None:
        exchange.offer(lanes[0])
        exchange.give_back(exchange.acquire(0.0, key=A), Disposition.KEEP)
        with pytest.raises(NoWorkerError):
            exchange.acquire(0.0, key=B)
        assert exchange.take_returned() == []

    def test_when_all_are_kept_for_others_one_makes_room(self, exchange: WorkerPool[Lane], lanes: list[Lane]) -> None:
        exchange.lanes = exchange.size.most
        exchange.offer(lanes[0])
        exchange.give_back(exchange.acquire(0.0, key=A), Disposition.KEEP)
        with pytest.raises(NoWorkerError):
            exchange.acquire(0.0, key=B)
        assert exchange.take_returned() == [(lanes[0], Disposition.DISCARD)]

    def test_a_kept_lane_passes_those_by_whom_it_cannot_serve(
        self, exchange: WorkerPool[Lane], lanes: list[Lane], callers: ThreadPoolExecutor
    ) -> None:
        exchange.lanes = 2
        exchange.offer(lanes[0])
        lane = exchange.acquire(0.0, key=A)
        other, same = _queue_up(exchange, callers, B), _queue_up(exchange, callers, A)
        exchange.give_back(lane, Disposition.KEEP)
        assert same.result() is lane
        exchange.offer(lanes[1])
        assert other.result() is lanes[1]


class TestPreparedPayloads:
    """A payload that has compiled a version ahead serves that version, or nobody."""

    @pytest.fixture
    def exchange(self, exchange: WorkerPool[Lane], lanes: list[Lane]) -> WorkerPool[Lane]:
        """With one lane that is prepared for A and one for anybody."""
        lanes[0].key = A
        for lane in lanes[:2]:
            exchange.offer(lane)
        return exchange

    def test_it_is_the_first_choice_for_its_version(self, exchange: WorkerPool[Lane], lanes: list[Lane]) -> None:
        assert exchange.acquire(0.0, key=A) is lanes[0]
        assert exchange.acquire(0.0, key=A) is lanes[1]

    def test_others_never_get_it_and_it_is_renewed_for_them(
        self, exchange: WorkerPool[Lane], lanes: list[Lane]
    ) -> None:
        """Its memory holds the source of the version that it was prepared for."""
        assert exchange.acquire(0.0, key=B) is lanes[1]
        with pytest.raises(NoWorkerError):
            exchange.acquire(0.0, key=B)
        assert exchange.take_returned() == [(lanes[0], Disposition.RENEW)]

    def test_when_somebody_else_waits_already_it_is_renewed_at_once(
        self, exchange: WorkerPool[Lane], lanes: list[Lane], callers: ThreadPoolExecutor
    ) -> None:
        assert exchange.acquire(0.0, key=B) is lanes[1]
        waiting = _queue_up(exchange, callers, B)
        assert exchange.take_returned() == [(lanes[0], Disposition.RENEW)]
        lanes[2].key = A
        exchange.offer(lanes[2])
        assert exchange.take_returned() == [(lanes[2], Disposition.RENEW)]
        exchange.offer(lanes[3])
        assert waiting.result() is lanes[3]

    def test_preparing_begins_when_one_version_is_called_again_and_again(self, exchange: WorkerPool[Lane]) -> None:
        for _ in range(4):
            assert exchange.probable is None
            lane = exchange.acquire(0.0, key=A)
            exchange.give_back(lane, Disposition.DRAIN)
            lane.key = None
            exchange.offer(lane)
        assert exchange.probable == A
        exchange.forget(A)
        assert exchange.probable is None


class TestAStalledBackend:
    """A caller who gets no lane is told whether that is other callers' doing, by a clock of the test's own."""

    def _refused(self, exchange: WorkerPool[Lane]) -> Unavailable:
        with pytest.raises(NoWorkerError) as refused:
            exchange.acquire(0.0)
        return refused.value.why

    def test_hands_out_no_lane_although_it_might(self) -> None:
        ticks = itertools.count(0.0, STALL_S)
        exchange: WorkerPool[Lane] = WorkerPool(PoolSize(least=1, most=1, queue=3), lambda: next(ticks))
        assert self._refused(exchange) is Unavailable.STALLED
        assert QUEUE_CAUSES[Unavailable.STALLED] == "queue_stalled"

    def test_is_not_told_by_a_short_wait(self) -> None:
        ticks = itertools.count(0.0, STALL_S * 0.99)
        exchange: WorkerPool[Lane] = WorkerPool(PoolSize(least=1, most=1, queue=3), lambda: next(ticks))
        assert self._refused(exchange) is Unavailable.TIMEOUT

    def test_is_none_where_all_lanes_are_in_use(self, lanes: list[Lane]) -> None:
        ticks = itertools.count(0.0, STALL_S)
        exchange: WorkerPool[Lane] = WorkerPool(PoolSize(least=1, most=2, queue=3), lambda: next(ticks))
        for lane in lanes[:2]:
            exchange.offer(lane)
            assert exchange.acquire(0.0) is lane
        assert self._refused(exchange) is Unavailable.TIMEOUT
        exchange.give_back(lanes[0], Disposition.REARM)  # and it never comes back
        assert self._refused(exchange) is Unavailable.STALLED

    @pytest.mark.parametrize(("served", "why"), [(True, Unavailable.TIMEOUT), (False, Unavailable.STALLED)])
    def test_is_none_where_another_caller_was_served_meanwhile(
        self, lanes: list[Lane], callers: ThreadPoolExecutor, *, served: bool, why: Unavailable
    ) -> None:
        """The control is the same wait without that."""
        ticks = itertools.count(0.0, STALL_S)
        exchange: WorkerPool[Lane] = WorkerPool(PoolSize(least=1, most=4, queue=3), lambda: next(ticks), keeps=True)
        with Cancellation() as cancellation:
            waits = callers.submit(exchange.acquire, LONG, key=B, cancellation=cancellation)
            pause = threading.Event()
            while not exchange.statistics()["waiting"]:
                pause.wait(0.001)
            if served:
                other = _queue_up(exchange, callers, A)
                lanes[0].key = A
                exchange.offer(lanes[0])
                assert other.result(LONG) is lanes[0]
            cancellation.cancel()
            refused = waits.exception(LONG)
        exchange.shut()
        assert isinstance(refused, NoWorkerError)
        assert refused.why is why


def test_after_an_error_of_the_keeper_everybody_is_told_that_error(
    exchange: WorkerPool[Lane], callers: ThreadPoolExecutor
) -> None:
    waiting = _queue_up(exchange, callers)
    exchange.break_down(ValueError("unforeseen"))
    exchange.shut()

    with pytest.raises(NoWorkerError) as refused:
        exchange.acquire(0.0)
    told = [waiting.exception(), refused.value]

    assert [(type(error), getattr(error, "why", None)) for error in told] == [(NoWorkerError, Unavailable.BROKEN)] * 2
    assert ["ValueError('unforeseen')" in str(error) for error in told] == [True, True]
    assert not exchange.closing, "nobody has closed it"


def test_what_its_owner_has_closed_is_closed_whatever_went_wrong_before_or_after(exchange: WorkerPool[Lane]) -> None:
    exchange.break_down(ValueError("unforeseen"))
    exchange.shut()
    exchange.shut(by_owner=True)
    exchange.break_down(ValueError("while it ends"))

    with pytest.raises(NoWorkerError, match="closed") as refused:
        exchange.acquire(0.0)

    assert (refused.value.why, exchange.closing, exchange.fault) == (Unavailable.CALLED_OFF, True, None)


def test_a_call_that_lasts_holds_its_lane(lanes: list[Lane]) -> None:
    now = [0.0]
    pool: WorkerPool[Lane] = WorkerPool(PoolSize(least=1, most=4), lambda: now[0])
    pool.lanes = 1
    pool.offer(lanes[0])
    pool.acquire(0.0)
    assert pool.demand(0).held == 0
    now[0] = 0.2
    assert pool.demand(0).held == 1
    pool.give_back(lanes[0], Disposition.REARM)
    assert pool.demand(0).held == 0
