"""What the house style asks for and no linter sees. Every check is shown to find a bad sample."""

import ast
import fnmatch
import io
import re
import sys
import tokenize
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.scripts import script

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "engine" / "poet_engine"

LONGEST_FUNCTION = 60
LONGEST_MODULE = 600
# Longer modules, and why each is better read in one piece. A phrase in the module itself buys nothing.
LONG_MODULES: dict[str, str] = {}
# Names of classes that two classes share, and why.
SHARED_CLASS_NAMES = {
    "InputRefused": "what generated code raises and what the caller catches have one published name",
}
DATA = frozenset({"corpus", "programs", "differences"})  # folders of sources that are no code of ours
MOST_PUBLIC_NAMES = 12
BANNED_WORDS = frozenset({"manager", "helper", "util", "utils", "handler", "processor", "common", "misc"})
TOP_LEVEL = frozenset(
    {
        *(".ci", ".editorconfig", ".git", ".gitignore", ".pre-commit-config.yaml"),
        *("CHANGELOG.md", "CONTRIBUTING.md", "Makefile", "README.md", "pyproject.toml"),
        *("benchmarks", "deploy", "docs", "engine", "examples", "policies", "sandbox_images", "tests", "tools"),
    }
)

# Words that a docstring of a public thing does not begin with: they point at it.
POINTING_WORDS = frozenset({"What", "Which", "Such", "It", "Itself"})

# Words that add nothing to a name.
_FILLERS = frozenset(
    {"a", "an", "and", "for", "from", "get", "given", "is", "of", "return", "set", "the", "this", "to"}
)
_BANNER = re.compile(r"#[#\s]*([-=#*~_])\1{3,}|#{3,}")
_WAIVER = re.compile(r"#\s*(?:noqa|type:\s*ignore)(?P<codes>:?[^#\n]*)")
_WAIVER_REASON = re.compile(r"(?::\s*[A-Z]+[0-9]+(?:\s*,\s*[A-Z]+[0-9]+)*\s+-|\[[\w, -]+\]\s+(?:-|#))\s+\S+")

Node = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
Check = Callable[[str], list[str]]


def _words(name: str) -> set[str]:
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name).replace("_", " ")
    return {word.lower() for word in re.findall(r"[A-Za-z0-9]+", spaced)}


def _stems(words: set[str]) -> set[str]:
    return {word.rstrip("s") for word in words - _FILLERS}


def _named_nodes(text: str) -> Iterator[Node]:
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, Node):
            yield node


def _comments(text: str) -> Iterator[tuple[int, str]]:
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string


def echoing_docstrings(text: str) -> list[str]:
    """Docstrings that say nothing but the name they stand under."""
    return [
        f"line {node.lineno}: the docstring of {node.name} only repeats its name"
        for node in _named_nodes(text)
        if (doc := ast.get_docstring(node)) and _stems(_words(doc)) <= _stems(_words(node.name))
    ]


def banned_class_names(text: str) -> list[str]:
    """Classes named for no job in particular."""
    return [
        f"line {node.lineno}: the class name {node.name} says nothing about its job"
        for node in _named_nodes(text)
        if isinstance(node, ast.ClassDef) and _words(node.name) & BANNED_WORDS
    ]


def banner_comments(text: str) -> list[str]:
    """Comments that draw lines."""
    return [f"line {line}: a banner comment" for line, comment in _comments(text) if _BANNER.match(comment)]


def bare_waivers(text: str) -> list[str]:
    """Suppressed findings of a linter without a code and a reason on the same line."""
    return [
        f"line {line}: a waiver needs its code and its reason: {comment}"
        for line, comment in _comments(text)
        if (found := _WAIVER.match(comment)) and not _WAIVER_REASON.match(comment[found.start("codes") :])
    ]


def long_functions(text: str) -> list[str]:
    """Functions over the budget, the docstring not counted: documentation is not what makes one hard to follow."""
    return [
        f"line {node.lineno}: {node.name} has {length} lines, more than {LONGEST_FUNCTION}"
        for node in _named_nodes(text)
        if not isinstance(node, ast.ClassDef) and (length := _length(node)) > LONGEST_FUNCTION
    ]


def _length(node: Node) -> int:
    length = (node.end_lineno or node.lineno) - node.lineno + 1
    first = node.body[0]
    if ast.get_docstring(node) is not None:
        length -= (first.end_lineno or first.lineno) - first.lineno + 1
    return length


def long_modules(text: str) -> list[str]:
    """Modules over the budget."""
    length = text.count("\n")
    return [] if length <= LONGEST_MODULE else [f"{length} lines, more than {LONGEST_MODULE}"]


