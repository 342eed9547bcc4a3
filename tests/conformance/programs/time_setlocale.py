import locale

print(locale.setlocale(locale.LC_ALL, ""))
print(locale.getlocale(), f"{1234567:n}", locale.currency(5.5, symbol=False) if locale.localeconv()["frac_digits"] < 9 else "none")
