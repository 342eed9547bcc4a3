# ok: dataclass with everything
from __future__ import annotations
from dataclasses import asdict, astuple, dataclass, field, fields, replace
from typing import ClassVar
@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    x: float
    y: float = 0.0
    tags: list[str] = field(default_factory=list, repr=False)
    origin: ClassVar[str] = "here"
    def moved(self, dx: float) -> Point:
        return replace(self, x=self.x + dx)
def plain(p: Point):
    return asdict(p), astuple(p), [f.name for f in fields(p)]
# ok: frozen dataclass that computes a field
from dataclasses import dataclass
@dataclass(frozen=True)
class Circle:
    radius: float
    area: float = 0.0
    def __post_init__(self):
        object.__setattr__(self, "area", 3.14159 * self.radius ** 2)
# ok: enumerations
from enum import Enum, Flag, IntEnum, StrEnum, auto, unique
@unique
class Color(Enum):
    RED = 1
    GREEN = auto()
    @classmethod
    def _missing_(cls, value):
        return cls.RED
    @property
    def label(self):
        return self.name.title()
class Perm(Flag):
    R = auto()
    W = auto()
class Level(StrEnum):
    LOW = "low"
print([c.value for c in Color], Perm.R | Perm.W, Color["RED"], Color(1)._name_, Color.__members__)
# ok: enumeration with its own values
from enum import Enum
class Planet(Enum):
    EARTH = (5.97e24, 6.37e6)
    def __init__(self, mass, radius):
        self.mass, self.radius = mass, radius
    @staticmethod
    def _generate_next_value_(name, start, count, last):
        return name.lower()
# ok: named tuples
from collections import namedtuple
from typing import NamedTuple
Point = namedtuple("Point", ["x", "y"], defaults=[0])
class Row(NamedTuple):
    a: int
    b: str = "x"
    def doubled(self) -> "Row":
        return self._replace(a=self.a * 2)
p = Point(1)
print(p._asdict(), p._fields, Point._make([1, 2]), p._replace(x=3), Row(1).doubled())
# ok: match statements
from dataclasses import dataclass
@dataclass
class Move:
    dx: int
    dy: int
class Vector:
    __match_args__ = ("x", "y")
    def __init__(self, x, y):
        self.x, self.y = x, y
def act(command):
    match command:
        case Move(dx, dy) | Vector(dx, dy) if dx == dy:
            return dx
        case Move(dx=0):
            return 0
        case {"type": "say", "text": str(text), **rest}:
            return text, rest
        case [first, *_, last]:
            return first, last
        case int(n) | float(n):
            return n
        case "up" | "down" as way:
            return way
        case None | True | False:
            return None
        case _:
            raise ValueError(f"unknown {command!r}")
# ok: match with named tuples
from collections import namedtuple
from typing import NamedTuple
Pair = namedtuple("Pair", "a b")
class Leaf(NamedTuple):
    value: int
def total(tree):
    match tree:
        case Leaf(value):
            return value
        case Pair(a, b):
            return total(a) + total(b)
# ok: abstract base classes
from abc import ABC, abstractmethod
import math
class Shape(ABC):
    registry: dict = {}
    def __init_subclass__(cls, /, kind="", **kwargs):
        super().__init_subclass__(**kwargs)
        Shape.registry[kind or cls.__name__] = cls
    @property
    @abstractmethod
    def area(self) -> float: ...
class Circle(Shape, kind="circle"):
    def __init__(self, r): self.r = r
    @property
    def area(self): return math.pi * self.r ** 2
# ok: singleton by new
class Config:
    _instance = None
    def __new__(cls, *args, **kwargs):
        if cls._instance is None:
            cls._instance = super().__new__(cls)
        return cls._instance
# ok: singleton by metaclass
class SingletonMeta(type):
    _instances: dict = {}
    def __call__(cls, *args, **kwargs):
        if cls not in cls._instances:
            cls._instances[cls] = super().__call__(*args, **kwargs)
        return cls._instances[cls]