def pointing_docstrings(text: str) -> list[str]:
    """Docstrings of public things that point at them instead of naming them."""
    tree = ast.parse(text)
    documented = [("the module", tree), *((node.name, node) for node in _public_nodes(tree))]
    return [
        f"the docstring of {name} begins with {first}: name the thing"
        for name, node in documented
        if (first := (ast.get_docstring(node) or "").partition(" ")[0].rstrip(".,:;")) in POINTING_WORDS
    ]


def _public_nodes(within: ast.AST) -> Iterator[Node]:
    for node in ast.iter_child_nodes(within):
        if isinstance(node, Node) and (not node.name.startswith("_") or node.name.endswith("__")):
            yield node
            if isinstance(node, ast.ClassDef):
                yield from _public_nodes(node)


def crowded_packages(text: str) -> list[str]:
    """An `__init__.py` that offers more public names than a reader can hold."""
    names: set[str] = set()
    for node in ast.parse(text).body:
        match node:
            case ast.Assign(targets=[ast.Name(id="__all__")], value=ast.List(elts=items) | ast.Tuple(elts=items)):
                names = {ast.unparse(item) for item in items}
                break
            case ast.ClassDef(name=name) | ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                names.add(name)
            case ast.ImportFrom(names=aliases):
                names |= {alias.asname or alias.name for alias in aliases}
            case _:
                continue
    public = {name for name in names if not name.startswith("_")}
    return [] if len(public) <= MOST_PUBLIC_NAMES else [f"{len(public)} public names, more than {MOST_PUBLIC_NAMES}"]


