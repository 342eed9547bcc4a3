# case: classes of a tuple
# ruleid: POET130
x = ().__class__.__bases__[0].__subclasses__()
# case: classes of a text, in steps
base = "".__class__
# ruleid: POET130
top = base.__mro__
# case: the method resolution order by its method
# ruleid: POET131
top = int.mro()[-1]
# case: subclasses of object
# ruleid: POET130
found = [c for c in object.__subclasses__() if c.__name__ == "Popen"]
# case: base of a class of one's own
class A:
    pass
# ruleid: POET130
B = A.__base__
# case: globals of a function
def f():
    return 1
# ruleid: POET130
g = f.__globals__
# case: globals of a method
class A:
    def m(self):
        return 1
# ruleid: POET130
g = A().m.__func__
# case: builtins of a function
def f():
    return 1
# ruleid: POET130
b = f.__builtins__["eval"]
# case: the module behind a builtin
# ruleid: POET130
b = print.__self__
# case: the module behind a bound method of a list
# ruleid: POET130
b = [].append.__self__
# case: code of a lambda
# ruleid: POET130
c = (lambda: 0).__code__
# case: code exchanged
def f():
    return 1
def g():
    return 2
# ruleid: POET130
f.__code__ = g.__code__
# case: closure cells
def outer(secret):
    def inner():
        return secret
    return inner
# ruleid: POET130
cells = outer(1).__closure__
# case: defaults of a function
def f(a=1):
    return a
# ruleid: POET130
f.__defaults__ = (2,)
# case: what a decorator wraps
from functools import wraps
def deco(g):
    @wraps(g)
    def inner():
        return g()
    return inner
@deco
def f():
    return 1
# ruleid: POET130
h = f.__wrapped__
# case: dictionary of a class
# ruleid: POET130
d = type(lambda: 0).__dict__["__code"[:6] + "__"]
# case: dictionary of whatever is given
class A:
    def plain(self):
        # ruleid: POET130
        return self.__dict__
A.plain(type)["__sub" + "classes__"](object)
# case: values of the dictionary of whatever is given
class A:
    def value(self, key):
        # ruleid: POET130
        return self.__dict__[key]
A.value(type, "__sub" + "classes__")(object)
# case: class pattern by position, of a class with a base made of data
class M(type):
    pass
# ruleid: POET121
X = M("X", (), {"__match" + "_args__": ("__glob" + "als__",)})
class P(X):
    pass
def f(x):
    match x:
        # ruleid: POET121
        case P(g):
            return g
# case: class pattern by position, of a class with a metaclass further up
class M(type):
    def __getattr__(cls, name):
        return ("__glob" + "als__",)
class B(metaclass=M):
    pass
class P(B):
    pass
def f(x):
    match x:
        # ruleid: POET121
        case P(g):
            return g
# case: class pattern by position, of a class that a decorator exchanges
def other(cls):
    return kept[0]
@other
class P:
    pass
def f(x):
    match x:
        # ruleid: POET121
        case P(g):
            return g
# case: class pattern by position, of a class whose base is computed
def base():
    return kept[0]
class P(base()):
    pass
def f(x):
    match x:
        # ruleid: POET121
        case P(g):
            return g
# case: class pattern by position, of a class whose base answers for an index
class G:
    def __class_getitem__(cls, key):
        return kept[0]
class P(G[0]):
    pass
def f(x):
    match x:
        # ruleid: POET121
        case P(g):
            return g
# case: a metaclass by another name
class M(type):
    pass
# ruleid: POET121
make = M
# case: a metaclass whose fields can be renamed
from dataclasses import dataclass, fields
@dataclass
# ruleid: POET121
class M(type):
    x: int = 0
# case: a metaclass that makes a class by its own method
class M(type):
    pass
# ruleid: POET121
X = M.__new__(M, "X", (), {})
# case: getattribute by hand
# ruleid: POET130
x = object.__getattribute__(1, "real")
# case: reduce of an object
# ruleid: POET130
x = object().__reduce_ex__(2)
# case: the loader
# ruleid: POET120
x = __loader__
# case: the specification of the module
# ruleid: POET120
x = __spec__.loader
# case: special names spelt with other letters
# ruleid: POET104
x = ().__ｃlass__
# case: an instance becomes another class
class A:
    pass
def turn(a, b):
    # ruleid: POET130
    a.__class__ = b
# case: the module of a class by way of its init
class A:
    def __init__(self):
        self.x = 1
# ruleid: POET130
g = A.__init__.__globals__
# case: annotations of a function as a dictionary
def f(a: int):
    return a
# ruleid: POET130
f.__annotations__["a"] = 1
# case: weak references to a class
# ruleid: POET130
r = int.__weakref__
# case: catch_warnings, the classic
import warnings
# ruleid: POET131
m = warnings.catch_warnings(record=True)._module
# case: an f-string reaches into a value
def f(x):
    # ruleid: POET130
    return f"{x.__init__.__globals__}"
# case: an f-string in a format specification
def f(x, y):
    # ruleid: POET130
    return f"{x!r:{y.__class__.__mro__}}"
# case: through a comprehension
# ruleid: POET130
x = [c.__subclasses__ for c in [object]]
# case: through a conditional
# ruleid: POET130
x = (1 if True else 2).__class__.__base__
# case: through the walrus
# ruleid: POET130
x = (t := type(1)).__bases__
# case: class pattern by keyword
def f(x):
    match x:
        # ruleid: POET130
        case object(__class__=c):
            return c
# case: class pattern that looks into a generator
def f(x):
    match x:
        # ruleid: POET131
        case object(gi_frame=frame):
            return frame
# case: class pattern by position, of a class made of data
E_ = type("E", (), {})
def f(x):
    match x:
        # ruleid: POET121
        case E_(y):
            return y
# case: class pattern by position, of a parameter
def f(x, cls):
    match x:
        # ruleid: POET121
        case cls(y):
            return y
# case: a class whose fields are named for a frame
class Spy:
    # ruleid: POET131
    gi_frame: object
# case: fields of a pattern that are special
class Spy:
    # ruleid: POET134
    __match_args__ = ("__globals__",)
