# case: own: class attribute
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A: _evaluate = None
# ruleid: POET136
REF._evaluate({}, {}, recursive_guard=frozenset())
# case: own: bare annotation
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A:
    _evaluate: int
# ruleid: POET136
REF._evaluate({}, {}, recursive_guard=frozenset())
# case: own: property
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A:
    @property
    def _evaluate(self): return 1
# ruleid: POET136
REF._evaluate({}, {}, recursive_guard=frozenset())
# case: own: dataclass field
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
from dataclasses import dataclass
@dataclass
class A:
    _evaluate: int = 0
# ruleid: POET136
REF._evaluate({}, {}, recursive_guard=frozenset())
# case: own: slot
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A:
    __slots__ = ('_evaluate',)
# ruleid: POET136
REF._evaluate({}, {}, recursive_guard=frozenset())
# case: own: method
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A:
    def _evaluate(self): pass
# ruleid: POET136
REF._evaluate({}, {}, recursive_guard=frozenset())
# case: own: nested class
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A:
    class _evaluate: pass
# ruleid: POET136
REF._evaluate({}, {}, recursive_guard=frozenset())
# case: own: loop target in class
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A:
    for _evaluate in (1,): pass
# ruleid: POET136
REF._evaluate({}, {}, recursive_guard=frozenset())
# case: own: walrus in class
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A:
    (_evaluate := 1)
# ruleid: POET136
REF._evaluate({}, {}, recursive_guard=frozenset())
# case: own: with in class
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
import contextlib
class A:
    with contextlib.nullcontext() as _evaluate: pass
# ruleid: POET136
REF._evaluate({}, {}, recursive_guard=frozenset())
# case: own: match capture in class
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A:
    match 1:
        case _evaluate: pass
# ruleid: POET136
REF._evaluate({}, {}, recursive_guard=frozenset())
# case: own: setattr
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A: pass
setattr(A(), '_evaluate', 1)
# ruleid: POET136
REF._evaluate({}, {}, recursive_guard=frozenset())
# case: own: object setattr
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A:
    def __init__(self): object.__setattr__(self, '_evaluate', 1)
# ruleid: POET136
REF._evaluate({}, {}, recursive_guard=frozenset())
# case: own: self store
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A:
    def __init__(self): self._evaluate = 1
# ruleid: POET136
REF._evaluate({}, {}, recursive_guard=frozenset())
# case: own: enum member
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
import enum
class A(enum.Enum):
    _evaluate = 1
# ruleid: POET136
REF._evaluate({}, {}, recursive_guard=frozenset())
# case: own: TypedDict key
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A(typing.TypedDict):
    _evaluate: int
# ruleid: POET136
REF._evaluate({}, {}, recursive_guard=frozenset())
# case: own: protocol
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A(typing.Protocol):
    _evaluate: int
# ruleid: POET136
REF._evaluate({}, {}, recursive_guard=frozenset())
# case: own: getattr literal
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A: _evaluate = None
# ruleid: POET136
getattr(REF, '_evaluate')({}, {}, recursive_guard=frozenset())
# case: own: getattr computed
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A: _evaluate = None
end = 'uate'
# ruleid: POET121
getattr(REF, f'_eval{end}')({}, {}, recursive_guard=frozenset())
# case: own: attrgetter
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
import operator
class A: _evaluate = None
# ruleid: POET116
operator.attrgetter('_evaluate')(REF)({}, {}, recursive_guard=frozenset())
# case: own: methodcaller
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
import operator
class A: _evaluate = None
# ruleid: POET116
operator.methodcaller('_evaluate', {}, {}, recursive_guard=frozenset())(REF)
# case: own: object pattern
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A: _evaluate = None
match REF:
    # ruleid: POET136
    case object(_evaluate=f): f({}, {}, recursive_guard=frozenset())
# case: own: dict of class
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A: _evaluate = None
# ruleid: POET130
REF.__dict__['_evaluate']
# case: own: unbound
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A:
    _evaluate = None
    def leak(self): return self._evaluate({}, {}, recursive_guard=frozenset())
# ruleid: POET136
A.leak(REF)
# case: own: unbound alias
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A:
    _evaluate = None
    def leak(self): return self._evaluate({}, {}, recursive_guard=frozenset())
K = A
# ruleid: POET136
K.leak(REF)
# case: own: unbound in list
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A:
    _evaluate = None
    def leak(self): return self._evaluate({}, {}, recursive_guard=frozenset())
# ruleid: POET136
[A][0].leak(REF)
# case: own: unbound via helper
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A:
    _evaluate = None
    def leak(self): return self._evaluate({}, {}, recursive_guard=frozenset())
# ruleid: POET136
def go(k): return k.leak(REF)
go(A)
# case: own: unbound keyword
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A:
    _evaluate = None
    def leak(self): return self._evaluate({}, {}, recursive_guard=frozenset())
# ruleid: POET136
def go(k): return k.leak(self=REF)
go(A)
# case: own: unbound via type
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A:
    _evaluate = None
    def leak(self): return self._evaluate({}, {}, recursive_guard=frozenset())
# ruleid: POET136
type(A()).leak(REF)
# case: own: unbound via type of unknown
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A:
    _evaluate = None
    def leak(self): return self._evaluate({}, {}, recursive_guard=frozenset())
# ruleid: POET136
def go(a): return type(a).leak(REF)
go(A())
# case: own: unbound via __class__
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A:
    _evaluate = None
    def leak(self): return self._evaluate({}, {}, recursive_guard=frozenset())
# ruleid: POET136
A().__class__.leak(REF)
# case: own: unbound via stored type
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A:
    _evaluate = None
    def leak(self): return self._evaluate({}, {}, recursive_guard=frozenset())
def go(a):
    k = type(a)
    # ruleid: POET136
    return k.leak(REF)
go(A())
# case: own: unbound via cls
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A:
    _evaluate = None
    def leak(self): return self._evaluate({}, {}, recursive_guard=frozenset())
    @classmethod
    # ruleid: POET136
    def go(cls): return cls.leak(REF)
A.go()
# case: own: unbound via super in classmethod
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A:
    _evaluate = None
    def leak(self): return self._evaluate({}, {}, recursive_guard=frozenset())
class B(A):
    @classmethod
    # ruleid: POET136
    def go(cls): return super().leak(REF)
B.go()
# case: own: unbound via subclass
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A:
    _evaluate = None
    def leak(self): return self._evaluate({}, {}, recursive_guard=frozenset())
class B(A): pass
# ruleid: POET136
B.leak(REF)
# case: own: map of method
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A:
    _evaluate = None
    def leak(self): return self._evaluate({}, {}, recursive_guard=frozenset())
# ruleid: POET136
list(map(A.leak, [REF]))
# case: own: map over alias
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A:
    _evaluate = None
    def leak(self): return self._evaluate({}, {}, recursive_guard=frozenset())
# ruleid: POET136
def go(k): return list(map(k.leak, [REF]))
go(A)
# case: own: partial
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A:
    _evaluate = None
    def leak(self): return self._evaluate({}, {}, recursive_guard=frozenset())
import functools
# ruleid: POET136
functools.partial(A.leak, REF)()
# case: own: MethodType
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A:
    _evaluate = None
    def leak(self): return self._evaluate({}, {}, recursive_guard=frozenset())
import types
# ruleid: POET136
types.MethodType(A.leak, REF)()
# case: own: getattr of class
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A:
    _evaluate = None
    def leak(self): return self._evaluate({}, {}, recursive_guard=frozenset())
# ruleid: POET136
getattr(A, 'leak')(REF)
# case: own: getattr of alias
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A:
    _evaluate = None
    def leak(self): return self._evaluate({}, {}, recursive_guard=frozenset())
