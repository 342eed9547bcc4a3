import asyncio
import os
import socket


async def main():
    a, b = socket.socketpair()
    reader, writer = await asyncio.open_connection(sock=a)
    peer_reader, peer_writer = await asyncio.open_connection(sock=b)
    writer.write(b"hello\nworld\n")
    await writer.drain()
    print(await peer_reader.readline())
    writer.close()
    print(await peer_reader.read(), peer_reader.at_eof())
    peer_writer.close()
    read, write = os.pipe()
    loop = asyncio.get_running_loop()
    ready = loop.create_future()
    loop.add_reader(read, lambda: ready.done() or ready.set_result(os.read(read, 10)))
    os.write(write, b"ping")
    print(await ready)
    loop.remove_reader(read)


asyncio.run(main())
