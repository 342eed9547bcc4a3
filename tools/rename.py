"""Rename what tools/renames.toml lists, everywhere in a checkout.

    python tools/rename.py [--table NAME ...] [--root FOLDER]

Names first, then modules with their tests, then paths in texts. Names are told apart by what they mean (rope), so two
classes of one name are two; where rope cannot tell the type of an object, mypy names the line. What is not there any
more has been renamed already and is passed over, so a table can be applied again after a merge. Run it on a clean
checkout, then `ruff check --fix` and `ruff format`. It needs the extra `dev`.
"""

import argparse
import ast
import itertools
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

from rope.base.project import Project
from rope.refactor import patchedast
from rope.refactor.move import create_move
from rope.refactor.rename import Rename

HERE = Path(__file__).resolve().parent
PACKAGE = "engine/poet_engine"
MODULES = "modules"  # the table whose rows are paths; the rows of every other are `path:definition`
_IGNORED = (".git", ".venv*", "*.pyc", "docs", "tests/security/corpus", ".*_cache", "tools/rename*")
_TEXTS = ("*.py", "*.md", "*.toml", "*.json", "*.txt", "Makefile", "tests/cgroup2/*", "tests/docker/*")
_LONGEST_CALL = 12  # lines
_NO_KEYWORD = re.compile(r'^(.+?):(\d+): error: Unexpected keyword argument "(\w+)"')
_NO_ATTRIBUTE = re.compile(r'^(.+?):(\d+): error: (?:Item )?"[^"]+"(?: of "[^"]+")? has no attribute "(\w+)"')
Table = Mapping[str, str]


def _line_starts(source: str) -> list[int]:
    return list(itertools.accumulate((len(line) for line in source.splitlines(keepends=True)), initial=0))


def _set_regions(module: ast.AST, source: str, *_more: object) -> ast.AST:
    """Give each node the region that the parser knows, as rope wants it; rope's own search fails at some f-strings."""
    starts, lines = _line_starts(source), source.splitlines()

    def offset(line: int, octets: int) -> int:
        text = lines[line - 1]
        return starts[line - 1] + (octets if text.isascii() else len(text.encode()[:octets].decode()))

    for node in ast.walk(module):
        region = (0, len(source))
        if isinstance(node, ast.stmt | ast.expr | ast.arg | ast.keyword | ast.alias | ast.excepthandler):
            end_line, end_column = node.end_lineno or node.lineno, node.end_col_offset or 0
            region = (offset(node.lineno, node.col_offset), offset(end_line, end_column))
        node.__dict__["region"] = region
    return module


patchedast.patch_ast = _set_regions


def _defined(node: ast.stmt) -> set[str]:
    match node:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return {name}
        case ast.AnnAssign(target=ast.Name(id=name)):
            return {name}
        case ast.Assign(targets=targets):
            return {target.id for target in targets if isinstance(target, ast.Name)}
        case _:
            return set()


def offset_of(source: str, qualified: str) -> int | None:
    """Where the name of a definition stands in a source, such as `Class.method`; None where there is none."""
    body: list[ast.stmt] = ast.parse(source).body
    node: ast.stmt | None = None
    for part in qualified.split("."):
        node = next((item for item in body if part in _defined(item)), None)
        if node is None:
            return None
        body = node.body if isinstance(node, ast.ClassDef) else []
    if node is None:
        return None
    name = re.compile(rf"\b{re.escape(qualified.rpartition('.')[2])}\b")
    found = name.search(source, _line_starts(source)[node.lineno - 1])
    return None if found is None else found.start()


