import traceback


def inner(values):
    return values[5]  # too far


try:
    inner([1])
except IndexError:
    traceback.print_exc()
