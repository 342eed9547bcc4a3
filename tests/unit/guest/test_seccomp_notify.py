"""The kernel's notifications are read by the sizes that its own ioctl numbers state."""

import os

from poet_engine.guest import seccomp_notify


def stated_size(request: int) -> int:
    """The size of the argument, which an ioctl number carries in bits 16 to 29 (include/uapi/asm-generic/ioctl.h)."""
    return request >> 16 & 0x3FFF


def test_the_structures_have_the_sizes_that_the_requests_state() -> None:
    assert seccomp_notify._NOTIFICATION.size == stated_size(seccomp_notify._RECEIVE) == 80
    assert seccomp_notify._RESPONSE.size == stated_size(seccomp_notify._SEND) == 24


def test_a_listener_that_has_nothing_to_say_says_none() -> None:
    """Its caller died, or it is no listener at all: the wait status will say what became of the call."""
    ours, theirs = os.pipe()
    try:
        assert seccomp_notify.receive(ours) is None
        seccomp_notify.refuse(ours, seccomp_notify.Notification(1, "ptrace", (0,) * 6), 1)
    finally:
        os.close(ours)
        os.close(theirs)
