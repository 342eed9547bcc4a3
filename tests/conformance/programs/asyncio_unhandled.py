import asyncio


async def fails():
    raise RuntimeError("nobody looks at me")


async def main():
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: print(context["message"]))
    task = asyncio.create_task(fails())
    await asyncio.sleep(0.01)
    del task
    try:
        asyncio.run(main())
    except RuntimeError as error:
        print(error)


coroutine = main()
try:
    asyncio.run(coroutine)
finally:
    coroutine.close()
