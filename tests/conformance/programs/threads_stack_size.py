import threading

threading.stack_size(64 * 1024 * 1024)


def depth(n):
    return 0 if n == 0 else 1 + depth(n - 1)


found = []
thread = threading.Thread(target=lambda: found.append(depth(900)))
thread.start()
thread.join()
print(found, threading.stack_size())
