import threading
import time

ticks = []
timer = threading.Timer(0.01, ticks.append, ["tick"])
timer.start()
cancelled = threading.Timer(0.01, ticks.append, ["never"])
cancelled.start()
cancelled.cancel()
timer.join()
threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
late = threading.Thread(target=lambda: (time.sleep(0.05), print("after main")))
late.start()
print(ticks, timer.is_alive(), late.daemon, threading.main_thread().name)
