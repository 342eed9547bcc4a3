"""Call a callback in the thread of an event loop, from the threads that know what it is to be told."""

import concurrent.futures
from typing import Literal

from poet_engine.job import OutputCallback


def in_event_loop(callback: OutputCallback) -> OutputCallback:
    """Return a callback for other threads that calls this one in the running event loop, and waits for that."""
    import asyncio  # noqa: PLC0415 - who awaits has it loaded; the engine of `poet run` never does

    loop = asyncio.get_running_loop()

    def call(stream: Literal["stdout", "stderr"], text: str) -> None:
        returned: concurrent.futures.Future[None] = concurrent.futures.Future()

        def perform() -> None:
            try:
                callback(stream, text)
            except BaseException as error:
                returned.set_exception(error)
                if not isinstance(error, Exception):
                    raise  # what ends the loop is not the waiting thread's alone
            else:
                returned.set_result(None)

        loop.call_soon_threadsafe(perform)
        returned.result()

    return call
