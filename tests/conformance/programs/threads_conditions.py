import threading

condition, barrier, event = threading.Condition(), threading.Barrier(2), threading.Event()
said = []


def ping():
    for _ in range(3):
        with condition:
            condition.wait_for(lambda: len(said) % 2 == 0)
            said.append("ping")
            condition.notify_all()
    barrier.wait()
    event.set()


def pong():
    for _ in range(3):
        with condition:
            condition.wait_for(lambda: len(said) % 2 == 1)
            said.append("pong")
            condition.notify_all()
    barrier.wait()


for target in (ping, pong):
    threading.Thread(target=target).start()
print(event.wait(5), said, event.wait(0), threading.Event().wait(0.01), threading.Lock().acquire(timeout=0.01))
