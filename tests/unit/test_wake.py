"""A bell wakes who waits, whatever it is made of, and never rings with somebody else's descriptor."""

import os
import threading

import pytest

from poet_engine._wake import Waker, readable

KINDS = pytest.mark.parametrize("eventfd", [hasattr(os, "eventfd"), False], ids=["the platform's", "a pipe"])


def rings(bell: Waker) -> bool:
    return readable(bell.fileno(), 0)


@KINDS
def test_it_rings_until_it_is_heard(*, eventfd: bool) -> None:
    bell = Waker(eventfd=eventfd)
    assert not rings(bell)
    bell.ring()
    bell.ring()
    assert rings(bell)
    bell.hear()
    assert not rings(bell)
    bell.hear()
    bell.close()


@KINDS
def test_ringing_for_ever_blocks_nobody(*, eventfd: bool) -> None:
    bell = Waker(eventfd=eventfd)
    for _ in range(100_000):  # more than a pipe holds
        bell.ring()
    assert rings(bell)
    bell.close()


@KINDS
def test_a_pipe_that_was_rung_often_is_silent_when_it_was_heard_often_enough(*, eventfd: bool) -> None:
    bell = Waker(eventfd=eventfd)
    for _ in range(10_000):
        bell.ring()
    heard = 0
    while rings(bell):
        bell.hear()
        heard += 1
    assert heard <= 3
    bell.close()


@KINDS
def test_after_the_end_it_writes_to_nobody(*, eventfd: bool) -> None:
    """Its number is the next file's, as here."""
    bell = Waker(eventfd=eventfd)
    bell.close()
    bell.close()
    reads, writes = os.pipe()
    bell.ring()
    assert not readable(reads, 0)
    os.close(reads)
    os.close(writes)


@KINDS
def test_it_wakes_a_thread(*, eventfd: bool) -> None:
    bell = Waker(eventfd=eventfd)
    thread = threading.Thread(target=readable, args=(bell.fileno(), 60))
    thread.start()
    bell.ring()
    thread.join(30)
    assert not thread.is_alive()
    bell.close()
