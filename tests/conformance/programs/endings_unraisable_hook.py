import sys


def hook(unraisable):
    print("unraisable", unraisable.exc_type.__name__, unraisable.exc_value)


sys.unraisablehook = hook


class Bad:
    def __del__(self):
        1 / 0


Bad()
print("end")