# ruleid: POET136
def go(k): return getattr(k, 'leak')(REF)
go(A)
# case: own: getattr computed of alias
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A:
    _evaluate = None
    def leak(self): return self._evaluate({}, {}, recursive_guard=frozenset())
# ruleid: POET136
def go(k, end): return getattr(k, 'le' + end)(REF)
go(A, 'ak')
# case: own: methodcaller on class
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A:
    _evaluate = None
    def leak(self): return self._evaluate({}, {}, recursive_guard=frozenset())
import operator
# ruleid: POET136
operator.methodcaller('leak', REF)(A)
# case: own: attrgetter on class
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A:
    _evaluate = None
    def leak(self): return self._evaluate({}, {}, recursive_guard=frozenset())
import operator
# ruleid: POET136
operator.attrgetter('leak')(A)(REF)
# case: own: pattern on class
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A:
    _evaluate = None
    def leak(self): return self._evaluate({}, {}, recursive_guard=frozenset())
match A:
    # ruleid: POET136
    case object(leak=f): f(REF)
# case: own: dict of class with method
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A:
    _evaluate = None
    def leak(self): return self._evaluate({}, {}, recursive_guard=frozenset())
# ruleid: POET136
A.__dict__['leak'](REF)
# case: own: __get__
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A:
    _evaluate = None
    def leak(self): return self._evaluate({}, {}, recursive_guard=frozenset())
# ruleid: POET136
A.leak.__get__(REF)()
# case: own: star call
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A:
    _evaluate = None
    def leak(self): return self._evaluate({}, {}, recursive_guard=frozenset())
# ruleid: POET136
def go(k, *a): return k.leak(*a)
go(A, REF)
# case: own: method with optional
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A:
    _evaluate = None
    def leak(self, x=None): return self._evaluate({}, {}, recursive_guard=frozenset())
# ruleid: POET136
def go(k): return k.leak(REF)
go(A)
# case: own: property fget
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A:
    _evaluate = None
    @property
    def leak(self): return self._evaluate({}, {}, recursive_guard=frozenset())
# ruleid: POET136
A.leak.fget(REF)
# case: own: property fget by alias
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A:
    _evaluate = None
    @property
    def leak(self): return self._evaluate({}, {}, recursive_guard=frozenset())
# ruleid: POET136
def go(k): return k.leak.fget(REF)
go(A)
# case: own: cached_property func
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
import functools
class A:
    _evaluate = None
    @functools.cached_property
    def leak(self): return self._evaluate({}, {}, recursive_guard=frozenset())
# ruleid: POET136
A.leak.func(REF)
# case: own: alias in class body
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A:
    _evaluate = None
    def leak(self): return self._evaluate({}, {}, recursive_guard=frozenset())
    other = leak
# ruleid: POET136
A.other(REF)
# case: own: list in class body
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A:
    _evaluate = None
    # ruleid: POET136
    def leak(self): return self._evaluate({}, {}, recursive_guard=frozenset())
    other = [leak]
A.other[0](REF)
# case: own: staticmethod of method
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A:
    _evaluate = None
    # ruleid: POET136
    def leak(self): return self._evaluate({}, {}, recursive_guard=frozenset())
    other = staticmethod(leak)
A().other(REF)
# case: own: assigned elsewhere
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A:
    _evaluate = None
    def leak(self): return self._evaluate({}, {}, recursive_guard=frozenset())
class B: pass
# ruleid: POET136
B.m = A.leak
B.m(REF)
# case: own: plain function self
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A: _evaluate = None
# ruleid: POET136
def leak(self): return self._evaluate({}, {}, recursive_guard=frozenset())
leak(REF)
# case: own: plain function cls
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A: _evaluate = None
# ruleid: POET136
def leak(cls): return cls._evaluate({}, {}, recursive_guard=frozenset())
leak(REF)
# case: own: lambda self
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A:
    _evaluate = None
    # ruleid: POET136
    leak = lambda self: self._evaluate({}, {}, recursive_guard=frozenset())
A.leak(REF)
# case: own: static self
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A:
    _evaluate = None
    @staticmethod
    # ruleid: POET136
    def leak(self): return self._evaluate({}, {}, recursive_guard=frozenset())
A.leak(REF)
# case: own: self rebound
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A:
    _evaluate = None
    def leak(self, x):
        self = x
        # ruleid: POET136
        return self._evaluate({}, {}, recursive_guard=frozenset())
A().leak(REF)
# case: own: self by walrus
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A:
    _evaluate = None
    # ruleid: POET136
    def leak(self, x): return [(self := x), self._evaluate({}, {}, recursive_guard=frozenset())]
A().leak(REF)
# case: own: self by for
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A:
    _evaluate = None
    def leak(self, x):
        # ruleid: POET136
        for self in [x]: self._evaluate({}, {}, recursive_guard=frozenset())
A().leak(REF)
# case: own: self by with
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
import contextlib
class A:
    _evaluate = None
    def leak(self, x):
        # ruleid: POET136
        with contextlib.nullcontext(x) as self: self._evaluate({}, {}, recursive_guard=frozenset())
A().leak(REF)
# case: own: self by match
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A:
    _evaluate = None
    def leak(self, x):
        match x:
            # ruleid: POET136
            case self: self._evaluate({}, {}, recursive_guard=frozenset())
A().leak(REF)
# case: own: self by comprehension
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A:
    _evaluate = None
    # ruleid: POET136
    def leak(self, x): return [self._evaluate({}, {}, recursive_guard=frozenset()) for self in [x]]
A().leak(REF)
# case: own: self by unpacking
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A:
    _evaluate = None
    def leak(self, x):
        self, y = x, 1
        # ruleid: POET136
        return self._evaluate({}, {}, recursive_guard=frozenset())
A().leak(REF)
# case: own: self nonlocal
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A:
    _evaluate = None
    def leak(self, x):
        def turn():
            nonlocal self
            self = x
        turn()
        # ruleid: POET136
        return self._evaluate({}, {}, recursive_guard=frozenset())
A().leak(REF)
# case: own: inner function self
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A:
    _evaluate = None
    def leak(self, x):
        # ruleid: POET136
        def inner(self): return self._evaluate({}, {}, recursive_guard=frozenset())
        return list(map(inner, [x]))
A().leak(REF)
# case: own: inner lambda self
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A:
    _evaluate = None
    # ruleid: POET136
    def leak(self, x): return (lambda self: self._evaluate({}, {}, recursive_guard=frozenset()))(x)
A().leak(REF)
# case: own: self default
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A:
    _evaluate = None
    # ruleid: POET136
    def leak(self=REF): return self._evaluate({}, {}, recursive_guard=frozenset())
A.leak()
# case: own: self of varargs
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A:
    _evaluate = None
    # ruleid: POET136
    def leak(*self): return self[1]._evaluate({}, {}, recursive_guard=frozenset())
A().leak(REF)
# case: own: own decorator
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
def deco(f): return lambda self: f(REF)
class A:
    _evaluate = None
    @deco
    # ruleid: POET136
    def leak(self): return self._evaluate({}, {}, recursive_guard=frozenset())
A().leak()
# case: own: cls rebound
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A:
    _evaluate = None
    @classmethod
    def leak(cls, x):
        cls = x
        # ruleid: POET136
        return cls._evaluate({}, {}, recursive_guard=frozenset())
A.leak(REF)
# case: own: __new__ called
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A:
    _evaluate = None
    def __new__(cls): return cls._evaluate({}, {}, recursive_guard=frozenset())
