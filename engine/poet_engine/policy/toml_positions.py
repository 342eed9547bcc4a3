"""Find the line of each key in a TOML text, which the parser of the standard library does not report."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping

# In order: multi-line strings, strings, comments, bare keys and numbers, and every other single character.
_PIECE = re.compile(
    r'"""(?:[^\\]|\\.)*?"""|' + r"'''.*?'''|" + r'"(?:[^"\\\n]|\\.)*"|' + r"'[^'\n]*'|" + r"#[^\n]*|[A-Za-z0-9_-]+|.",
    re.DOTALL,
)


def locate(text: str) -> Mapping[tuple[str, ...], int]:
    """Return every key and table header → its 1-based line. The keys of an inline table have the line of the table.

    Args:
        text: A document that the TOML parser has accepted; for any other text the result is meaningless.
    """
    found: dict[tuple[str, ...], int] = {}
    table: tuple[str, ...] = ()
    tables: Counter[tuple[str, ...]] = Counter()
    for line, statement in _statements(text):
        parts = _key(statement)
        if not parts:
            continue
        if statement[0] == "[":
            table = parts
            if statement[1] == "[":  # a list of tables: the number of each is a part of its key
                found.setdefault(parts, line)
                table = (*parts, str(tables[parts]))
                tables[parts] += 1
            found.setdefault(table, line)
        else:
            found.setdefault((*table, *parts), line)
    return found


def _statements(text: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the pieces of each statement with its first line; a line break inside brackets ends no statement."""
    line, began, depth = 1, 1, 0
    pieces: list[str] = []
    for match in _PIECE.finditer(text):
        piece = match[0]
        if piece == "\n" and depth == 0:
            yield began, pieces
            pieces = []
        elif not piece.isspace() and not piece.startswith("#"):
            began = began if pieces else line
            pieces.append(piece)
            depth += (piece in "[{") - (piece in "]}")
        line += piece.count("\n")
    yield began, pieces


def _key(statement: list[str]) -> tuple[str, ...]:
    """Return the dotted key that a statement begins with, without quotes."""
    parts: list[str] = []
    for piece in statement:
        if piece in {"=", "]"}:
            break
        if piece not in {".", "["}:
            parts.append(piece[1:-1] if piece[0] in "\"'" else piece)
    return tuple(parts)
