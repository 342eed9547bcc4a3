"""Workers do what they are given, and nobody has to wait for those that hang."""

import threading

from poet_engine.sandbox.docker.threads import Workers


def test_everything_is_done_before_they_end() -> None:
    before = threading.active_count()
    done: list[int] = []
    workers = Workers(2)
    for number in range(50):
        workers.submit(lambda number=number: done.append(number))  # type: ignore[misc]  # a lambda's default has no type
    assert workers.finish(30)
    workers.close()
    assert sorted(done) == [*range(50)]
    assert threading.active_count() == before


def test_one_that_hangs_is_waited_for_as_long_as_is_said_and_keeps_no_interpreter() -> None:
    release, begun = threading.Event(), threading.Event()
    done: list[str] = []

    def hang() -> None:
        begun.set()
        release.wait()
        done.append("late")

    workers = Workers(2)
    workers.submit(hang)
    workers.submit(lambda: done.append("other"))
    assert begun.wait(30)
    assert not workers.finish(0.05)
    workers.close()
    hanging = [thread for thread in threading.enumerate() if thread in workers]
    assert all(thread.daemon for thread in hanging)
    release.set()
    for thread in hanging:
        thread.join(30)
        assert not thread.is_alive()
    assert sorted(done) == ["late", "other"]


def test_what_is_done_is_not_held_on_to() -> None:
    """It may be the last that knows of a container."""
    workers = Workers(1)
    event = threading.Event()

    def task(holding: threading.Event = event) -> None:
        holding.set()

    workers.submit(task)
    assert workers.finish(30)
    assert event.is_set()
    workers.close()
