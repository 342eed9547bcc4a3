import sys


def depth(n):
    return depth(n + 1)


def ackermann(m, n):
    if m == 0:
        return n + 1
    return ackermann(m - 1, 1 if n == 0 else ackermann(m, n - 1))


def hanoi(n, a="A", b="B", c="C"):
    return [] if n == 0 else hanoi(n - 1, a, c, b) + [(a, c)] + hanoi(n - 1, b, a, c)


print(ackermann(2, 3), len(hanoi(6)), hanoi(2), sys.getrecursionlimit())
try:
    depth(0)
except RecursionError as error:
    print(type(error).__name__, str(error)[:32])
sys.setrecursionlimit(3000)
print((lambda f, n: f(f, n))(lambda f, n: 0 if n == 0 else 1 + f(f, n - 1), 1400))
