def countdown(n):
    try:
        while n:
            got = yield n
            n = got if got is not None else n - 1
    finally:
        print("closed at", n)


def outer():
    result = yield from inner()
    print("inner gave", result)
    yield 3


def inner():
    yield 1
    try:
        yield 2
    except KeyError as error:
        print("caught", error)
        yield "again"
    return "done"


c = countdown(5)
print(next(c), c.send(2), next(c), list(c))
early = countdown(9)
next(early)
early.close()
o = outer()
print(next(o), next(o), o.throw(KeyError("k")), list(o))
try:
    next(o)
except StopIteration as error:
    print("stopped", error.value)
