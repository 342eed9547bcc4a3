import gc
import weakref


class Node:
    def __init__(self, name):
        self.name = name

    def __del__(self):
        print("gone", self.name)


cache = weakref.WeakValueDictionary()
a, b = Node("a"), Node("b")
cache["a"], cache["b"] = a, b
weakref.finalize(a, print, "finalized a")
del a
print(sorted(cache))
b.itself = b
del b
print(sorted(cache), gc.collect() > 0, sorted(cache))
