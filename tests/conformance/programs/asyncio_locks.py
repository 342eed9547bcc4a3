import asyncio

order = []


async def worker(name, lock, semaphore):
    async with semaphore:
        async with lock:
            order.append(name)
            await asyncio.sleep(0)
            order.append(name)


async def main():
    lock, semaphore, event = asyncio.Lock(), asyncio.Semaphore(2), asyncio.Event()
    await asyncio.gather(*(worker(name, lock, semaphore) for name in "abc"))
    print(order, lock.locked())
    waiter = asyncio.create_task(event.wait())
    await asyncio.sleep(0)
    event.set()
    print(await waiter, asyncio.current_task().get_name(), len(asyncio.all_tasks()))


asyncio.run(main())