# ruleid: POET136
A.__new__(REF)
# case: own: mixin
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
import threading
class A:
    _target = None
    def leak(self): return self._value
    def __init__(self): pass
class A2:
    _value = 1
    # ruleid: POET136
    def leak(self): return self._value
class F(A2, threading.Semaphore): pass
print('reached', F(7).leak())
# case: own: library base
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
import threading
class F(threading.Semaphore):
    _value = None
    # ruleid: POET136
    def leak(self): return self._value
print('reached', F(7).leak())
# case: own: library base outside
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
import threading
class F(threading.Semaphore):
    _value: int
f = F(7)
# ruleid: POET136
print('reached', f._value)
# case: own: base computed
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A:
    _evaluate = None
    # ruleid: POET136
    def leak(self): return self._evaluate({}, {}, recursive_guard=frozenset())
def make(base):
    class F(A, base): pass
    return F
import threading
make(threading.Event)
# case: own: base starred
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
import threading
class A2:
    _value = 1
    # ruleid: POET136
    def leak(self): return self._value
bases = [A2, threading.Semaphore]
class F(*bases): pass
print('reached', F(7).leak())
# case: own: base by decorator
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
import threading
def mix(cls):
    class F(cls, threading.Semaphore): pass
    return F
@mix
class A2:
    _value = 1
    # ruleid: POET136
    def leak(self): return self._value
print('reached', A2(7).leak())
# case: own: new gives other
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A:
    _evaluate = None
    def __new__(cls, x): return x
a = A(REF)
# ruleid: POET136
a._evaluate({}, {}, recursive_guard=frozenset())
# case: own: new of heir gives other
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A:
    _evaluate = None
    @classmethod
    # ruleid: POET136
    def make(cls, x): return cls(x)._evaluate({}, {}, recursive_guard=frozenset())
class B(A):
    def __new__(cls, x): return x
B.make(REF)
# case: own: metaclass call
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class M(type):
    def __call__(cls): return REF
class A(metaclass=M): _evaluate = None
a = A()
# ruleid: POET136
a._evaluate({}, {}, recursive_guard=frozenset())
# case: own: metaclass new
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class M(type):
    def __new__(mcs, *a): return REF
class A(metaclass=M): _evaluate = None
# ruleid: POET136
A._evaluate({}, {}, recursive_guard=frozenset())
# case: own: metaclass bases
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
import threading
class M(type):
    def __new__(mcs, name, bases, ns): return super().__new__(mcs, name, (threading.Semaphore,), ns)
class A(metaclass=M):
    _value = None
    # ruleid: POET136
    def leak(self): return self._value
print('reached', A(7).leak())
# case: own: class decorator
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
def other(cls): return lambda: REF
@other
class A: _evaluate = None
a = A()
# ruleid: POET136
a._evaluate({}, {}, recursive_guard=frozenset())
# case: own: class decorator class
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
def other(cls): return REF
@other
class A: _evaluate = None
# ruleid: POET136
A._evaluate({}, {}, recursive_guard=frozenset())
# case: own: rebound instance
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A: _evaluate = None
x = A()
x = REF
# ruleid: POET136
x._evaluate({}, {}, recursive_guard=frozenset())
# case: own: rebound class
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A: _evaluate = None
A = lambda: REF
x = A()
# ruleid: POET136
x._evaluate({}, {}, recursive_guard=frozenset())
# case: own: annotated variable
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A: _evaluate = None
x: A = REF
# ruleid: POET136
x._evaluate({}, {}, recursive_guard=frozenset())
# case: own: annotated parameter
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A: _evaluate = None
# ruleid: POET136
def f(x: A): return x._evaluate({}, {}, recursive_guard=frozenset())
f(REF)
# case: own: annotated text
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A: _evaluate = None
# ruleid: POET136
def f(x: 'A') -> 'A': return x._evaluate({}, {}, recursive_guard=frozenset())
f(REF)
# case: own: cast
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A: _evaluate = None
# ruleid: POET136
typing.cast(A, REF)._evaluate({}, {}, recursive_guard=frozenset())
# case: own: ABC register
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
import abc
class A(abc.ABC): _evaluate = None
A.register(type(REF))
# ruleid: POET136
if isinstance(REF, A): REF._evaluate({}, {}, recursive_guard=frozenset())
# case: own: ABC register text
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
import abc
class A(abc.ABC): _evaluate = None
getattr(A, 'register')(type(REF))
# ruleid: POET136
if isinstance(REF, A): REF._evaluate({}, {}, recursive_guard=frozenset())
# case: own: subclasshook
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
import abc
class A(abc.ABC):
    _evaluate = None
    @classmethod
    def __subclasshook__(cls, other): return True
# ruleid: POET136
if isinstance(REF, A): REF._evaluate({}, {}, recursive_guard=frozenset())
# case: own: runtime protocol
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
@typing.runtime_checkable
class A(typing.Protocol):
    def _evaluate(self): pass
# ruleid: POET136
if isinstance(REF, A): REF._evaluate({}, {}, recursive_guard=frozenset())
# case: own: own isinstance
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
def isinstance(a, b): return True
class A: _evaluate = None
def f(x):
    # ruleid: POET136
    if isinstance(x, A): x._evaluate({}, {}, recursive_guard=frozenset())
f(REF)
# case: own: isinstance or
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A: _evaluate = None
def f(x):
    # ruleid: POET136
    if isinstance(x, A) or True: x._evaluate({}, {}, recursive_guard=frozenset())
f(REF)
# case: own: isinstance else
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A: _evaluate = None
def f(x):
    if isinstance(x, A): pass
    # ruleid: POET136
    else: x._evaluate({}, {}, recursive_guard=frozenset())
f(REF)
# case: own: isinstance tuple
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
import typing as t
class A: _evaluate = None
def f(x):
    # ruleid: POET136
    if isinstance(x, (A, object)): x._evaluate({}, {}, recursive_guard=frozenset())
f(REF)
# case: own: isinstance rebound
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A: _evaluate = None
def f(x, y):
    if isinstance(x, A):
        x = y
        # ruleid: POET136
        x._evaluate({}, {}, recursive_guard=frozenset())
f(A(), REF)
# case: own: isinstance rebound in test
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A: _evaluate = None
def f(x, y):
    # ruleid: POET136
    if isinstance(x, A) and (x := y): x._evaluate({}, {}, recursive_guard=frozenset())
f(A(), REF)
# case: own: isinstance loop
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A: _evaluate = None
def f(x, y):
    if isinstance(x, A):
        for _ in (1, 2):
            # ruleid: POET136
            try: x._evaluate({}, {}, recursive_guard=frozenset())
            except TypeError: pass
            x = y
f(A(), REF)
# case: own: isinstance shadow
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A: _evaluate = None
def f(x, y):
    # ruleid: POET136
    if isinstance(x, A): [x._evaluate({}, {}, recursive_guard=frozenset()) for x in [y]]
f(A(), REF)
# case: own: isinstance later
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A: _evaluate = None
late = []
for x in (A(), REF):
    # ruleid: POET136
    if isinstance(x, A): late.append(lambda: x._evaluate({}, {}, recursive_guard=frozenset()))
late[0]()
# case: own: isinstance global
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A: _evaluate = None
x = A()
def turn():
    global x
    x = REF
if isinstance(x, A):
    turn()
    # ruleid: POET136
    x._evaluate({}, {}, recursive_guard=frozenset())
# case: own: isinstance generator
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A: _evaluate = None
x = A()
if isinstance(x, A):
    # ruleid: POET136
    g = (x._evaluate({}, {}, recursive_guard=frozenset()) for _ in (1,))