def foreign_imports(text: str) -> list[str]:
    """Imports of anything but the standard library and the guest's own modules beside the file."""
    found = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            found += [(node.lineno, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level != 1:
            found.append((node.lineno, "." * node.level + (node.module or "")))
    return [
        f"line {line}: {name} is not in the standard library"
        for line, name in found
        if name.partition(".")[0] not in sys.stdlib_module_names
    ]


BAD_SAMPLES: dict[Check, str] = {
    echoing_docstrings: 'def read_file():\n    """Reads the file."""\n',
    banned_class_names: "class LaneManager:\n    pass\n",
    banner_comments: "# ---- section ----\n",
    bare_waivers: "import os  # noqa: F401\n",
    long_functions: "def long():\n" + "    x = 1\n" * LONGEST_FUNCTION,
    long_modules: "x = 1\n" * (LONGEST_MODULE + 1),
    pointing_docstrings: 'class Counters:\n    """What there is."""\n',
    crowded_packages: "__all__ = " + repr([f"name{n}" for n in range(MOST_PUBLIC_NAMES + 1)]),
    foreign_imports: "def late():\n    import numpy\n",
}
MORE_BAD_SAMPLES: list[tuple[Check, str]] = [
    (banner_comments, "##########\n"),
    (bare_waivers, "x = 1  # type: ignore[attr-defined]\n"),
    (bare_waivers, "x = 1  # type: ignore\n"),
    (bare_waivers, "x = 1  # noqa\n"),
    (foreign_imports, "from ..outcome import Outcome\n"),
    (foreign_imports, "from poet_engine import outcome\n"),
    (echoing_docstrings, 'class PolicyError:\n    """The policy error."""\n'),
    (long_modules, '"""In one piece: it is one table."""\n' + "x = 1\n" * LONGEST_MODULE),
    (pointing_docstrings, '"""Itself."""\n'),
    (pointing_docstrings, 'class Pool:\n    def size(self):\n        """Which there are."""\n'),
]
GOOD_SAMPLES: list[tuple[Check, str]] = [
    (echoing_docstrings, 'def read_file():\n    """The text of a file in UTF-8."""\n'),
    (bare_waivers, "import os  # noqa: F401, S404 - the name is part of the interface\n"),
    (bare_waivers, "x = 1  # type: ignore[attr-defined]  # the stub lacks it\n"),
    (long_functions, 'def long():\n    """' + "line\n    " * LONGEST_FUNCTION + '"""\n'),
    (pointing_docstrings, 'class _Row:\n    """What a row is."""\n'),
    (pointing_docstrings, 'def frozen():\n    """Whatever was counted, frozen."""\n'),
    (foreign_imports, "import os.path\nfrom . import frames\nfrom .codec import encode\n"),
]
EVERY_MODULE: tuple[Check, ...] = (
    *(echoing_docstrings, banned_class_names, banner_comments, bare_waivers, long_functions),
)


def _modules(*folders: Path) -> list[Path]:
    """Every module but the sources that the gate judges and the programs that a sandbox runs: those are data."""
    return sorted(path for folder in folders for path in folder.rglob("*.py") if DATA.isdisjoint(path.parts))


def _complaints(check: Check, paths: list[Path]) -> list[str]:
    return [
        f"{path.relative_to(ROOT)}: {complaint}"
        for path in paths
        for complaint in check(path.read_text(encoding="utf-8"))
    ]


@pytest.mark.parametrize(("check", "sample"), [*BAD_SAMPLES.items(), *MORE_BAD_SAMPLES])
def test_every_check_finds_a_bad_sample(check: Check, sample: str) -> None:
    assert len(check(sample)) == 1


@pytest.mark.parametrize(("check", "sample"), GOOD_SAMPLES)
def test_no_check_minds_a_good_sample(check: Check, sample: str) -> None:
    assert check(sample) == []


@pytest.mark.parametrize("check", EVERY_MODULE)
def test_every_module_keeps_the_house_style(check: Check) -> None:
    paths = _modules(PACKAGE, ROOT / "tests", ROOT / "benchmarks", ROOT / "examples")
    assert len(paths) > 10, "the check looks in the wrong place"
    assert _complaints(check, paths) == []


def test_no_module_is_longer_than_a_reader_can_hold() -> None:
    paths = _modules(PACKAGE, ROOT / "tests", ROOT / "benchmarks", ROOT / "examples", ROOT / "tools")
    long = {complaint.partition(":")[0] for complaint in _complaints(long_modules, paths)}
    assert long == set(LONG_MODULES)


def test_docstrings_of_public_things_name_them() -> None:
    assert _complaints(pointing_docstrings, _modules(PACKAGE)) == []


def test_no_class_name_is_used_for_two_things() -> None:
    """An underscore does not make two names of one."""
    homes: dict[str, list[str]] = {}
    for path in _modules(PACKAGE):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                homes.setdefault(node.name.lstrip("_"), []).append(f"{path.relative_to(PACKAGE)}:{node.lineno}")
    shared = {name: places for name, places in homes.items() if len(places) > 1}
    assert set(shared) == set(SHARED_CLASS_NAMES), shared


def test_no_module_is_named_for_no_job_in_particular() -> None:
    assert [str(path) for path in _modules(PACKAGE, ROOT / "tests") if _words(path.stem) & BANNED_WORDS] == []


def test_no_two_classes_have_one_name() -> None:
    """Those that may are listed in tools/house.py, each with its reason."""
    house = script("house")
    assert house.repeated_class_names(house.Tree(ROOT)) == []


def test_packages_offer_few_names() -> None:
    assert _complaints(crowded_packages, sorted(PACKAGE.rglob("__init__.py"))) == []


def test_the_guest_needs_nothing_but_the_standard_library() -> None:
    guest = _modules(PACKAGE / "guest")
    assert guest, "the check looks in the wrong place"
    assert _complaints(foreign_imports, guest) == []


def test_nothing_unexpected_lies_at_the_top() -> None:
    """A new file at the top is either on the list or, if it is generated, in .gitignore."""
    ignored = [line.rstrip("/") for line in (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines() if line]
    found = {path.name for path in ROOT.iterdir()} - TOP_LEVEL
    assert sorted(name for name in found if not any(fnmatch.fnmatch(name, pattern) for pattern in ignored)) == []


def test_the_package_has_no_file_that_a_tool_left() -> None:
    """What lies there is in the wheel: modules, data that they read, and the marker of types."""
    files = [path for path in PACKAGE.rglob("*") if path.is_file() and path.parent.name != "__pycache__"]
    assert [str(path) for path in files if path.suffix not in {".py", ".txt", ".csv"} and path.name != "py.typed"] == []


def test_every_module_has_a_layer_below_its_faces() -> None:
    """The layers are exhaustive: `lint-imports` fails for a module that has none."""
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert 'type = "layers"' in project
    assert "exhaustive = true" in project
    assert "exhaustive_ignores" not in project


def _without_blocks(text: str) -> str:
    """A page without its fenced blocks, in which a patch may bring a link that leads nowhere yet."""
    return re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)


def test_links_in_the_documents_lead_somewhere() -> None:
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").rglob("*.md")]
    links = [
        (page, link)
        for page in pages
        for link in re.findall(
            r"\]\((?!https?:|mailto:|#)([^)#\s]+)", _without_blocks(page.read_text(encoding="utf-8"))
        )
    ]
    assert [f"{page.relative_to(ROOT)}: {link}" for page, link in links if not (page.parent / link).exists()] == []
