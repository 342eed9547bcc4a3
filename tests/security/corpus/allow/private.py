# ok: own private state: counter with its own state (data)
class Counter2:
    def __init__(self): self._count = 0
    def add(self, n=1):
        self._count += n
        return self
    @property
    def count(self): return self._count
    @count.setter
    def count(self, n): self._count = n
print(Counter2().add(3).count)
# ok: own private state: subclass of an own class (data)
class Shape:
    def __init__(self, name): self._name = name
    def describe(self): return self._name
class Square(Shape):
    def __init__(self, side):
        super().__init__("square")
        self._data = side
    def describe(self): return f"{super().describe()} {self._name} {self._data}"
print(Square(2).describe())
# ok: own private state: abstract base (data)
from abc import ABC, abstractmethod
class Account(ABC):
    def __init__(self, owner): self._owner, self._items, self._lock = owner, [], None
    @abstractmethod
    def fee(self): ...
    def total(self): return sum(self._items) - self.fee()
class Plain(Account):
    def fee(self): return len(self._items)
print(Plain("a").total())
# ok: own private state: dataclass with private fields (data)
from dataclasses import dataclass, field
@dataclass
class Basket:
    owner: str
    _items: list = field(default_factory=list, repr=False)
    _cache: dict = field(default_factory=dict, init=False)
    def put(self, x):
        self._items.append(x)
        self._cache.clear()
        return len(self._items)
print(Basket("a").put(1))
# ok: own private state: equality with a guard (data)
class Money:
    def __init__(self, value): self._value = value
    def __eq__(self, other):
        if not isinstance(other, Money):
            return NotImplemented
        return self._value == other._value
    def __lt__(self, other): return isinstance(other, Money) and self._value < other._value
    def __add__(self, other):
        if isinstance(other, Money):
            return Money(self._value + other._value)
        return Money(self._value + other)
    def __hash__(self): return hash(self._value)
print(Money(1) == Money(1), Money(1) + 2)
# ok: own private state: equality by type (data)
class Point:
    def __init__(self, x): self._data = x
    def __eq__(self, other): return type(other) is type(self) and other._data == self._data
    def __ne__(self, other): return self.__class__ is not other.__class__ or self._data != other._data
    def same(self, other):
        if other.__class__ != self.__class__:
            return False
        return other._data == self._data
    def __hash__(self): return 1
# ok: own private state: factories (data)
class Config:
    _defaults = {"a": 1}
    def __init__(self): self._data = {}
    @classmethod
    def of(cls, **given):
        config = cls()
        config._data = dict(cls._defaults)
        config._data.update(given)
        return config
    @classmethod
    def bare(cls):
        config = cls.__new__(cls)
        config._data = None
        return config
    def copy(self):
        other = type(self)()
        other._data = dict(self._data)
        return other
    def copy2(self):
        other = self.__class__.__new__(self.__class__)
        other._data = self._data
        return other
c = Config.of(b=2)
print(c._data, c.copy()._data)
# ok: own private state: linked list (data)
class Node:
    __slots__ = ("_value", "_next", "_parent")
    def __init__(self, value): self._value, self._next = value, None
class Chain:
    def __init__(self): self._head, self._tail, self._size = None, None, 0
    def push(self, value):
        node = Node(value)
        if self._tail is None:
            self._head = self._tail = node
        else:
            self._tail._next = node
            self._tail = node
        self._size += 1
    def __iter__(self):
        node = self._head
        while node is not None:
            yield node._value
            node = node._next
    def reverse(self):
        before, node = None, self._head
        while node:
            following = node._next
            node._next = before
            before = node
            node = following
        self._head = before
    def find(self, value):
        node = self._head
        while node and node._value != value:
            node = node._next
        return node
    def first(self): return self._head._value if self._head else None
c = Chain()
c.push(1)
print(list(c), c.find(1)._value)
# ok: own private state: tree by private methods (data)
class _Node:
    def __init__(self, key): self._key, self._left, self._right = key, None, None
class Tree:
    def __init__(self): self._root = None
    def add(self, key): self._root = self._add(self._root, key)
    def _add(self, node, key):
        if node is None:
            return _Node(key)
        if key < node._key:
            node._left = self._add(node._left, key)
        else:
            node._right = self._add(node._right, key)
        return node
    def _walk(self, node):
        if node is not None:
            yield from self._walk(node._left)
            yield node._key
            yield from self._walk(node._right)
    def keys(self): return list(self._walk(self._root))