class Renamer:
    """Applies rows to one checkout.

    Args:
        root: Its top level.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._project = Project(str(root), ropefolder=None, source_folders=["engine"], ignored_resources=list(_IGNORED))

    def name(self, what: str, new: str) -> bool:
        """Rename `path:Class`, `path:function` or `path:Class.method`; whether it was there."""
        path, _, qualified = what.partition(":")
        if not (self._root / PACKAGE / path).exists():
            return False
        resource = self._project.get_resource(f"{PACKAGE}/{path}")
        offset = offset_of(resource.read(), qualified)
        if offset is None:
            return False
        self._project.do(Rename(self._project, resource, offset).get_changes(new, docs=True))
        return True

    def module(self, old: str, new: str) -> bool:
        """Rename and move a module (`a/b.py`) or a package (`a/b`); whether it was there."""
        before, after = Path(PACKAGE, old), Path(PACKAGE, new)
        if not (self._root / before).exists():
            return False
        if before.name != after.name:
            rename = Rename(self._project, self._project.get_resource(str(before)))
            self._project.do(rename.get_changes(after.stem))
        if before.parent != after.parent:
            move = create_move(self._project, self._project.get_resource(str(before.with_name(after.name))))
            self._project.do(move.get_changes(self._project.get_resource(str(after.parent))))
        return True


def fix_members(root: Path, members: Table) -> None:
    """Rename members where rope could not tell the type: mypy names each line that asks for one that is not there."""
    for path, line, name in _complaints(root, _NO_ATTRIBUTE):
        if name in members:
            _replace_in_line(root / path, line, rf"\.{name}\b", f".{members[name]}")


def fix_keywords(root: Path, modules: Table) -> None:
    """Give keywords their names back that rope took for a module of the same name: mypy names the line of each."""
    stems = {Path(new).stem: Path(old).stem for old, new in modules.items()}
    for path, line, name in _complaints(root, _NO_KEYWORD):
        if name in stems:
            for below in range(_LONGEST_CALL):  # mypy names the line that the call begins on
                _replace_in_line(root / path, line + below, rf"\b{name}=(?!=)", f"{stems[name]}=")


def _complaints(root: Path, error: re.Pattern[str]) -> list[tuple[str, int, str]]:
    """Where mypy reports an error, and about which name."""
    ended = subprocess.run([sys.executable, "-m", "mypy"], cwd=root, capture_output=True, text=True, check=False)
    found = {match.groups() for match in map(error.match, ended.stdout.splitlines()) if match}
    return sorted((path, int(line), name) for path, line, name in found)


def _replace_in_line(file: Path, line: int, pattern: str, new: str) -> None:
    lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
    if line > len(lines):
        return
    lines[line - 1] = re.sub(pattern, new, lines[line - 1])
    file.write_text("".join(lines), encoding="utf-8")


def move_tests(root: Path, modules: Table) -> None:
    """Tests stand where what they test stands."""
    for old, new in modules.items():
        before, after = root / "tests/unit" / old, root / "tests/unit" / new
        if old.endswith(".py"):
            before, after = (path.with_name(f"test_{path.name.lstrip('_')}") for path in (before, after))
        if before.exists() and not after.exists():
            after.parent.mkdir(parents=True, exist_ok=True)
            subprocess.run(["git", "mv", str(before), str(after)], cwd=root, check=True)


def _path_patterns(modules: Table) -> Iterator[tuple[re.Pattern[str], str]]:
    """How modules are named in texts: with dots behind the package's name, and as paths."""
    for old, new in sorted(modules.items(), key=lambda row: -len(row[0])):
        before, after = (path.removesuffix(".py").replace("/", ".") for path in (old, new))
        yield re.compile(rf"\bpoet_engine\.{re.escape(before)}(?!\w)"), f"poet_engine.{after}"
        yield re.compile(rf"\btests\.unit\.{re.escape(before)}\.(?=test_)"), f"tests.unit.{after}."
        if old.endswith(".py"):
            one, other = (re.sub(r"(\A|\.)_?(\w+)\Z", r"\1test_\2", name) for name in (before, after))
            yield re.compile(rf"\btests\.unit\.{re.escape(one)}\b"), f"tests.unit.{other}"
            yield re.compile(rf"\bunit/{re.escape(one.replace('.', '/'))}\.py\b"), f"unit/{other.replace('.', '/')}.py"
        yield re.compile(rf"\bunit/{re.escape(old)}/"), f"unit/{new}/"
        yield re.compile(rf"(?<=`){re.escape(old)}(?=[`/])|(?<=poet_engine/){re.escape(old)}(?!\w)"), new
        if "/" in old:
            yield re.compile(rf"(?<![\w/]){re.escape(old)}(?![\w.])"), new
        if old.startswith("guest/"):
            inner, new_inner = before.removeprefix("guest."), after.removeprefix("guest.")
            yield re.compile(rf"\bpoet_guest\.{inner}(?!\w)"), f"poet_guest.{new_inner}"


def fix_texts(root: Path, classes: Table, modules: Table) -> None:
    """Rename modules in texts, such as lazy exports and pages, and classes between backticks in the pages."""
    patterns = list(_path_patterns(modules))
    in_pages = [(re.compile(rf"(?<=`){old}(?=[`.(])"), new) for old, new in classes.items()]
    listed = subprocess.run(["git", "ls-files", *_TEXTS], cwd=root, capture_output=True, text=True, check=True)
    for path in listed.stdout.splitlines():
        file = root / path
        if not file.is_file() or "/corpus/" in path or path.startswith("tools/rename"):
            continue
        before = text = file.read_text(encoding="utf-8")
        for pattern, new in patterns + (in_pages if path.endswith(".md") else []):
            text = pattern.sub(new, text)
        if text != before:
            file.write_text(text, encoding="utf-8")


def apply(root: Path, tables: Mapping[str, Table]) -> list[str]:
    """Apply tables to a checkout; the rows that named nothing."""
    renamer = Renamer(root)
    modules = tables.get(MODULES, {})
    names = [row for title, table in tables.items() if title != MODULES for row in table.items()]
    missed = [old for old, new in names if not renamer.name(old, new)]
    missed += [old for old, new in modules.items() if not renamer.module(old, new)]
    move_tests(root, modules)
    parts = [(old.partition(":")[2], new) for old, new in names]
    fix_texts(root, {old: new for old, new in parts if old[:1].isupper() and "." not in old}, modules)
    fix_keywords(root, modules)
    fix_members(root, {old.rpartition(".")[2]: new for old, new in parts if "." in old})
    return missed


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description="Rename what tools/renames.toml lists, everywhere in a checkout.")
    parser.add_argument("--table", nargs="*", help="only these tables of the file")
    parser.add_argument("--root", type=Path, default=HERE.parent, help="the checkout, by default this one")
    asked = parser.parse_args()
    tables = tomllib.loads((HERE / "renames.toml").read_text(encoding="utf-8"))
    unknown = sorted(set(asked.table or ()) - set(tables))
    if unknown:
        parser.error(f"renames.toml has no table {', '.join(unknown)}; it has {', '.join(tables)}")
    chosen = {title: table for title, table in tables.items() if not asked.table or title in asked.table}
    for old in apply(asked.root.resolve(), chosen):
        print(f"not there: {old}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
