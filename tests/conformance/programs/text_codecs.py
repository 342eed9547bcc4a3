import codecs

for name in ("utf-8", "utf-16", "utf-32-le", "utf-8-sig", "cp1252", "koi8-r", "big5", "idna", "punycode"):
    try:
        print(name, "Привет €".encode(name))
    except UnicodeError as error:
        print(name, type(error).__name__, error)
print(b"\xff\xfeabc".decode("utf-8", "replace"), b"\x80abc".decode("ascii", "backslashreplace"))
print(codecs.encode("Hello", "rot13"), codecs.encode(b"data", "hex"), codecs.lookup("UTF8").name)
