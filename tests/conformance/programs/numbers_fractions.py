from fractions import Fraction

third = Fraction(1, 3)
print(third + Fraction("0.25"), third**-2, Fraction(3.25), Fraction(1.1).limit_denominator(10), float(third))
print(sum(Fraction(1, n) for n in range(1, 11)), Fraction(-7, 2).__floor__(), round(Fraction(7, 2)), hash(Fraction(1, 2)))
try:
    Fraction(1, 0)
except ZeroDivisionError as error:
    print(error)
