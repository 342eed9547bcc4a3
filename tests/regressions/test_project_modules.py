"""A function may use the modules of its own project: scanned like itself, in a folder of the call's own."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from poet_engine import Policy
from poet_engine.cli import main
from poet_engine.errors import PolicyError, UsageError
from poet_engine.job import Job
from poet_engine.policy.layers import policy_context, resolve

if TYPE_CHECKING:
    from poet_engine import Engine

OpenEngine = Callable[[str], "Engine"]

STRICT = 'name = "strict"\nextends = "restricted"\n'
KEPT = f'{STRICT}[isolation]\nfresh = "none"\n'

SHOP: dict[str, str | bytes] = {
    "shop": "from .prices import total\nfrom . import stock\n__all__ = ['total']\n",
    "shop.prices": "from __future__ import annotations\nfrom .stock import count\nRATE = 2\n"
    "def total(n: int) -> int:\n    return RATE * count(n)\n",
    "shop.stock": "import math\ndef count(n):\n    return math.floor(n) + 1\n",
    "tools": "class Box:\n    def __init__(self, item):\n        self._item = item\n"
    "    def open(self):\n        return self._item\n",
}
SOURCE = """
import shop
import shop.stock as stock
from shop import total
from tools import Box

def f(n):
    return total(n), stock.count(n), shop.prices.RATE, Box(n).open(), shop.total(n)
"""


def test_modules_packages_and_relative_imports(open_engine: OpenEngine) -> None:
    outcome = open_engine(STRICT).run(SOURCE, "f", 3, modules=SHOP)
    assert outcome.value == (8, 4, 2, 3, 8), outcome
    assert open_engine(STRICT).load(SOURCE, "f", modules=SHOP)(3) == (8, 4, 2, 3, 8)


def test_a_script_has_its_modules_as_a_function_has(open_engine: OpenEngine) -> None:
    """They are scanned, imported from a folder of the run's own, and come before files of the same name."""
    source = SOURCE + "\nprint(f(3), __name__)\n"
    files = {"tools.py": b"raise SystemExit('not this one')\n"}
    outcome = open_engine(STRICT).run_script(source, modules=SHOP, files_in=files, files_out=["*"])
    assert (str(outcome.status), outcome.stdout) == ("ok", "(8, 4, 2, 3, 8) __main__\n"), outcome
    assert outcome.files == files


def test_a_failing_module_shows_its_lines(open_engine: OpenEngine) -> None:
    outcome = open_engine(STRICT).run_script("import h\nh.g()\n", modules={"h": "def g():\n    return 1 / 0\n"})
    assert outcome.error is not None
    assert 'File "script.py", line 2, in <module>' in outcome.error.traceback
    assert "h.py" in outcome.error.traceback
    assert "return 1 / 0" in outcome.stderr


def test_modules_of_a_script_that_do_not_fit_are_refused_before_it_runs(open_engine: OpenEngine) -> None:
    small = open_engine(f'{STRICT}[limits]\ndisk = "64KiB"\ninodes = 16\n')
    with pytest.raises(UsageError, match=r"limits\.disk"):
        small.run_script("import h\n", modules={"h": "", "h/data.bin": bytes(100_000)})
    with pytest.raises(UsageError, match=r"limits\.inodes"):
        small.run_script("import p\n", modules={f"p.m{number}": "" for number in range(14)})


def test_an_entry_inside_a_package_is_one_module_with_the_one_that_others_import(open_engine: OpenEngine) -> None:
    """The package imports the entry's module, and there must not be two of it."""
    modules = {
        "p/__init__.py": "from .main import SEEN\n",
        "p/main.py": "from .other import add\nSEEN = []\ndef f():\n    add(1)\n    return SEEN, __name__\n",
        "p/other.py": "def add(n):\n    from . import main\n    main.SEEN.append(n)\n",
    }
    job = Job(source=str(modules["p/main.py"]), entry="f", modules=modules, module="p.main")
    assert open_engine(STRICT).run_job(job).value == ([1], "p.main")


def test_data_lies_beside_the_modules(open_engine: OpenEngine) -> None:
    policy = f'{STRICT}[static]\nmode = "warn"\n'
    modules: dict[str, str | bytes] = {
        "p/__init__.py": "",
        "p/a.py": "from pathlib import Path\ndef read():\n    return Path(__file__).with_name('d.bin').read_bytes()\n",
        "p/d.bin": b"\x00\xff",
    }
    assert open_engine(policy).run("from p.a import read\ndef f():\n    return read()", "f", modules=modules).value == (
        b"\x00\xff"
    )


