# ok: words by frequency
import re
import string
from collections import Counter
def words(text: str, n: int = 10) -> list[tuple[str, int]]:
    cleaned = text.lower().translate(str.maketrans("", "", string.punctuation))
    return Counter(re.findall(r"[a-z']+", cleaned)).most_common(n)
# ok: regular expressions with callbacks
import re
EMAIL = re.compile(r"^(?P<user>[\w.+-]+)@(?P<host>[\w-]+\.[\w.]+)$", re.IGNORECASE)
def parse(s):
    m = EMAIL.match(s)
    if not m:
        return None
    return m.group("user"), m["host"], m.groups(), m.groupdict(), m.span(), m.start(1)
def camel(s):
    return re.sub(r"_(\w)", lambda m: m.group(1).upper(), s)
print(re.split(r"[,;]\s*", "a, b;c"), re.escape("a.b"), [m.end() for m in re.finditer("a", "banana")])
# ok: dates
import calendar
import datetime as dt
from datetime import date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo
def age(born: date, today: date | None = None) -> int:
    today = today or date.today()
    return today.year - born.year - ((today.month, today.day) < (born.month, born.day))
def stamps():
    now = datetime.now(timezone.utc)
    return now.isoformat(), now.strftime("%Y-%m-%d"), datetime.strptime("2020-01-01", "%Y-%m-%d").weekday(), now - timedelta(days=1), dt.datetime.fromtimestamp(0, ZoneInfo("UTC")), calendar.monthrange(2024, 2), calendar.isleap(2024)
# ok: json there and back
import json
from datetime import datetime
class Encoder:
    def default(self, o): return o.isoformat() if isinstance(o, datetime) else str(o)
def dump(d):
    try:
        return json.loads(json.dumps(d, indent=2, sort_keys=True, default=Encoder().default), object_hook=dict)
    except json.JSONDecodeError as error:
        return error.msg, error.pos
# ok: itertools
import itertools
from itertools import accumulate, chain, combinations, compress, count, cycle, dropwhile, groupby, islice, pairwise, permutations, product, repeat, starmap, takewhile, tee, zip_longest
def many(xs):
    a, b = tee(xs)
    colors = cycle("rgb")
    ids = count(1)
    return [list(combinations(xs, 2)), list(permutations(xs, 2)), list(product(xs, repeat=2)), {k: list(g) for k, g in groupby(sorted(xs), key=lambda x: x % 2)}, list(islice(count(), 3)), list(accumulate(xs, max)), list(chain.from_iterable([[1], [2]])), [(next(colors), next(ids)) for _ in xs], list(zip_longest(xs, [1], fillvalue=0)), list(pairwise(xs)), list(starmap(pow, [(2, 3)])), list(takewhile(lambda x: x < 2, xs)), itertools.zip_longest]
# ok: functools
import functools
import operator
from functools import cmp_to_key, lru_cache, partial, reduce
compose = lambda *fs: reduce(lambda f, g: lambda x: f(g(x)), fs)
@functools.cache
def collatz(n): return 1 if n == 1 else 1 + collatz(n // 2 if n % 2 == 0 else 3 * n + 1)
@lru_cache(maxsize=128)
def ways(n): return 1 if n < 2 else ways(n - 1) + ways(n - 2)
print(reduce(operator.mul, range(1, 6)), partial(pow, 2)(3), sorted([3, 1], key=cmp_to_key(lambda a, b: a - b)), ways.cache_info().hits, compose(str, abs)(-1))
ways.cache_clear()
# ok: operator
import operator
from operator import add, itemgetter, mul
OPS = {"+": operator.add, "-": operator.sub, "*": mul, "/": operator.truediv, "//": operator.floordiv, "%": operator.mod, "<": operator.lt}
def rpn(tokens):
    stack = []
    for t in tokens:
        if t in OPS:
            b, a = stack.pop(), stack.pop()
            stack.append(OPS[t](a, b))
        else:
            stack.append(float(t))
    return stack[0]
rows = sorted([{"a": 1, "b": 2}], key=itemgetter("a", "b"))
# ok: collections
from collections import ChainMap, Counter, OrderedDict, UserDict, defaultdict, deque
import collections.abc
class Lower(UserDict):
    def __setitem__(self, key, item): super().__setitem__(key.lower(), item)
class Bag(collections.abc.MutableMapping):
    def __init__(self): self.d = defaultdict(int)
    def __getitem__(self, k): return self.d[k]
    def __setitem__(self, k, v): self.d[k] = v
    def __delitem__(self, k): del self.d[k]
    def __iter__(self): return iter(self.d)
    def __len__(self): return len(self.d)
tree = lambda: defaultdict(tree)
c = Counter("mississippi") + Counter(a=1)
c.subtract("s"); c.update({"z": 2})
d = deque([1, 2, 3], maxlen=2); d.rotate(1); d.appendleft(0); d.extend([4])
print(ChainMap({"a": 1}, {"b": 2})["b"], OrderedDict.fromkeys("abc"), list(c.elements()), c.total())
# ok: exact numbers
from decimal import ROUND_HALF_UP, Decimal, getcontext, localcontext
from fractions import Fraction
getcontext().prec = 28
def money(x: str) -> Decimal:
    with localcontext() as ctx:
        ctx.prec = 50
        return Decimal(x).quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)
