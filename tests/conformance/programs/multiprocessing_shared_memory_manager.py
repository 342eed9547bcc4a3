# policy: processes
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
        process = multiprocessing.Process(target=double, args=(block, listed))
        process.start()
        process.join()
        print(bytes(block.buf[:4]), list(listed), process.exitcode)