class Database(metaclass=SingletonMeta):
    pass
# ok: registry by metaclass
class Plugin(type):
    plugins = []
    def __new__(mcs, name, bases, namespace, **kwargs):
        cls = super().__new__(mcs, name, bases, namespace)
        mcs.plugins.append(cls)
        return cls
    def __init__(cls, name, bases, namespace):
        super().__init__(name, bases, namespace)
# ok: descriptors
class Positive:
    def __set_name__(self, owner, name):
        self.name = name
    def __get__(self, instance, owner=None):
        if instance is None:
            return self
        return instance.values.get(self.name)
    def __set__(self, instance, value):
        if value <= 0:
            raise ValueError(f"{self.name} must be positive")
        instance.values[self.name] = value
class Order:
    amount = Positive()
    def __init__(self, amount):
        self.values = {}
        self.amount = amount
# ok: attributes through a dictionary
class Record:
    def __init__(self, **data):
        super().__setattr__("_data", data)
    def __getattr__(self, name):
        try:
            return self._data[name]
        except KeyError:
            raise AttributeError(name) from None
    def __setattr__(self, name, value):
        if name.startswith("_"):
            raise AttributeError(name)
        super().__setattr__(name, value)
# ok: all operators
from functools import total_ordering
@total_ordering
class Money:
    def __init__(self, cents): self.cents = cents
    def __add__(self, o): return Money(self.cents + o.cents)
    __radd__ = __add__
    def __mul__(self, k): return type(self)(self.cents * k)
    def __neg__(self): return Money(-self.cents)
    def __eq__(self, o): return isinstance(o, Money) and self.__dict__ == o.__dict__
    def __lt__(self, o): return self.cents < o.cents
    def __hash__(self): return hash(self.cents)
    def __bool__(self): return self.cents != 0
    def __int__(self): return self.cents
    def __format__(self, spec): return format(self.cents / 100, spec or ".2f")
    def __matmul__(self, o): return self.cents * o.cents
    def __index__(self): return self.cents
    def __call__(self): return self
    def __iadd__(self, o): self.cents += o.cents; return self
# ok: context managers
from contextlib import ExitStack, closing, contextmanager, nullcontext, suppress
import time
@contextmanager
def timer(label):
    start = time.perf_counter()
    try:
        yield
    finally:
        print(f"{label}: {time.perf_counter() - start:.3f}s")
class Transaction:
    def __enter__(self):
        self.log = []
        return self
    def __exit__(self, exc_type, exc, tb):
        if exc_type is not None:
            self.log.clear()
        return False
with timer("a"), Transaction() as t, suppress(KeyError), ExitStack() as stack:
    stack.callback(print, "bye")
    stack.enter_context(nullcontext())
# ok: decorators with arguments
import functools, time
def retry(times=3, exceptions=(Exception,)):
    def decorate(func):
        @functools.wraps(func)
        def wrapper(*args, **kwargs):
            for attempt in range(1, times + 1):
                try:
                    return func(*args, **kwargs)
                except exceptions as error:
                    if attempt == times:
                        raise
                    time.sleep(0.01 * attempt)
                    print(f"{func.__name__} failed: {error}")
        return wrapper
    return decorate
@retry(times=2)
def flaky(): return 1
# ok: decorator as a class
import functools
class CountCalls:
    def __init__(self, func):
        functools.update_wrapper(self, func)
        self.func, self.count = func, 0
    def __call__(self, *args, **kwargs):
        self.count += 1
        return self.func(*args, **kwargs)
    def __get__(self, instance, owner):
        return functools.partial(self, instance)
# ok: generics
from typing import Callable, Generic, Iterable, Iterator, Literal, Optional, ParamSpec, Protocol, TypeAlias, TypedDict, TypeVar, Union, overload, runtime_checkable
T = TypeVar("T", bound="Comparable")
P = ParamSpec("P")
Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | None"
Mode = Literal["r", "w"]
@runtime_checkable
class Comparable(Protocol):
    def __lt__(self, other: "Comparable") -> bool: ...
