"""Remove POET's decorators and imports from a source without moving a line. Runs in the worker."""

import ast
import re

_PACKAGE = "poet_engine"
_DECORATOR = "poet"
_LINE_END = re.compile(rb"\r\n|\n|\r")  # as the parser counts; a form feed ends no line


def undecorate(text: str) -> str:
    """Return the source with `@poet…` decorators and imports of `poet_engine` blanked out.

    Args:
        text: A module. `poet` may be imported under another name or used as `poet_engine.poet`.

    Raises:
        SyntaxError: The source does not parse, or the result does not.
        ValueError: The source holds null bytes.
    """
    tree = ast.parse(text)
    page = _Page(text)
    names, modules = _known(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            _decorators(node, page, names, modules)
        for field in ("body", "orelse", "finalbody"):
            body: object = getattr(node, field, None)
            if isinstance(body, list):
                _imports([item for item in body if isinstance(item, ast.stmt)], page)
    result = page.text()
    ast.parse(result)
    return result


def _known(tree: ast.Module) -> tuple[set[str], set[str]]:
    """Return the names by which this source refers to `poet`, and those of the package."""
    names, modules = {_DECORATOR}, {_PACKAGE}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == _PACKAGE:
            names.update(alias.asname or alias.name for alias in node.names if alias.name == _DECORATOR)
        elif isinstance(node, ast.Import):
            modules.update(alias.asname for alias in node.names if alias.name == _PACKAGE and alias.asname)
    return names, modules


class _Page:
    """A source that is blanked in place; positions are those of the tree: 1-based lines, columns in bytes of UTF-8."""

    def __init__(self, text: str) -> None:
        self._bytes = bytearray(text.encode())
        self._starts = [0, *(match.end() for match in _LINE_END.finditer(self._bytes))]

    def index(self, line: int, column: int) -> int:
        return self._starts[line - 1] + column

    def before(self, index: int, wanted: bytes) -> int:
        """Return the last index of `wanted` before `index`."""
        return self._bytes.rindex(wanted, 0, index)

    def blank(self, start: int, end: int, instead: bytes = b"") -> None:
        """Overwrite a range with spaces, except for line ends, and put `instead` at its start."""
        for index in range(start, end):
            if self._bytes[index] not in b"\r\n":
                self._bytes[index] = 0x20
        # before the first line end, so that no line moves; what does not fit makes the line longer
        room = next((i for i in range(start, end) if self._bytes[i] in b"\r\n"), end) - start
        if len(instead) <= room:
            self._bytes[start : start + len(instead)] = instead
        elif instead:
            self._bytes[start : start + room] = instead
            shift = len(instead) - room
            self._starts = [begin + shift if begin > start else begin for begin in self._starts]

    def alone(self, start: int, end: int) -> bool:
        """Whether nothing but a comment shares the lines of a range."""
        head = bytes(self._bytes[:start]).replace(b"\r", b"\n").rpartition(b"\n")[2]
        tail = bytes(self._bytes[end:]).replace(b"\r", b"\n").partition(b"\n")[0]
        return not head.strip() and (not tail.strip() or tail.strip().startswith(b"#"))

    def text(self) -> str:
        return self._bytes.decode()


def _decorators(
    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef, page: _Page, names: set[str], modules: set[str]
) -> None:
    if not node.decorator_list:
        return
    starts = [page.before(page.index(one.lineno, one.col_offset), b"@") for one in node.decorator_list]
    ends = [*starts[1:], page.index(node.lineno, node.col_offset)]
    for decorator, start, end in zip(node.decorator_list, starts, ends, strict=True):
        if _is_ours(decorator, names, modules):
            page.blank(start, end)


def _is_ours(decorator: ast.expr, names: set[str], modules: set[str]) -> bool:
    if isinstance(decorator, ast.Call):
        decorator = decorator.func
    if isinstance(decorator, ast.Attribute):
        return decorator.attr == _DECORATOR and isinstance(decorator.value, ast.Name) and decorator.value.id in modules
    return isinstance(decorator, ast.Name) and decorator.id in names


def _imports(body: list[ast.stmt], page: _Page) -> None:
    for statement in body:
        kept = _kept(statement)
        if kept is None:
            continue
        start = page.index(statement.lineno, statement.col_offset)
        end = page.index(statement.end_lineno or statement.lineno, statement.end_col_offset or 0)
        needed = len(body) == 1 or not page.alone(start, end)
        page.blank(start, end, (kept or ("pass" if needed else "")).encode())


def _kept(statement: ast.stmt) -> str | None:
    """Return the rest of an import without ours: empty if nothing is left; None for other statements."""
    if isinstance(statement, ast.ImportFrom):
        return "" if not statement.level and _ours(statement.module or "") else None
    if not isinstance(statement, ast.Import) or not any(_ours(alias.name) for alias in statement.names):
        return None
    rest = [alias for alias in statement.names if not _ours(alias.name)]
    return ast.unparse(ast.Import(rest)) if rest else ""


def _ours(module: str) -> bool:
    return module.partition(".")[0] == _PACKAGE
