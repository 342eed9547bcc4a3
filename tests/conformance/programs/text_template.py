from string import Template, Formatter

letter = Template("Dear $name, you owe $$${amount}.")
print(letter.substitute(name="Bob", amount=12))
print(letter.safe_substitute(name="Bob"))
try:
    letter.substitute(name="Bob")
except KeyError as error:
    print("missing", error)
print(Formatter().vformat("{0.real} {a[k]}", (3,), {"a": {"k": 1}}))
print(list(Formatter().parse("a{b!r:>{w}}c")))
