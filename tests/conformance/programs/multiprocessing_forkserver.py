# policy: processes
import multiprocessing


def work(queue):
    queue.put("from the server's child")


if __name__ == "__main__":
    context = multiprocessing.get_context("forkserver")
    queue = context.Queue()
    process = context.Process(target=work, args=(queue,))
    process.start()
    print(queue.get(timeout=10))
    process.join()
    print(process.exitcode)
