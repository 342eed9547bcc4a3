# policy: processes
import multiprocessing
import sys


def work():
    sys.exit(3)


def quiet():
    sys.stderr = None
    raise ValueError


if __name__ == "__main__":
    context = multiprocessing.get_context("fork")
    for target in (work, quiet):
        process = context.Process(target=target)
        process.start()
        process.join()
        print(process.exitcode)
    process = context.Process(target=multiprocessing.Event().wait)
    process.start()
    process.terminate()
    process.join()
    print(process.exitcode, process.is_alive(), multiprocessing.active_children())
