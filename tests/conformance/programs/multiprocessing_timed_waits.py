# policy: processes
import multiprocessing
import queue
import time

if __name__ == "__main__":
    start = time.monotonic()
    print(multiprocessing.Event().wait(0.05), multiprocessing.Lock().acquire(timeout=0.05))
    held = multiprocessing.Semaphore(0)
    print(held.acquire(timeout=0.05))
    try:
        multiprocessing.Queue().get(timeout=0.05)
    except queue.Empty:
        print("empty")
    print(time.monotonic() - start < 3)