third = Fraction(1, 3) + Fraction("0.25")
print(third.numerator, third.limit_denominator(10), float(third), money("1.005"))
# ok: mathematics
import cmath
import math
import statistics as st
from math import ceil, comb, floor, gcd, inf, isqrt, lcm, log2, perm, pi, prod, sqrt, tau
def roots(a, b, c):
    d = cmath.sqrt(b * b - 4 * a * c)
    return (-b + d) / (2 * a), (-b - d) / (2 * a)
print(math.isclose(0.1 + 0.2, 0.3), math.dist((0, 0), (3, 4)), math.factorial(10), math.hypot(3, 4), math.nan, math.fsum([0.1] * 10), gcd(12, 18), lcm(4, 6), comb(5, 2), st.mean([1, 2]), st.stdev([1, 2, 3]), st.median([1]), st.mode("aab"), st.quantiles([1, 2, 3]), st.NormalDist(0, 1).cdf(1))
# ok: chance
import random
import secrets
from random import Random, choice, randint, shuffle
rng = random.Random(42)
def monte_carlo(n=1000):
    inside = sum(random.random() ** 2 + random.uniform(0, 1) ** 2 <= 1 for _ in range(n))
    return 4 * inside / n
random.seed(1)
deck = [r + s for r in "23" for s in "HS"]
shuffle(deck)
print(random.sample(deck, 2), random.choices(deck, weights=[1, 2, 3, 4], k=2), rng.gauss(0, 1), randint(1, 6), choice(deck), secrets.token_hex(8), secrets.choice(deck))
# ok: hashes
import base64
import hashlib
import hmac
def digest(data: bytes, key: bytes = b"k") -> str:
    h = hashlib.sha256()
    h.update(data)
    mac = hmac.new(key, data, hashlib.sha256).hexdigest()
    return h.hexdigest() + mac + hashlib.sha512(data).hexdigest() + hashlib.blake2b(data, digest_size=8).hexdigest() + hashlib.md5(data, usedforsecurity=False).hexdigest()
print(base64.b64encode(b"a").decode(), base64.urlsafe_b64decode("YQ=="), hmac.compare_digest("a", "a"))
# ok: text tools
import difflib
import html
import textwrap
import unicodedata
from string import Template, ascii_letters, capwords, digits
def slug(s):
    s = unicodedata.normalize("NFKD", s).encode("ascii", "ignore").decode()
    return "-".join("".join(c if c in ascii_letters + digits else " " for c in s).lower().split())
print(textwrap.dedent("  a"), textwrap.fill("a b", 10), textwrap.shorten("a b c", 3), Template("$a").substitute(a=1), Template("$b").safe_substitute(), difflib.SequenceMatcher(None, "a", "b").ratio(), difflib.get_close_matches("a", ["ab"]), html.escape("<b>"), capwords("a b"))
# ok: caesar and vigenere
import string
def caesar(text, k):
    low = string.ascii_lowercase
    table = str.maketrans(low + low.upper(), low[k:] + low[:k] + (low[k:] + low[:k]).upper())
    return text.translate(table)
