records = [("ann", 31, 5.5), ("bob", 25, 7.25), ("cy", 31, 6.0)]
records.sort(key=lambda row: (-row[1], row[0]))
print(records)
from functools import cmp_to_key
from operator import attrgetter, itemgetter

print(sorted(records, key=itemgetter(2), reverse=True), max(records, key=itemgetter(1, 2)))
print(sorted("b10 a2 a10 b1".split(), key=cmp_to_key(lambda a, b: (len(a) > len(b)) - (len(a) < len(b)))))
print(sorted([3 + 1j, 1 + 5j], key=attrgetter("imag")))
try:
    sorted([1, "a"])
except TypeError as error:
    print(error)
