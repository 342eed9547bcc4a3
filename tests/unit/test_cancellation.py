import threading
from pathlib import Path

import pytest

from poet_engine._cancellation import Cancellation
from poet_engine._wake import readable
from poet_engine.errors import ClosedError


def _readable(cancellation: Cancellation) -> bool:
    return readable(cancellation.fd, 0)


def test_nothing_is_asked_for_at_first() -> None:
    with Cancellation() as cancellation:
        assert not cancellation.requested
        assert not _readable(cancellation)


def test_asking_is_seen_by_those_who_look_and_those_who_poll() -> None:
    with Cancellation() as cancellation:
        cancellation.cancel()
        cancellation.cancel()
        assert cancellation.requested
        assert _readable(cancellation)


def test_a_listener_hears_it_once_and_only_inside_its_block() -> None:
    heard: list[str] = []
    with Cancellation() as cancellation:
        with cancellation.telling(lambda: heard.append("too early")):
            pass
        with cancellation.telling(lambda: heard.append("now")):
            thread = threading.Thread(target=cancellation.cancel)
            thread.start()
            thread.join()
        cancellation.cancel()
    assert heard == ["now"]


def test_asking_after_the_block_does_nothing() -> None:
    """The descriptor's number may belong to somebody else by then."""
    with Cancellation() as cancellation:
        pass
    cancellation.cancel()
    assert not cancellation.requested


def test_what_is_asked_before_anybody_looks_is_seen_too() -> None:
    with Cancellation() as cancellation:
        cancellation.cancel()
        assert _readable(cancellation)


def test_hundreds_of_them_need_no_descriptors_until_somebody_looks() -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    kept = [Cancellation() for _ in range(100)]
    assert len(list(Path("/proc/self/fd").iterdir())) == before
    for cancellation in kept:
        cancellation.close()


def test_looking_after_the_block_is_an_error() -> None:
    with Cancellation() as cancellation:
        pass
    with pytest.raises(ClosedError):
        assert cancellation.fd