def vigenere(text, key):
    return "".join(chr((ord(c) - 65 + ord(key[i % len(key)]) - 65) % 26 + 65) for i, c in enumerate(text.upper()))
# ok: roman numerals
def to_roman(n: int) -> str:
    out = ""
    for value, symbol in ((1000, "M"), (900, "CM"), (500, "D"), (400, "CD"), (100, "C"), (90, "XC"), (50, "L"), (40, "XL"), (10, "X"), (9, "IX"), (5, "V"), (4, "IV"), (1, "I")):
        count, n = divmod(n, value)
        out += symbol * count
    return out
# ok: comma separated values in memory
import csv
import io
def table(text):
    reader = csv.DictReader(io.StringIO(text))
    rows = [row for row in reader]
    out = io.StringIO()
    writer = csv.writer(out, delimiter=";")
    writer.writerow(["a", "b"])
    writer.writerows([r.values()] for r in rows)
    return out.getvalue()
# ok: bytes and structures
import binascii
import struct
import zlib
def pack(a, b):
    data = struct.pack("<IH", a, b)
    x, y = struct.unpack("<IH", data)
    view = memoryview(bytearray(data))
    return zlib.crc32(data), binascii.hexlify(data), int.from_bytes(data, "big"), (255).to_bytes(2, "little"), view[1:3].tobytes(), zlib.decompress(zlib.compress(data))
# ok: addresses
import ipaddress
from urllib.parse import parse_qs, quote, urlencode, urljoin, urlparse
import urllib.parse
def host(url):
    parts = urlparse(url)
    return parts.netloc, parse_qs(parts.query), quote("a b"), urlencode({"a": 1}), urljoin(url, "/x"), urllib.parse.unquote("%20")
print(ipaddress.ip_address("192.168.0.1").is_private, ipaddress.ip_network("10.0.0.0/8").num_addresses)
# ok: identifiers
import uuid
print(uuid.uuid4().hex, uuid.UUID(int=5), uuid.uuid5(uuid.NAMESPACE_DNS, "a"))
# ok: time that passes
import time
from timeit import default_timer as timer
def measure(f, *args):
    start = time.perf_counter()
    result = f(*args)
    return result, time.perf_counter() - start, time.time(), time.monotonic(), timer(), time.strftime("%H:%M", time.gmtime(0))
# ok: logs
import logging
logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
logger = logging.getLogger(__name__)
def work(x):
    logger.info("working on %s", x)
    try:
        return 1 / x
    except ZeroDivisionError:
        logger.exception("no")
        logging.warning("zero")
        return None
# ok: warnings
import warnings
def old():
    warnings.warn("use new()", DeprecationWarning, stacklevel=2)
def quiet():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        old()
    with warnings.catch_warnings(record=True) as caught:
        old()
    return [str(w.message) for w in caught]
# ok: the text of an exception
import traceback
def safe(f):
    try:
        return f()
    except Exception as e:
        print(f"{type(e).__name__}: {e}")
        return traceback.format_exc()
# ok: literals from a text
import ast
import pprint
def read(text):
    value = ast.literal_eval(text)
    pprint.pprint(value)
    return pprint.pformat(value, width=40)
# ok: deep and shallow copies
import copy
def both(x):
    return copy.copy(x), copy.deepcopy(x)
# ok: arrays
from array import array
def primes(n):
    a = array("i", range(n))
    a.append(3)
    a.extend([4, 5])
    return a.tolist(), a.itemsize, a.typecode
# ok: keywords and identifiers
import keyword
def ok(name): return name.isidentifier() and not keyword.iskeyword(name)
# ok: numeric tower
import numbers
def is_number(x): return isinstance(x, numbers.Number) and not isinstance(x, bool)
# ok: namespaces and views
from types import MappingProxyType, SimpleNamespace
CONFIG = MappingProxyType({"a": 1})
ns = SimpleNamespace(x=1, y=2)
ns.z = ns.x + ns.y
# ok: median of streams by two heaps
import heapq
class MedianFinder:
    def __init__(self): self.lo, self.hi = [], []
    def add(self, x):
        heapq.heappush(self.lo, -heapq.heappushpop(self.hi, x))
        if len(self.lo) > len(self.hi):
            heapq.heappush(self.hi, -heapq.heappop(self.lo))
    def median(self): return self.hi[0] if len(self.hi) > len(self.lo) else (self.hi[0] - self.lo[0]) / 2