x = REF
list(g)
# case: own: isinstance other name
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A: _evaluate = None
def f(x, y):
    # ruleid: POET136
    if isinstance(x, A): y._evaluate({}, {}, recursive_guard=frozenset())
f(A(), REF)
# case: own: guard does not leave
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A: _evaluate = None
def f(x):
    if not isinstance(x, A): pass
    # ruleid: POET136
    x._evaluate({}, {}, recursive_guard=frozenset())
f(REF)
# case: own: type equal by metaclass
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class M(type):
    def __eq__(cls, other): return True
    def __hash__(cls): return 1
class A: _evaluate = None
class B(metaclass=M): pass
def f(x, b):
    if type(x) == type(b) or type(b) == type(x):
        pass
    # ruleid: POET136
    if type(x) == A: x._evaluate({}, {}, recursive_guard=frozenset())
# case: own: case class alias
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A: _evaluate = None
B = object
match REF:
    # ruleid: POET136
    case B(_evaluate=f): f({}, {}, recursive_guard=frozenset())
# case: own: case own rebound
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A: _evaluate = None
def f(x):
    match x:
        # ruleid: POET136
        case A() | object(): x._evaluate({}, {}, recursive_guard=frozenset())
f(REF)
# case: own: attribute holds
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A:
    _evaluate = None
    def __init__(self, x): self.x = x
    # ruleid: POET136
    def leak(self): return self.x._evaluate({}, {}, recursive_guard=frozenset())
A(REF).leak()
# case: own: attribute set outside
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A:
    _evaluate = None
    x = None
    # ruleid: POET136
    def leak(self): return self.x._evaluate({}, {}, recursive_guard=frozenset())
a = A()
a.x = REF
a.leak()
# case: own: attribute set by text
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A:
    _evaluate = None
    x = None
    # ruleid: POET136
    def leak(self): return self.x._evaluate({}, {}, recursive_guard=frozenset())
a = A()
setattr(a, 'x', REF)
a.leak()
# case: own: attribute by dict
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A:
    _evaluate = None
    x = None
    def __init__(self, **kw): self.__dict__.update(kw)
    # ruleid: POET136
    def leak(self): return self.x._evaluate({}, {}, recursive_guard=frozenset())
A(x=REF).leak()
# case: own: attribute by dict item
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A:
    _evaluate = None
    x = None
    def __init__(self, k, v): self.__dict__[k] = v
    # ruleid: POET136
    def leak(self): return self.x._evaluate({}, {}, recursive_guard=frozenset())
A('x', REF).leak()
# case: own: attribute of heir
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A:
    _evaluate = None
    x = None
    # ruleid: POET136
    def leak(self): return self.x._evaluate({}, {}, recursive_guard=frozenset())
class B(A): x = REF
B().leak()
# case: own: attribute by getattr hook
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A:
    _evaluate = None
    def __getattr__(self, name): return REF
    # ruleid: POET136
    def leak(self): return self.x._evaluate({}, {}, recursive_guard=frozenset())
A().leak()
# case: own: attribute by setattr hook
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A:
    _evaluate = None
    def __setattr__(self, name, value): super().__setattr__('x', REF)
    def leak(self):
        self.x = None
        # ruleid: POET136
        return self.x._evaluate({}, {}, recursive_guard=frozenset())
A().leak()
# case: own: attribute by descriptor
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class D:
    def __get__(self, a, b): return REF
class A:
    _evaluate = None
    x = D()
    # ruleid: POET136
    def leak(self): return self.x._evaluate({}, {}, recursive_guard=frozenset())
A().leak()
# case: own: attribute by set_name
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class D:
    def __set_name__(self, owner, name): owner.x = REF
class A:
    _evaluate = None
    x = None
    d = D()
    # ruleid: POET136
    def leak(self): return self.x._evaluate({}, {}, recursive_guard=frozenset())
A().leak()
# case: own: attribute by init_subclass
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A:
    _evaluate = None
    x = None
    def __init_subclass__(cls): cls.x = REF
    # ruleid: POET136
    def leak(self): return self.x._evaluate({}, {}, recursive_guard=frozenset())
class B(A): pass
B().leak()
# case: own: attribute by for
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A:
    _evaluate = None
    def leak(self):
        # ruleid: POET136
        for self.x in [REF]: self.x._evaluate({}, {}, recursive_guard=frozenset())
A().leak()
# case: own: attribute by unpacking
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A:
    _evaluate = None
    def leak(self):
        self.x, self.y = [REF, 1]
        # ruleid: POET136
        return self.x._evaluate({}, {}, recursive_guard=frozenset())
A().leak()
# case: own: attribute by star
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A:
    _evaluate = None
    def leak(self):
        self.x, *self.y = REF, 1
        # ruleid: POET136
        return self.x._evaluate({}, {}, recursive_guard=frozenset())
A().leak()
# case: own: dataclass init
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
from dataclasses import dataclass
@dataclass
class A:
    x: object = None
    _evaluate: object = None
    # ruleid: POET136
    def leak(self): return self.x._evaluate({}, {}, recursive_guard=frozenset())
A(REF).leak()
# case: own: property gives
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A:
    _evaluate = None
    @property
    def x(self): return REF
    # ruleid: POET136
    def leak(self): return self.x._evaluate({}, {}, recursive_guard=frozenset())
A().leak()
# case: own: method gives
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A:
    _evaluate = None
    def x(self): return REF
    # ruleid: POET136
    def leak(self): return self.x()._evaluate({}, {}, recursive_guard=frozenset())
A().leak()
# case: own: method of heir gives
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A:
    _evaluate = None
    def x(self): return self
    # ruleid: POET136
    def leak(self): return self.x()._evaluate({}, {}, recursive_guard=frozenset())
class B(A):
    def x(self): return REF
B().leak()
# case: own: method replaced
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A:
    _evaluate = None
    def x(self): return self
    # ruleid: POET136
    def leak(self): return self.x()._evaluate({}, {}, recursive_guard=frozenset())
a = A()
a.x = lambda: REF
a.leak()
# case: own: method decorated gives
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
def deco(f): return lambda self: REF
class A:
    _evaluate = None
    @deco
    def x(self): return self
    # ruleid: POET136
    def leak(self): return self.x()._evaluate({}, {}, recursive_guard=frozenset())
A().leak()
# case: own: function gives
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A: _evaluate = None
def make(n): return A() if n else REF
# ruleid: POET136
make(0)._evaluate({}, {}, recursive_guard=frozenset())
# case: own: function rebound gives
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A: _evaluate = None
def make(): return A()
make = lambda: REF
# ruleid: POET136
make()._evaluate({}, {}, recursive_guard=frozenset())
# case: own: generator gives
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A: _evaluate = None
def make():
    yield REF
    return A()
# ruleid: POET136
next(make())._evaluate({}, {}, recursive_guard=frozenset())
# case: own: copy gives
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
import copy
class A:
    _evaluate = None
    def __copy__(self): return REF
# ruleid: POET136
copy.copy(A())._evaluate({}, {}, recursive_guard=frozenset())
# case: own: private parameter by map
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A:
    _evaluate = None
    # ruleid: POET136
    def _go(self, x): return x._evaluate({}, {}, recursive_guard=frozenset())
    def go(self): 
        list(map(self._go, [REF]))
        self._go(self)
A().go()
# case: own: private parameter by text
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A:
    _evaluate = None
    # ruleid: POET136
    def _go(self, x=None): return x and x._evaluate({}, {}, recursive_guard=frozenset())
    def go(self): getattr(self, '_go')(REF)
A().go()
# case: own: private parameter by computed text
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A:
    _evaluate = None
    # ruleid: POET136
    def _go_on(self, x=None): return x and x._evaluate({}, {}, recursive_guard=frozenset())
    def go(self, end): getattr(self, '_go_' + end)(REF)
