"""A body is attempted once unless it is seen to do nothing but read (case 35: a card was charged four times).

The bodies are one table to compare with, which stays in one piece.
"""

import contextlib
import logging
import sys
import types
from pathlib import Path
from typing import Protocol

import pytest
from tests.regressions.modules import Decorated, indented, loaded
from tests.unit.decorator.conftest import Workshop

from poet_engine import poet
from poet_engine.decorator.read_only import first_effect
from poet_engine.errors import UsageError
from poet_engine.events import ExecutionEvent
from poet_engine.journal import Journal
from poet_engine.outcome import Blame, Status
from poet_engine.sandbox.fake import failed

HEAD = """\
import asyncio, collections, contextlib, csv, dataclasses, datetime, decimal, functools, itertools, json
import logging, math, os, queue, random, re, sqlite3, statistics, subprocess, threading, time, urllib.request
from urllib.request import urlopen
import requests

charged, counter, pages = [], 0, iter([1, 2])
cache, lines, table, log = {}, queue.Queue(), sqlite3.connect(":memory:"), logging.getLogger("shop")
PATTERN, LIMITS, QUERY = re.compile("[0-9]+"), {"most": 3}, "SELECT name FROM item"
session, get, post = requests.Session(), requests.get, requests.post


class Gateway:
    def charge(self, cents):
        charged.append(cents)

    def get(self, cents):
        charged.append(cents)


class Refused(Exception):
    def __init__(self, code):
        super().__init__(code)
        self.code = code


@dataclasses.dataclass
class Price:
    cents: int


class Loud:
    def __init__(self):
        charged.append(1)


gateway = Gateway()


def charge(cents):
    charged.append(cents)


def indirectly(cents):
    return charge(cents) if cents else None


def cents_of(text):
    return int(PATTERN.search(text).group()) if text else 0


def deep(number):
    return deep(number - 1) if number else math.sqrt(4)


def logged(function):
    @functools.wraps(function)
    def wrapper(*args):
        charged.append(args)
        return function(*args)
    return wrapper


def passed(function):
    @functools.wraps(function)
    def wrapper(*args):
        return function(*args)
    return wrapper


@logged
def looked_up(text):
    return len(text)


@passed
def measured(text):
    return len(text)


@functools.lru_cache
def remembered(text):
    return len(text)


cloned = functools.wraps(requests.get)(charge)

"""

