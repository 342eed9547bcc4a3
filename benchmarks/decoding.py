"""What it costs the host to decode a result, for every tag of the codec, with the content that costs the most.

Each content is timed twice, as CPU time of the thread, the best of some attempts: as a guest would send it that has not
paid for it, and after blanks were added for its price. Both are given in milliseconds for each MiB that came. Memory is
the peak beyond the message itself, in bytes for each byte that came. It is in one piece: most of it is the table of
contents.

Usage: `python benchmarks/decoding.py [--size 1] [--attempts 3] [--json]`.
"""

import argparse
import base64
import dataclasses
import gc
import itertools
import json
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterator, Sequence

import standing
from poet_engine.guest import codec, decoding_budget
from poet_engine.guest.decoding_budget import DecodingBudget
from poet_engine.guest.errors import UndecodableError
from standing import Machine

MIB = 1 << 20
# CPU time that decoding may take for each MiB that came, and bytes of memory for each byte (docs/values.md).
MOST_MS, MOST_MEMORY = 50.0, 24
_PROBE = 64  # units of a content that its price is found with


@dataclasses.dataclass(frozen=True, slots=True)
class Content:
    """A message of any length, made of units.

    Attributes:
        unit: The JSON of one unit, by its number.
        around: What stands before and after the units; `#` stands for their number.
        between: What stands between two of them.
    """

    unit: Callable[[int], str]
    around: tuple[str, str] = ("[", "]")
    between: str = ","

    def of(self, count: int) -> bytes:
        """The message of so many units."""
        before, after = (text.replace("#", str(count)) for text in self.around)
        return (before + self.between.join(map(self.unit, range(count))) + after).encode()

    def unpaid(self, size: int) -> bytes:
        """A message of about that size, as it is."""
        taken, length = 0, 0
        while length < size:
            length += len(self.unit(taken).encode()) + len(self.between)
            taken += 1
        return self.of(max(1, taken - 1))

    def paid(self, size: int) -> bytes:
        """A message that counts for about that size, with blanks for what its bytes do not pay."""
        price = _price(self.of(_PROBE)) - _price(self.of(1))
        each = max(price / (_PROBE - 1), (len(self.of(_PROBE)) - len(self.of(1))) / (_PROBE - 1))
        content = self.of(max(1, int(size / each)))
        return content + b" " * max(0, _price(content) - len(content) - decoding_budget.FREE)


def _price(content: bytes) -> int:
    costs = DecodingBudget()
    _decode(content, costs)
    return costs.spent


def _decode(content: bytes, costs: DecodingBudget) -> str:
    """Decode a message; what became of it."""
    try:
        codec.loads(content, costs=costs)
    except UndecodableError as error:
        return str(error)
    return "a value"


def _same(text: str) -> Content:
    return Content(lambda _number: text)


def _tagged(tag: str, value: object, **more: object) -> str:
    return json.dumps({"~": tag, "v": value, **more}, separators=(",", ":"))


def _array(kind: str, shape: Sequence[int], data: bytes = b"", **more: object) -> str:
    return _tagged("array", base64.b64encode(data).decode(), d=kind, s=shape, **more)


def _within(tag: str, unit: Callable[[int], str], after: str = "") -> Content:
    """One collection of many units."""
    return Content(unit, (f'{{"~":"{tag}","v":[', f"]{after}}}"))


def _pair(key: Callable[[int], str]) -> Callable[[int], str]:
    return lambda number: f"[{key(number)},1]"


def _text(number: int) -> str:
    return f'"{number:x}"'


