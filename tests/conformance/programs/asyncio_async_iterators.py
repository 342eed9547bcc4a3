import asyncio
from contextlib import asynccontextmanager


@asynccontextmanager
async def resource(name):
    print("open", name)
    try:
        yield name.upper()
    finally:
        await asyncio.sleep(0)
        print("close", name)


async def ticks(n):
    for i in range(n):
        await asyncio.sleep(0)
        yield i


class Lines:
    def __init__(self, lines):
        self.lines = iter(lines)

    def __aiter__(self):
        return self

    async def __anext__(self):
        try:
            return next(self.lines)
        except StopIteration:
            raise StopAsyncIteration from None


async def main():
    async with resource("db") as db:
        print(db, [i async for i in ticks(4) if i % 2], {line: 1 async for line in Lines(["a", "b"])})
    print(await anext(ticks(1)), await anext(Lines([]), "empty"))


asyncio.run(main())
