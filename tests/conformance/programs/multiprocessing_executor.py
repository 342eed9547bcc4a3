# policy: processes
from concurrent.futures import ProcessPoolExecutor
import os


def work(n):
    if n == 2:
        raise ValueError("two")
    return n, os.getpid() != parent


parent = os.getpid()
if __name__ == "__main__":
    with ProcessPoolExecutor(2) as pool:
        for n, future in enumerate([pool.submit(work, n) for n in range(4)]):
            try:
                print(future.result())
            except ValueError as error:
                print(n, repr(error))
