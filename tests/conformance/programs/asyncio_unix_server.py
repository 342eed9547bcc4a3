# policy: processes
import asyncio
import os


async def echo(reader, writer):
    writer.write((await reader.readline()).upper())
    await writer.drain()
    writer.close()


async def main():
    server = await asyncio.start_unix_server(echo, "echo")
    async with server:
        for word in (b"one\n", b"two\n"):
            reader, writer = await asyncio.open_unix_connection("echo")
            writer.write(word)
            print(await reader.read())
            writer.close()
    try:
        await asyncio.open_unix_connection("nobody")
    except FileNotFoundError as error:
        print(error)


asyncio.run(main())
if os.path.exists("echo"):
    os.unlink("echo")
