import re

for bad in ("(", "[a", "*a", r"\1", "(?P<n>a)(?P<n>b)", "a{2,1}", "(?<=a*)b"):
    try:
        re.compile(bad)
    except re.error as error:
        print(bad, error, error.pos)
try:
    re.sub("a", r"\2", "a")
except re.error as error:
    print(error)
print(repr(re.compile("x", re.I | re.M)), re.compile("a") == re.compile("a"))
