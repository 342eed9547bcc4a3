"""Run bandit through its Python interface: one configuration for all scans, `nosec` ignored, the tree shared."""

import ast
import io
import logging
from collections.abc import Iterator

from poet_engine.gate import bandit_sums
from poet_engine.gate.bandit_libraries import CHECKS
from poet_engine.gate.bandit_modules import config, meta_ast, metrics, node_visitor, test_set, tester, utils
from poet_engine.gate.reporter import Reporter
from poet_engine.gate.rules import RULES
from poet_engine.gate.ruleset import Ruleset
from poet_engine.outcome import Severity

_NAME = "generated.py"
_RANKS = {Severity.LOW: 1, Severity.MEDIUM: 2, Severity.HIGH: 3}
_BANDIT = {"LOW": Severity.LOW, "MEDIUM": Severity.MEDIUM, "HIGH": Severity.HIGH}


class _Failures(logging.Handler):
    """Log handler that keeps the exceptions of bandit's checks, which bandit swallows and only logs."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage().splitlines()[0][:200])


class _Visitor(node_visitor.BanditNodeVisitor):  # type: ignore[misc]  # bandit ships no types
    """bandit's visitor at twice the speed: it skips nodes that no check is for, and keeps no score."""

    def generic_visit(self, node: ast.AST) -> None:
        """Drive the walk as bandit does, but enter only the nodes that have a check or that it keeps track of."""
        for field in node._fields:
            value: object = getattr(node, field, None)
            children = value if isinstance(value, list) else [value]
            for index, child in enumerate(children):
                if not isinstance(child, ast.AST) or isinstance(child, ast.expr_context | ast.operator | ast.cmpop):
                    continue
                # two marks that bandit's checks read; the tree's types do not know them, and they are bandit's own
                following = children[index + 1] if index + 1 < len(children) else None
                child._bandit_sibling = following  # type: ignore[attr-defined]  # noqa: SLF001 - as above
                child._bandit_parent = node  # type: ignore[attr-defined]  # noqa: SLF001 - as above
                self._enter(child)

    def _enter(self, node: ast.AST) -> None:
        kind = type(node).__name__
        if self.testset.get_tests(kind) or hasattr(self, f"visit_{kind}"):
            self.pre_visit(node)
            self.visit(node)
            self.generic_visit(node)
            self.post_visit(node)
        else:
            self.generic_visit(node)

    def update_scores(self, scores: object) -> None:
        """Keep no score: only the findings are used."""


class _Tester(tester.BanditTester):  # type: ignore[misc]  # bandit ships no types
    """bandit's tester with `nosec` comments ignored."""

    def _get_nosecs_from_contexts(self, *_: object, **__: object) -> None:
        return None


class BanditScan:
    """bandit's checks, loaded once and used for every source."""

    __slots__ = ("_checks", "_failures", "_meta")

    def __init__(self) -> None:
        self._checks = test_set.BanditTestSet(config.BanditConfig(), {})
        self._meta = meta_ast.BanditMetaAst()
        bandit_sums.replace(utils)
        self._failures = _Failures()
        log = logging.getLogger("bandit")
        log.handlers[:] = [self._failures]
        log.setLevel(logging.ERROR)
        log.propagate = False

    def check(self, tree: ast.Module, text: str, rules: Ruleset, reporter: Reporter) -> None:
        """Report every issue at or above the thresholds; a check that crashes is a finding of its own.

        The tree gets bandit's own marks, so this scan comes last.
        """
        self._failures.messages.clear()
        try:
            visitor = _Visitor(_NAME, io.BytesIO(text.encode()), self._meta, self._checks, False, {}, metrics.Metrics())
            visitor.tester = _Tester(self._checks, False, {}, visitor.metrics)
            visitor.generic_visit(tree)
            visitor.context = {
                "file_data": visitor.fdata,
                "filename": _NAME,
                "lineno": 0,
                "linerange": [0, 1],
                "col_offset": 0,
            }
            visitor.update_scores(visitor.tester.run_tests(visitor.context, "File"))
        except Exception as error:  # noqa: BLE001 - whatever a foreign scanner raises, the source counts as not scanned
            reporter.add(RULES["POET150"], f"bandit stopped with {type(error).__name__}")
            return
        for message in self._failures.messages:
            reporter.add(RULES["POET150"], f"A check of bandit crashed: {message}")
        imported: tuple[str, ...] | None = None
        for issue in visitor.tester.results:
            check = CHECKS.get(str(issue.test_id))
            imported = tuple(_imported(tree)) if imported is None else imported
            if check is None or not check.is_idle(rules.allowance, imported):
                _report(issue, tree, rules, reporter)


def _imported(tree: ast.Module) -> Iterator[str]:
    """Yield the modules that a source imports, listed or not: in a mode that only warns it gets them."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            yield node.module


def _report(issue: object, tree: ast.Module, rules: Ruleset, reporter: Reporter) -> None:
    severity = _BANDIT.get(str(getattr(issue, "severity", "")), Severity.LOW)
    confidence = _BANDIT.get(str(getattr(issue, "confidence", "")), Severity.LOW)
    if _RANKS[severity] < _RANKS[rules.bandit_severity] or _RANKS[confidence] < _RANKS[rules.bandit_confidence]:
        return
    line, column = _whole(issue, "lineno"), _whole(issue, "col_offset")
    lines: object = getattr(issue, "linerange", None)
    numbers = [number for number in lines if isinstance(number, int)] if isinstance(lines, list) else []
    reporter.foreign(
        str(getattr(issue, "test_id", "")),
        severity,
        f"{getattr(issue, 'text', '')} (bandit, confidence {confidence})",
        start=(line, column),
        end=(max([line, *numbers]), _whole(issue, "end_col_offset")),
        node=_node(tree, line, column),
    )


def _node(tree: ast.Module, line: int, column: int) -> ast.AST | None:
    """Return the outermost node that begins at a position: issues carry nothing but their position."""
    for node in ast.walk(tree):
        if getattr(node, "lineno", None) == line and getattr(node, "col_offset", None) == column:
            return node
    return None


def _whole(issue: object, name: str) -> int:
    value: object = getattr(issue, name, 0)
    return max(value, 0) if isinstance(value, int) else 0
