import copy
import pickle


class Account:
    def __init__(self, owner, items):
        self.owner, self.items = owner, items

    def __getstate__(self):
        return {"owner": self.owner, "items": list(self.items)}

    def __eq__(self, other):
        return vars(self) == vars(other)


one = Account("ann", [1, [2]])
two = pickle.loads(pickle.dumps(one))
three, four = copy.copy(one), copy.deepcopy(one)
one.items[1].append(3)
print(two == one, three.items, four.items, pickle.loads(pickle.dumps({1: (2, {3})}, protocol=5)))
try:
    pickle.dumps(open)
    pickle.dumps(Account("x", (n for n in range(3))))
except Exception as error:
    print(type(error).__name__, error)