print(heapq.nlargest(2, [1, 2, 3]), heapq.nsmallest(1, [2, 1], key=abs), list(heapq.merge([1, 3], [2])))
# ok: palindromes and anagrams
from collections import defaultdict
def is_palindrome(s): return (t := [c.lower() for c in s if c.isalnum()]) == t[::-1]
def anagrams(words):
    groups = defaultdict(list)
    for w in words:
        groups["".join(sorted(w))].append(w)
    return sorted(groups.values(), key=len, reverse=True)
# ok: rate limiter with a clock
import time
from collections import deque
class RateLimiter:
    def __init__(self, limit, per, clock=time.monotonic):
        self.limit, self.per, self.clock, self.calls = limit, per, clock, deque()
    def allow(self):
        now = self.clock()
        while self.calls and now - self.calls[0] > self.per:
            self.calls.popleft()
        if len(self.calls) < self.limit:
            self.calls.append(now)
            return True
        return False
# ok: tokenizer and parser
import re
from typing import Iterator, NamedTuple
class Token(NamedTuple):
    kind: str
    value: str
SPEC = [("NUM", r"\d+(\.\d+)?"), ("OP", r"[+\-*/()]"), ("WS", r"\s+")]
REGEX = re.compile("|".join(f"(?P<{k}>{v})" for k, v in SPEC))
def tokens(s: str) -> Iterator[Token]:
    for m in REGEX.finditer(s):
        if m.lastgroup != "WS":
            yield Token(m.lastgroup or "", m.group())
class Parser:
    def __init__(self, s): self.toks, self.i = list(tokens(s)), 0
    def peek(self): return self.toks[self.i].value if self.i < len(self.toks) else None
    def eat(self): self.i += 1; return self.toks[self.i - 1].value
    def expr(self):
        v = self.term()
        while self.peek() in ("+", "-"):
            v = v + self.term() if self.eat() == "+" else v - self.term()
        return v
    def term(self):
        v = self.atom()
        while self.peek() in ("*", "/"):
            v = v * self.atom() if self.eat() == "*" else v / self.atom()
        return v
    def atom(self):
        if self.peek() == "(":
            self.eat(); v = self.expr(); self.eat(); return v
        return float(self.eat())
# ok: password rules
import re
def strong(password: str) -> bool:
    return len(password) >= 8 and all(re.search(p, password) for p in (r"[A-Z]", r"[a-z]", r"\d", r"[^\w\s]"))
# ok: luhn and isbn
def luhn(n: str) -> bool:
    total = 0
    for i, d in enumerate(map(int, reversed(n))):
        total += sum(divmod(d * 2, 10)) if i % 2 else d
    return total % 10 == 0
# ok: inventory with sorting keys
from dataclasses import dataclass
from typing import Iterable
@dataclass(order=True)
class Item:
    price: float
    name: str
    quantity: int = 0
def report(items: Iterable[Item]) -> str:
    lines = [f"{i.name:<10}|{i.price:>8.2f}|{i.quantity:^5}" for i in sorted(items, key=lambda i: (-i.price, i.name))]
    return "\n".join(["name      |   price| qty ", "-" * 25, *lines])
# ok: simple bank of prompts without a template from outside
PROMPTS = {"hello": "Hello, {name}!"}
def greet(kind: str, name: str) -> str:
    return PROMPTS[kind].replace("{name}", name)
# ok: memory of a function in a dictionary
def memoize(f):
    cache = {}
    def inner(*args):
        if args not in cache:
            cache[args] = f(*args)
        return cache[args]
    return inner
# ok: long table of constants
MONTHS = {"jan": 1, "feb": 2, "mar": 3, "apr": 4, "may": 5, "jun": 6, "jul": 7, "aug": 8, "sep": 9, "oct": 10, "nov": 11, "dec": 12}
UNITS = ("B", "KiB", "MiB", "GiB")
def human(n: float) -> str:
    for unit in UNITS:
        if abs(n) < 1024:
            return f"{n:3.1f} {unit}"
        n /= 1024
    return f"{n:.1f} TiB"