def _members(tag: str) -> dict[str, Content]:
    """Collections of every kind of member whose hash is its own affair."""
    return {
        f"{tag} of text": _within(tag, _text),
        f"{tag} of integers": _within(tag, str),
        f"{tag} of floats": _within(tag, lambda number: str(number / 1024)),
        f"{tag} of large steps": _within(tag, lambda number: str(number << 30)),
        f"{tag} of tuples": _within(tag, lambda number: _tagged("tuple", [number, 1])),
        f"{tag} of decimals": _within(tag, lambda number: _tagged("decimal", f"{number}E+99999")),
        f"{tag} of times": _within(tag, lambda n: _tagged("datetime", f"2024-01-01T00:00:{n % 60:02}.{n:06}+01:00")),
        f"{tag} of durations": _within(tag, lambda number: _tagged("timedelta", [number, 0, 0])),
        f"{tag} of identifiers": _within(tag, lambda number: _tagged("uuid", f"{number:032x}")),
        f"{tag} of paths": _within(tag, lambda number: _tagged("path", f"{number:x}")),
        f"{tag} of fractions": _within(tag, lambda number: _tagged("fraction", [number, 7])),
        f"small {tag}s": _same(_tagged(tag, [1])),
        f"{tag}s of 1,100": _same(_tagged(tag, list(range(1100)))),
        f"empty {tag}s": _same(_tagged(tag, [])),
    }


def _mappings(tag: str, **more: object) -> dict[str, Content]:
    after = "".join(f',"{name}":{json.dumps(value)}' for name, value in more.items())
    return {
        f"{tag} of text": _within(tag, _pair(_text), after),
        f"{tag} of integers": _within(tag, _pair(str), after),
        f"{tag} of floats": _within(tag, _pair(lambda number: str(number / 1024)), after),
        f"{tag} of tuples": _within(tag, _pair(lambda number: _tagged("tuple", [number])), after),
        f"small {tag}s": _same(_tagged(tag, [[1, 1]], **more)),
        f"empty {tag}s": _same(_tagged(tag, [], **more)),
    }


_LABELS = _tagged("index", ["r", [0, 0, 1]], n=None)
_ONE = _tagged("index", ["r", [0, 1, 1]], n=None)


def _index(values: str, **more: object) -> str:
    return _tagged("index", 0, n=None, **more).replace('"v":0', f'"v":["a",{values}]')


def _table(blocks: str, columns: int, rows: int = 1) -> str:
    labels = _tagged("index", ["r", [0, columns, 1]], n=None)
    return f'{{"~":"table","l":{rows},"i":null,"c":{labels},"v":[{blocks}]}}'


def _days(count: int, of_a_week: int = 7) -> bytes:
    """Days from a Monday on."""
    days = (day + 4 for day in range(count) if day % 7 < of_a_week)
    return b"".join((day * 86_400).to_bytes(8, "little") for day in days)


_CODES = _array("|i1", [1], bytes(1))


def _categories(values: str) -> str:
    return f'{{"~":"column","v":["c",[{_CODES},{{"~":"index","n":null,"v":{values}}},false]]}}'


def _levels(count: int, rows: int = 1) -> str:
    codes = ",".join([_array("|i1", [rows], bytes(rows))] * count)
    return f'{{"~":"levels","l":[{",".join([_ONE] * count)}],"v":[{codes}],"n":[{",".join(["null"] * count)}]}}'


def _colliding(count: int) -> bytes:
    """Integers in no order that pandas' table of hashes puts into one place."""
    found = []
    for high in range(count):
        low = high
        for _ in range(3):
            low = (high ^ (low << 11)) & 0xFFFFFFFF
        found.append(high << 33 | low)
    return b"".join(number.to_bytes(8, "little") for number in (*found[1:], found[0]))


# Texts in no order whose hashes are one where they are computed as in Java.
_COLLIDING_TEXTS = ["".join(letters) for letters in itertools.product(("BB", "Aa"), repeat=11)]