t = Tree()
t.add(1)
print(t.keys())
# ok: own private state: singleton (data)
class Single:
    _instance = None
    _cache = {}
    def __new__(cls):
        if cls._instance is None:
            cls._instance = super().__new__(cls)
            cls._instance._data = []
        return cls._instance
    def add(self, x): self._data.append(x)
Single().add(1)
print(Single()._data, Single._cache)
# ok: own private state: singleton by metaclass (data)
class Meta(type):
    _cache = {}
    def __call__(cls, *args):
        if cls not in cls._cache:
            cls._cache[cls] = super().__call__(*args)
        return cls._cache[cls]
class Service(metaclass=Meta):
    def __init__(self): self._data = []
    def add(self, x): self._data.append(x)
Service().add(1)
# ok: own private state: registry by metaclass (data)
class Meta(type):
    _registry = {}
    def __new__(mcs, name, bases, namespace):
        made = super().__new__(mcs, name, bases, namespace)
        mcs._registry[name] = made
        return made
class Base(metaclass=Meta):
    def __init__(self): self._name = "x"
    def name(self): return self._name
class Other(Base):
    def name(self): return self._name + "!"
print(Other().name())
# ok: own private state: registry by init_subclass (data)
class Base:
    _registry = {}
    def __init_subclass__(cls, **kw):
        super().__init_subclass__(**kw)
        cls._registry[cls.__name__] = cls
    def __init__(self): self._name = "x"
    def run(self, x=None): return self._name
class A(Base): pass
for kind in Base._registry.values():
    print(kind().run())
# ok: own private state: own exception (data)
class Failure(Exception):
    def __init__(self, message, code):
        super().__init__(message)
        self._code, self._data = code, message
    @property
    def code(self): return self._code, self._data
try:
    raise Failure("x", 1)
except Failure as failure:
    print(failure._data, failure.code)
# ok: own private state: memo in a function (data)
def fib(n):
    if n not in fib._cache:
        fib._cache[n] = n if n < 2 else fib(n - 1) + fib(n - 2)
    return fib._cache[n]
fib._cache = {}
print(fib(10))
# ok: own private state: observer (data)
class Subject:
    def __init__(self): self._observers, self._state = [], None
    def attach(self, o): self._observers.append(o)
    def set(self, state):
        self._state = state
        for o in self._observers:
            o.update(self)
class Printer:
    def update(self, subject): print(subject._state)
s = Subject()
s.attach(Printer())
s.set(1)
# ok: own private state: context manager and lock (data)
import threading
class Guarded:
    def __init__(self): self._lock, self._value = threading.Lock(), 0
    def __enter__(self):
        self._lock.acquire()
        return self
    def __exit__(self, *details): self._lock.release()
    def add(self):
        with self._lock:
            self._value += 1
with Guarded() as g:
    pass
# ok: own private state: cached and decorated methods (data)
from functools import lru_cache, cached_property
class Grid:
    def __init__(self, data): self._data, self._cache = data, {}
    @lru_cache(maxsize=None)
    def row(self, i): return self._data[i]
    @cached_property
    def total(self): return sum(map(sum, self._data))
    @staticmethod
    def _check(data): return all(data)
    def ok(self): return self._check(self._data)
print(Grid(((1, 2),)).row(0), Grid(()).total, Grid.row.cache_info())
# ok: own private state: enum with private parts (data)
from enum import Enum
class Planet(Enum):
    EARTH = (1, 2)
    def __init__(self, mass, radius): self._data, self._size = mass, radius
    @property
    def gravity(self): return self._data / self._size
    @classmethod
    def _missing_(cls, value): return cls.EARTH
print(Planet.EARTH.gravity, Planet.EARTH._name_)
# ok: own private state: frozen (data)
from dataclasses import dataclass
@dataclass(frozen=True)
class P:
    x: int
    def __post_init__(self): object.__setattr__(self, "_cache", {})
    def get(self): return self._cache
print(P(1).get())
# ok: own private state: queue by composition and iterator (data)
class Stack:
    def __init__(self, items=()): self._items = list(items)
    def __iter__(self): return _Walk(self)
    def __len__(self): return len(self._items)
    def push(self, x): self._items.append(x)
