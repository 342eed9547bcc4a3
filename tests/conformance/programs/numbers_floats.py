import math
import sys

values = [0.1 + 0.2, 1 / 3, 1e22, 123456789.123456789, 5e-324, float("nan"), float("-inf")]
for value in values:
    print(value, value.hex(), repr(value), f"{value:.3g}")
print(math.fsum([0.1] * 10), sum([0.1] * 10), math.nextafter(1, 2), math.ulp(1.0), math.remainder(7, 4))
print(sys.float_info.max, sys.float_info.dig, math.dist((0, 0), (3, 4)), math.hypot(1, 2, 2))
for bad in (lambda: math.sqrt(-1), lambda: 1 / 0, lambda: math.exp(1000), lambda: 2.0**5000):
    try:
        bad()
    except ArithmeticError as error:
        print(type(error).__name__, error)
    except ValueError as error:
        print("ValueError", error)
