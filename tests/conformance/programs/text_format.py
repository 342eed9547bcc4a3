class Money:
    def __init__(self, cents):
        self.cents = cents

    def __format__(self, spec):
        return format(self.cents / 100, spec or ".2f")


row = {"name": "Ann", "n": 3, "total": Money(123456)}
print("{name:>8}|{n:03d}|{total:,.2f}|{total}".format(**row))
print(f"{row['name']!r:^9}|{12345.678:e}|{255:#x}|{255:08b}|{0.256:.1%}|{1e10:g}|{10**9:_}")
print("%-5s|%05.1f|%+d|%x|%c|%r" % ("ab", 3.14159, 7, 255, "z", [1]))
try:
    "{0} {}".format(1, 2)
except ValueError as error:
    print(error)
