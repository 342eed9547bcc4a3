"""Run requests to the Docker daemon in threads: they may take for ever, and callers decide how long to wait."""

import queue
import threading
from collections.abc import Callable


class Workers:
    """Threads that run tasks from one queue. None of them keeps the interpreter from ending.

    The standard library's executor does: it waits for its threads then, and takes no more tasks before the rest of the
    program has ended, which is when containers that were forgotten have to be removed.

    Args:
        count: The number of threads.
    """

    def __init__(self, count: int) -> None:
        self._tasks: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._change = threading.Condition()
        self._unfinished = 0
        self._threads = [
            threading.Thread(target=self._work, name=f"poet-docker-{number}", daemon=True) for number in range(count)
        ]
        for thread in self._threads:
            thread.start()

    def __repr__(self) -> str:
        return f"<Workers unfinished={self._unfinished}>"

    def __contains__(self, thread: threading.Thread) -> bool:
        return thread in self._threads

    def submit(self, task: Callable[[], None]) -> None:
        """Queue a task, which must not raise."""
        with self._change:
            self._unfinished += 1
        self._tasks.put(task)

    def finish(self, seconds: float) -> bool:
        """Wait until every task is done, at the most for `seconds`; return whether all are."""
        with self._change:
            return self._change.wait_for(lambda: not self._unfinished, max(0.0, seconds))

    def close(self) -> None:
        """Let the threads end when their tasks are done; wait for them if all are."""
        for _ in self._threads:
            self._tasks.put(None)
        if self.finish(0):
            for thread in self._threads:
                thread.join()

    def _work(self) -> None:
        while (task := self._tasks.get()) is not None:
            try:
                task()
            finally:
                del task  # and what it holds, before it counts as done
                with self._change:
                    self._unfinished -= 1
                    self._change.notify_all()