# The body, and the parameters with what they are called with.
ONCE = {
    "appends to a global": ("charged.append(1)",),
    "sets a global": ("global counter\ncounter = 1",),
    "counts in a global": ("global counter\ncounter += 1",),
    "sets a key of a global": ("cache['x'] = 1",),
    "deletes a key of a global": ("del cache['x']",),
    "sets an attribute of a global": ("gateway.state = 1",),
    "adds to a global list where it is": ("mine = charged\nmine += [1]",),
    "writes a file": ("open('/tmp/x', 'w').write('x')",),
    "writes a file, mode by name": ("with open('/tmp/x', mode='a') as f:\n    f.write('x')",),
    "opens in a mode that it computes": ("open('/tmp/x', a)", "a='w'"),
    "posts": ("requests.post('http://x')",),
    "posts under another name": ("post('http://x')",),
    "posts by getattr": ("getattr(requests, 'post')('http://x')",),
    "posts by a local name": ("get = requests.post\nget('http://x')",),
    "requests with a method that writes": ("requests.request('DELETE', 'http://x')",),
    "requests with a method that it is given": ("requests.request(a, 'http://x')", "a='GET'"),
    "gets with a hook": ("requests.get('http://x', hooks={'response': charge})",),
    "gets with what nobody sees": ("requests.get('http://x', **a)", "a={}"),
    "posts by urlopen": ("urlopen('http://x', data=b'1')",),
    "posts by urlopen, by position": ("urlopen('http://x', b'1')",),
    "posts by a request object": ("urlopen(urllib.request.Request('http://x', data=b'1'))",),
    "opens a request that it is given": ("urlopen(a)", "a=urllib.request.Request('http://x', method='POST')"),
    "gets by an unknown session": ("a.get('http://x')", "a=gateway"),
    "gets by a local name that hides the module": ("requests = gateway\nrequests.get(1)",),
    "gets by a parameter that hides the module": ("requests.get(1)", "requests=gateway"),
    "gets by what only says that it is requests.get": ("cloned(1)",),
    "updates by SQL": ("table.execute('UPDATE item SET name = 1')",),
    "two statements of SQL": ("table.execute('SELECT 1; DELETE FROM item')",),
    "locks rows": ("table.execute('select * from item for update')",),
    "selects into": ("table.execute('SELECT * INTO copy FROM item')",),
    "draws from a sequence": ("table.execute(\"SELECT nextval('ids')\")",),
    "SQL that it is given": ("table.execute(a)", "a=object()"),
    "SQL that changes in a loop": (
        "q = 'SELECT 1'\nfor _ in range(2):\n    table.execute(q)\n    q = 'DELETE FROM item'",
    ),
    "commits": ("table.commit()",),
    "an unknown method": ("gateway.charge(1)",),
    "an unknown method of an argument": ("a.do()", "a=gateway"),
    "a method that changes an argument": ("a.append(1)", "a=[]"),
    "a method that changes what an argument holds": ("a['x'].append(1)", "a={'x': []}"),
    "a key of an argument": ("a['x'] = 1", "a={}"),
    "an attribute of an argument": ("a.x = 1", "a=gateway"),
    "an argument in a box of its own": ("box = [a]\nbox[0].append(1)", "a=[]"),
    "an argument in a dict of its own": ("box = {}\nbox['x'] = a\nbox['x'].append(1)", "a=[]"),
    "a callback": ("a(1)", "a=charge"),
    "a callback that is handed over": ("list(map(a, [1]))", "a=charge"),
    "a callback as a key": ("sorted([1], key=a)", "a=charge"),
    "a function of its module that writes": ("charge(1)",),
    "one that leads to one that writes": ("indirectly(1)",),
    "handed over": ("list(map(charge, [1]))",),
    "handed over to re.sub": ("re.sub('a', charge, 'a')",),
    "handed over to a pattern": ("PATTERN.sub(charge, 'a')",),
    "a callback for a pattern": ("PATTERN.sub(a, 'a')", "a=charge"),
    "handed over to json": ("json.dumps([], default=charge)",),
    "a callback for json": ("json.loads('{}', object_hook=a)", "a=charge"),
    "called until": ("list(iter(a, 1))", "a=charge"),
    "bound to its argument": ("functools.partial(charge, 1)()",),
    "an environment that it changes": ("os.environ['X'] = '1'",),
    "in a lambda": ("f = lambda: charged.append(1)\nf()",),
    "in a function inside": ("def f():\n    charged.append(1)\nf()",),
    "in a comprehension": ("[charge(x) for x in range(3)]",),
    "in a condition": ("if len(a) and charge(1):\n    pass", "a='x'"),
    "in an f-string": ("f'{charge(1)}'",),
    "in a default of an exception": ("raise TimeoutError(charge(1))",),
    "in a handler": ("try:\n    len('x')\nexcept ValueError:\n    charge(1)",),
    "in a finally": ("try:\n    len('x')\nfinally:\n    charge(1)",),
    "decorated by its own module, which writes": ("looked_up('x')",),
    "an object whose making writes": ("Loud()",),
    "prints": ("print('x')",),
    "logs": ("log.info('x')",),
    "runs a program": ("subprocess.run(['true'])",),
    "removes a file": ("os.remove('/tmp/x')",),
    "random state": ("random.random()",),
    "puts into a queue": ("lines.put(1)",),
    "takes from a queue": ("lines.get()",),
    "takes the next of a global iterator": ("next(pages)",),
    "goes through a global iterator": ("for page in pages:\n    pass",),
    "an argument that is used up": ("list(a)", "a=iter([1])"),
    "waits for what nobody knows": ("await a", "a=asyncio.sleep(0)"),
    "waits for an unknown call": ("await gateway.charge(1)",),
    "yields": ("yield 1",),
    "evaluates text": ("eval('charge(1)')",),
    "executes text": ("exec('charge(1)')",),
    "sets an attribute by name": ("setattr(gateway, 'x', 1)",),
    "changes globals by name": ("globals()['counter'] = 5",),
    "starts a thread": ("threading.Thread(target=charge).start()",),
    "enters what nobody knows": ("with gateway:\n    pass",),
    "defines a class": ("class A:\n    x = charge(1)",),
    "decorates a function inside": ("@logged\ndef f():\n    pass",),
    "imports what it calls": ("from subprocess import run\nrun(['true'])",),
    "a third-party function": ("import pandas\npandas.DataFrame().to_csv('/tmp/x')",),
}
SEEN_TO_READ = {
    "nothing": ("raise TimeoutError",),
    "builtins": ("return sorted(max(len(a), 3) for _ in range(3))", "a='xyz'"),
    "text": ("return a.strip().upper().split(',')", "a=' a,b '"),
    "a dict that it is given": ("return a.get('x', 0)", "a={'x': 1}"),
    "a dict of its own": ("found = {}\nfound['x'] = 1\nfound.setdefault('y', []).append(2)\nreturn found",),
    "lists of its own": (
        "found = []\nfor one in a:\n    found.append(one * 2)\nfound.sort()\nreturn found",
        "a=[2, 1]",
    ),
    "numbers": ("total = 0\nfor one in a:\n    total += one\nreturn total / len(a)", "a=[1, 2]"),
    "the standard library": ("return statistics.fmean([math.sqrt(x) for x in a])", "a=[1, 4]"),
    "dates and decimals": ("return decimal.Decimal(a) + datetime.datetime.now().year", "a='1'"),
    "the environment": ("return os.environ.get('X', '').split(',') + [os.getenv('Y')]",),
    "classes to compare with": ("return isinstance(a, Loud) or issubclass(Loud, Gateway)", "a=1"),
    "errors that it swallows": (
        "with contextlib.suppress(ConnectionError, Refused):\n    return PATTERN.sub('x', a)",
        "a='1'",
    ),
    "json and expressions": ("return PATTERN.findall(json.dumps(json.loads(a)['x']))", "a='{}'"),
    "containers of the standard library": (
        "c = collections.Counter(a)\nc['x'] += 1\nreturn c.most_common(1)",
        "a='aab'",
    ),
    "requests.get": (
        "r = requests.get(a, timeout=3)\nr.raise_for_status()\nreturn r.json()['x'].get('y')",
        "a='http://x'",
    ),
    "a global of requests.get": ("return get('http://x').text",),
    "requests by method": ("return requests.request('GET', 'http://x').status_code",),
    "a session of its module": ("return session.get('http://x', params={'q': 1}).json()",),
    "a session of its own": ("with requests.Session() as s:\n    return s.head('http://x').headers",),
    "urlopen": ("with urlopen(f'http://x/{a}', timeout=3) as r:\n    return json.load(r)", "a=1"),
    "a request object that asks": ("return urlopen(urllib.request.Request('http://x', headers={})).read()",),
    "SQL": ("return table.execute('SELECT 1').fetchall()",),
    "SQL of its module": ("c = table.cursor()\nc.execute(QUERY)\nreturn c.fetchone()",),
    "SQL with a comment": ("return table.execute('-- names\\n  select name from item;').fetchall()",),
    "a database of its own": ("return sqlite3.connect(':memory:').execute('SELECT 1').fetchall()",),
    "a function of its module": ("return cents_of(a) + LIMITS['most']", "a='5'"),
    "one that calls itself": ("return deep(3)",),
    "one that a wrapper of its module only passes on": ("return measured('x')",),
    "one that is cached": ("return remembered('x')",),
    "a function inside": ("def twice(x):\n    return 2 * x\nreturn twice(3) + (lambda y: y)(1)",),
    "handed over": ("return sorted(a, key=lambda one: -len(one)) + list(map(cents_of, a))", "a=['1']"),
    "files that it reads": ("with open(a, encoding='utf-8') as f:\n    return list(csv.reader(f))", "a='x'"),
    "an exception of its module": ("raise Refused(5)",),
    "a data class of its module": ("return Price(5).cents",),
    "a local import": ("import json as j\nfrom math import sqrt\nreturn j.dumps(sqrt(4))",),
    "waits": ("await asyncio.sleep(0)\nreturn 1",),
    "every kind of statement": (
        (
            "while (n := len(a)) > 5:\n    break\nelse:\n    n = 0\n"
            "try:\n    assert n >= 0\nexcept AssertionError as e:\n"
            "    raise ValueError(str(e)) from e\nmatch a:\n    case [first, *rest] if first:\n        return rest\n"
            "    case _:\n        return {x: y for x, y in zip(a, a) if x}"
        ),
        "a=[1]",
    ),
}