A().go('on')
# case: own: private parameter default
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A:
    _evaluate = None
    # ruleid: POET136
    def _go(self, x=REF): return x._evaluate({}, {}, recursive_guard=frozenset())
A()._go()
# case: own: private parameter star
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A:
    _evaluate = None
    # ruleid: POET136
    def _go(self, x=None): return x and x._evaluate({}, {}, recursive_guard=frozenset())
    def go(self, *x): self._go(*x)
A().go(REF)
# case: own: private parameter keyword
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A:
    _evaluate = None
    # ruleid: POET136
    def _go(self, x=None): return x and x._evaluate({}, {}, recursive_guard=frozenset())
A()._go(x=REF)
# case: own: private parameter by alias
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A:
    _evaluate = None
    # ruleid: POET136
    def _go(self, x=None): return x and x._evaluate({}, {}, recursive_guard=frozenset())
    on = _go
A().on(REF)
# case: own: public parameter from outside
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A:
    _evaluate = None
    # ruleid: POET136
    def take(self, x): return x._evaluate({}, {}, recursive_guard=frozenset())
def f(a, x): return a.take(x)
f(A(), REF)
# case: own: inner parameter passed
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A: _evaluate = None
def f():
    # ruleid: POET136
    def go(x): return x._evaluate({}, {}, recursive_guard=frozenset())
    go2 = go
    return go2(REF)
f()
# case: own: handler
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A(Exception): _evaluate = None
try: raise A
except A as x: pass
x = REF
# ruleid: POET136
x._evaluate({}, {}, recursive_guard=frozenset())
# case: own: handler any
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A(Exception): _evaluate = None
K = (A, Exception)
try: 1 / 0
# ruleid: POET136
except K as x: x._evaluate
# case: own: loop var
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A: _evaluate = None
x = A()
# ruleid: POET136
for x in [REF]: x._evaluate({}, {}, recursive_guard=frozenset())
# case: own: subscript
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A: _evaluate = None
# ruleid: POET136
[REF][0]._evaluate({}, {}, recursive_guard=frozenset())
# case: own: conditional
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A: _evaluate = None
# ruleid: POET136
(A() and REF)._evaluate({}, {}, recursive_guard=frozenset())
# case: own: or
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A: _evaluate = None
# ruleid: POET136
(REF or A())._evaluate({}, {}, recursive_guard=frozenset())
# case: own: walrus value
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A: _evaluate = None
# ruleid: POET136
(x := REF)._evaluate({}, {}, recursive_guard=frozenset())
# case: own: operator
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A:
    _evaluate = None
    def __add__(self, o): return o
# ruleid: POET136
(A() + REF)._evaluate({}, {}, recursive_guard=frozenset())
# case: own: mangled
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
import collections
class MutableMapping:
    def __init__(self): self.__marker = 1
    # ruleid: POET136
    def leak(self, x): return x.__marker
print('reached', MutableMapping().leak(collections.UserDict()))
# case: own: partial class
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
import functools
class A:
    _evaluate = None
    def leak(self): return self._evaluate({}, {}, recursive_guard=frozenset())
# ruleid: POET136
functools.partial(A.leak)(REF)
# case: own: singledispatch
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
import functools
@functools.singledispatch
def g(x): pass
class A:
    _evaluate = None
    @g.register(object)
    # ruleid: POET136
    def leak(self): return self._evaluate({}, {}, recursive_guard=frozenset())
g(REF)
# case: builtin: own type by isinstance
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
def isinstance(a, t): return t('X', (), {'reached': 1})
# ruleid: POET121
print(isinstance(1, type).__name__ and 'reached')
# case: super: own super set_name
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
import functools
def super(): return functools.cached_property(len)
class A: pass
p = super()
# ruleid: POET130
super().__set_name__(A, 'x')
print('reached')
# case: hook: own super setattr
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
def other(): return object
class A:
    # ruleid: POET121
    def __setattr__(self, name, value): other().__setattr__(name, self.n(), value)
    def n(self): return 'x' + 'y'
class B: pass
b = B()
# ruleid: POET121
A().__setattr__(b, 1)
print('reached', b.xy)
# case: hook: computed setattr of text
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A: pass
a = A()
n = 'x' + 'y'
# ruleid: POET121
a.__setattr__(n, 'text')
print('reached', a.xy)
# case: own: obj helper
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
# ruleid: POET131
def helper(x): return x.obj
try: [].nothing
except AttributeError as e: print('reached', helper(e))
# case: own: obj pattern
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
try: [].nothing
except AttributeError as e: 
    match e:
        # ruleid: POET131
        case AttributeError(obj=o): print('reached', o)
# case: own: obj getattr
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
try: [].nothing
# ruleid: POET131
except AttributeError as e: print('reached', getattr(e, 'obj'))
# case: own: obj computed
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
try: [].nothing
# ruleid: POET121
except AttributeError as e: print('reached', getattr(e, 'ob' + 'j'))
# case: own: obj attrgetter
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
import operator
try: [].nothing
# ruleid: POET116
except AttributeError as e: print('reached', operator.attrgetter('obj')(e))
# case: own: obj own attribute
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A: obj = None
# ruleid: POET131
def helper(x): return x.obj
try: [].nothing
except AttributeError as e: print('reached', helper(e))
# case: own: obj own exception
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A(AttributeError):
    obj = None
    # ruleid: POET131
    def leak(self): return self.obj
try: [].nothing
except AttributeError as e: print('reached', A.leak(e))
# case: own: obj self unbound
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A:
    obj = None
    def leak(self): return self.obj
try: [].nothing
# ruleid: POET136
except AttributeError as e: print('reached', A.leak(e))
# case: registered: obj virtual pattern
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
import abc
class A(abc.ABC): __match_args__ = ('obj',)
A.register(AttributeError)
try: [].nothing
except AttributeError as e: 
    match e:
        # ruleid: POET121
        case A(o): print('reached', o)
# case: registered: obj virtual dataclass
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
import abc
from dataclasses import dataclass
@dataclass
class A(abc.ABC): obj: object = None
A.register(AttributeError)
try: [].nothing
except AttributeError as e: 
    match e:
        # ruleid: POET121
        case A(o): print('reached', o)
# case: registered: obj protocol pattern
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
@typing.runtime_checkable
class A(typing.Protocol):
    obj: object
    __match_args__ = ('obj',)
try: [].nothing
except AttributeError as e: 
    match e:
        # ruleid: POET121
        case A(o): print('reached', o)
# case: own: obj exit
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
# ruleid: POET131
def helper(x): return x.obj
class X:
    def __enter__(self): pass
    def __exit__(self, t, e, b):
        print('reached', helper(e))
        return True
with X(): [].nothing
# case: own: df mgr (data)
class A: _mgr = None
import pandas as pd
df = pd.DataFrame({'a': [1, 2]})
# ruleid: POET136
print('reached', type(df._mgr))
# case: own: df constructor (data)
class A: _constructor = None
import pandas as pd
df = pd.DataFrame({'a': [1, 2]})
# ruleid: POET136
print('reached', df._constructor)
# case: own: df mgr param (data)
class A: _mgr = None
# ruleid: POET136
def f(df): return df._mgr
# case: own: df subclass (data)
import pandas as pd
df = pd.DataFrame({'a': [1, 2]})
class F(pd.DataFrame):
    _mgr = None
    # ruleid: POET136
    def leak(self): return self._mgr
