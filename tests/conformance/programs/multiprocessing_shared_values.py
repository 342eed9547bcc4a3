# policy: processes
from multiprocessing import Array, Lock, Process, Value


def add(value, array, lock, n):
    for _ in range(100):
        with lock:
            value.value += 1
    array[n] = n * 1.5


if __name__ == "__main__":
    value, array, lock = Value("i", 0), Array("d", 3), Lock()
    processes = [Process(target=add, args=(value, array, lock, n)) for n in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    print(value.value, list(array))
