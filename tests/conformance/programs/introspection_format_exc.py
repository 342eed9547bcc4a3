import sys
import traceback


def f():
    g()


def g():
    raise LookupError("lost")


try:
    f()
except LookupError as error:
    frames = traceback.extract_tb(error.__traceback__)
    print([(frame.name, frame.lineno, frame.line) for frame in frames])
    print(traceback.format_exception_only(error))
    print(traceback.format_exc().splitlines()[-2:])
    print(sys.exc_info()[0].__name__, error.__traceback__.tb_next.tb_frame.f_code.co_name)
