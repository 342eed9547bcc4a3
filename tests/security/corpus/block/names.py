# case: a name from an argument
def f(x, name):
    # ruleid: POET121
    return getattr(x, name)
# case: a name put together
def f(x):
    # ruleid: POET121
    return getattr(x, "__cl" + "ass__")
# case: a name put together backwards
def f(x):
    # ruleid: POET121
    return getattr(x, "__ssalc__"[::-1])
# case: a name of characters
def f(x):
    # ruleid: POET121
    return getattr(x, chr(95) * 2 + "class" + chr(95) * 2)
# case: a name in an f-string
def f(x, y):
    # ruleid: POET121
    return getattr(x, f"__{y}__")
# case: a name with a refused beginning
def f(x, y):
    # ruleid: POET121
    return getattr(x, f"gi_{y}")
# case: a name by join
def f(x):
    # ruleid: POET121
    return getattr(x, "".join(["__", "class", "__"]))
# case: a name as bytes
def f(x):
    # ruleid: POET121
    return getattr(x, b"\x5f\x5fclass__".decode())
# case: a special name written out
def f(x):
    # ruleid: POET130
    return getattr(x, "__class__")
# case: a special name with an escape
def f(x):
    # ruleid: POET130
    return getattr(x, "\x5f\x5fglobals\x5f\x5f")
# case: getattr passed on
from functools import reduce
# ruleid: POET121
x = reduce(getattr, ["__class__", "__base__"], 1)
# case: getattr under another name
# ruleid: POET121
g = getattr
# case: getattr with spread arguments
def f(args):
    # ruleid: POET121
    return getattr(*args)
# case: getattr mapped
# ruleid: POET121
x = list(map(getattr, [1], ["real"]))
# case: getattr in a partial
from functools import partial
# ruleid: POET121
g = partial(getattr, 1)
# case: getattr as a default
# ruleid: POET121
def f(x, n, g=getattr):
    return g(x, n)
# case: getattr in a list
# ruleid: POET121
g = [getattr][0]
# case: setattr with a name from a loop
def f(x, values):
    for key, value in values.items():
        # ruleid: POET121
        setattr(x, key, value)
# case: delattr with a name from an argument
def f(x, name):
    # ruleid: POET121
    delattr(x, name)
# case: setattr of a special attribute
def f(x):
    # ruleid: POET130
    setattr(x, "__code__", None)
# case: setattr of the base class
def f(x, name, value):
    # ruleid: POET121
    object.__setattr__(x, name, value)
# case: setattr of a class
def f(cls, name, value):
    # ruleid: POET121
    type.__setattr__(cls, name, value)
# case: setattr of the base class, passed around
# ruleid: POET121
put = object.__setattr__
# case: attrgetter
from operator import attrgetter
# ruleid: POET116
x = attrgetter("__class__.__base__")(1)
# case: methodcaller
import operator
# ruleid: POET116
x = operator.methodcaller("__subclasses__")(object)
# case: attributes copied by wraps
from functools import wraps
def deco(f):
    # ruleid: POET116
    @wraps(f, assigned=("__globals__",), updated=())
    class W:
        pass
    return W
# case: attributes copied by update_wrapper
import functools
def steal(f, box):
    # ruleid: POET116
    functools.update_wrapper(box, f, ("__glo" + "bals__",), ())
# case: update_wrapper passed around
import functools
# ruleid: POET116
copier = functools.update_wrapper
# case: wraps with spread arguments
from functools import wraps
def deco(f, how):
    # ruleid: POET116
    return wraps(f, **how)
# case: a special name in a dictionary
# ruleid: POET135
x = {"__globals__": 1}
# case: a special name as a key
def f(d):
    # ruleid: POET135
    return d["__builtins__"]
# case: special names in a list
# ruleid: POET135
path = ["__subclasses__"]
# case: format reads a special attribute
# ruleid: POET132
x = "{0.__class__.__mro__}".format(1)
# case: format reads a special attribute by name
def f(user):
    # ruleid: POET132
    return "{user.__init__.__globals__[SECRET]}".format(user=user)
