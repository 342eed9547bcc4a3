import asyncio


async def producer(queue):
    for n in range(5):
        await queue.put(n)
    await queue.put(None)


async def consumer(queue):
    total = 0
    while (item := await queue.get()) is not None:
        total += item
        queue.task_done()
    return total


async def main():
    queue = asyncio.Queue(maxsize=2)
    _, total = await asyncio.gather(producer(queue), consumer(queue))
    print("total", total, queue.empty())


asyncio.run(main())