print('reached', type(F({'a': [1]}).leak()))
# case: own: df subclass init (data)
import pandas as pd
df = pd.DataFrame({'a': [1, 2]})
class F(pd.DataFrame):
    def __init__(self, *a):
        super().__init__(*a)
        # ruleid: POET136
        m = self._mgr
        # ruleid: POET136
        self._mgr = m
F({'a': [1]})
print('reached')
# case: own: df mixin (data)
import pandas as pd
df = pd.DataFrame({'a': [1, 2]})
class A:
    _mgr = None
    # ruleid: POET136
    def leak(self): return self._mgr
class F(A, pd.DataFrame): pass
print('reached', type(F({'a': [1]}).leak()))
# case: own: df dataclass (data)
import pandas as pd
df = pd.DataFrame({'a': [1, 2]})
from dataclasses import dataclass, asdict
@dataclass(init=False)
class F(pd.DataFrame):
    # ruleid: POET136
    _mgr: object
print('reached', asdict(F({'a': [1]})))
# case: hook: df getattr method (data)
import pandas as pd
df = pd.DataFrame({'a': [1, 2]})
# ruleid: POET121
print('reached', type(df.__getattr__('_mgr')))
# case: hook: df hasattr hook (data)
import pandas as pd
df = pd.DataFrame({'a': [1, 2]})
got = []
class F(pd.DataFrame):
    def __getattr__(self, name):
        if name.startswith('_'): raise AttributeError(name)
        # ruleid: POET121
        got.append(super().__getattr__(name))
        return 1
hasattr(F({'a': [1]}), 'a' + 'b')
# case: own: df computed (data)
import pandas as pd
df = pd.DataFrame({'a': [1, 2]})
class A: _mgr = None
# ruleid: POET121
print('reached', type(getattr(df, '_mg' + 'r')))
# case: own: df dict (data)
import pandas as pd
df = pd.DataFrame({'a': [1, 2]})
class A: _mgr = None
# ruleid: POET130
print('reached', df.__dict__['_mgr'])
# case: own: df wraps (data)
import pandas as pd
df = pd.DataFrame({'a': [1, 2]})
import functools
class A:
    _mgr = None
    def __init__(self, f): functools.update_wrapper(self, f)
    # ruleid: POET136
    def leak(self): return self._mgr
print('reached', type(A(df).leak()))
# case: own: df wraps function (data)
import pandas as pd
df = pd.DataFrame({'a': [1, 2]})
import functools
def f(): pass
# ruleid: POET136
f._mgr = None
functools.update_wrapper(f, df)
# ruleid: POET136
print('reached', type(f._mgr))
# case: own: df wraps outside (data)
import pandas as pd
df = pd.DataFrame({'a': [1, 2]})
import functools
class A: _mgr = None
a = A()
functools.wraps(df)(a)
# ruleid: POET136
print('reached', type(a._mgr))
# case: own: query own (data)
class A:
    def query(self, x): pass
# ruleid: POET133
def f(df): return df.query('a > @pd')
# case: own: eval own (data)
class A:
    def eval(self, x): pass
# ruleid: POET133
def f(df): return df.eval('a')
# case: own: to_pickle own (data)
class A:
    def to_pickle(self, x): pass
# ruleid: POET133
def f(df): df.to_pickle('/tmp/x')
# case: own: to_csv own (data)
class A:
    def to_csv(self, x): pass
# ruleid: POET133
def f(df): df.to_csv('/tmp/x')
# case: own: query own unbound (data)
class A:
    def query(self, x): pass
    def go(self, x): return self.query(x)
# ruleid: POET136
def f(df): return A.go(df, 'a')
# case: own: dump own (data)
class A:
    dump = None
# ruleid: POET133
def f(x): x.dump('/tmp/x')
# case: plot: plot backend (data)
# ruleid: POET116
def f(df): return df.plot(backend='os')
# case: plot: plot accessor (data)
# ruleid: POET116
def f(df): return df.plot.line(backend='os')
# case: plot: plot star (data)
# ruleid: POET116
def f(df, **kw): return df.plot(**kw)
# case: plot: plot accessor star (data)
# ruleid: POET116
def f(df, **kw): return df.plot.line(**kw)
# case: plot: plot passed (data)
# ruleid: POET116
def f(df): return df.plot
# case: plot: plot partial (data)
import functools
# ruleid: POET116
def f(df): return functools.partial(df.plot, backend='os')()
# case: plot: plot caller (data)
import operator
# ruleid: POET116
def f(df): return operator.methodcaller('plot', backend='os')(df)
# case: plot: plot getattr (data)
# ruleid: POET116
def f(df, **kw): return getattr(df, 'plot')(**kw)
# case: plot: plot agg (data)
# ruleid: POET116
def f(df, **kw): return df.agg('plot', **kw)
# case: plot: boxplot positional (data)
# ruleid: POET116
def f(df): return df.boxplot(None, None, None, None, 0, True, None, None, None, 'os')
# case: plot: hist star (data)
# ruleid: POET116
def f(df, a): return df.hist(*a)
# case: plot: plot own class (data)
class A:
    def plot(self, backend): pass
# ruleid: POET116
def f(df): return df.plot(backend='os')
# case: own: wrapped unbound
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
def deco(f):
    def w(self, *a): return f(self)
    return w
class A:
    _evaluate = None
    @deco
    def leak(self): return self._evaluate({}, {}, recursive_guard=frozenset())
# ruleid: POET136
A.leak(REF)
# case: own: wrapped unbound alias
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
def deco(f):
    def w(self, *a): return f(self)
    return w
class A:
    _evaluate = None
    @deco
    def leak(self): return self._evaluate({}, {}, recursive_guard=frozenset())
# ruleid: POET136
def go(k): return k.leak(REF)
go(A)
# case: own: wrapper used elsewhere
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
def deco(f):
    # ruleid: POET136
    def w(self, *a): return self._evaluate({}, {}, recursive_guard=frozenset())
    return w
class A:
    _evaluate = None
    @deco
    def leak(self): return self._evaluate({}, {}, recursive_guard=frozenset())
def g(x): pass
deco(g)(REF)
# case: own: wrapper on function
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
def deco(f):
    # ruleid: POET136
    def w(self, *a): return self._evaluate({}, {}, recursive_guard=frozenset())
    return w
class A:
    _evaluate = None
    @deco
    def leak(self): return self._evaluate({}, {}, recursive_guard=frozenset())
@deco
def g(x): pass
g(REF)
# case: own: wrapper gives other
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
def deco(f):
    def w(self, *a): return f(*a)
    return w
class A:
    _evaluate = None
    @deco
    # ruleid: POET136
    def leak(self): return self._evaluate({}, {}, recursive_guard=frozenset())
A().leak(REF)
# case: own: wrapper rebinds
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
def deco(f):
    def w(self, *a): self = a[0]; return f(self)
    return w
class A:
    _evaluate = None
    @deco
    # ruleid: POET136
    def leak(self): return self._evaluate({}, {}, recursive_guard=frozenset())
A().leak(REF)
# case: own: wrapper keeps
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
kept = []
def deco(f):
    def w(self, *a): return f(self)
    kept.append(f)
    return w
class A:
    _evaluate = None
    @deco
    # ruleid: POET136
    def leak(self): return self._evaluate({}, {}, recursive_guard=frozenset())
kept[0](REF)
# case: own: wrapper star
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
def deco(f):
    def w(*a):
        a = a[1:]
        return f(*a)
    return w
class A:
    _evaluate = None
    @deco
    # ruleid: POET136
    def leak(self): return self._evaluate({}, {}, recursive_guard=frozenset())
A().leak(REF)
# case: own: wrapper keyword
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
def deco(f):
    def w(self, *a): return f(self=a[0])
    return w