class Movie(TypedDict, total=False):
    name: str
class Stack(Generic[T]):
    def __init__(self) -> None:
        self._items: list[T] = []
    def push(self, item: T) -> None:
        self._items.append(item)
    def __iter__(self) -> Iterator[T]:
        yield from reversed(self._items)
@overload
def first(x: int) -> int: ...
@overload
def first(x: str) -> str: ...
def first(x: Union[int, str], default: Optional[int] = None) -> Union[int, str]:
    return x
def apply(f: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    return f(*args, **kwargs)
# ok: single dispatch
from functools import singledispatch, singledispatchmethod
@singledispatch
def show(value) -> str:
    return str(value)
@show.register
def _(value: int) -> str:
    return hex(value)
@show.register(list)
@show.register(tuple)
def _(value):
    return ", ".join(map(show, value))
class Formatter:
    @singledispatchmethod
    def format(self, arg):
        return repr(arg)
    @format.register
    def _(self, arg: str | bytes):
        return arg
# ok: closures and late binding
def counter(start=0):
    count = start
    def increment(by=1):
        nonlocal count
        count += by
        return count
    def reset():
        nonlocal count
        count = start
    increment.reset = reset
    return increment
adders = [lambda x, n=n: x + n for n in range(3)]
# ok: functions with attributes and documentation
def f(a, b, /, c, *, d=1, **rest):
    """Add.

    >>> f(1, 2, 3)
    6
    """
    f.calls = getattr(f, "calls", 0) + 1
    return a + b + c + d
print(f.__name__, f.__doc__, f.__module__, f.__qualname__)
# ok: generators that take values
def averager():
    total = count = 0
    average = None
    while True:
        value = yield average
        total += value
        count += 1
        average = total / count
g = averager()
next(g)
g.send(10)
g.close()
# ok: generator delegation and return
def inner():
    x = yield 1
    return x
def outer():
    result = yield from inner()
    yield result
def drain(g):
    try:
        while True:
            next(g)
    except StopIteration as stop:
        return stop.value
# ok: comprehensions of every kind
nested = [[i * j for j in range(3)] for i in range(3)]
flat = [x for row in nested for x in row if x % 2 == 0 if x]
index = {k: v for k, v in zip("abc", range(3))}
unique = {len(w) for w in "a bb cc".split()}
lazy = sum(x * x for x in range(10))
transposed = list(map(list, zip(*nested)))
cond = ["even" if x % 2 == 0 else "odd" for x in range(4)]
filtered = [y for x in range(5) if (y := x * 2) > 3]
# ok: unpacking
first, *middle, last = range(5)
(a, b), c = (1, 2), 3
merged = {**{"a": 1}, **{"b": 2}}
both = [*range(3), *"ab"]
print(*both, sep=", ", end="!\n")
def f(*args, **kwargs):
    return f(*args[1:], **{**kwargs, "x": 1}) if args else kwargs
# ok: exceptions
class AppError(Exception):
    """Base."""
class NotFound(AppError):
    def __init__(self, key, *, code: int = 404) -> None:
        super().__init__(f"{key} not found")
        self.code = code
def load(d, k):
    try:
        return d[k]
    except KeyError as error:
        raise NotFound(k) from error
    except (TypeError, ValueError) as error:
        print(type(error).__name__, error.args, str(error))
        raise
    else:
        print("fine")
    finally:
        print("done")
def check(x):
    assert isinstance(x, int), f"{x!r} is no int"
    if x < 0:
        raise NotImplementedError
    try:
        raise ExceptionGroup("many", [ValueError(1)])
    except ExceptionGroup as group:
        return group.exceptions
# ok: asynchronous code
from contextlib import asynccontextmanager
class Stream:
    def __aiter__(self): return self
    async def __anext__(self): raise StopAsyncIteration
    async def __aenter__(self): return self
    async def __aexit__(self, *exc): return None
@asynccontextmanager
async def session():
    yield Stream()
async def collect():
    async with session() as s:
        return [x async for x in s]
# ok: globals of one's own
COUNTER = 0
CACHE: dict[str, int] = {}
def bump():
    global COUNTER
    COUNTER += 1
    return COUNTER
# ok: visitors by the name of a class
class Node: ...
class Num(Node):
    def __init__(self, n): self.n = n
class Visitor:
    def visit(self, node):
        method = getattr(self, f"visit_{type(node).__name__}", self.generic_visit)
        return method(node)
    def generic_visit(self, node):
        raise TypeError(f"no visit_{node.__class__.__name__}")
    def visit_Num(self, node): return node.n
class Machine:
    def run(self, op, *args):
        return getattr(self, "op_" + op.lower())(*args)
    def op_add(self, a, b): return a + b
# ok: hasattr and callable
def describe(x):
    kinds = [name for name in ("__iter__", "__len__", "keys", "read") if hasattr(x, name)]
    return kinds, callable(x), hasattr(x, "__dict__"), getattr(x, "name", None)
# ok: slices and subscripts
class Grid:
    def __init__(self, w, h): self.cells = [[0] * w for _ in range(h)]
    def __getitem__(self, key):
        if isinstance(key, tuple):
            r, c = key
            return self.cells[r][c]
        if isinstance(key, slice):
            return self.cells[key]
        return self.cells[key]
    def __class_getitem__(cls, item): return cls
print(Grid(2, 2)[0, 1], Grid(2, 2)[:1], "abcdef"[::-2], [1, 2, 3][-1:], Grid[int])
# ok: properties of every kind
from functools import cached_property
class Temperature:
    def __init__(self, celsius): self._celsius = celsius
    @property
    def fahrenheit(self): return self._celsius * 9 / 5 + 32
    @fahrenheit.setter
    def fahrenheit(self, f): self._celsius = (f - 32) * 5 / 9
    @fahrenheit.deleter
    def fahrenheit(self): del self._celsius
    @cached_property
    def expensive(self): return sum(range(100))
    @classmethod
    def freezing(cls): return cls(0)
    @staticmethod
    def valid(x): return x >= -273.15
# ok: inheritance with super
class Animal:
    sound = "..."
    def __init__(self, name): self.name = name
    def speak(self): return f"{self.name} says {self.sound}"
    def __repr__(self): return f"{type(self).__qualname__}({self.name!r})"
class Dog(Animal):
    sound = "Woof"
    def __init__(self, name, breed="mutt"):
        super().__init__(name)
        self.breed = breed
class Puppy(Dog):
    def speak(self): return super().speak().upper()
# ok: copying protocols
import copy
class Matrix:
    def __init__(self, rows): self.rows = rows
    def __copy__(self): return Matrix(self.rows)
    def __deepcopy__(self, memo): return Matrix(copy.deepcopy(self.rows, memo))
    def __sizeof__(self): return 1
    def __reversed__(self): return reversed(self.rows)
    def __length_hint__(self): return len(self.rows)
    def __missing__(self, k): return k
# ok: type as a question
def kind(x):
    if type(x) is int or type(x) in (str, bytes):
        return type(x).__name__
    return {int: "i", list: "l"}.get(type(x), str(type(x)))
kinds = sorted(map(type, [1, "a"]), key=str)
def isclass(x): return isinstance(x, type)
names: dict[type, str] = {int: "int"}
# ok: chained comparisons and conditions
def f(a, b, c):
    return a < b <= c != 0 and not (a is None or b is not c) or c in (1, 2) and b not in {3}
# ok: loops with else
def prime(n):
    for d in range(2, int(n ** 0.5) + 1):
        if n % d == 0:
            break
    else:
        return n > 1
    return False
def wait(q):
    while q:
        if q.pop() == 1:
            break
    else:
        return "empty"
# ok: a loop that an exception ends
def read_all(it):
    out = []
    while True:
        try:
            out.append(next(it))
        except StopIteration:
            break
    return out
# ok: strings of every kind
name, n = "π", 3.14159
print(f"{name!r:>10} {n:.2f} {n:{8}.{3}} {n=} {{literal}} {'nested ' + str(n)}")
print("%s is %d%% of %(x)s" % {"x": 1} if False else "%5.1f|%-10s|%05d" % (1.5, "a", 42))
print("{} {1}".replace("{1}", "") , "{0:>8} {name:^6} {data[key]} {point.x}".format(1, name="a", data={"key": 1}, point=n))
raw, multi, b = r"\d+\n", """a
b""", rb"\x00"
print("a" "b", "tab\tnew\\line", "\N{GREEK SMALL LETTER PI}", "\u00e9", b.hex(), "é".encode("utf-8").decode("latin-1"))
TEMPLATE = "Dear {name},\nyou owe {amount:,.2f}."
def letter(who, how_much): return TEMPLATE.format(name=who, amount=how_much)
# ok: names in other languages
größe = 3
число = 4
变量 = 5
Δt = 0.1
σ_max = 2
naïve_bayes = größe + число + 变量 + Δt + σ_max
# ok: numbers of every kind
x = 0xFF + 0b1010 + 0o17 + 1_000_000 + 1e-9 + .5 + 3j.imag
big = 2 ** 200 + 10 ** 100
inf, nan = float("inf"), float("nan")
print(divmod(7, 2), pow(3, -1, 7), round(2.567, 2), abs(-3), int("ff", 16), hex(255), big.bit_length())
# ok: builtins as names of one's own
def summary(list, type=None, id=0, input="", dir=".", vars=(), open=True, file=None):
    max = min = sum = 0
    for object in list:
        sum += object
    return sum, type, id, input, dir, vars, open, file
# ok: a method called eval and one called exec
class Expression:
    def __init__(self, value): self.value = value
    def eval(self, env): return env.get(self.value, self.value)
    def exec(self): return self.eval({})
    def compile(self): return self
    def open(self): return self
print(Expression(1).eval({}), Expression(2).exec(), Expression(3).open())
# ok: fields called code, frame and globals
class Frame:
    def __init__(self, code, globals, locals): self.code, self.globals, self.locals = code, globals, locals
    def back(self): return self.code, self.globals
class Text:
    def format(self, width): return str(width)
    def mro_count(self): return 0
# ok: main guard with arguments
import sys
def main(argv: list[str]) -> int:
    print(argv, sys.version_info[:2] >= (3, 11), sys.maxsize, file=sys.stderr)
    return 0
if __name__ == "__main__":
    main(sys.argv[1:])
# ok: events with callbacks
from collections import defaultdict
class EventEmitter:
    def __init__(self): self._handlers = defaultdict(list)
    def on(self, event, handler=None):
        if handler is None:
            return lambda h: self.on(event, h)
        self._handlers[event].append(handler)
        return handler
    def emit(self, event, *args): return [h(*args) for h in self._handlers[event]]
# ok: state machine with a table
class State:
    IDLE, RUNNING, DONE = range(3)
TRANSITIONS = {(State.IDLE, "start"): State.RUNNING, (State.RUNNING, "stop"): State.DONE}
def advance(state, event):
    try:
        return TRANSITIONS[state, event]
    except KeyError:
        raise ValueError(f"no {event} in {state}") from None
# ok: builder with chained methods
class Query:
    def __init__(self): self._parts = []
    def select(self, *cols):
        self._parts.append("SELECT " + ", ".join(cols)); return self
    def where(self, cond):
        self._parts.append(f"WHERE {cond}"); return self
    def build(self): return " ".join(self._parts)
print(Query().select("a", "b").where("a > 1").build())
# ok: weak references
import weakref
class Cache:
    def __init__(self): self._data = weakref.WeakValueDictionary()
    def get(self, key, make):
        try:
            return self._data[key]
        except KeyError:
            value = self._data[key] = make(key)
            return value
class Tree:
    def __init__(self, parent=None): self.parent = weakref.ref(parent) if parent is not None else None
# ok: unittest-free checks
def test_add():
    assert 1 + 1 == 2
    try:
        int("x")
    except ValueError as e:
        assert "invalid literal" in str(e)
    else:
        raise AssertionError("no error")
for test in (test_add,):
    test()
    print(f"{test.__name__}: ok")
# ok: metaclasses of the library
from abc import ABC, ABCMeta
from enum import Enum, EnumMeta
class Base(metaclass=ABCMeta):
    def kind(self): return isinstance(self, (type, Base)), issubclass(type(self), Base)
class Meta(EnumMeta):
    def __contains__(cls, item): return item in [m.value for m in cls]
class Size(Enum, metaclass=Meta):
    SMALL = 1
# ok: metaclass that calls type's own new
class Upper(type):
    def __new__(mcs, name, bases, namespace):
        return type.__new__(mcs, name, bases, {k.upper() if not k.startswith("_") else k: v for k, v in namespace.items()})
# ok: an instance with slots and setattr
class P:
    __slots__ = ["_x", "_y"]
    def __init__(self, x):
        object.__setattr__(self, "_x", x)
        setattr(self, "_z", 1)
def use(p): return p._x, p._y, p._z
# ok: a visitor whose method has a name of its own
class Visitor:
    def visit(self, node):
        method = "visit_" + type(node).__name__
        visitor = getattr(self, method, self.other)
        return visitor(node)
    def run(self, line):
        name = f"do_{line}"
        handler = getattr(self, name, None)
        return handler() if handler is not None else self.other(line)
    def other(self, node):
        return node
# ok: templates that are repeated and joined
def table(rows):
    line = "{:>8}" * 3
    head = " | ".join(["{:^8}"] * len(rows[0]))
    body = ", ".join("{}" for _ in rows)
    return line.format(1, 2, 3), head.format(*rows[0]), body.format(*rows)
# ok: a dictionary of an object that is filled and asked for names
class Record:
    def __init__(self, **values):
        self.__dict__.update(values)
        self.__dict__["made"] = True
    def names(self):
        return sorted(self.__dict__), len(self.__dict__), [name for name in self.__dict__], "made" in self.__dict__
    def made_already(self):
        return self.__dict__["made"], list(self.__dict__.keys())
class Borg:
    shared = {}
    def __init__(self):
        self.__dict__ = self.shared
# ok: causes of exceptions
def why(work):
    try:
        work()
    except ValueError as error:
        return error.__cause__ or error.__context__, getattr(error, "__notes__", [])
# ok: counters of a class
class Counted:
    count = 0
    def __init__(self):
        self.__class__.count += 1
        type(self).count += 0
    def fresh(self):
        return self.__class__.make(), self.__class__.__name__
    @classmethod
    def make(cls):
        return cls()
# ok: a singleton by its metaclass
class Single(type):
    instances = {}
    def __call__(cls, *args, **kwargs):
        if cls not in cls.instances:
            cls.instances[cls] = super().__call__(*args, **kwargs)
        return cls.instances[cls]
class Config(metaclass=Single):
    pass
# ok: a registry by its metaclass
class Registry(type):
    known = {}
    def __new__(mcs, name, bases, namespace):
        cls = super().__new__(mcs, name, bases, namespace)
        mcs.known[name] = cls
        return cls
class Plugin(metaclass=Registry):
    pass
class Other(type):
    def __new__(cls, name, bases, namespace):
        return type.__new__(cls, name, bases, namespace)
    def __iter__(cls):
        return iter(Registry.known)
print(isinstance(Plugin, Registry), issubclass(Other, type))
# ok: class patterns of classes with bases
from abc import ABC
from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar
T = TypeVar("T")
class Tree(ABC):
    pass
@dataclass(frozen=True)
class Leaf(Tree):
    value: int
@dataclass
class Node(Tree):
    left: Tree
    right: Tree
class Result(Generic[T]):
    pass
@dataclass
class Good(Result[T]):
    value: T
class Point(NamedTuple):
    x: int
    y: int
class Failed(Exception):
    __match_args__ = ("code",)
    def __init__(self, code):
        self.code = code
def total(tree):
    match tree:
        case Leaf(value): return value
        case Node(left, right): return total(left) + total(right)
        case Good(value) | Failed(value): return value
        case Point(x, y): return x + y
# ok: leaving a script
import sys
def main(args):
    if not args:
        print("usage: count WORD...", file=sys.stderr)
        return 2
    print(len(args))
    return 0
if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
# ok: leaving by an exception
def main(text):
    if not text:
        raise SystemExit("nothing to read")
    return text
# ok: a loop that reads until there is no more
import sys
while True:
    command = input("> ")
    print(command)
while True:
    if not sys.stdin.readline():
        sys.exit()
# ok: pictures of several characters
FAMILY = "👨‍👩‍👧"
FLAG = "🏳️‍🌈"
print(len(FAMILY), FLAG)
# ok: addresses and paths as texts
def restore(digits):
    return "0.0.0.0" if digits == "0000" else digits
def simplify(path="/tmp/../var/tmp/x"):
    parts = []
    for part in path.split("/"):
        if part == "..":
            parts = parts[:-1]
        elif part not in ("", "."):
            parts.append(part)
    return "/" + "/".join(parts)
# ok: an attribute called raw beside the streams
import sys
from dataclasses import dataclass
@dataclass
class Line:
    raw: str
for line in sys.stdin:
    print(Line(line).raw.strip())
# ok: what a module says about itself
__author__ = "somebody"
__email__ = "somebody@example.org"
__date__ = "2024-01-01"
__copyright__ = "none"
__version__ = "1.0"
def about():
    return f"{__version__} by {__author__} <{__email__}>, {__date__}"
# ok: letters of formulas
def power(bits):
    𝛾 = int(bits, 2)
    ε = 𝛾 ^ 2 ** len(bits) - 1
    return 𝛾 * ε
# ok: a machine that stops by an exception
class Halt(Exception):
    pass
class Machine:
    def step(self):
        raise Halt
    def run(self):
        while True:
            self.step()
    def result(self):
        try:
            self.run()
        except Halt:
            return self
# ok: an exception group taken apart
def run(tasks):
    errors = []
    for task in tasks:
        try:
            task()
        except ValueError as error:
            errors.append(error)
    try:
        if errors:
            raise ExceptionGroup("some failed", errors)
    except* ValueError as group:
        return [str(error) for error in group.exceptions]
    return []
# ok: imports for type checkers only
from __future__ import annotations
import typing
from typing import TYPE_CHECKING
if TYPE_CHECKING:
    import pandas as pd
    from os import PathLike
if typing.TYPE_CHECKING:
    import sqlite3
def f(frame: pd.DataFrame, path: PathLike, db: sqlite3.Connection) -> int:
    return len(frame)
# ok: a module that may be missing, and another in its place
try:
    import ujson as json
except ImportError:
    import json
def f(value):
    return json.dumps(value)
# ok: a library that may be missing
try:
    import numpy as np
    HAS_NUMPY = True
except ModuleNotFoundError:
    np = None
    HAS_NUMPY = False
def f(values):
    if HAS_NUMPY:
        return float(np.mean(values))
    return sum(values) / len(values)
# ok: a name that only some versions have
try:
    from typing import no_such_decorator
except ImportError:
    def no_such_decorator(function):
        return function
@no_such_decorator
def f():
    return 1
# ok: an import whose failure is suppressed
from contextlib import suppress
with suppress(ImportError):
    import lxml.etree
def f():
    return 1
# ok: every harmless exception of the language
def f(kind):
    for error in (IndentationError, TabError, SystemError, EncodingWarning, PendingDeprecationWarning, ImportWarning):
        if issubclass(kind, error):
            return error.__name__
    raise IndentationError("no such kind")