PLAIN: dict[str, Content] = {
    "small integers": _same("1"),
    "integers of 309 digits": _same("9" * 309),
    "empty lists": _same("[]"),
    "lists of one": _same("[1]"),
    "lists among integers": Content(lambda number: "[]" if number % 7 == 0 else "1"),
    "brackets": _same("[" * 99 + "]" * 99),
    "empty mappings": _same("{}"),
    "mappings of one": _same('{"":1}'),
    "mappings of new keys": Content(lambda number: f'{{"{number:x}":1}}'),
    "one mapping of short keys": Content(lambda number: f'"{number:x}":1', ("{", "}")),
    "empty texts": _same('""'),
    "short texts": _same('"ab"'),
    "short escaped texts": _same('"\\n"'),
    "texts of two halves": _same('"\\ud83d\\ude00"'),
    "one escaped text": Content(lambda _number: "\\n", ('"', '"'), ""),
    "one text of brackets": Content(lambda _number: "[{", ('[["', '"],' + "[" * 60 + "]" * 61), ""),
    "truths": _same("true"),
    "short floats": _same("1.5"),
    "floats of 17 digits": _same("4.9406564584124654e-324"),
    "floats of 40 digits": _same("2.225073858507201136057409796709131975934e-308"),
    "short exponents": _same("1e5"),
    "digits in a text before integers": Content(lambda _number: "1", ('["' + "1" * 50 + '",', "]")),
    "a tag before mappings": Content(lambda _number: "{}", ("[" + _tagged("tuple", []) + ",", "]")),
}

