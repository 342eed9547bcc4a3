from collections import ChainMap, Counter, OrderedDict, UserDict, defaultdict, deque, namedtuple

groups = defaultdict(list)
for word in "apple avocado banana blueberry cherry".split():
    groups[word[0]].append(word)
print(groups, dict(groups))
print(Counter("mississippi").most_common(2), Counter(a=3) - Counter(a=1, b=2), +Counter(x=-1))
print(ChainMap({"a": 1}, {"a": 2, "b": 3})["b"], deque(range(5), maxlen=3))
Point = namedtuple("Point", "x y", defaults=[0])
print(Point(1), Point(1, 2)._replace(y=9), Point._fields, Point(3, 4)._asdict())
order = OrderedDict(a=1, b=2)
order.move_to_end("a")
print(order, list(reversed(order)))


class Lower(UserDict):
    def __setitem__(self, key, value):
        super().__setitem__(key.lower(), value)


print(Lower(A=1, b=2))
