from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation, getcontext, localcontext

getcontext().prec = 12
price = Decimal("19.99")
total = sum((price * n for n in range(1, 4)), Decimal(0))
print(total, total.quantize(Decimal("0.1"), rounding=ROUND_HALF_EVEN), Decimal(1) / Decimal(7), Decimal(2).sqrt())
with localcontext() as context:
    context.prec = 40
    print(Decimal(1) / 7, Decimal(2).ln())
try:
    Decimal("abc")
except InvalidOperation as error:
    print(error)
print(Decimal(0.1), Decimal("1E+3").normalize(), Decimal("-0"), Decimal("NaN").is_nan(), getcontext())
