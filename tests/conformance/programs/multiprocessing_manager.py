# policy: processes
from multiprocessing import Manager, Process


def work(shared, n):
    shared[n] = n * n


if __name__ == "__main__":
    with Manager() as manager:
        shared = manager.dict()
        processes = [Process(target=work, args=(shared, n)) for n in range(2)]
        for process in processes:
            process.start()
        for process in processes:
            process.join()
        print(sorted(shared.items()))