class Shop(Protocol):
    """`shop(body, parameter)` is a function of a real module, and what it is called with."""

    def __call__(self, body: str, given: str = "") -> tuple[types.FunctionType, list[object]]:
        """Write, import and hand out."""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """A folder for the modules of all these tests."""
    folder, number = tmp_path_factory.mktemp("shop"), iter(range(1000))

    def make(body: str, given: str = "") -> tuple[types.FunctionType, list[object]]:
        name = f"shop_{next(number)}"
        kind = "async def" if "await " in body else "def"
        text = f"{HEAD}\n{kind} f({given.partition('=')[0]}):\n{indented(body)}"
        module = loaded(folder / f"{name}.py", text)
        return module.f, [eval(given.partition("=")[2], vars(module))] if given else []  # noqa: S307 - of the table above

    return make


@pytest.mark.parametrize("case", ONCE)
def test_a_body_that_may_do_more_than_read_has_one_attempt(shop: Shop, case: str) -> None:
    """The reason names the line, or the argument."""
    function, given = shop(*ONCE[case])
    why = first_effect(function, given, {})
    for one in given:
        getattr(one, "close", lambda: None)()  # a coroutine that nobody waits for
    assert why is not None
    assert "line " in why or "iterator" in why


@pytest.mark.parametrize("case", SEEN_TO_READ)
def test_a_body_that_only_reads_may_run_again(shop: Shop, case: str) -> None:
    """What it needs is named in the table; nothing of it is run to find out."""
    function, given = shop(*SEEN_TO_READ[case])
    assert first_effect(function, given, {}) is None