# case: format behind an index
# ruleid: POET132
x = "{0[0].__class__}".format([1])
# case: format in a specification
# ruleid: POET132
x = "{0:{1.__class__}}".format(1, 2)
# case: format of a text from outside
def f(template, user):
    # ruleid: POET132
    return template.format(user=user)
# case: format put together
# ruleid: POET132
x = ("{0.__cl" + "ass__}").format(1)
# case: format_map
def f(template, values):
    # ruleid: POET132
    return template.format_map(values)
# case: format as a function
# ruleid: POET132
x = str.format("{0.__class__}", 1)
# case: format passed around
# ruleid: POET132
x = list(map("{0.__class__}".format, [1]))
# case: format of a private attribute
def f(user):
    # ruleid: POET132
    return "{0._password}".format(user)
# case: format of a frame
def f(gen):
    # ruleid: POET132
    return "{0.gi_frame.f_globals}".format(gen)
# case: a formatter of the library
# ruleid: POET111
from string import Formatter
x = Formatter().get_field("0.__class__", [1], {})
# case: a named tuple of another module
from collections import namedtuple
# ruleid: POET116
P = namedtuple("P", "x y", module="builtins")
# case: annotations run as code
from functools import singledispatch
@singledispatch
def show(x):
    return x
# ruleid: POET122
@show.register
def _(x: "__import__('os').system('id')"):
    return x
# case: annotations run as code, inside a type
from functools import singledispatch
from typing import List
@singledispatch
def show(x):
    return x
# ruleid: POET122
@show.register
def _(x: List["print(1)"]):
    return x
# case: annotations run as code, by a call
from functools import singledispatch
@singledispatch
def show(x):
    return x
def other(x: "print(1)"):
    return x
# ruleid: POET122
show.register(other)
# case: hints evaluated
# ruleid: POET111
from typing import get_type_hints
# case: forward references evaluated
import typing
# ruleid: POET111
typing.ForwardRef("print(1)")
# case: format by getattr
# ruleid: POET132
x = getattr("{0.__class__}", "format")(1)
# case: format by a class pattern
match "{0.__class__}":
    # ruleid: POET132
    case str(format=f):
        x = f(1)
# case: format by the beginning of its name
def f(rest):
    # ruleid: POET121
    return getattr("{0.__class__}", "form" + rest)(1)
# case: type in a tuple
# ruleid: POET121
make = (type,)[0]
# case: type by its own call
# ruleid: POET121
X = type.__call__(type, "X", (), {})
# case: type by its own new
# ruleid: POET121
X = type.__new__(type, "X", (), {})
# case: a metaclass of the library is called
from abc import ABCMeta
# ruleid: POET121
X = ABCMeta("X", (), {"__annotations__": {}})
# case: a metaclass of an enumeration is passed around
import enum
# ruleid: POET121
make = enum.EnumMeta
# case: a private attribute that only a text names
x = "_loop"
def f(task):
    # ruleid: POET136
    return task._loop

# case: getattr for a name that came from outside by way of another name
def f(x, kind):
    name = kind + "_"
    # ruleid: POET121
    return getattr(x, name)
# case: getattr for a name with two origins
def f(x, kind):
    name = "visit_x"
    if kind:
        name = kind
    # ruleid: POET121
    return getattr(x, name)
# case: attrgetter with a name that comes from outside
from operator import attrgetter
def f(rows, key):
    # ruleid: POET116
    return sorted(rows, key=attrgetter(key))
# case: attrgetter passed around
import operator
# ruleid: POET116
get = operator.attrgetter
# case: attrgetter that goes by the name of itemgetter
from operator import itemgetter as get
# ruleid: POET114
from operator import attrgetter as get
x = get("__class__")(1)
# case: methodcaller formats
from operator import methodcaller
# ruleid: POET116
f = methodcaller("format", print)
# case: a decorator of classes that goes by another's name
from dataclasses import dataclass
# ruleid: POET114
from functools import partial as dataclass
# case: an enumeration whose methods are data
from enum import Enum
# ruleid: POET116
E = Enum("E", {"__redu" + "ce_ex__": print})
# case: fields of code that are texts
from dataclasses import dataclass
from typing import TypedDict
# ruleid: POET116
X = TypedDict("X", {"a=print(1)": int})
dataclass(X)
# case: fields of code that come from outside
from typing import TypedDict
def f(fields):
    # ruleid: POET116
    return TypedDict("X", fields)