HOSTILE: Mapping[str, tuple[dict[str, str | bytes], str, str]] = {
    "a module that reads files": (
        {"h": "def g():\n    return open('/etc/passwd').read()"},
        "import h\nf = h.g",
        "POET120",
    ),
    "a module of the library by way of one's own": (
        {"h": "import json"},
        "import h\ndef f():\n    return h.json.codecs.open",
        "POET111",
    ),
    "the same out of it": ({"h": "import json"}, "from h import json\ndef f():\n    return json.codecs", "POET111"),
    "a module of the library given on twice": (
        {"h": "from i import json", "i": "import json"},
        "from h import json\ndef f():\n    return json.codecs",
        "POET111",
    ),
    "a guarded name that is there": (
        {"p": "", "p.h": "import json", "p.i": "try:\n    from .h import json\nexcept ImportError:\n    json = 0\n"},
        "from p.i import json\ndef f():\n    return json.codecs",
        "POET111",
    ),
    "a function with a rule of its own under another name": (
        {"h": "from functools import update_wrapper"},
        "from h import update_wrapper as u\ndef f():\n    return u",
        "POET111",
    ),
    "a module as a value": ({"h": "X = 1"}, "import h\ndef f():\n    return [h]", "POET113"),
    "everything of a module": ({"h": "X = 1"}, "from h import *\ndef f():\n    return X", "POET112"),
    "out of the package": ({"p": "from ... import os\n"}, "import p\ndef f():\n    return p", "POET112"),
    "a module nobody asks for": ({"h": "import os\nos.system('id')"}, "def f():\n    return 1", "POET110"),
    "a module that does not parse": ({"h": "def"}, "import h\ndef f():\n    return 1", "POET102"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_each_module_is_scanned_like_the_entry(open_engine: OpenEngine, name: str) -> None:
    modules, source, rule = HOSTILE[name]
    outcome = open_engine(STRICT).run(source, "f", modules=modules)
    assert str(outcome.status) == "rejected", outcome
    assert rule in {finding.rule for finding in outcome.findings}, outcome.findings
    script = open_engine(STRICT).run_script(source, modules=modules)
    assert (script.status, script.findings) == (outcome.status, outcome.findings)


def test_a_guarded_relative_import_of_what_is_hidden_raises(open_engine: OpenEngine) -> None:
    """What the gate calls absent must be absent in the guest too, also by a relative path."""
    modules = {
        "p": "",
        "p.h": "import json\n",
        "p.i": "try:\n    from .h import json\nexcept ImportError as error:\n    json = str(error)\n"
        "def found():\n    return json\n",
    }
    outcome = open_engine(STRICT).run("import p.i\ndef f():\n    return p.i.found()", "f", modules=modules)
    assert outcome.value == "cannot import name 'json' from 'p.h'", outcome


def test_bytecode_beside_a_module_is_not_what_runs(open_engine: OpenEngine) -> None:
    modules: dict[str, str | bytes] = {
        "p/__init__.py": "X = 1\n",
        "p/__init__.pyc": b"\x00" * 64,
        "p/__pycache__/__init__.pyc": b"\x00" * 64,
    }
    assert open_engine(STRICT).run("import p\ndef f():\n    return p.X", "f", modules=modules).value == 1


def test_a_call_cannot_change_what_the_next_one_gets(open_engine: OpenEngine) -> None:
    policy = f'{KEPT}[static]\nmode = "warn"\n'
    source = (
        "import os, h\ndef f():\n    os.chmod(h.__file__, 0o600)\n    open(h.__file__, 'w').write('X = 2')\n"
        "    h.X += 1\n    return h.X\n"
    )
    engine = open_engine(policy)
    assert engine.run(source, "f", modules={"h": "X = 1\n"}).value == 2
    assert engine.run("import h\ndef f():\n    return h.X", "f", modules={"h": "X = 1\n"}).value == 1
    assert engine.run("import h\ndef f():\n    return h.X", "f", modules={"h": "X = 7\n"}).value == 7


@pytest.mark.parametrize(
    "modules",
    [
        {"json": "x = 1"},
        {"numpy.fake": "x = 1"},
        {"../h": "x = 1"},
        {"a b": "x = 1"},
        {"/etc/h.py": "x = 1"},
        {"p/../../h.py": "x = 1"},
        {"p/a-b.py": "x = 1"},
        {"h": b"\xff"},
        {"h": 1},
        {1: "x"},
        {"p/a": b"", "p/a/b": b""},
        {"h": "", "h.py": ""},
        {f"m{n}": "" for n in range(1001)},
    ],
)
def test_a_name_that_means_something_else_is_wrong_use(
    open_engine: OpenEngine, modules: dict[str, str | bytes]
) -> None:
    policy = f"{STRICT}[static.imports]\nnumpy = ['mean']\n"
    with pytest.raises(UsageError):
        open_engine(policy).run("def f():\n    return 1", "f", modules=modules)


def test_poet_run_takes_a_function_out_of_a_package_of_thirty_modules(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    package = tmp_path / "shop"
    package.mkdir()
    for number in range(30):
        text = f"from . import base\nfrom .base import step\ndef part(x):\n    return step(x) + {number} + base.ZERO\n"
        (package / f"m{number}.py").write_text(text)
    (package / "base.py").write_text("ZERO = 0\ndef step(x):\n    return x\n")
    imports = "".join(f"from .m{number} import part as p{number}\n" for number in range(30))
    calls = " + ".join(f"p{number}(x)" for number in range(30))
    main_text = f"{imports}from poet_engine import poet\n@poet\ndef total(x):\n    return {calls}\n"
    (package / "main.py").write_text(main_text)
    (package / "__init__.py").write_text("from .main import total\n")
    (package / "unused.py").write_text("import os\nos.system('id')\n")
    assert main(["run", f"{package}/main.py:total", "--args", "[1]", "--policy", "restricted"]) == 0
    assert capsys.readouterr().out.startswith("465\n")
    (package / "base.py").write_text("import os\nZERO = 0\ndef step(x):\n    return os.system('id')\n")
    assert main(["run", f"{package}/main.py:total", "--args", "[1]", "--policy", "restricted"]) == 1
    assert "shop/base.py: Import of 'os'" in capsys.readouterr().out


def test_poet_run_follows_no_link_out_of_the_project(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "secret.py").write_text("KEY = 'secret'\n")
    project = tmp_path / "project"
    project.mkdir()
    (project / "a.py").write_text("import keys\ndef f():\n    return keys.KEY\n")
    (project / "keys.py").symlink_to(tmp_path / "secret.py")
    assert main(["run", f"{project}/a.py:f", "--policy", "restricted"]) == 1
    assert "secret" not in capsys.readouterr().out


def test_a_policy_of_the_user_names_packages_and_modules(open_engine: OpenEngine, tmp_path: Path) -> None:
    package = tmp_path / "shop"
    (package / ".git").mkdir(parents=True)
    (package / ".git" / "config").write_text("secret")
    (package / "__init__.py").write_text("from .rates import read\n")
    reading = "from pathlib import Path\ndef read():\n    return [f.name for f in Path(__file__).parent.iterdir()]\n"
    (package / "rates.py").write_text(reading)
    (package / "rates.csv").write_bytes(b"1,2\n")
    (package / "link.csv").symlink_to("/etc/passwd")
    (tmp_path / "tools.py").write_text("X = 3\n")
    policy = f'{STRICT}[static]\nmode = "warn"\n[isolation]\nproject = ["{package}", "{tmp_path}/tools.py"]\n'
    outcome = open_engine(policy).run("import shop, tools\ndef f():\n    return sorted(shop.read()), tools.X", "f")
    assert outcome.value == (["__init__.py", "rates.csv", "rates.py"], 3), outcome
    script = open_engine(policy).run_script("import shop, tools\nprint(sorted(shop.read()), tools.X)")
    assert script.stdout == "['__init__.py', 'rates.csv', 'rates.py'] 3\n", script


@pytest.mark.parametrize(
    ("text", "ours"),
    [('[tool.poet.policy.isolation]\nproject = ["/etc"]\n', None), ("", '[isolation]\nproject = ["/etc"]\n')],
    ids=["pyproject.toml", "the file that a decorator names"],
)
def test_a_file_of_the_project_names_none(tmp_path: Path, text: str, ours: str | None) -> None:
    (tmp_path / "pyproject.toml").write_text(text)
    named = tmp_path / "ours.toml"
    named.write_text(f'version = 1\nname = "ours"\nextends = "restricted"\n{ours or ""}')
    with pytest.raises(PolicyError, match=r"isolation\.project"):
        resolve(named if ours else None, policy_context(tmp_path, None), by_caller=False)
    if ours:
        assert Policy.load(named).isolation.project == ("/etc",), "whoever runs the program may name it"


def test_a_path_that_is_not_there_is_wrong_use(open_engine: OpenEngine) -> None:
    with pytest.raises(UsageError, match="/no/such/package"):
        open_engine(f'{STRICT}[isolation]\nproject = ["/no/such/package"]\n').run("def f():\n    return 1", "f")
