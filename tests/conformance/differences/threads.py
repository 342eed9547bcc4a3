# inside: "refused\n"
import threading

stop = threading.Event()
threads = [threading.Thread(target=stop.wait) for _ in range(40)]
started = []
try:
    for thread in threads:
        thread.start()
        started.append(thread)
    print("all started")
except RuntimeError:
    print("refused")
stop.set()
for thread in started:
    thread.join()
