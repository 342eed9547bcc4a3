"""Which zygote makes the next lane, and when one ends. Pure: the zygotes here start nothing."""

from typing import cast

from poet_engine.guest.config import Config
from poet_engine.sandbox.process.fork_server import Zygote
from poet_engine.sandbox.process.fork_servers import ForkServers
from poet_engine.sandbox.process.lane import Lane


class _Zygote:
    def __init__(self) -> None:
        self.alive = True
        self.closed = False
        self.made: list[object] = []

    def make_lane(self, lane: Lane) -> None:
        self.made.append(lane)

    def close(self) -> None:
        self.closed = True

    def forget_after_fork(self) -> None:
        self.closed = True


def _fork_servers(*, retire_after: int) -> tuple[ForkServers, list[_Zygote]]:
    started: list[_Zygote] = []

    def start(_config: Config) -> Zygote:
        started.append(_Zygote())
        return cast("Zygote", started[-1])

    return ForkServers(cast("Config", None), retire_after=retire_after, start=start), started


def _lanes(count: int) -> list[Lane]:
    return [cast("Lane", object()) for _ in range(count)]


def test_nothing_is_started_before_the_first_lane() -> None:
    fork_servers, started = _fork_servers(retire_after=3)
    assert (fork_servers.started, started) == (0, [])


def test_one_zygote_makes_lanes_until_it_retires() -> None:
    fork_servers, started = _fork_servers(retire_after=3)
    for lane in _lanes(7):
        fork_servers.make(lane)
    assert [len(zygote.made) for zygote in started] == [3, 3, 1]


def test_a_retired_zygote_drains_and_ends_with_its_last_lane() -> None:
    fork_servers, started = _fork_servers(retire_after=2)
    first, second, third = _lanes(3)
    for lane in (first, second, third):
        fork_servers.make(lane)
    assert fork_servers.retired(first)
    assert not fork_servers.retired(third)
    fork_servers.gone(first)
    assert not started[0].closed
    fork_servers.gone(second)
    assert started[0].closed
    assert not started[1].closed


def test_a_current_zygote_outlives_its_lanes() -> None:
    fork_servers, started = _fork_servers(retire_after=5)
    (lane,) = _lanes(1)
    fork_servers.make(lane)
    fork_servers.gone(lane)
    assert not started[0].closed


def test_with_one_lane_for_each_every_lane_is_retired_from_the_start() -> None:
    fork_servers, started = _fork_servers(retire_after=1)
    for lane in _lanes(3):
        fork_servers.make(lane)
        assert fork_servers.retired(lane)
    assert len(started) == 3


def test_a_dead_zygote_is_replaced_and_its_lanes_are_orphans() -> None:
    fork_servers, started = _fork_servers(retire_after=5)
    first, second = _lanes(2)
    fork_servers.make(first)
    started[0].alive = False
    assert fork_servers.orphaned(first)
    fork_servers.make(second)
    assert fork_servers.started == 2
    assert not fork_servers.orphaned(second)
    fork_servers.gone(first)
    assert started[0].closed


def test_closing_ends_every_zygote() -> None:
    fork_servers, started = _fork_servers(retire_after=1)
    for lane in _lanes(3):
        fork_servers.make(lane)
    fork_servers.close()
    assert all(zygote.closed for zygote in started)