class _Walk:
    def __init__(self, stack): self._data, self._count = list(stack._items), 0
    def __iter__(self): return self
    def __next__(self):
        if self._count >= len(self._data): raise StopIteration
        self._count += 1
        return self._data[self._count - 1]
print(list(Stack([1])))
# ok: own private state: generic container (data)
from typing import Generic, TypeVar
T = TypeVar("T")
class Box(Generic[T]):
    def __init__(self, value: T): self._value = value
    def map(self, f): return Box(f(self._value))
    def merge(self, other: "Box[T]"):
        assert isinstance(other, Box)
        return Box([self._value, other._value])
print(Box(1).merge(Box(2)).map(len)._value)
# ok: own private state: match on own class (data)
class Leaf:
    def __init__(self, v): self._value = v
class Branch:
    __match_args__ = ("left", "right")
    def __init__(self, left, right): self.left, self.right = left, right
def total(tree):
    match tree:
        case Leaf(_value=v): return v
        case Branch(left, right): return total(left) + total(right)
def total2(tree):
    match tree:
        case Leaf() as leaf: return leaf._value
        case Branch(): return total2(tree.left)
print(total(Branch(Leaf(1), Leaf(2))))
# ok: own private state: subclass of dict (data)
class Bag(dict):
    def __init__(self, *a):
        super().__init__(*a)
        self._count = 0
    def __setitem__(self, k, v):
        self._count += 1
        super().__setitem__(k, v)
b = Bag()
b["a"] = 1
print(b._count)
# ok: own private state: nested function and closure (data)
class Machine:
    def __init__(self): self._state, self._value = "a", 0
    def runner(self):
        def step(n):
            self._value += n
            return self._state
        return [step(i) for i in range(3)], [self._value for _ in range(2)], (lambda: self._state)()
print(Machine().runner())
# ok: own private state: builder (data)
class Query:
    def __init__(self): self._data, self._name = [], None
    def where(self, x):
        self._data.append(x)
        return self
    def named(self, name):
        new = Query()
        new._data, new._name = list(self._data), name
        return new
print(Query().where(1).named("q")._name)
# ok: own private state: mixin of own classes (data)
class Named:
    def __init__(self, name): self._name = name
    def hello(self): return self._name
class Counted:
    _count = 0
    def tick(self): self._count += 1
class Both(Named, Counted):
    def __init__(self):
        Named.__init__(self, "both")
        self.tick()
print(Both().hello())
# ok: own private state: sort key by method (data)
class Card:
    def __init__(self, v): self._value = v
    def rank(self): return self._value
    def __lt__(self, other): return self._value < other.rank()
print(sorted([Card(2), Card(1)], key=lambda card: card.rank())[0].rank())
# ok: own private state: own timing decorator (data)
from functools import wraps
def traced(method):
    @wraps(method)
    def inner(self, *args, **kwargs):
        self._count += 1
        return method(self, *args, **kwargs)
    return inner
class Job:
    def __init__(self): self._count, self._value = 0, 3
    @traced
    def run(self, x): return self._value + x
print(Job().run(1))
# ok: own private state: annotated other
class Vec:
    def __init__(self, value): self._value = value
    def __add__(self, other: "Vec") -> "Vec": return Vec(self._value + other._value)
print((Vec(1) + Vec(2))._value)
# ok: own private state: unguarded other
class Vec:
    def __init__(self, value): self._value = value
    def __lt__(self, other): return self._value < other._value
print(Vec(1) < Vec(2))
# ok: own private state: nodes in a list
class Node:
    def __init__(self, value): self._value, self._children = value, []
    def add(self, value):
        child = Node(value)
        self._children.append(child)
        return child
    def total(self): return self._value + sum(child._value for child in self._children)
n = Node(1)
n.add(2)
print(n.total())
# ok: own private state: module function on nodes
class Node:
    def __init__(self, value): self._value, self._next = value, None
def length(node):
    n = 0
    while node:
        n += node._value
        node = node._next
    return n
print(length(Node(1)))
# ok: own private state: method as key
class Card:
    def __init__(self, v): self._value = v
    def rank(self): return self._value
print(sorted([Card(2), Card(1)], key=Card.rank)[0].rank())
# ok: own private state: lambda property
class Card:
    def __init__(self, v): self._value = v
    value = property(lambda self: self._value)
print(Card(1).value)
