"""Give the caller's callback the output of a run while the code runs, from a thread of its own.

The thread that supervises a run must not wait: it ends the run at its limits. So it only appends what came, which is at
most what the outcome keeps, and a callback that is slow, hangs or raises costs the run nothing.
"""

import codecs
import contextlib
import contextvars
import logging
import threading
from collections.abc import Callable, Iterator
from typing import Literal

from poet_engine.job import OutputCallback

Listener = Callable[[int, bytes], None]
_Name = Literal["stdout", "stderr"]

_NAMES: dict[int, _Name] = {1: "stdout", 2: "stderr"}
# Seconds that one call of the callback may take once the run has ended. The outcome does not wait longer for it.
_PATIENCE = 5.0
_logger = logging.getLogger("poet_engine")


class LiveOutput:
    """The output that a callback has not been given yet.

    All that it is given is, joined, the text of the outcome: bytes are decoded across the borders of pieces.

    Args:
        callback: Called with the stream's name and a piece of text, one call at a time; never after it has raised.
        patience: Seconds that `finish` waits for one call of it.
    """

    def __init__(self, callback: OutputCallback, *, patience: float = _PATIENCE) -> None:
        self._callback, self._patience = callback, patience
        self._context = contextvars.copy_context()
        self._changed = threading.Condition()
        self._pending: list[tuple[int, bytearray]] = []
        self._decoders = {stream: codecs.getincrementaldecoder("utf-8")("replace") for stream in _NAMES}
        self._thread: threading.Thread | None = None
        self._given = 0  # calls that have returned
        self._closed = self._dropped = self._done = False

    def __repr__(self) -> str:
        return f"<LiveOutput given={self._given} pending={len(self._pending)}>"

    def add(self, stream: int, data: bytes) -> None:
        """Take a piece of output; returns at once."""
        with self._changed:
            if self._closed or self._dropped:
                return
            if self._pending and self._pending[-1][0] == stream:
                self._pending[-1][1].extend(data)  # so that many small pieces take no more room than their bytes
            else:
                self._pending.append((stream, bytearray(data)))
            if self._thread is None:
                self._start()
            self._changed.notify_all()

    def _start(self) -> None:
        """Start the thread; without room for one, the next piece tries again, or `finish` gives the caller all."""
        thread = threading.Thread(target=self._give_all, name="poet-output", daemon=True)
        with contextlib.suppress(RuntimeError):
            thread.start()
            self._thread = thread

    def finish(self) -> None:
        """Wait until everything was given, or the callback takes too long for one piece."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
            alone = self._thread is None
        if alone:
            self._give_all()
        with self._changed:
            while not self._done:
                given = self._given
                if not self._changed.wait_for(lambda: self._done or self._given != given, self._patience):  # noqa: B023 - called before it changes
                    self._drop()
                    _logger.warning(
                        "on_output has not returned %g s after the run's end, and gets no more of its output",
                        self._patience,
                    )
                    return

    def abandon(self) -> None:
        """Give nothing more, and wait for nothing: the caller was interrupted."""
        with self._changed:
            self._drop()

    def _drop(self) -> None:
        self._closed = self._dropped = True
        self._pending.clear()
        self._changed.notify_all()

    def _give_all(self) -> None:
        last = False
        while not last:
            with self._changed:
                self._changed.wait_for(lambda: self._pending or self._closed)
                pieces, self._pending, last = self._pending, [], self._closed
            for name, text in self._texts(pieces, last=last):
                self._give(name, text)
        with self._changed:
            self._done = True
            self._changed.notify_all()

    def _texts(self, pieces: list[tuple[int, bytearray]], *, last: bool) -> Iterator[tuple[_Name, str]]:
        for stream, data in pieces:
            if text := self._decoders[stream].decode(data):
                yield _NAMES[stream], text
        for stream, decoder in self._decoders.items():
            if last and (text := decoder.decode(b"", final=True)):
                yield _NAMES[stream], text

    def _give(self, name: _Name, text: str) -> None:
        if self._dropped:
            return
        try:
            self._context.run(self._callback, name, text)
        except BaseException:  # whatever it raises is the caller's own, and there is an outcome to return
            self._dropped = True
            _logger.warning("on_output raised, and gets no more of the run's output", exc_info=True)
        with self._changed:
            self._given += 1
            self._changed.notify_all()


@contextlib.contextmanager
def live_output(callback: OutputCallback | None) -> Iterator[Listener | None]:
    """Return what takes the output of a run during the block, after which the callback has been given all of it.

    Args:
        callback: The caller's; without one there is nothing that takes it.
    """
    if callback is None:
        yield None
        return
    live = LiveOutput(callback)
    try:
        yield live.add
    except BaseException:
        live.abandon()
        raise
    live.finish()
