import threading

limit, active, most = threading.BoundedSemaphore(2), 0, 0
lock = threading.RLock()


def enter():
    global active, most
    with limit:
        with lock, lock:
            active += 1
            most = max(most, active)
        threading.Event().wait(0.005)
        with lock:
            active -= 1


threads = [threading.Thread(target=enter) for _ in range(6)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
print(most <= 2, active)
try:
    limit.release()
except ValueError as error:
    print(error)
