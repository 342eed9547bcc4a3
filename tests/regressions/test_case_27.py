"""Managers of `multiprocessing` serve the processes of a program, as under plain CPython."""

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.regressions.conftest import OpenEngine

    from poet_engine.outcome import Outcome

_TYPES = """
import multiprocessing
def work(n, shared, seen, queue, lock, value, event):
    with lock:
        value.value += n
        shared[n] = n * n
    seen.append(n)
    event.wait(20)
    queue.put(n)
if __name__ == "__main__":
    with multiprocessing.Manager() as manager:
        shared, seen, queue = manager.dict(), manager.list(), manager.Queue()
        lock, value, event = manager.Lock(), manager.Value("i", 0), manager.Event()
        given = shared, seen, queue, lock, value, event
        children = [multiprocessing.Process(target=work, args=(n, *given)) for n in range(3)]
        for child in children:
            child.start()
        event.set()
        print(sorted(queue.get(timeout=20) for _ in children))
        for child in children:
            child.join()
        print(sorted(shared.items()), sorted(seen), value.value, [child.exitcode for child in children])
        space = manager.Namespace(a=1)
        space.b = [2]
        print(space, manager.Array("i", [1, 2]), type(shared).__name__, queue.empty())
"""
_POOL = """
import multiprocessing
def work(given):
    shared, lock, n = given
    with lock:
        shared["total"] = shared.get("total", 0) + n
    return n
if __name__ == "__main__":
    with multiprocessing.Manager() as manager, multiprocessing.Pool(2) as pool:
        shared, lock = manager.dict(), manager.RLock()
        print(sorted(pool.map(work, [(shared, lock, n) for n in range(20)])), dict(shared))
        barrier, gate = manager.Barrier(2), manager.Semaphore(1)
        print(barrier.parties, gate.acquire(), gate.acquire(False))
    through = multiprocessing.get_context("forkserver").Manager()
    print(list(through.list("abc")))
    through.shutdown()
"""
_ERRORS = """
import multiprocessing
from multiprocessing.managers import BaseManager, RemoteError
class Counter:
    def __init__(self):
        self.count = 0
    def add(self, n):
        if n < 0:
            raise ValueError("too low")
        self.count += n
        return self.count
class Own(BaseManager):
    pass
Own.register("Counter", Counter)
if __name__ == "__main__":
    manager = multiprocessing.Manager()
    shared = manager.dict()
    try:
        shared["no"]
    except KeyError as error:
        print(repr(error))
    manager.shutdown()
    try:
        shared["no"] = 1
    except (OSError, EOFError) as error:
        print(type(error).__name__)
    with Own() as own:
        counter = own.Counter()
        print(counter.add(2), counter.add(3))
        try:
            counter.add(-1)
        except ValueError as error:
            print(error)
        wrong = Own(address=own.address, authkey=b"wrong")
        try:
            wrong.connect()
        except multiprocessing.AuthenticationError as error:
            print(error)
"""
_CONNECTIONS = """
import os, socket, sys, tempfile, threading
from multiprocessing import Pipe, Process
from multiprocessing.connection import Client, Listener, wait
def serve(listener):
    with listener.accept() as connection:
        connection.send([connection.recv(), listener.last_accepted])
    listener.close()
def client(address):
    with Client(address, authkey=b"secret") as connection:
        connection.send({"from": "client"})
        print(connection.recv())
def sends_a_descriptor(end):
    read, write = os.pipe()
    os.write(write, b"through a pipe")
    os.close(write)
    socket.send_fds(end, [b"x"], [read])
def gives_a_pipe_away(end):
    ours, theirs = Pipe()
    end.send(theirs)
    ours.send("by a pipe that was sent")
    end.recv()
if __name__ == "__main__":
    for address in (os.path.join(tempfile.mkdtemp(), "listener"), "\\0nameless"):
        listener = Listener(address, "AF_UNIX", authkey=b"secret")
        thread = threading.Thread(target=serve, args=(listener,))
        thread.start()
        child = Process(target=client, args=(address,))
        child.start()
        child.join(), thread.join()
        print(child.exitcode, os.path.exists(address) if address[0] == "/" else None)
        sys.stdout.flush()
    a, b = socket.socketpair()
    child = Process(target=sends_a_descriptor, args=(b,))
    child.start()
    _data, (fd,), _flags, _address = socket.recv_fds(a, 10, 1)
    print(os.read(fd, 100))
    child.join()
    ours, theirs = Pipe()
    child = Process(target=gives_a_pipe_away, args=(theirs,))
    child.start()
    print(ours.recv().recv())
    ours.send(None)
    child.join()
    print(child.exitcode)
"""
_STREAMS = """
import asyncio, os, socket, socketserver, threading
async def echo(reader, writer):
    writer.write((await reader.readline()).upper())
    await writer.drain()
    writer.close()
async def main():
    server = await asyncio.start_unix_server(echo, "echo")
    async with server:
        reader, writer = await asyncio.open_unix_connection("echo")
        writer.write(b"hello\\n")
        print(await reader.read())
        writer.close()
asyncio.run(main())
class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        self.wfile.write(self.rfile.readline()[::-1])
with socketserver.ThreadingUnixStreamServer("server", Handler) as server:
    threading.Thread(target=server.serve_forever).start()
    with socket.socket(socket.AF_UNIX) as client:
        client.connect("server")
        print(client.getpeername(), client.getsockname())
        client.sendall(b"abc\\n")
        print(client.recv(10))
    server.shutdown()
for name in ("nobody", "\\0nobody"):
    try:
        socket.socket(socket.AF_UNIX).connect(name)
    except OSError as error:
        print(type(error).__name__, error.errno)
listener = socket.socket(socket.AF_UNIX)
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
try:
    listener.bind("server")
except OSError as error:
    print(error)
print(sorted(os.listdir()))
for name in ("echo", "server"):
    if os.path.exists(name):
        os.unlink(name)
"""
_SHARED = """
import multiprocessing
from multiprocessing.managers import SharedMemoryManager
def double(block, listed):
    for index in range(4):
        block.buf[index] *= 2
    listed[0] = "changed"
if __name__ == "__main__":
    with SharedMemoryManager() as manager:
        block, listed = manager.SharedMemory(16), manager.ShareableList(["original", 1, 2.5, None])
        block.buf[:4] = bytes(range(4))
        child = multiprocessing.Process(target=double, args=(block, listed))
        child.start()
        child.join()
        print(bytes(block.buf[:4]), list(listed), child.exitcode)
"""
_PROGRAMS = {
    "every type": _TYPES,
    "a pool": _POOL,
    "errors": _ERRORS,
    "listeners and descriptors": _CONNECTIONS,
    "servers of streams": _STREAMS,
    "shared memory": _SHARED,
}
_FUNCTION = """
import multiprocessing

def work(shared, n):
    shared.append(n)

def f(numbers):
    with multiprocessing.Manager() as manager:
        shared = manager.list()
        children = [multiprocessing.Process(target=work, args=(shared, n)) for n in numbers]
        for child in children:
            child.start()
        for child in children:
            child.join()
        return sorted(shared)
"""


@pytest.mark.usefixtures("listening")
@pytest.mark.parametrize("source", _PROGRAMS.values(), ids=_PROGRAMS)
def test_it_works_as_in_cpython(same_as_cpython: "Callable[[str, str, str], Outcome]", source: str) -> None:
    outcome = same_as_cpython(source, "", "lab")
    assert (outcome.status, outcome.stderr) == ("ok", "")


@pytest.mark.usefixtures("listening")
def test_a_function_has_a_manager_too(open_engine: "OpenEngine", any_code_policy: "Callable[[str, str], str]") -> None:
    engine = open_engine(any_code_policy("lab", ""))
    for _ in range(2):
        assert engine.run(_FUNCTION, "f", [3, 1, 2]).value == [1, 2, 3]


def test_a_policy_without_processes_has_none(
    open_engine: "OpenEngine", any_code_policy: "Callable[[str, str], str]"
) -> None:
    engine = open_engine(any_code_policy("restricted", ""))
    outcome = engine.run_script("import socket\nsocket.socket(socket.AF_UNIX).bind('here')")
    assert outcome.exit_code == 1
    assert "PermissionError: [Errno 13] Permission denied" in outcome.stderr