@pytest.mark.parametrize("patched", ["module", "session", "class", "builtin"])
def test_names_count_as_what_they_are_now(shop: Shop, monkeypatch: pytest.MonkeyPatch, patched: str) -> None:
    """`requests.get` is no longer known once somebody has put another function there."""
    import requests  # noqa: PLC0415 - the module that is patched

    body = {"builtin": "return len('x')", "session": "return session.get('http://x')"}
    body["class"] = "return requests.Session().get('http://x')"
    function, _ = shop(body.get(patched, "return requests.get('http://x')"))
    assert first_effect(function, [], {}) is None
    places = {"module": requests, "session": vars(sys.modules[function.__module__])["session"]}
    target = places.get(patched, requests.Session if patched == "class" else sys.modules[function.__module__])
    monkeypatch.setattr(target, "len" if patched == "builtin" else "get", lambda *_args: 1, raising=False)
    assert first_effect(function, [], {}) is not None


def attempts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str, options: str) -> int:
    """How often a decorated body runs that always fails for a reason that may pass."""
    monkeypatch.setenv("POET_HOME", str(tmp_path / "home"))
    name = f"program_{abs(hash((body, options)))}"
    head = f"import json\nfrom poet_engine import poet\n\nran = []\n\n\n@poet{options}\n"
    text = f"{head}def settle(number):\n{indented(body)}"
    settle: Decorated = vars(loaded(tmp_path / f"{name}.py", text))["settle"]
    with pytest.raises(TimeoutError) as caught:
        settle(17)
    ran = vars(sys.modules[name])["ran"]
    told: int = len(ran) or len(caught.value.args[0])
    return told


