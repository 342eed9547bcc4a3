import asyncio


async def background():
    try:
        while True:
            await asyncio.sleep(1)
    finally:
        print("background stopped")


async def stream():
    try:
        yield 1
        yield 2
    finally:
        print("generator closed")


async def main():
    task = asyncio.create_task(background())
    agen = stream()
    print(await anext(agen))
    await asyncio.sleep(0)
    return "main done", task.done()


print(asyncio.run(main()))
with asyncio.Runner(debug=True) as runner:
    print(runner.run(asyncio.sleep(0, "ran")), runner.get_loop().get_debug())
