"""Measure how easy the code is to find one's way in, as a table; `--against REV` puts another commit beside it.

    python tools/house.py [--against REV] [--json] [--skip-runs]

Counts come from the syntax trees; calls and CPU from commands that are really run, so it takes half a minute and a
machine on which `poet run` works. Exit status 0, or 2 for wrong use.
"""

import argparse
import ast
import collections
import contextlib
import dataclasses
import io
import json
import os
import re
import resource
import statistics
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ROUNDS = 7  # interleaved runs of each command; the median is printed
# Class names that two classes may have, and why.
PUBLISHED_TWICE = {
    "InputRefused": "what code raises in the sandbox, and what its caller catches: both are a published contract",
}
SHORT = 4  # lines; a private function of no more, with one caller, is named
# A docstring that begins so points at its subject instead of naming it.
POINTING = re.compile(r"(?:What|Which|Such|It|Itself|Who|Whose|Where|The same|As)\b")
AREA = "def area(width, height):\n    return width * height\n"
Function = ast.FunctionDef | ast.AsyncFunctionDef

# Runs `poet run` in this process, and counts the calls of functions of ours, and of those of the policy package.
_COUNT = """
import json, pathlib, sys, threading
import poet_engine
root = str(pathlib.Path(poet_engine.__file__).parent)
counts = {"all": 0, "policy": 0}
def seen(frame, event, _argument):
    if event == "call" and frame.f_code.co_filename.startswith(root):
        counts["all"] += 1
        counts["policy"] += "/policy/" in frame.f_code.co_filename
from poet_engine.cli import main
sys.argv = ["poet", "run", "shapes.py:area", "--args", "[3, 4]", "--json"]
threading.setprofile(seen)
sys.setprofile(seen)
try:
    status = main()
except SystemExit as ended:
    status = ended.code
sys.setprofile(None)
threading.setprofile(None)
assert not status, status
print(json.dumps(counts), file=sys.stderr)
"""


@dataclasses.dataclass(frozen=True, slots=True)
class Row:
    """One line of the table: what was measured, by which key, and the figure as it is printed."""

    key: str
    title: str
    value: str


class Tree:
    """The sources of one checkout.

    Args:
        folder: Its top level.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.package = folder / "engine" / "poet_engine"
        paths = sorted(self.package.rglob("*.py"))
        self.modules = {path: ast.parse(path.read_text(encoding="utf-8")) for path in paths}

    def functions(self) -> Iterator[tuple[Path, Function]]:
        """Every function and method, with the file that it stands in."""
        for path, module in self.modules.items():
            for node in ast.walk(module):
                if isinstance(node, Function):
                    yield path, node

    def classes(self) -> Iterator[ast.ClassDef]:
        """Every class."""
        for module in self.modules.values():
            yield from (node for node in ast.walk(module) if isinstance(node, ast.ClassDef))


def _length(node: Function) -> int:
    """Lines of a function without its docstring."""
    length = (node.end_lineno or node.lineno) - node.lineno + 1
    if ast.get_docstring(node) is not None:
        first = node.body[0]
        length -= (first.end_lineno or first.lineno) - first.lineno + 1
    return length


def top_level_names(tree: Tree) -> list[str]:
    """Modules and packages directly in the package, without those that begin with an underscore."""
    names = {path.stem for path in tree.package.glob("*.py")} | {path.parent.name for path in _packages(tree)}
    return sorted(name for name in names if not name.startswith("_"))


def _packages(tree: Tree) -> list[Path]:
    return list(tree.package.glob("*/__init__.py"))


def repeated_class_names(tree: Tree) -> list[str]:
    """Names of classes that more than one class has, with or without an underscore in front."""
    counts = collections.Counter(node.name.lstrip("_") for node in tree.classes())
    return sorted(f"{name}: {count}" for name, count in counts.items() if count > 1 and name not in PUBLISHED_TWICE)


def queue_wait_fields(tree: Tree) -> int:
    """How many classes declare the wait in the queue as a field; one finished call passes through them."""
    return sum(
        any(
            isinstance(item, ast.AnnAssign)
            and isinstance(item.target, ast.Name)
            and item.target.id.startswith("queue_wait")
            for item in node.body
        )
        for node in tree.classes()
    )


def private_functions(tree: Tree) -> list[tuple[Path, Function]]:
    """Functions whose names begin with one underscore."""
    return [(path, node) for path, node in tree.functions() if node.name.startswith("_") and node.name[1:2] != "_"]


def called_once(tree: Tree) -> list[tuple[Path, Function]]:
    """Private functions that one place of their file names; a reader has to jump for each."""
    uses: dict[Path, collections.Counter[str]] = {}
    for path, module in tree.modules.items():
        names = (node.id for node in ast.walk(module) if isinstance(node, ast.Name))
        attributes = (node.attr for node in ast.walk(module) if isinstance(node, ast.Attribute))
        uses[path] = collections.Counter(names) + collections.Counter(attributes)
    return [(path, node) for path, node in private_functions(tree) if uses[path][node.name] == 1]


def pointing_docstrings(tree: Tree) -> list[str]:
    """Return file and line of each public module, class and function whose docstring points at its subject."""
    return [
        f"{path}:{getattr(node, 'lineno', 1)}"
        for path, module in tree.modules.items()
        for node in ast.walk(module)
        if isinstance(node, ast.Module | ast.ClassDef | Function)
        and not getattr(node, "name", path.stem if path.stem != "__init__" else "").startswith("_")
        and POINTING.match(ast.get_docstring(node) or "")
    ]


def counted(tree: Tree) -> list[Row]:
    """The rows that the syntax trees give."""
    top, repeated = top_level_names(tree), repeated_class_names(tree)
    functions = [node for _path, node in tree.functions()]
    lengths = sorted(map(_length, functions))
    private, single = private_functions(tree), called_once(tree)
    short = [node for _path, node in single if _length(node) <= SHORT]
    return [
        Row("top_level_names", "top-level names of the package without underscore", str(len(top))),
        Row("repeated_class_names", "class names used for two or more things", str(len(repeated))),
        Row("queue_wait_fields", "classes that declare queue_wait", str(queue_wait_fields(tree))),
        Row("pointing_docstrings", "public docstrings that point", str(len(pointing_docstrings(tree)))),
        Row("modules", "modules", str(len(tree.modules))),
        Row("function_length_p90", "reported: function length p90", str(lengths[len(lengths) * 9 // 10])),
        Row("private_functions", "reported: private functions", f"{len(private) / len(functions):.0%}"),
        Row("called_once", "reported: private functions with one caller", str(len(single))),
        Row("short_called_once", f"reported: of these, of at most {SHORT} lines", str(len(short))),
    ]


def _environment(tree: Tree, home: Path) -> Mapping[str, str]:
    """What a command of that checkout runs under: its own sources first, and none of the caller's settings."""
    ours = ("POET_", "PYTHON")
    own = os.environ.items()  # noqa: TID251 - what the commands inherit; nothing of ours is read from it
    kept = {name: value for name, value in own if not name.startswith(ours)}
    return {**kept, "PYTHONPATH": str(tree.folder / "engine"), "POET_HOME": str(home), "POET_SANDBOX": "process"}


