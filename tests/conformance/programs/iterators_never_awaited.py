import asyncio


async def forgotten():
    return 1


async def main():
    forgotten()
    print("main goes on")


asyncio.run(main())
