import queue
import threading

tasks, results = queue.Queue(), []
lock = threading.Lock()


def worker():
    while (n := tasks.get()) is not None:
        with lock:
            results.append(n * n)
        tasks.task_done()


threads = [threading.Thread(target=worker, name=f"worker-{i}") for i in range(3)]
for thread in threads:
    thread.start()
for n in range(10):
    tasks.put(n)
tasks.join()
for _ in threads:
    tasks.put(None)
for thread in threads:
    thread.join()
print(sorted(results), [thread.name for thread in threads], threading.active_count())
