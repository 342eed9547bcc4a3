"""Collects findings: the rule's reason and remedy, the position in characters, the line itself."""

import ast
import dataclasses

from poet_engine.gate.rules import CAUSES, RULES, SCAN_BANDIT, Rule
from poet_engine.outcome import Finding, Severity

MOST = 200
_SNIPPET = 200


class Reporter:
    """The findings of one scan, at most `MOST` of them."""

    __slots__ = ("_causes", "_lines", "_seen", "dropped", "findings")

    def __init__(self, text: str) -> None:
        self._lines = text.split("\n")
        self.findings: list[Finding] = []
        self.dropped = 0
        self._seen: set[tuple[str, int, int, int]] = set()
        self._causes: set[str] = set()

    @property
    def cause(self) -> str | None:
        """The first reason to reject in the order of `CAUSES`."""
        return next((cause for cause in CAUSES if cause in self._causes), None)

    def at(self, rule_id: str, node: ast.AST, what: str) -> None:
        """A finding about a node of the tree; `what` says what was found."""
        line: int = getattr(node, "lineno", 0)
        end: int = getattr(node, "end_lineno", None) or line
        column: int = getattr(node, "col_offset", 0)
        end_column: int = getattr(node, "end_col_offset", None) or column
        self.add(RULES[rule_id], what, (line, self._characters(line, column)), (end, self._characters(end, end_column)))

    def add(self, rule: Rule, what: str, start: tuple[int, int] = (0, 0), end: tuple[int, int] | None = None) -> None:
        """A finding at a position: 1-based line and column in characters."""
        self._keep(
            Finding(
                rule.id,
                rule.severity,
                f"{what}. {rule.why} {rule.how}",
                *start,
                *(end or start),
                snippet=self._snippet(start[0]),
            ),
            rule.cause,
        )

    def foreign(
        self, rule: str, severity: Severity, message: str, *, start: tuple[int, int], end: tuple[int, int]
    ) -> None:
        """A finding of another scanner, its columns in bytes as the tree has them."""
        (line, column), (end_line, end_column) = start, end
        self._keep(
            Finding(
                rule,
                severity,
                message,
                line,
                self._characters(line, column),
                end_line,
                self._characters(end_line, end_column),
                self._snippet(line),
                "bandit",
            ),
            SCAN_BANDIT,
        )

    def _keep(self, finding: Finding, cause: str) -> None:
        self._causes.add(cause)
        key = (finding.rule, finding.line, finding.column, finding.end_column)
        if key in self._seen:
            return
        self._seen.add(key)
        if len(self.findings) < MOST:
            shown = dataclasses.replace(finding, message=_visible(finding.message), snippet=_visible(finding.snippet))
            self.findings.append(shown)
        else:
            self.dropped += 1

    def _snippet(self, line: int) -> str:
        return self._lines[line - 1].strip()[:_SNIPPET] if 1 <= line <= len(self._lines) else ""

    def _characters(self, line: int, offset: int) -> int:
        """A column in bytes of UTF-8 as one in characters."""
        if not 1 <= line <= len(self._lines) or self._lines[line - 1].isascii():
            return offset
        head = self._lines[line - 1].encode("utf-8", "surrogatepass")[:offset]
        return len(head.decode("utf-8", "replace"))


def _visible(text: str) -> str:
    """The text with control and direction characters written as escapes: reports go to terminals."""
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else one.encode("unicode_escape", "replace").decode() for one in text)