# ok: credit decision
def evaluate(application: dict) -> dict:
    score, income = int(application.get("credit_score", 0)), float(application.get("annual_income", 0))
    dti = application.get("debt_to_income", 1.0)
    risk = 0.4 * score / 850 + 0.3 * min(income / 100_000, 1) + 0.2 * max(0, 1 - dti / 0.5)
    reasons = [r for ok, r in ((score >= 600, "score"), (dti < 0.45, "debt")) if not ok]
    return {"approved": risk >= 0.5 and not reasons, "risk": round(risk, 3), "reasons": reasons}
# ok: sentiment by lists of words
import re
POSITIVE, NEGATIVE = frozenset({"good", "great"}), frozenset({"bad", "awful"})
def sentiment(text: str) -> float:
    words = re.findall(r"\b\w+\b", text.lower())
    score = sum((w in POSITIVE) - (w in NEGATIVE) for w in words)
    return max(-1.0, min(1.0, score / max(1, len(words))))
# ok: matrix class
from __future__ import annotations
class Matrix:
    def __init__(self, rows: list[list[float]]) -> None: self.rows = rows
    def __matmul__(self, other: Matrix) -> Matrix:
        return Matrix([[sum(a * b for a, b in zip(r, c)) for c in zip(*other.rows)] for r in self.rows])
    def __eq__(self, other: object) -> bool: return isinstance(other, Matrix) and self.rows == other.rows
    @property
    def T(self) -> Matrix: return Matrix([list(c) for c in zip(*self.rows)])
    def det(self) -> float:
        if len(self.rows) == 1: return self.rows[0][0]
        return sum((-1) ** j * v * Matrix([r[:j] + r[j + 1:] for r in self.rows[1:]]).det() for j, v in enumerate(self.rows[0]))
# ok: perceptron without a library
import math
import random
class Perceptron:
    def __init__(self, n: int, lr: float = 0.1) -> None:
        self.w = [random.uniform(-1, 1) for _ in range(n + 1)]
        self.lr = lr
    def predict(self, x): return 1 / (1 + math.exp(-sum(w * v for w, v in zip(self.w, [1, *x]))))
    def fit(self, data, epochs=10):
        for _ in range(epochs):
            for x, y in data:
                error = y - self.predict(x)
                self.w = [w + self.lr * error * v for w, v in zip(self.w, [1, *x])]
        return self
# ok: conway's look and say
from itertools import groupby
def look_and_say(n):
    s = "1"
    for _ in range(n - 1):
        s = "".join(f"{len(list(g))}{k}" for k, g in groupby(s))
    return s
# ok: hanoi
def hanoi(n, a="A", b="B", c="C", moves=None):
    moves = [] if moves is None else moves
    if n:
        hanoi(n - 1, a, c, b, moves)
        moves.append((a, c))
        hanoi(n - 1, b, a, c, moves)
    return moves
# ok: key value text
def parse_config(text: str) -> dict[str, dict[str, str]]:
    section, out = "", {}
    for line in map(str.strip, text.splitlines()):
        if not line or line.startswith(("#", ";")):
            continue
        if line[0] == "[" and line[-1] == "]":
            section = line[1:-1]
            out.setdefault(section, {})
        else:
            key, _, value = line.partition("=")
            out.setdefault(section, {})[key.rstrip()] = value.lstrip()
    return out
# ok: an observer that keeps private state
class Subject:
    def __init__(self):
        self._observers: set = set()
        self._state = None
    def attach(self, o): self._observers.add(o)
    @property
    def state(self): return self._state
    @state.setter
    def state(self, value):
        self._state = value
        for o in self._observers:
            o.update(self)
class Printer:
    def update(self, subject): print(subject._state)
# ok: another object's private attribute of the same source
class Fraction2:
    __slots__ = "_n", "_d"
    def __init__(self, n, d=1): self._n, self._d = n, d
    def __add__(a, b): return Fraction2(a._n * b._d + b._n * a._d, a._d * b._d)
    def __lt__(a, b): return a._n * b._d < b._n * a._d
# ok: versions
import sys
if sys.version_info >= (3, 9):
    from functools import cache
else:
    from functools import lru_cache as cache
@cache
def f(x): return sys.getsizeof(x)
# ok: something else for want of an import
try:
    from math import comb
