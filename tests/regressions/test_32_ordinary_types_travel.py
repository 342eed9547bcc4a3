"""32: what ordinary code returns was refused without a hint: counters, ranges, named tuples, dataclasses, enums.

Types of the standard library that can be made again travel as themselves. Of the code's own classes nothing is looked
up or made on the host: they are refused, and the error says what to return, or to pass, instead.
"""

import collections
import dataclasses
import enum
import fractions
import threading
import types
from collections.abc import Callable

import pytest

from poet_engine import Engine
from poet_engine.errors import SerializationError
from poet_engine.outcome import Blame, Status

HEAD = 'version = 1\nname = "ordinary"\nextends = "restricted"\n[static]\nmode = "warn"\n'
SOURCE = """
import collections, dataclasses, enum, fractions, re, threading, types
from typing import NamedTuple

Point = collections.namedtuple("Point", "x y")

class Place(NamedTuple):
    x: int

@dataclasses.dataclass
class Order:
    number: int
    items: list

class Colour(enum.Enum):
    RED = "red"

class Level(enum.IntEnum):
    LOW = 1

class Model:
    def model_dump(self):
        return {}

class Own:
    def __init__(self):
        self.x = 1

class Words(list):
    pass

def counter(): return collections.Counter("aab")
def ordered(): return collections.OrderedDict([("b", 1), ("a", [2])])
def groups(): return collections.defaultdict(list, {"a": [1]})
def counts(): return collections.defaultdict(int, {(1, 2): 3})
def nothing(): return collections.defaultdict(None, {"a": 1})
def queue(): return collections.deque([1, 2, 3], maxlen=5)
def numbers(): return range(3, 30, 3)
def part(): return fractions.Fraction(1, 3)
def nested(): return {"all": [collections.Counter("a"), (collections.deque(), range(2))]}

def point(): return Point(1, 2)
def place(): return [Place(1)]
def order(): return Order(7, ["pen"])
def colour(): return Colour.RED
def level(): return {"level": Level.LOW}
def model(): return Model()
def own(): return Own()
def words(): return Words()
def factory(): return collections.defaultdict(lambda: 0, a=1)
def own_factory(): return collections.defaultdict(Own, a=1)
def tagged_counter():
    value = collections.Counter("a")
    value.note = "kept?"
    return value
def generator(): return (number for number in range(3))
def mapped(): return map(str, [1])
def zipped(): return zip([1], [2])
def filtered(): return filter(None, [1])
def keys(): return {"a": 1}.keys()
def values(): return {"a": 1}.values()
def items(): return {"a": 1}.items()
def proxy(): return types.MappingProxyType({"a": 1})
def chained(): return collections.ChainMap({"a": 1})
def space(): return types.SimpleNamespace(a=1)
def failure(): return ValueError("x")
def function(): return len
def module(): return types
def match(): return re.match("a", "a")
def pattern(): return re.compile("a")
def lock(): return threading.Lock()
"""

TRAVELS: dict[str, object] = {
    "counter": collections.Counter("aab"),
    "ordered": collections.OrderedDict([("b", 1), ("a", [2])]),
    "groups": collections.defaultdict(list, {"a": [1]}),
    "counts": collections.defaultdict(int, {(1, 2): 3}),
    "nothing": collections.defaultdict(None, {"a": 1}),
    "queue": collections.deque([1, 2, 3], maxlen=5),
    "numbers": range(3, 30, 3),
    "part": fractions.Fraction(1, 3),
    "nested": {"all": [collections.Counter("a"), (collections.deque(), range(2))]},
}
REFUSED: dict[str, str] = {
    "point": "Return value._asdict() or tuple(value) instead",
    "place": "Return value._asdict() or tuple(value) instead",
    "order": "Return dataclasses.asdict(value) instead",
    "colour": "Return value.value or value.name instead",
    "level": "Return value.value or value.name instead",
    "model": "Return value.model_dump() instead",
    "own": "Return vars(value) instead",
    "words": "Return list(value) instead",
    "factory": "Return dict(value) instead",
    "own_factory": "Return dict(value) instead",
    "tagged_counter": "Return dict(value) instead",
    **dict.fromkeys(("generator", "mapped", "zipped", "filtered"), "Return list(value) instead"),
    **dict.fromkeys(("keys", "values", "items"), "Return list(value) instead"),
    **dict.fromkeys(("proxy", "chained"), "Return dict(value) instead"),
    "space": "Return vars(value) instead",
    "failure": "Return str(value) or repr(value) instead",
    **dict.fromkeys(("function", "module"), "Return value.__name__ instead"),
    "match": "Return value.group() or value.groups() instead",
    "pattern": "Return value.pattern instead",
    "lock": "Return plain data instead",
}


