import pprint
import reprlib

tree = {"root": [{"leaf": list(range(12))}, {"names": ["alpha", "beta", "gamma"] * 4}], "empty": (), "text": "x" * 90}
pprint.pprint(tree, width=60)
pprint.pp(tree, depth=2, compact=True)
print(reprlib.repr(list(range(100))), reprlib.repr("long " * 30))
loop = [1]
loop.append(loop)
print(loop, pprint.isrecursive(loop))
