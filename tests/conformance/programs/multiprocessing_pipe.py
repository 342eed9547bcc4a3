# policy: processes
from multiprocessing import Pipe, Process


def echo(end):
    while (item := end.recv()) is not None:
        end.send([item, item])
    end.close()


if __name__ == "__main__":
    ours, theirs = Pipe()
    process = Process(target=echo, args=(theirs,), daemon=True)
    process.start()
    for item in ("a", {"k": 1}):
        ours.send(item)
        print(ours.recv())
    ours.send(None)
    process.join(5)
    print(process.exitcode, ours.poll(0))
