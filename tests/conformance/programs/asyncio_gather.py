import asyncio


async def fetch(name, delay):
    await asyncio.sleep(delay)
    print("fetched", name)
    return name.upper()


async def main():
    print(await asyncio.gather(fetch("slow", 0.03), fetch("fast", 0.0), fetch("middle", 0.015)))
    results = await asyncio.gather(fetch("x", 0), asyncio.sleep(0, 1 / 3), return_exceptions=True)
    print(results)


asyncio.run(main())
