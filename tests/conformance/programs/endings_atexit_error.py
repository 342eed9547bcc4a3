import atexit


def fails():
    raise RuntimeError("at exit")


atexit.register(print, "still runs")
atexit.register(fails)
print("end")
