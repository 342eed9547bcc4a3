a, b = {1, 2, 3, 4}, {3, 4, 5}
print(a & b, a - b, sorted(a ^ b), a.isdisjoint({9}), frozenset(b) | a, {frozenset([1]): "x"})
letters = list("abcdefgh")
letters[1:3] = ["X"]
del letters[::3]
print(letters, letters[::-1], letters[-3:], slice(1, None, 2).indices(7), "abcdef"[4:1:-1])
first, *middle, last = range(6)
matrix = [[1, 2, 3], [4, 5, 6]]
print(first, middle, last, [*zip(*matrix)], {**{"a": 1}, "b": 2} | {"a": 3}, [x for row in matrix for x in row if x % 2])
try:
    letters[99]
except IndexError as error:
    print(error)
