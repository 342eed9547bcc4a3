class Transaction:
    def __init__(self, data):
        self.data = data

    def __enter__(self):
        self.saved = dict(self.data)
        return self.data

    def __exit__(self, kind, value, trace):
        if kind is not None:
            self.data.clear()
            self.data.update(self.saved)
            print("rolled back:", kind.__name__, value, trace.tb_lineno)
        return kind is ValueError


data = {"a": 1}
with Transaction(data) as d:
    d["a"] = 2
with Transaction(data) as d:
    d["b"] = 3
    raise ValueError("no b")
print(data)
try:
    with Transaction(data):
        raise KeyError("k")
except KeyError as error:
    print("outside", error)
try:
    with object():
        pass
except TypeError as error:
    print(error)
