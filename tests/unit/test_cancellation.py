import select
import threading

from poet_engine.cancellation import Cancellation


def _readable(cancellation: Cancellation) -> bool:
    return bool(select.select([cancellation.fd], [], [], 0)[0])


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
