import bz2
import gzip
import lzma
import zlib

data = b"abc" * 1000
with gzip.GzipFile("a.gz", "wb", mtime=0) as file:
    file.write(data)
with gzip.open("a.gz", "rt") as file:
    print(len(file.read()))
for module in (bz2, lzma, zlib):
    packed = module.compress(data)
    print(module.__name__, len(packed) < 100, module.decompress(packed) == data)
with lzma.open("a.xz", "wb") as file:
    file.write(data)
try:
    gzip.decompress(b"not gzip")
except OSError as error:
    print(type(error).__name__, error)
try:
    zlib.decompress(b"bad")
except zlib.error as error:
    print(error)
