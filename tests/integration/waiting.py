"""Waiting for what happens elsewhere."""

import threading
import time
from collections.abc import Callable


def until(true: Callable[[], bool], seconds: float = 60.0) -> bool:
    """Whether something becomes true in time. The event is never set: it is only there to wait with."""
    pause, deadline = threading.Event(), time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            return False
        pause.wait(0.05)
    return True
