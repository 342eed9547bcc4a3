import re

print(re.findall(r"(?<=\$)\d+(?!\d|%)", "$100 $5% $77"), re.sub(r"\B(?=(\d{3})+$)", ",", "1234567"))
print(re.search(r"(a|b)\1", "abba"), re.findall(r"(?i)straße|STRASSE", "Straße strasse"))
pattern = re.compile(
    r"""
    (?P<user>[\w.]+) @ (?P<host>[\w-]+ (?:\.[\w-]+)+)  # an address
    """,
    re.VERBOSE | re.ASCII,
)
print(pattern.search("mail bob.x@mail.example.org now").groups(), pattern.groupindex, pattern.flags)
print(re.sub(r"\b(\w)(\w*)", lambda m: m[1].upper() + m[2], "the title case"), re.findall(r"(?s)a.b(?-s:.)", "a\nbc"))
print(re.match(r"(?>a+)b", "aaab"), re.findall(r"a++b?", "aab"))
