import io

raw = io.BytesIO()
text = io.TextIOWrapper(raw, encoding="utf-16-le", newline="\r\n", write_through=True)
text.write("a\nü")
print(raw.getvalue(), text.tell())
text.detach()
print(raw.closed, io.StringIO("one\ntwo").readlines(), io.BytesIO(b"abc").read1(2), io.BufferedReader(io.BytesIO(b"xy")).peek())
pair = io.BufferedRWPair(io.BytesIO(b"in"), io.BytesIO())
print(pair.read(), pair.write(b"out"), issubclass(io.FileIO, io.RawIOBase))
with open("raw.bin", "wb", buffering=0) as file:
    print(type(file).__name__, file.write(b"123"), file.fileno() > 2)
for bad in (lambda: io.StringIO().fileno(), lambda: file.write(b"x"), lambda: open("raw.bin").write("x")):
    try:
        bad()
    except (OSError, ValueError) as error:
        print(type(error).__name__, error)
