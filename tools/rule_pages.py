"""Write the pages in docs/rules anew, from the rules of the gate and an example for each.

    python tools/rule_pages.py [FOLDER]

The folder is docs/rules by default. Each example is a source that its rule stops, and one of the same intent that
passes under `restricted`; the tests scan both.
"""

import argparse
import dataclasses
from collections.abc import Mapping
from pathlib import Path

from poet_engine.gate.rules import RULES, GateRule

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "rules"


@dataclasses.dataclass(frozen=True, slots=True)
class RuleExample:
    """An example of one rule for its page.

    Attributes:
        rejected: A source with a finding of the rule; empty where none can be shown.
        accepted: A source with the same purpose and without a finding under `restricted`.
        words: The page's text where no source can be shown.
    """

    rejected: str = ""
    accepted: str = ""
    words: str = ""


EXAMPLES: Mapping[str, RuleExample] = {
    "POET100": RuleExample(words="A source of a hundred thousand minus signs in a row ends the parser itself."),
    "POET101": RuleExample(words="A list of 60,000 numbers written out; brackets inside brackets, seventy deep."),
    "POET102": RuleExample(
        "def area(width, height:\n    return width * height\n", "def area(width, height):\n    return width * height\n"
    ),
    "POET103": RuleExample("# coding: latin-1\nNAME = 'poet'\n", "# coding: utf-8\nNAME = 'poet'\n"),
    "POET104": RuleExample(
        "def pr\u0456nt_all(items):\n    return items\n", "def print_all(items):\n    return items\n"
    ),
    "POET105": RuleExample(words="A template string of Python 3.14, `t'{name}'`, whose parts travel as an object."),
    "POET110": RuleExample(
        "import subprocess\n\ndef today():\n    return subprocess.check_output(['date'])\n",
        "from datetime import date\n\ndef today():\n    return date.today().isoformat()\n",
    ),
    "POET111": RuleExample(
        "import hashlib\n\ndef digest(file):\n    return hashlib.file_digest(file, 'sha256').hexdigest()\n",
        "import hashlib\n\ndef digest(data):\n    return hashlib.sha256(data).hexdigest()\n",
    ),
    "POET112": RuleExample(
        "from math import *\n\ndef hypotenuse(a, b):\n    return sqrt(a * a + b * b)\n",
        "from math import sqrt\n\ndef hypotenuse(a, b):\n    return sqrt(a * a + b * b)\n",
    ),
    "POET113": RuleExample(
        "import math\n\ndef call(x):\n    library = math\n    return library.sqrt(x)\n",
        "import math\n\nCALLS = {'sqrt': math.sqrt}\n\ndef call(name, x):\n    return CALLS.get(name, math.exp)(x)\n",
    ),
    "POET114": RuleExample(
        "import math\n\ndef grade(math, physics):\n    return math\n\nmath = 3\n",
        "import math\n\ndef grade(math, physics):\n    return math\n\nmath_points = 3\n",
    ),
    "POET115": RuleExample(
        "class Circle:\n    import math\n\n    def area(self, r):\n        return 3.14 * r * r\n",
        "import math\n\nclass Circle:\n    def area(self, r):\n        return math.pi * r * r\n",
    ),
    "POET116": RuleExample(
        "from functools import wraps\n\ndef traced(function):\n    @wraps(function, assigned=('__name__', 'secret'))\n"
        "    def inner(*args):\n        return function(*args)\n    return inner\n",
        "from functools import wraps\n\ndef traced(function):\n    @wraps(function)\n"
        "    def inner(*args):\n        return function(*args)\n    return inner\n",
    ),
    "POET120": RuleExample(
        "def total(path):\n    return sum(int(line) for line in open(path))\n",
        "def total(lines):\n    return sum(int(line) for line in lines)\n",
    ),
    "POET121": RuleExample(
        "def field(record, name):\n    return getattr(record, name)\n",
        "def field(record, name):\n    return {'x': record.x, 'y': record.y}[name]\n",
    ),
    "POET122": RuleExample(
        "from functools import singledispatch\n\n@singledispatch\ndef show(value):\n    return str(value)\n\n"
        "@show.register\ndef _(value: 'print(1)'):\n    return hex(value)\n",
        "from functools import singledispatch\n\n@singledispatch\ndef show(value):\n    return str(value)\n\n"
        "@show.register\ndef _(value: int):\n    return hex(value)\n",
    ),
    "POET130": RuleExample(
        "def name(value):\n    return value.__class__.__mro__[0].__name__\n",
        "def name(value):\n    return type(value).__name__\n",
    ),
    "POET131": RuleExample(
        "def running(generator):\n    return generator.gi_frame is not None\n",
        "def running(generator, end=object()):\n    return next(generator, end) is not end\n",
    ),
    "POET132": RuleExample(
        "def greet(user):\n    return 'Hello {0._name}'.format(user)\n",
        "def greet(user):\n    return f'Hello {user.name}'\n",
    ),
    "POET133": RuleExample(
        "import sys\n\ndef first():\n    return sys.stdin.buffer.raw.read(1)\n",
        "import sys\n\ndef first():\n    return sys.stdin.buffer.read(1)\n",
    ),
    "POET134": RuleExample(
        "class Job:\n    def __del__(self):\n        print('done')\n",
        "class Job:\n    def __enter__(self):\n        return self\n\n"
        "    def __exit__(self, *details):\n        print('done')\n",
    ),
    "POET135": RuleExample(
        "KEY = '__globals__'\n",
        "KEY = 'globals'\n",
    ),
    "POET136": RuleExample(
        "from collections import Counter\n\ndef kept(values):\n    return Counter(values)._keep_positive()\n",
        "from collections import Counter\n\ndef kept(values):\n    return +Counter(values)\n",
    ),
    "POET140": RuleExample(
        "def wait(queue):\n    while True:\n        queue.sort()\n",
        "def wait(queue):\n    while queue:\n        queue.pop()\n",
    ),
    "POET141": RuleExample(
        "def board():\n    return [0] * 10**12\n",
        "def board():\n    return {}  # only the fields that are set\n",
    ),
    "POET150": RuleExample(words="Not known: it takes a flaw in bandit."),
}