TAGGED: dict[str, dict[str, Content]] = {
    "tuple": {
        "empty tuples": _same(_tagged("tuple", [])),
        "one tuple": _within("tuple", lambda _number: "1"),
        "tuples in tuples": _same('{"~":"tuple","v":[' * 50 + "]}" * 50),
    },
    "set": _members("set"),
    "frozenset": _members("frozenset"),
    "dict": _mappings("dict"),
    "counter": _mappings("counter"),
    "ordered": _mappings("ordered"),
    "defaultdict": _mappings("defaultdict", n="int"),
    "deque": {"empty deques": _same(_tagged("deque", [], n=None)), "one deque": _within("deque", str, ',"n":null')},
    "range": {"ranges": _same(_tagged("range", [0, 1, 1]))},
    "int": {
        "small": _same(_tagged("int", "0x1")),
        "one": Content(lambda _number: "f", ('{"~":"int","v":"0x', '"}'), ""),
    },
    "float": {"no numbers": _same(_tagged("float", "nan"))},
    "complex": {"complex numbers": _same(_tagged("complex", [0.5, 0.5]))},
    "fraction": {
        "fractions": _same(_tagged("fraction", [355, 113])),
        "long fractions": _same(
            f'{{"~":"fraction","v":[{_tagged("int", hex(2**4095 + 12345))},{_tagged("int", hex(3**2583))}]}}'
        ),
    },
    "bytes": {
        "empty": _same(_tagged("bytes", "")),
        "one": Content(lambda _number: "AAAA", ('{"~":"bytes","v":"', '"}'), ""),
    },
    "bytearray": {"short": _same(_tagged("bytearray", "AA=="))},
    "decimal": {
        "short": _same(_tagged("decimal", "1")),
        "large exponents": _same(_tagged("decimal", "1E+999999")),
        "one": Content(lambda _number: "7", ('{"~":"decimal","v":"', '"}'), ""),
    },
    "uuid": {"identifiers": _same(_tagged("uuid", "0" * 32))},
    **{
        tag: {
            "short": _same(_tagged(tag, "a")),
            "one of many parts": Content(lambda _number: "a/", (f'{{"~":"{tag}","v":"', '"}'), ""),
        }
        for tag in ("path", "purepath")
    },
    "datetime": {
        "days": _same(_tagged("datetime", "2024-01-01")),
        "weeks": _same(_tagged("datetime", "2024-W01-1")),
        "with an offset": _same(_tagged("datetime", "2024-01-01T00:00:00+01:02:03.000004")),
        "folded": _same(_tagged("datetime", "2024-01-01T00:00:00", f=1)),
    },
    "date": {"days": _same(_tagged("date", "2024-01-01"))},
    "time": {
        "hours": _same(_tagged("time", "01")),
        "with an offset": _same(_tagged("time", "01+01")),
        "folded": _same(_tagged("time", "01", f=1)),
    },
    "timedelta": {"durations": _same(_tagged("timedelta", [0, 0, 0]))},
    "array": {
        "empty": _same(_array("<f8", [0])),
        "of 32 dimensions": _same(_array("<f8", [1] * 32, bytes(8))),
        "of truths": _same(_array("|b1", [1], b"\1")),
        "of objects": _same(_tagged("array", [], d="|O", s=[0])),
        "of text": _same(_tagged("array", ["a"], d="<U1", s=[1])),
        "of wide text": _same(_tagged("array", ["a"], d="<U9999", s=[1])),
        "of bytes": _same(_array("|S5", [1], b"12345")),
        "old scalars": _same(_array("<f8", [], bytes(8), scalar=True)),
        "one": Content(lambda _number: "AAAA", ('[{"~":"array","d":"|u1","s":[3,#],"v":"', '"}]'), ""),
    },
    "scalar": {
        "integers": _same(_tagged("scalar", 1, d="<i8")),
        "floats": _same(_tagged("scalar", 0.5, d="<f2")),
        "days": _same(_tagged("scalar", 1, d="<M8[D]")),
        "text": _same(_tagged("scalar", "", d="U")),
    },
    "timestamp": {
        "naive": _same(_tagged("timestamp", 1, u="us")),
        "of nanoseconds": _same(_tagged("timestamp", 1234567890123456789, u="ns")),
        "with an offset": _same(_tagged("timestamp", 1, u="ns", z=3600000001)),
        "folded": _same(_tagged("timestamp", 1, u="ns", f=1)),
        "with a zone": _same(_tagged("timestamp", 1, u="ns", z="Europe/Berlin")),
    },
    "duration": {
        "short": _same(_tagged("duration", 1, u="us")),
        "of nanoseconds": _same(_tagged("duration", -1234567890123456789, u="ns")),
    },
    "period": {
        "months": _same(_tagged("period", 1, f="M")),
        "quarters": _same(_tagged("period", 1, f="99Q-NOV")),
    },
    "missing": {"not a time": _same(_tagged("missing", "NaT")), "not available": _same(_tagged("missing", "NA"))},
    "column": {
        "categories": _same(_categories('["o",["a"]]')),
        "categories of numbers": _same(_categories(f'["a",{_array("<i8", [1], bytes(8))}]')),
        "categories in no order": _same(_categories(f'["a",{_array("<i8", [2], bytes([1] * 8 + [0] * 8))}]')),
        "many categories that collide": _same(_categories(f'["a",{_array("<i8", [4_000], _colliding(4_000))}]')),
        "many categories of text that collide": _same(_categories(f'["s",{json.dumps(_COLLIDING_TEXTS)}]')),
        "many categories": _same(_categories(f'["a",{_array("<M8[s]", [4_000], _days(4_000))}]')),
        "nullable numbers": _same(
            _tagged("column", ["n", ["Int64", "#", "?"]])
            .replace('"#"', _array("<i8", [1], bytes(8)))
            .replace('"?"', _array("|b1", [1], bytes(1)))
        ),
        "text": _same(_tagged("column", ["t", ["python", ["a", None]]])),
        "much text": Content(lambda _number: '"a"', ('{"~":"column","v":["t",["python",[', "]]]}")),
        "zoned times": _same(
            _tagged("column", ["z", ["Europe/Berlin", "#"]]).replace('"#"', _array("<M8[ns]", [1], bytes(8)))
        ),
        "times with an offset": _same(
            _tagged("column", ["z", [3600000001, "#"]]).replace('"#"', _array("<M8[s]", [1], bytes(8)))
        ),
        "many zoned times": _same(
            _tagged("column", ["z", ["Europe/Berlin", "#"]]).replace('"#"', _array("<M8[s]", [4_000], _days(4_000)))
        ),
        "periods": _same(_tagged("column", ["p", ["Q-NOV", "#"]]).replace('"#"', _array("<i8", [1], bytes(8)))),
    },
    "levels": {
        "one": _same(_levels(1)),
        "many": _same(_levels(50)),
        "of many rows": _same(_levels(2, 4_000)),
    },
    "index": {
        "ranges": _same(_LABELS),
        "zoned hours": _same(
            _tagged("index", ["z", ["Europe/Berlin", "#"]], n=None, f="D").replace(
                '"#"', _array("<M8[s]", [40], _days(40))
            )
        ),
        "categories": _same(_tagged("index", "#", n=None).replace('"#"', f'["c",[{_CODES},{_ONE},true]]')),
        "numbers": _same(_index(_array("<i8", [1], bytes(8)))),
        "times": _same(_index(_array("<M8[ns]", [1], bytes(8)))),
        "objects": _same(_tagged("index", ["o", [1]], n=None)),
        "hours": _same(_index(_array("<M8[s]", [1], bytes(8)), f="h")),
        "working days": _same(_index(_array("<M8[s]", [2], _days(2)), f="B")),
        "many working days": _same(_index(_array("<M8[s]", [40], _days(56, 5)), f="B")),
        "many days": _same(_index(_array("<M8[s]", [4_000], _days(4_000)), f="D")),
        "one of objects": Content(lambda _number: "1", ('{"~":"index","n":null,"v":["o",[', "]]}")),
        "one of text": Content(lambda _number: '"a"', ('{"~":"index","n":null,"v":["s",[', "]]}")),
    },
    "series": {
        "empty": _same(_tagged("series", ["o", []], i=None, n=None)),
        "numbers": _same(f'{{"~":"series","i":null,"n":null,"v":["a",{_array("<i8", [1], bytes(8))}]}}'),
        "text": _same(_tagged("series", ["s", ["a"]], i=None, n=None)),
        "with an index": _same(f'{{"~":"series","i":{_ONE},"n":"a","v":["o",[1]],"t":{{"a":1}}}}'),
        "one of objects": Content(lambda _number: "1", ('{"~":"series","i":null,"n":null,"v":["o",[', "]]}")),
        "one of text": Content(lambda _number: '"a"', ('{"~":"series","i":null,"n":null,"v":["s",[', "]]}")),
    },
    "table": {
        "empty": _same(_table("", 0)),
        "of two columns": _same(_table(f'[[0],"a",{_array("<i8", [1, 1], bytes(8))}],[1,"s",["a"]]', 2)),
        "of four columns": _same(
            _table(
                f'[[0],"a",{_array("<i8", [1, 1], bytes(8))}],[[1],"a",{_array("<f8", [1, 1], bytes(8))}],'
                '[2,"o",[1]],[3,"s",["a"]]',
                4,
            )
        ),
        "of turned columns": _same(
            _table(
                f'[{list(range(19, 0, -1))},"a",{_array("<i8", [1, 19], bytes(152))}],'
                f'[[0],"a",{_array("<f8", [1, 1], bytes(8))}]',
                20,
            )
        ),
        "many columns of objects": Content(
            lambda number: f'[{number},"o",[]]',
            ('{"~":"table","l":0,"i":null,"c":{"~":"index","n":null,"v":["r",[0,#,1]]},"v":[', "]}"),
        ),
        "wide": _same(_table(f'[{list(range(5_000))},"a",{_array("|u1", [1, 5_000], bytes(5_000))}]', 5_000)),
    },
    "frame": {
        "of one column": _same(_tagged("frame", [["o", [1]]], c=[None, ["a"]], i=None, n=None)),
        "of many columns": _same(_tagged("frame", [["o", []]] * 200, c=[None, list(range(200))], i=None, n=None)),
        "by text": _same(_tagged("frame", [["s", ["a"]]], c=["n", ["a"]], i=["s", ["b"]], n="m")),
    },
}