def _cpu_seconds(command: list[str], environment: Mapping[str, str], folder: Path) -> float:
    """CPU of a command and of what it waited for."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, env=environment, cwd=folder, capture_output=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def measured(tree: Tree) -> list[Row]:
    """The rows that running commands gives."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        (folder / "shapes.py").write_text(AREA, encoding="utf-8")
        environment = _environment(tree, folder / "home")
        poet = [sys.executable, "-c", "from poet_engine.cli import main; main()"]
        commands = {
            "bare": [sys.executable, "-c", "pass"],
            "version": [*poet, "--version"],
            "run": [*poet, "run", "shapes.py:area", "--args", "[3, 4]"],
        }
        taken: dict[str, list[float]] = collections.defaultdict(list)
        for _round in range(ROUNDS):
            for name, command in commands.items():
                taken[name].append(_cpu_seconds(command, environment, folder))
        ended = subprocess.run(
            [sys.executable, "-c", _COUNT], env=environment, cwd=folder, capture_output=True, text=True, check=True
        )
    calls = json.loads(ended.stderr.splitlines()[-1])
    bare = statistics.median(taken["bare"])
    version, run = (statistics.median(taken[name]) / bare for name in ("version", "run"))
    share = f"{calls['all']}, {calls['policy'] / calls['all']:.0%} of them the policy's"
    return [
        Row("calls_of_run", "calls of ours that `poet run` makes", share),
        Row("cpu_of_version", "CPU of `poet --version`, times that of a bare interpreter", f"{version:.1f}"),
        Row("cpu_of_run", "CPU of `poet run`, times that of a bare interpreter", f"{run:.1f}"),
    ]


@contextlib.contextmanager
def checkout(revision: str) -> Iterator[Path]:
    """The files of a commit, in a folder of their own."""
    archive = subprocess.run(["git", "archive", revision], cwd=ROOT, capture_output=True, check=False)
    if archive.returncode:
        raise ValueError(archive.stderr.decode().strip())
    with tempfile.TemporaryDirectory() as folder:
        with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as tar:
            tar.extractall(folder, filter="data")
        yield Path(folder)


def table(folder: Path, *, runs: bool) -> list[Row]:
    """All rows of a checkout."""
    tree = Tree(folder)
    return counted(tree) + (measured(tree) if runs else [])


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description="Measure how easy the code is to find one's way in.")
    parser.add_argument("--against", metavar="REV", help="a commit to put beside this checkout")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--skip-runs", action="store_true", help="only what the sources tell; runs no command of ours")
    asked = parser.parse_args()
    columns = {}
    if asked.against:
        try:
            with checkout(asked.against) as folder:
                columns[asked.against] = table(folder, runs=not asked.skip_runs)
        except ValueError as error:
            parser.error(f"git has no files of {asked.against}: {error}")
    columns["here"] = table(ROOT, runs=not asked.skip_runs)
    if asked.json:
        print(json.dumps({name: {row.key: row.value for row in rows} for name, rows in columns.items()}, indent=1))
        return 0
    print("| what | " + " | ".join(columns) + " |\n|---|" + "---|" * len(columns))
    for rows in zip(*columns.values(), strict=True):
        print(f"| {rows[0].title} | " + " | ".join(row.value for row in rows) + " |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
