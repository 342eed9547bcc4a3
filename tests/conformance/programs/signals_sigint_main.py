import os
import signal
import threading

threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGINT)).start()
try:
    threading.Event().wait(5)
except KeyboardInterrupt:
    print("stopped by the user")
