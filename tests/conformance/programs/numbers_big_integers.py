import math

print(math.factorial(50), math.comb(60, 30), math.isqrt(10**40), math.gcd(2**64, 6**30), pow(3, -1, 7))
print((2**200).bit_length(), int("ff", 16), (1000).to_bytes(3, "little"), int.from_bytes(b"\1\0", "big"), -7 // 2, -7 % 3)
try:
    print(10**5000)
except ValueError as error:
    print(error)
print(divmod(-17, 5), round(2.5), round(-1234, -2), 0.1 + 0.2, 1e308 * 10)