# case: register by getattr
from functools import singledispatch
@singledispatch
def show(x):
    return x
def g(x: "print(1)"):
    return x
# ruleid: POET122
getattr(show, "register")(g)
# case: register by a pattern
from functools import singledispatch
@singledispatch
def show(x):
    return x
def g(x: "print(1)"):
    return x
match show:
    # ruleid: POET122
    case object(register=r):
        r(g)
# case: register on top of a decorator that exchanges the function
from functools import singledispatch
@singledispatch
def show(x):
    return x
def g(x: "print(1)"):
    return x
def other(f):
    return g
# ruleid: POET122
@show.register
@other
def _(x: int):
    return x
# case: register with a class that is a function
from functools import singledispatch
@singledispatch
def show(x):
    return x
def g(x: "print(1)"):
    return x
def other(cls):
    return g
@other
class T:
    pass
# ruleid: POET122
show.register(T)
# case: a logger formats with attributes
import logging
# ruleid: POET116
logging.Formatter("{0.__class__}", style="{")
# case: a template multiplied by what answers with another
class Other:
    def __rmul__(self, text):
        return "{0.__cl" + "ass__}"
# ruleid: POET132
x = ("{}" * Other()).format(1)
# case: a template joined of pieces
# ruleid: POET132
x = "".join(["{0.__cl", "ass__}"]).format(1)
# case: an enumeration of one's own whose methods are data
from enum import Enum
class Base(Enum):
    pass
# ruleid: POET116
E = Base("E", {"__redu" + "ce_ex__": print})
# case: an enumeration with names that grow
from enum import Enum
NAMES = ["A"]
NAMES.append(("__redu" + "ce__", print))
# ruleid: POET116
E = Enum("E", NAMES)
# case: the name of a field that becomes code
from dataclasses import dataclass, field, fields
@dataclass
class P:
    x: int = field(default=0, init=False, repr=False)
# ruleid: POET116
fields(P)[0].name = "x,print(1)"
@dataclass(init=False, repr=False)
class Q(P):
    y: int = 0
Q() == Q()
# case: copying sets an attribute of any name
import copy
from types import SimpleNamespace
class P:
    pass
# ruleid: POET116
trick = SimpleNamespace(**{"__redu" + "ce__": lambda: (lambda: P, (), (None, {"__match" + "_args__": ("__glob" + "als__",)}))})
copy.copy(trick)
# case: copying sets an attribute of any name, by a dictionary
from copy import deepcopy
class A:
    def __new__(cls, *args):
        return kept[0]
def f(a, state):
    # ruleid: POET116
    a.__dict__["__getst" + "ate__"] = state
    return deepcopy(a)
# case: a cached property under another name
from functools import cached_property
def f(value, name):
    p = cached_property(value)
    # ruleid: POET131
    p.attrname = name
    return p
# case: a cached property under another name, by its hook
from functools import cached_property
def f(value, cls, name):
    # ruleid: POET130
    cached_property(value).__set_name__(cls, name)
# case: the same with the property in a variable
from functools import cached_property
def f(value, cls, name):
    p = cached_property(value)
    # ruleid: POET130
    p.__set_name__(cls, name)
# case: the name of a field that becomes code, by setattr
from dataclasses import fields
def f(cls, text):
    # ruleid: POET116
    object.__setattr__(fields(cls)[0], "name", text)
# case: a cached property under another name, by setattr
from functools import cached_property
def f(value, name):
    p = cached_property(value)
    # ruleid: POET121
    object.__setattr__(p, "attrname", name)
    return p