except ImportError:
    comb = None
try:
    from functools import cache
except ImportError:
    from functools import lru_cache
    cache = lru_cache(maxsize=None)
print(comb(3, 2) if comb is not None else cache)
# ok: sorting by attributes
import operator
from operator import attrgetter, methodcaller
def ordered(people):
    people.sort(key=attrgetter("name.last", "age"))
    return sorted(people, key=operator.attrgetter("age")), list(map(methodcaller("upper"), "ab")), list(map(methodcaller("split", ","), ["a,b"]))
# ok: json with an encoder of one's own
import json
import sys
class Sets(json.JSONEncoder):
    def default(self, o):
        return sorted(o) if isinstance(o, set) else super().default(o)
def show(value):
    json.dump(value, sys.stdout, cls=Sets, indent=2)
    try:
        return json.load(sys.stdin)
    except json.decoder.JSONDecodeError as error:
        return error.msg
# ok: enumerations by their names
from enum import Enum, IntEnum
Colour = Enum("Colour", "RED GREEN")
Side = Enum("Side", ["LEFT", "RIGHT"], start=0)
Level = IntEnum("Level", {"LOW": 1, "HIGH": 2})
PAIRS = (("A", 1), ("B", 2))
Pair = Enum("Pair", PAIRS)
print(Colour["RED"], Colour(1), Side.LEFT, Level.LOW < Level.HIGH, list(Pair))
# ok: dictionaries with types by their names
from typing import TypedDict
Point = TypedDict("Point", {"x": int, "in-reply-to": str}, total=False)
class Movie(TypedDict, total=False):
    title: str
def f(p: Point) -> Movie:
    return {"title": str(p["x"])}
# ok: locks
import threading
from threading import Event, Lock, Semaphore
class Foo:
    def __init__(self):
        self.lock, self.event, self.two = threading.Lock(), Event(), Semaphore(2)
    def first(self, show):
        with self.lock:
            show()
        self.event.set()
# ok: a logger with a handler and a format
import logging
handler = logging.StreamHandler()
handler.setFormatter(logging.Formatter("%(levelname)s %(message)s"))
class Kept(logging.Handler):
    def __init__(self):
        super().__init__()
        self.records: list[logging.LogRecord] = []
    def emit(self, record):
        self.records.append(record)
log: logging.Logger = logging.getLogger(__name__)
log.addHandler(handler)
log.addHandler(Kept())
# ok: fields that only begin a dataclass
from dataclasses import InitVar, dataclass, field
@dataclass
class Scaled:
    value: float
    scale: InitVar[float] = 1.0
    result: float = field(init=False)
    def __post_init__(self, scale):
        self.result = self.value * scale
# ok: kinds of functions
import types
def kind(x):
    if isinstance(x, types.GeneratorType):
        return "generator"
    return "builtin" if isinstance(x, types.BuiltinFunctionType) else "other"
class Late:
    def __get__(self, obj, owner=None):
        return types.MethodType(len, obj)
# ok: long numbers as texts
import sys
sys.set_int_max_str_digits(0)
print(len(str(2 ** 20000)), sys.platform)
# ok: generic functions beside class methods
from functools import singledispatch, singledispatchmethod
class Shape:
    pass
@singledispatch
def show(x):
    return str(x)
@show.register
def _(x: int):
    return hex(x)
@show.register(Shape)
def _(x):
    return "shape"
class Negator:
    @singledispatchmethod
    @classmethod
    def neg(cls, arg):
        return cls
    @neg.register
    @classmethod
    def _(cls, arg: int):
        return -arg
    def handle(self, kind):
        return getattr(self, "on_" + kind, None)
# ok: namespaces and copies apart
import json
from types import SimpleNamespace
def parsed(text):
    return json.loads(text, object_hook=lambda d: SimpleNamespace(**d))
# ok: fields that are only read
from dataclasses import asdict, dataclass, fields
@dataclass
class Row:
    name: str
    size: int = 0
    def grown(self):
        return Row(self.name, self.size + 1)
print([f.name for f in fields(Row)], asdict(Row("a")))
# ok: a property that knows its name
class Named(property):
    def __set_name__(self, owner, name):
        self.label = name
