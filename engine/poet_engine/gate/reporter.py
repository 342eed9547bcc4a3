"""Collector of findings: message with reason and remedy, position in characters, source line, fingerprint."""

import ast
import hashlib
import re

from poet_engine._text import visible
from poet_engine.gate.rules import CAUSES, RULES, SCAN_BANDIT, GateRule
from poet_engine.outcome import Finding, Severity

MOST = 200
_SNIPPET = 200
LINE_END = re.compile(r"\r\n|\r|\n")  # as the parser counts them
_PARTS = 2000  # of a node's normal form: what follows changes no fingerprint
_PASSING = frozenset({"ctx", "kind", "type_comment"})  # fields that do not change the meaning of a node


class Reporter:
    """The findings of one scan, at most `MOST` of them."""

    __slots__ = ("_causes", "_lines", "_seen", "dropped", "findings")

    def __init__(self, text: str) -> None:
        self._lines = LINE_END.split(text)
        self.findings: list[Finding] = []
        self.dropped = 0
        self._seen: set[tuple[str, int, int, int]] = set()
        self._causes: set[str] = set()

    @property
    def cause(self) -> str | None:
        """The first reason to reject, in the order of `CAUSES`; None when there is none."""
        return next((cause for cause in CAUSES if cause in self._causes), None)

    def at(self, rule_id: str, node: ast.AST, what: str) -> None:
        """Add a finding about a node of the tree; `what` is its first sentence."""
        line: int = getattr(node, "lineno", 0)
        end: int = getattr(node, "end_lineno", None) or line
        column: int = getattr(node, "col_offset", 0)
        end_column: int = getattr(node, "end_col_offset", None) or column
        places = (line, self._characters(line, column)), (end, self._characters(end, end_column))
        self._add(RULES[rule_id], what, *places, node)

    def add(self, rule: GateRule, what: str, start: tuple[int, int] = (0, 0)) -> None:
        """Add a finding at a position: 1-based line, 0-based column in characters."""
        self._add(rule, what, start, start, None)

    def _add(
        self, rule: GateRule, what: str, start: tuple[int, int], end: tuple[int, int], node: ast.AST | None
    ) -> None:
        if self._counted(rule.id, rule.cause, start, end):
            snippet = self._snippet(start[0])
            form = snippet if node is None else normal_form(node)
            self.findings.append(
                Finding(
                    rule.id,
                    rule.severity,
                    f"{visible(what)}. {rule.why} {rule.how}",
                    *start,
                    *end,
                    snippet=visible(snippet),
                    fingerprint=fingerprint(rule.id, form),
                )
            )

    def foreign(
        self,
        rule: str,
        severity: Severity,
        message: str,
        *,
        start: tuple[int, int],
        end: tuple[int, int],
        node: ast.AST | None,
    ) -> None:
        """Add a finding of another scanner; its columns are bytes of UTF-8, as in the tree."""
        first, last = (start[0], self._characters(*start)), (end[0], self._characters(*end))
        if self._counted(rule, SCAN_BANDIT, first, last):
            snippet = self._snippet(first[0])
            mark = fingerprint(rule, snippet if node is None else normal_form(node))
            self.findings.append(
                Finding(rule, severity, visible(message), *first, *last, visible(snippet), "bandit", fingerprint=mark)
            )

    def _counted(self, rule: str, cause: str, start: tuple[int, int], end: tuple[int, int]) -> bool:
        """Record the cause of a finding, and return whether it is new and within the limit."""
        self._causes.add(cause)
        key = (rule, *start, end[1])
        if key in self._seen:
            return False
        self._seen.add(key)
        if len(self.findings) < MOST:
            return True
        self.dropped += 1
        return False

    def _snippet(self, line: int) -> str:
        return self._lines[line - 1].strip()[:_SNIPPET] if 1 <= line <= len(self._lines) else ""

    def _characters(self, line: int, offset: int) -> int:
        """Return a column in bytes of UTF-8 as one in characters."""
        if not 1 <= line <= len(self._lines) or self._lines[line - 1].isascii():
            return offset
        head = self._lines[line - 1].encode("utf-8", "surrogatepass")[:offset]
        return len(head.decode("utf-8", "replace"))


def fingerprint(rule: str, form: str) -> str:
    """Return the identity of a finding, which stays the same wherever the code moves: 32 hexadecimal digits."""
    return hashlib.sha256(f"{rule}\0{form}".encode("utf-8", "surrogatepass")).hexdigest()[:32]


def normal_form(node: ast.AST) -> str:
    """Return the structure of a node as text, without positions, layout and comments."""
    parts: list[str] = []
    waiting: list[object] = [node]
    while waiting and len(parts) < _PARTS:
        item = waiting.pop()
        if isinstance(item, ast.AST):
            parts.append(type(item).__name__)
            fields = [getattr(item, name, None) for name in item._fields if name not in _PASSING]
            waiting.append(")")
            waiting.extend(value for value in reversed(fields) if value is not None and value != [])
        elif isinstance(item, list):
            waiting.append("]")
            waiting.extend(reversed(item))
        elif isinstance(item, int):
            parts.append(hex(item))  # a long integer is slow in decimal digits, or refused
        else:
            parts.append(item if item in {")", "]"} else repr(item))
    return " ".join(parts)
