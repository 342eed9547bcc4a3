import locale

print(locale.setlocale(locale.LC_ALL, "C"), locale.localeconv()["decimal_point"], locale.getpreferredencoding(False))
print(locale.format_string("%d %s", (1234567, "x"), grouping=True), locale.strxfrm("a") < locale.strxfrm("b"))
print(locale.atof("1.5"), locale.normalize("de_DE"))
try:
    locale.setlocale(locale.LC_ALL, "xx_YY")
except locale.Error as error:
    print(error)