class A:
    _evaluate = None
    @deco
    # ruleid: POET136
    def leak(self): return self._evaluate({}, {}, recursive_guard=frozenset())
A().leak(REF)
# case: own: wrapper inner lambda
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
def deco(f):
    def w(self, *a): return (lambda self: f(self))(a[0])
    return w
class A:
    _evaluate = None
    @deco
    # ruleid: POET136
    def leak(self): return self._evaluate({}, {}, recursive_guard=frozenset())
A().leak(REF)
# case: own: wrapper static
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
def deco(f):
    # ruleid: POET136
    def w(self, *a): return self._evaluate({}, {}, recursive_guard=frozenset())
    return w
class A:
    _evaluate = None
    @staticmethod
    @deco
    # ruleid: POET136
    def leak(self): return self._evaluate({}, {}, recursive_guard=frozenset())
A.leak(REF)
# case: own: wrapper list
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
def deco(f):
    return [f]
class A:
    _evaluate = None
    @deco
    # ruleid: POET136
    def leak(self): return self._evaluate({}, {}, recursive_guard=frozenset())
A.leak[0](REF)
# case: own: none then list
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A: _evaluate = None
x = None
x = [REF]
# ruleid: POET136
x.pop()._evaluate({}, {}, recursive_guard=frozenset())
# case: own: list method
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A:
    _evaluate = None
    def pop(self): return self
x = [REF]
# ruleid: POET136
x.pop()._evaluate({}, {}, recursive_guard=frozenset())
# case: own: function attribute of decorated
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
import functools
@functools.partial
def f(): pass
class A: _evaluate = None
# ruleid: POET136
f._evaluate
# case: own: new of own class
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A:
    _evaluate = None
    def __new__(cls, x): return x
a = A.__new__(A, REF)
# ruleid: POET136
a._evaluate({}, {}, recursive_guard=frozenset())
# case: own: new of other own
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class B:
    def __new__(cls, x): return REF
class A(B): _evaluate = None
a = A.__new__(A, 1)
# ruleid: POET136
a._evaluate({}, {}, recursive_guard=frozenset())
# case: own: private class by alias
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A:
    _evaluate = None
class _W:
    # ruleid: POET136
    def __init__(self, x): x._evaluate({}, {}, recursive_guard=frozenset())
_W(A()) if 0 else None
K = _W
K(REF)
# case: own: private class by list
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A:
    _evaluate = None
class _W:
    # ruleid: POET136
    def __init__(self, x): x._evaluate({}, {}, recursive_guard=frozenset())
list(map(_W, [REF]))
# case: own: private class by heir
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A:
    _evaluate = None
class _W:
    # ruleid: POET136
    def __init__(self, x): x._evaluate({}, {}, recursive_guard=frozenset())
class B(_W): pass
B(REF)
# case: own: private class by init
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A:
    _evaluate = None
class _W:
    # ruleid: POET136
    def __init__(self, x=None): x and x._evaluate({}, {}, recursive_guard=frozenset())
_W().__init__(REF)
# case: own: private class by type
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A:
    _evaluate = None
class _W:
    # ruleid: POET136
    def __init__(self, x=None): x and x._evaluate({}, {}, recursive_guard=frozenset())
type(_W())(REF)
# case: own: private class by cls
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A:
    _evaluate = None
class _W:
    # ruleid: POET136
    def __init__(self, x=None): x and x._evaluate({}, {}, recursive_guard=frozenset())
    @classmethod
    def go(cls, x): cls(x)
_W.go(REF)
# case: own: private class direct
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A:
    _evaluate = None
class _W:
    # ruleid: POET136
    def __init__(self, x): x._evaluate({}, {}, recursive_guard=frozenset())
_W(REF)
# case: own: inner class by attribute
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A:
    _evaluate = None
    class W:
        # ruleid: POET136
        def __init__(self, x): x._evaluate({}, {}, recursive_guard=frozenset())
A.W(REF)
# case: own: inner class by attribute called
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A:
    _evaluate = None
    class W:
        # ruleid: POET136
        def __init__(self, x): x._evaluate({}, {}, recursive_guard=frozenset())
w = A.W
w(REF)
# case: own: rebound private class
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A:
    _evaluate = None
for _ in (1, 2):
    class _W:
        # ruleid: POET136
        def __init__(self, x): x._evaluate({}, {}, recursive_guard=frozenset())
    _W(REF)
# case: own: public class
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A:
    _evaluate = None
class W:
    # ruleid: POET136
    def __init__(self, x): x._evaluate({}, {}, recursive_guard=frozenset())
W(REF)
# case: own: namedtuple field
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
import collections
class A: _evaluate = None
class F(collections.namedtuple('F', 'x')):
    # ruleid: POET136
    def leak(self): return self.x._evaluate({}, {}, recursive_guard=frozenset())
F(REF).leak()
# case: own: simple namespace
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
import types
class F(types.SimpleNamespace):
    _evaluate = None
    # ruleid: POET136
    def leak(self): return self.x._evaluate({}, {}, recursive_guard=frozenset())
F(x=REF).leak()
# case: own: slot set
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A:
    __slots__ = ('x',)
    # ruleid: POET136
    def leak(self): return self.x._evaluate({}, {}, recursive_guard=frozenset())
class B: _evaluate = None
a = A()
A.x.__set__(a, REF)
a.leak()
# case: own: method replaced by text
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A:
    _evaluate = None
    def x(self): return self
    # ruleid: POET136
    def leak(self): return self.x()._evaluate({}, {}, recursive_guard=frozenset())
a = A()
setattr(a, 'x', lambda: REF)
a.leak()
# case: own: inner class passed
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class B:
    class A:
        _evaluate = None
        def leak(self): return self._evaluate({}, {}, recursive_guard=frozenset())
# ruleid: POET136
def go(k): return k.leak(REF)
go(B.A)
# case: own: inner class of instance passed
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class B:
    class A:
        _evaluate = None
        def leak(self): return self._evaluate({}, {}, recursive_guard=frozenset())
# ruleid: POET136
def go(k): return k.leak(REF)
go(B().A)
# case: own: wrapped classmethod passes class
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
def deco(f):
    def w(cls):
        k = cls
        # ruleid: POET136
        k.leak(REF)
        return f(cls)
    return w
class A:
    _evaluate = None
    def leak(self): return self._evaluate({}, {}, recursive_guard=frozenset())
    @classmethod
    @deco
    def go(cls): pass
A.go()
# case: own: metaclass passes class
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class M(type):
    def go(cls):
        k = cls
        # ruleid: POET136
        return k.leak(REF)
class A(metaclass=M):
    _evaluate = None
    def leak(self): return self._evaluate({}, {}, recursive_guard=frozenset())
A.go()
# case: own: abc metaclass passes class
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
import abc
class M(abc.ABCMeta):
    def go(cls):
        k = cls
        # ruleid: POET136
        return k.leak(REF)
class A(metaclass=M):
    _evaluate = None
    def leak(self): return self._evaluate({}, {}, recursive_guard=frozenset())
A.go()
# case: own: attribute by dict or
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A:
    _evaluate = None
    x = None
    def __init__(self, **kw): self.__dict__ = kw
    # ruleid: POET136
    def leak(self): return self.x._evaluate({}, {}, recursive_guard=frozenset())
A(x=REF).leak()
# case: own: enum of class
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
import enum
class A:
    _evaluate = None
    def leak(self): return self._evaluate({}, {}, recursive_guard=frozenset())
class E(enum.Enum): K = A
# ruleid: POET136
E.K.value.leak(REF)
# case: own: default factory
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
import dataclasses
class A:
    _evaluate = None
    def leak(self): return self._evaluate({}, {}, recursive_guard=frozenset())
