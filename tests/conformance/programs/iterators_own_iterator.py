class Fibonacci:
    def __init__(self, limit):
        self.limit = limit

    def __iter__(self):
        self.a, self.b = 0, 1
        return self

    def __next__(self):
        if self.a > self.limit:
            raise StopIteration
        value, self.a, self.b = self.a, self.b, self.a + self.b
        return value

    def __length_hint__(self):
        return 10

    def __reversed__(self):
        return iter(list(self)[::-1])


import operator

fib = Fibonacci(30)
print(list(fib), sum(fib), list(reversed(fib)), max(fib), operator.length_hint(fib), dict(enumerate(fib, 1)))
print(*iter(iter([1, 2, 3, 0, 4]).__next__, 0), any(x > 20 for x in fib))