def contents() -> Iterator[tuple[str, Content]]:
    """Every content with its name."""
    for name, content in PLAIN.items():
        yield f"JSON: {name}", content
    for tag, several in TAGGED.items():
        for name, content in several.items():
            yield f"{tag}: {name}", content


@dataclasses.dataclass(frozen=True, slots=True)
class Decoding:
    """What decoding one content took.

    Attributes:
        unpaid_ms: For each MiB that came, where nothing was paid beyond the bytes.
        paid_ms: For each MiB that came, blanks for the price included.
        memory: The peak beyond the message, in bytes for each byte that came, where it was paid for.
        became: What it became, where it was paid for.
    """

    unpaid_ms: float
    paid_ms: float
    memory: float
    became: str


@dataclasses.dataclass(frozen=True, slots=True)
class Measurement:
    """What was measured, and on what."""

    machine: Machine
    size_mib: float
    decodings: dict[str, Decoding]


def milliseconds(message: bytes, attempts: int) -> float:
    """CPU time of decoding a message, for each MiB of it and of what is free; the best of several attempts."""
    best = min(_seconds(message) for _ in range(attempts))
    return best * 1e3 / ((len(message) + decoding_budget.FREE) / MIB)


def _seconds(message: bytes) -> float:
    began = time.thread_time()
    _decode(message, DecodingBudget(len(message)))
    return time.thread_time() - began


