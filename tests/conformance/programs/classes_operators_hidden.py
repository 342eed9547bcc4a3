class Loud:
    def __getattribute__(self, name):
        print("get", name)
        return super().__getattribute__(name)

    def __enter__(self):
        return self

    def __exit__(self, *details):
        print("exit", details[0])
        return True

    def __contains__(self, item):
        return item == 1

    def __matmul__(self, other):
        return "matmul"

    def __index__(self):
        return 2

    def __missing__(self, key):
        return key

    x = 1


loud = Loud()
with loud as same:
    print(same.x, 1 in loud, loud @ 1, [10, 20, 30][loud], hex(loud))
    raise ValueError
print(f"{loud.__class__.__name__}")
