import os
import signal
import sys


def stop(number, frame):
    print("stopping")
    sys.exit(0)


signal.signal(signal.SIGTERM, stop)
try:
    os.kill(os.getpid(), signal.SIGTERM)
    print("never")
finally:
    print("cleaned up")
