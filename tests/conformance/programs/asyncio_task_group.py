import asyncio


async def job(n):
    try:
        await asyncio.sleep(0.01 if n == 2 else 5)
        raise ValueError(f"job {n}")
    except asyncio.CancelledError:
        cancelled.append(n)
        raise


cancelled = []


async def main():
    try:
        async with asyncio.TaskGroup() as group:
            for n in range(3):
                group.create_task(job(n), name=f"job-{n}")
    except* ValueError as errors:
        print(errors.exceptions, sorted(cancelled))


asyncio.run(main())
