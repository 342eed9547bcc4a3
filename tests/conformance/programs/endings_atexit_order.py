import atexit
import sys


@atexit.register
def last():
    print("last")


atexit.register(print, "first", file=sys.stderr)
atexit.register(lambda: open("late.txt", "w").write("written at the end"))
gone = atexit.register(print, "never")
atexit.unregister(print)
print("main done")