_CAUSES = {
    "too_large": "`too_large`: the source cannot be looked at",
    "syntax": "`syntax`: there is no program to look at",
    "scan_ast": "`scan_ast`: the allow-list does not let it through",
    "scan_bandit": "`scan_bandit`: bandit does not let it through",
}


def pages() -> Mapping[str, str]:
    """File name → text, the index among them."""
    return {"README.md": _index(), **{f"{rule.id}.md": page(rule, EXAMPLES[rule.id]) for rule in RULES.values()}}


def page(rule: GateRule, example: RuleExample) -> str:
    """The page of one rule."""
    cwe = f"[CWE-{rule.cwe}](https://cwe.mitre.org/data/definitions/{rule.cwe}.html)" if rule.cwe else "none"
    lines = [
        f"# {rule.id}: {rule.title}",
        "",
        "| severity | reason of the report | weakness |",
        "|---|---|---|",
        f"| {rule.severity} | {_CAUSES[rule.cause]} | {cwe} |",
        "",
        f"{rule.why}",
        "",
        "**What would be fine.** " + rule.how,
        "",
    ]
    if example.rejected:
        lines += ["Turned down:", "", "```python", example.rejected.rstrip("\n"), "```", ""]
        lines += ["Let through:", "", "```python", example.accepted.rstrip("\n"), "```", ""]
    else:
        lines += [example.words, ""]
    return "\n".join(
        [*lines, "All rules: [README.md](README.md). How a source is scanned: [the gate](../gate.md).", ""]
    )


def _index() -> str:
    rows = [f"| [`{rule.id}`]({rule.id}.md) | {rule.severity} | {rule.title} |" for rule in RULES.values()]
    head = [
        "# Rules of the gate",
        "",
        "These pages are made from the rules themselves. [The gate](../gate.md) explains them as a whole.",
        "",
        "| id | severity | what |",
        "|---|---|---|",
    ]
    return "\n".join([*head, *rows, ""])


def write(folder: Path) -> None:
    """Write every page into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in pages().items():
        (folder / name).write_text(text, "utf-8")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="Write the pages about the rules of the gate anew.")
    parser.add_argument("folder", metavar="FOLDER", type=Path, nargs="?", default=FOLDER)
    write(parser.parse_args().folder)


if __name__ == "__main__":
    main()
