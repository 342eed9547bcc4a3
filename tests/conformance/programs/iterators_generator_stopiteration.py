def bad():
    yield 1
    raise StopIteration("inside")


try:
    list(bad())
except RuntimeError as error:
    print(error, "|", repr(error.__cause__))

squares = (n * n for n in range(4))
print(squares.gi_running, next(squares), 4 in squares, list(squares), type(squares))


def reenter():
    yield next(itself)


itself = reenter()
try:
    next(itself)
except ValueError as error:
    print(error)
