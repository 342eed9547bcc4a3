# policy: processes
import multiprocessing
import os
from multiprocessing.connection import Client, Listener


def call(address):
    with Client(address, authkey=b"secret") as connection:
        connection.send({"numbers": [1, 2.5]})
        print(connection.recv(), flush=True)


if __name__ == "__main__":
    with Listener("listener", authkey=b"secret") as listener:
        process = multiprocessing.Process(target=call, args=(listener.address,))
        process.start()
        with listener.accept() as connection:
            connection.send([connection.recv(), listener.address])
        process.join()
    print(process.exitcode, os.path.exists("listener"))