WRITES = "ran.append(number)\nraise TimeoutError('the gateway did not answer')"


@pytest.mark.parametrize(
    ("options", "times"),
    [("", 1), ("()", 1), ("(idempotent=None)", 1), ("(idempotent=False)", 1), ("(idempotent=True, retries=2)", 3)],
)
def test_a_card_is_charged_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, options: str, times: int
) -> None:
    """Unless somebody says that it may be charged again; the log says once which call decided."""
    with caplog.at_level(logging.INFO, logger="poet_engine"):
        assert attempts(tmp_path, monkeypatch, WRITES, options) == times
    said = [record.getMessage() for record in caplog.records if "ran.append(…)" in record.getMessage()]
    assert len(said) == (1 if options in {"", "()", "(idempotent=None)"} else 0)
    assert all("idempotent=True" in one and "line 9 of program_" in one for one in said)


def test_a_body_that_reads_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Four attempts by default. The event counts them: the body itself must not."""
    monkeypatch.setenv("POET_HOME", str(tmp_path / "home"))
    text = "import json\nfrom poet_engine import poet\n\n\n@poet\ndef fetch(text):\n"
    text += "    found = json.loads(text)\n    raise TimeoutError(found['x'])\n"
    fetch: Decorated = vars(loaded(tmp_path / "reading.py", text))["fetch"]
    with pytest.raises(TimeoutError):
        fetch('{"x": 1}')
    assert [one.calls for one in fetch.poet.metrics()] == [1]
    with Journal.open(tmp_path / ".poet" / "events" / "journal.db") as journal:
        [event] = [event for event in journal.find() if isinstance(event, ExecutionEvent)]
    assert event.payload.attempts == 4


ADOPTED = "def settle(number):\n    return 1\n"


def test_after_a_version_the_body_has_one_attempt(workshop: Workshop) -> None:
    """The version is tried again in its sandbox; the body that answers instead runs once."""
    text = "from poet_engine.decorator import poet\n\nran = []\n\n\n@poet\ndef settle(number):\n"
    settle = workshop.load(text + indented(WRITES), function="settle")
    settle.poet.adopt(ADOPTED)
    workshop.answer = failed(Status.INFRA, "lane_lost", Blame.ENGINE)
    with pytest.raises(TimeoutError):
        settle(17)
    assert (len(workshop.jobs), settle.original.__globals__["ran"]) == (4, [17])


def test_a_version_that_may_reach_the_network_is_tried_again_only_for_a_body_that_reads(workshop: Workshop) -> None:
    """What it has sent cannot be taken back. A failure before it was released is none of its doing."""
    policy = 'extends = "data"\n[network]\nallow = ["shop.example:443"]\n'
    head = "from poet_engine import Policy\nfrom poet_engine.decorator import poet\n\nran = []\n\n\n"
    head += f"@poet(policy=Policy.parse({policy!r}))\ndef settle(number):\n"
    for body, outcome, times in (
        (WRITES, failed(Status.INFRA, "lane_lost", Blame.ENGINE), 1),
        (WRITES, failed(Status.INFRA, "setup", Blame.ENGINE), 4),
        ("return number + 1", failed(Status.INFRA, "lane_lost", Blame.ENGINE), 4),
    ):
        settle = workshop.load(head + indented(body), function="settle")
        settle.poet.adopt(ADOPTED)
        workshop.answer = outcome
        workshop.jobs.clear()
        with contextlib.suppress(TimeoutError):
            settle(17)
        assert len(workshop.jobs) == times


def test_wrong_values_are_errors() -> None:
    """`idempotent` is True, False or None."""
    with pytest.raises(UsageError, match="True, False or None"):
        poet(idempotent="yes")  # type: ignore[call-overload]  # what a caller without a type checker may write
