def counter():
    count = 0

    def step(by=1):
        nonlocal count
        count += by
        return count

    step.reset = lambda: step(-count)
    return step


one, two = counter(), counter()
print(one(), one(5), two(), one.reset(), [f() for f in [lambda i=i: i for i in range(3)]])
print([f() for f in [lambda: i for i in range(3)]], step_cells := one.__closure__[0].cell_contents, one.__code__.co_freevars)


def defaults(item, into=[]):
    into.append(item)
    return into


print(defaults(1), defaults(2), defaults.__defaults__)
try:
    print(undefined_name)
except NameError as error:
    print(error)