@pytest.mark.parametrize("entry", TRAVELS)
def test_what_the_standard_library_makes_travels_as_itself(open_engine: Callable[[str], Engine], entry: str) -> None:
    expected = TRAVELS[entry]
    came = open_engine(HEAD).run(SOURCE, entry).unwrap()

    assert type(came) is type(expected)
    assert (came, repr(came)) == (expected, repr(expected))


@pytest.mark.parametrize("entry", REFUSED)
def test_what_does_not_travel_is_refused_with_what_to_return(open_engine: Callable[[str], Engine], entry: str) -> None:
    outcome = open_engine(HEAD).run(SOURCE, entry)

    assert (outcome.status, outcome.cause, outcome.blame) == (Status.NO_RESULT, "result_undecodable", Blame.CODE)
    assert REFUSED[entry] in outcome.describe()
    assert outcome.error is not None
    assert outcome.error.message.startswith("the result")


def test_they_travel_as_arguments_too(open_engine: Callable[[str], Engine]) -> None:
    source = (
        "def f(counter, groups, queue, numbers, part):\n"
        "    groups['new'].append(part)\n"
        "    queue.append(counter['missing'])\n"
        "    return counter.most_common(1), groups, queue, sum(numbers), part * 3\n"
    )
    engine = open_engine(HEAD)
    groups: collections.defaultdict[str, object] = collections.defaultdict(list)
    given = (TRAVELS["counter"], groups, collections.deque([7], 1), range(4), TRAVELS["part"])
    came = engine.run(source, "f", *given).unwrap()

    third = fractions.Fraction(1, 3)
    assert came == ([("a", 2)], {"new": [third]}, collections.deque([0], 1), 6, 1)
    assert isinstance(came, tuple)
    assert repr(came[1]).startswith("defaultdict(<class 'list'>")
    assert repr(came[2]) == "deque([0], maxlen=1)"


class Point(collections.namedtuple("Point", "x y")):  # noqa: PYI024 - the plain form is what has no annotations to go by
    __slots__ = ()


@dataclasses.dataclass
class Order:
    number: int


class Colour(enum.Enum):
    RED = "red"


@pytest.mark.parametrize(
    ("value", "instead"),
    [
        (Point(1, 2), "Pass value._asdict() or tuple(value) instead."),
        (Order(1), "Pass dataclasses.asdict(value) instead."),
        (Colour.RED, "Pass value.value or value.name instead."),
        ((number for number in range(3)), "Pass list(value) instead."),
        ({}.items(), "Pass list(value) instead."),
        (types.SimpleNamespace(), "Pass vars(value) instead."),
        (collections.defaultdict(lambda: 0), "Pass dict(value) instead."),
        (threading.Lock(), "Pass plain data instead"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_an_argument_that_does_not_travel_is_refused_with_what_to_pass(
    open_engine: Callable[[str], Engine], value: object, instead: str
) -> None:
    with pytest.raises(SerializationError) as caught:
        open_engine(HEAD).run("def f(rows): pass", "f", rows={"a": [value]})

    assert instead in str(caught.value)
    assert caught.value.where == "argument 'rows'['a'][0]"


def test_a_factory_is_never_looked_up_by_a_name(open_engine: Callable[[str], Engine]) -> None:
    """What a frame of the code's own says it is must be in a fixed table."""
    content = b'{"~":"defaultdict","n":"%s","v":[]}'
    frame = "b'\\x02' + len(content).to_bytes(4, 'big') + content"
    source = f"import os\ndef f(content):\n    os.write(3, {frame})\n    os._exit(0)"
    engine = open_engine(HEAD)

    assert engine.run(source, "f", content % b"list").value == collections.defaultdict(list)
    for name in (b"eval", b"os.system", b"Counter", b"object", b"type", b"print"):
        outcome = engine.run(source, "f", content % name)
        assert (outcome.status, outcome.cause, outcome.blame) == (Status.NO_RESULT, "result_undecodable", Blame.CODE)
