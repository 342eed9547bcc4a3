from itertools import accumulate, chain, combinations, count, cycle, groupby, islice, pairwise, permutations, product
from itertools import starmap, takewhile, tee, zip_longest

print(list(islice(count(5, 3), 4)), list(accumulate([1, 5, 2], max)), ["".join(p) for p in permutations("abc", 2)])
print(list(combinations(range(4), 2)), list(product("ab", repeat=2))[:3], list(chain.from_iterable(["ab", "c"])))
print([(key, len(list(group))) for key, group in groupby("aaabbc")], list(pairwise("abcd")), list(zip_longest("ab", "c")))
a, b = tee(range(3))
print(list(a), list(b), list(takewhile(lambda x: x < 3, count())), "".join(islice(cycle("xy"), 5)), [*starmap(pow, [(2, 3)])])
try:
    list(zip([1], [1, 2], strict=True))
except ValueError as error:
    print(error)
