# policy: processes
from multiprocessing import Process, Queue


def work(n, queue):
    queue.put((n, n * 10))


if __name__ == "__main__":
    queue = Queue()
    processes = [Process(target=work, args=(n, queue)) for n in range(3)]
    for process in processes:
        process.start()
    found = sorted(queue.get(timeout=5) for _ in processes)
    for process in processes:
        process.join()
    print(found, [process.exitcode for process in processes])