def memory(message: bytes) -> float:
    """The peak of memory while a message is decoded, in bytes for each byte of it and of what is free."""
    tracemalloc.start()
    try:
        _decode(message, DecodingBudget(len(message)))
        return tracemalloc.get_traced_memory()[1] / (len(message) + decoding_budget.FREE)
    finally:
        tracemalloc.stop()


def warm() -> None:
    """Import what the tags need, which happens once in a process, and set apart what the process holds besides.

    The garbage collector's passes over everything else are the price of the rest of the program, not of a message.
    """
    for _name, content in contents():
        _decode(content.of(1), DecodingBudget())
    gc.collect()
    gc.freeze()


def measure(size: int, attempts: int) -> Measurement:
    """Decode each content."""
    warm()
    found = {}
    for name, content in contents():
        paid = content.paid(size)
        found[name] = Decoding(
            unpaid_ms=milliseconds(content.unpaid(size), attempts),
            paid_ms=milliseconds(paid, attempts),
            memory=memory(content.paid(size // 4)),
            became=_decode(paid, DecodingBudget(len(paid))),
        )
    return Measurement(Machine.this(), size / MIB, found)


def table(found: Measurement) -> Iterator[str]:
    """The lines for people."""
    yield f"{found.machine} · messages of {found.size_mib:g} MiB · CPU time of the thread"
    yield f"{'ms for each MiB':40}{'unpaid':>8}{'paid':>8}{'memory':>8}"
    for name, one in found.decodings.items():
        yield f"{name:40}{one.unpaid_ms:8.1f}{one.paid_ms:8.1f}{one.memory:8.1f}"
    worst = max(max(one.unpaid_ms, one.paid_ms) for one in found.decodings.values())
    largest = max(one.memory for one in found.decodings.values())
    yield f"{'the worst':40}{worst:16.1f}{largest:8.1f}"
    yield f"{'allowed':40}{MOST_MS:16.1f}{MOST_MEMORY:8.1f}"


def main(arguments: Sequence[str] | None = None) -> int:
    """See `standing.main`."""
    parser = argparse.ArgumentParser(description="Measure what decoding costs the host.")
    parser.add_argument("--size", type=float, default=1.0, help="MiB of each message (default: 1)")
    parser.add_argument("--attempts", type=int, default=3, help="the best of so many counts (default: 3)")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")
    asked = parser.parse_args(arguments)
    return standing.main(lambda: measure(int(asked.size * MIB), max(1, asked.attempts)), table, asked)


if __name__ == "__main__":
    sys.exit(main())
