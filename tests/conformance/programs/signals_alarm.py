import signal
import time


class Late(Exception):
    pass


def ring(number, frame):
    raise Late(signal.Signals(number).name)


signal.signal(signal.SIGALRM, ring)
signal.setitimer(signal.ITIMER_REAL, 0.02)
try:
    while True:
        time.sleep(1)
except Late as error:
    print("interrupted by", error)
print(signal.alarm(0), signal.getsignal(signal.SIGALRM) is ring)
