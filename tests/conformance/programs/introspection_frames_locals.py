import sys


def outer():
    secret = 42
    return inner()


def inner():
    frame = sys._getframe(1)
    return frame.f_code.co_name, frame.f_locals["secret"], frame.f_back.f_code.co_name


print(outer())
calls = []
sys.setprofile(lambda frame, event, arg: calls.append(frame.f_code.co_name) if event == "call" else None)
inner_again = (lambda: 1)()
sys.setprofile(None)
print(calls)
lines = []


def tracer(frame, event, arg):
    lines.append(event)
    return tracer


def traced():
    x = 1
    return x


sys.settrace(tracer)
traced()
sys.settrace(None)
print(lines)
