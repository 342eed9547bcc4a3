import asyncio
import threading
import time


def blocking(n):
    time.sleep(0.01)
    return n * n, threading.current_thread() is threading.main_thread()


async def main():
    print(await asyncio.gather(*(asyncio.to_thread(blocking, n) for n in range(3))))
    loop = asyncio.get_running_loop()
    print(await loop.run_in_executor(None, sum, [1, 2, 3]))
    future = loop.create_future()
    loop.call_later(0.01, future.set_result, "later")
    loop.call_soon_threadsafe(print, "soon")
    print(await future)


asyncio.run(main())
