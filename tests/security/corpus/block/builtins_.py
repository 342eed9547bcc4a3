# case: exec
# ruleid: POET120
exec("import os")
# case: eval
# ruleid: POET120
x = eval("1 + 1")
# case: eval under another name
# ruleid: POET120
e = eval
# case: eval as a decorator
# ruleid: POET120
@eval
def f():
    pass
# case: exec as a decorator of a class
# ruleid: POET120
@exec
@input
class X:
    pass
# case: compile
# ruleid: POET120
c = compile("1", "x", "eval")
# case: open
# ruleid: POET120
x = open("/etc/passwd").read()
# case: open for writing
# ruleid: POET120
with open("out.txt", "w") as f:
    f.write("x")
# case: import by a function
# ruleid: POET120
os = __import__("os")
# case: import by a function, mapped
# ruleid: POET120
os, = map(__import__, ["os"])
# case: the builtins
# ruleid: POET120
b = __builtins__
# case: the builtins as a dictionary
# ruleid: POET120
e = __builtins__["eval"]
# case: build a class by hand
# ruleid: POET120
C = __build_class__(lambda: None, "C")
# case: globals
# ruleid: POET120
g = globals()["x"]
# case: locals
def f():
    # ruleid: POET120
    return locals()
# case: vars
# ruleid: POET120
v = vars()
# case: dir
# ruleid: POET120
d = dir(1)
# case: breakpoint
# ruleid: POET120
breakpoint()
# case: help
# ruleid: POET120
help()
# case: licence text with a module inside
# ruleid: POET120
license._Printer__setup
# case: exit
# ruleid: POET120
exit(0)
# case: quit
# ruleid: POET120
quit()
# case: eval hidden in a lambda
# ruleid: POET120
f = lambda s: eval(s)
# case: eval hidden in a comprehension
# ruleid: POET120
x = [eval(s) for s in ["1"]]
# case: eval in a default
# ruleid: POET120
def f(x=eval("1")):
    return x
# case: eval in an annotation
# ruleid: POET120
def f(x: eval("1")):
    return x
# case: eval in an f-string
# ruleid: POET120
x = f"{eval('1')}"
# case: eval in a class body
class A:
    # ruleid: POET120
    x = eval("1")
# case: eval that is shadowed too late
# ruleid: POET120
x = eval("1")
def eval(s):
    return s
# case: eval that is shadowed elsewhere
def f(eval):
    return eval
# ruleid: POET120
x = eval("1")
# case: eval by global
def f():
    global eval
    # ruleid: POET120
    return eval("1")
# case: the builtins replaced
# ruleid: POET134
__builtins__ = {}
# case: memory beyond all limits
# ruleid: POET141
x = "x" * 10**12
# case: a list beyond all limits
def f():
    # ruleid: POET141
    return [0] * (1 << 40)
# case: a number beyond all limits
# ruleid: POET141
x = 9 ** 9 ** 9 ** 9
# case: all numbers there are
# ruleid: POET141
x = list(range(10**15))
# case: a loop without an end
def f():
    # ruleid: POET140
    while True:
        pass
# case: a loop over an endless iterator
import itertools
def f():
    # ruleid: POET140
    for i in itertools.count():
        print(i)
# case: a class out of data
# ruleid: POET121
X = type("X", (object,), {"a": 1})
# case: a class out of spread data
def f(parts):
    # ruleid: POET121
    return type(*parts)
# case: type under another name
# ruleid: POET121
make = type
# case: type of a type makes a class
# ruleid: POET121
X = type(int)("X", (), {})
# case: a class out of data by map
# ruleid: POET121
X = list(map(type, ["X"], [()], [{}]))
# case: a finaliser
class A:
    # ruleid: POET134
    def __del__(self):
        print("gone")
# case: pickling hooks
class A:
    # ruleid: POET134
    def __reduce__(self):
        return print, ("x",)
# case: a namespace of one's own for class bodies
class M(type):
    # ruleid: POET134
    def __prepare__(name, bases):
        return {}
# case: every attribute read goes through here
class A:
    # ruleid: POET134
    def __getattribute__(self, name):
        return 1
# case: instances of everything
class M(type):
    # ruleid: POET134
    def __instancecheck__(cls, x):
        return True
# case: a module that answers for names it does not have
# ruleid: POET134
def __getattr__(name):
    return name
# case: annotations of a class by hand
class A:
    # ruleid: POET134
    __annotations__ = {"x=print(1)": int}
# case: a class that says it comes from elsewhere
class A:
    # ruleid: POET134
    __module__ = "builtins"
# case: memory by an interface
class A:
    # ruleid: POET134
    __array_interface__ = {"data": (1, False), "shape": (8,), "typestr": "|u1", "version": 3}
# case: a list without an end
import itertools
# ruleid: POET140
x = list(itertools.count())