@dataclasses.dataclass
class F: k: object = dataclasses.field(default=A)
# ruleid: POET136
F().k.leak(REF)
# case: own: field type
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
import dataclasses
class A:
    _evaluate = None
    def leak(self): return self._evaluate({}, {}, recursive_guard=frozenset())
@dataclasses.dataclass
class F: k: A = None
# ruleid: POET136
dataclasses.fields(F)[0].type.leak(REF)
# case: own: function default
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A:
    _evaluate = None
    def leak(self): return self._evaluate({}, {}, recursive_guard=frozenset())
# ruleid: POET136
def go(k=A): return k.leak(REF)
go()
# case: own: closure of class
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A:
    _evaluate = None
    def leak(self): return self._evaluate({}, {}, recursive_guard=frozenset())
def outer():
    def inner(): return A
    return inner
# ruleid: POET136
outer()().leak(REF)
# case: own: class from exception
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A(Exception):
    _evaluate = None
    def leak(self): return self._evaluate({}, {}, recursive_guard=frozenset())
try: raise A
except A as e: k = type(e)
# ruleid: POET136
k.leak(REF)
# case: own: get_args of annotation
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A:
    _evaluate = None
    def leak(self): return self._evaluate({}, {}, recursive_guard=frozenset())
# ruleid: POET136
typing.get_args(typing.Optional[A])[0].leak(REF)
# case: own: public evaluate of a type
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A:
    def evaluate(self): pass
# ruleid: POET133
REF.evaluate()
# case: own: keyword of own evaluate
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A:
    evaluate = None
# ruleid: POET133
print(getattr(REF, 'evaluate'))
# case: own: dataclass by call
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
import dataclasses
class A:
    x: object = None
    _evaluate = None
    # ruleid: POET136
    def leak(self): return self.x._evaluate({}, {}, recursive_guard=frozenset())
B = dataclasses.dataclass(A)
B(REF).leak()
# case: own: dataclass by init_subclass
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
import dataclasses
class Z:
    def __init_subclass__(cls): dataclasses.dataclass(cls)
class A(Z):
    x: object = None
    _evaluate = None
    # ruleid: POET136
    def leak(self): return self.x._evaluate({}, {}, recursive_guard=frozenset())
A(REF).leak()
# case: own: class by a builtin's name
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
if not REF:
    class type: _evaluate = None
# ruleid: POET136
type(REF)._evaluate(REF, {}, {}, recursive_guard=frozenset())
# case: own: function by a builtin's name
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A: _evaluate = None
if not REF:
    def next(x): return A()
# ruleid: POET136
next(iter([REF]))._evaluate({}, {}, recursive_guard=frozenset())
# case: own: variable by a builtin's name
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A: _evaluate = None
if not REF:
    type = A
# ruleid: POET136
type(REF)._evaluate(REF, {}, {}, recursive_guard=frozenset())
# case: own: decorator by a builtin's name
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
if not REF:
    from dataclasses import dataclass as type
@type
class A: _evaluate = None
# ruleid: POET136
A(REF)._evaluate(REF, {}, {}, recursive_guard=frozenset())
# case: own: import by a builtin's name
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
if not REF:
    from copy import copy as next
class A: _evaluate = None
# ruleid: POET136
next(iter([REF]))._evaluate({}, {}, recursive_guard=frozenset())
# case: own: isinstance across a yield
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A: _evaluate = None
x = A()
def g():
    if isinstance(x, A):
        yield
        # ruleid: POET136
        x._evaluate({}, {}, recursive_guard=frozenset())
it = g()
next(it)
x = REF
list(it)
# case: own: isinstance across a yield in a closure
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A: _evaluate = None
def f():
    x = A()
    def g():
        if isinstance(x, A):
            yield
            # ruleid: POET136
            x._evaluate({}, {}, recursive_guard=frozenset())
    it = g()
    next(it)
    x = REF
    list(it)
f()
# case: own: isinstance in a finally
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A: _evaluate = None
def f(x):
    try:
        if not isinstance(x, A): raise ValueError
    finally:
        # ruleid: POET136
        x._evaluate({}, {}, recursive_guard=frozenset())
f(REF)
# case: own: isinstance in a handler
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A: _evaluate = None
def f(x):
    try:
        if not isinstance(x, A): raise ValueError
    except ValueError: pass
    # ruleid: POET136
    x._evaluate({}, {}, recursive_guard=frozenset())
f(REF)
# case: own: isinstance by suppress
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
import contextlib
class A: _evaluate = None
def f(x):
    with contextlib.suppress(ValueError):
        if not isinstance(x, A): raise ValueError
    # ruleid: POET136
    x._evaluate({}, {}, recursive_guard=frozenset())
f(REF)
# case: own: method in other class
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A:
    _evaluate = None
    def leak(self): return self._evaluate({}, {}, recursive_guard=frozenset())
# ruleid: POET136
class B: go = A.leak
B.go(REF)
# case: own: star import of names
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A:
    _evaluate = None
    def leak(self): return self._evaluate({}, {}, recursive_guard=frozenset())
# ruleid: POET136
for k in {A: 1}: k.leak(REF)
# case: own: super of other
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A:
    _evaluate = None
    # ruleid: POET136
    def go(self, x): return super(type(x), x)._evaluate
A().go(REF)
# case: own: getattr default
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A:
    _evaluate = None
    # ruleid: POET136
    def go(self): return getattr(self, 'x', REF)._evaluate({}, {}, recursive_guard=frozenset())
A().go()
# case: own: generator send
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A: _evaluate = None
def g():
    x = A()
    x = yield x
    # ruleid: POET136
    x._evaluate({}, {}, recursive_guard=frozenset())
it = g()
next(it)
try: it.send(REF)
except StopIteration: pass
# case: own: case guard rebinds
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A: _evaluate = None
def f(x):
    match x:
        # ruleid: POET136
        case A() if (x := REF): x._evaluate({}, {}, recursive_guard=frozenset())
f(A())
# case: own: operator call
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
import functools
class A:
    _evaluate = None
    def leak(self, y=None): return self._evaluate({}, {}, recursive_guard=frozenset())
# ruleid: POET136
functools.reduce(A.leak, [REF, 1])
# case: own: sorted key
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A:
    _evaluate = None
    def leak(self): return self._evaluate({}, {}, recursive_guard=frozenset())
# ruleid: POET136
sorted([REF], key=A.leak)
# case: own: partialmethod
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
import functools
class A:
    _evaluate = None
    # ruleid: POET136
    def leak(self, x=None): return self._evaluate({}, {}, recursive_guard=frozenset())
    go = functools.partialmethod(leak, 1)
A.go(REF)
# case: own: class in default of method
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A:
    _evaluate = None
    def leak(self): return self._evaluate({}, {}, recursive_guard=frozenset())
class B:
    # ruleid: POET136
    def go(self, k=A): return k.leak(REF)
B().go()
# case: own: class by enumerate
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A:
    _evaluate = None
    def leak(self): return self._evaluate({}, {}, recursive_guard=frozenset())
# ruleid: POET136
for _, k in enumerate([A]): k.leak(REF)
# case: own: property by decorator chain
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A:
    _evaluate = None
    @property
    def leak(self): return self._evaluate({}, {}, recursive_guard=frozenset())
# ruleid: POET136
A.leak.__get__(REF)
# case: own: property getter
import typing
REF = typing.get_args(typing.Optional["print('reached')"])[0]
class A:
    _evaluate = None
    @property
    def leak(self): return self._evaluate({}, {}, recursive_guard=frozenset())
# ruleid: POET136
A.__dict__['leak'].fget(REF)
