"""Scan a source in the order that is safe: sizes, characters, syntax, allow-list, bandit. Runs in the worker."""

import ast
import contextlib
import dataclasses
import sys
from collections.abc import Callable, Iterator

from poet_engine.gate import (
    check_arguments,
    check_attributes,
    check_budgets,
    check_calls,
    check_dynamic,
    check_formats,
    check_imports,
    check_names,
    check_plots,
    check_source_text,
    guarded_imports,
)
from poet_engine.gate.attributes import Attributes
from poet_engine.gate.guarded_imports import GuardedImports
from poet_engine.gate.module_exports import resolve_relative
from poet_engine.gate.reporter import Reporter
from poet_engine.gate.rules import RULES
from poet_engine.gate.ruleset import Caps, Ruleset
from poet_engine.gate.source_model import Source
from poet_engine.outcome import Finding

# Frames for the walks. What Python itself compiles is at most about 3,000 levels deep (a sum of as many terms), and
# bandit enters three functions a level. A worker whose stack is too small for it ends, and the source is rejected.
_FRAMES = 20_000

Second = Callable[[ast.Module, str, Ruleset, Reporter], None]


def scan(
    text: str, rules: Ruleset, second: Second, absent: dict[str, str] | None = None, package: str = ""
) -> tuple[tuple[Finding, ...], str | None]:
    """Return the findings, sorted by position, and the first reason to reject.

    Args:
        text: The source.
        rules: The policy, ready for use.
        second: The scanner after the allow-list: `BanditScan.check`.
        absent: Takes the guarded imports that must be absent when the source runs: path → the part that is missing.
        package: The package that relative imports begin in; without one they are findings.

    Raises:
        MemoryError: The source needs more memory than the worker has; the worker has to end then.
    """
    reporter = Reporter(text)
    tree = _parse(text, rules, reporter)
    if tree is not None:
        with _deep_recursion():
            resolve_relative(tree, package)
            guarded = _apply_rules(tree, text, rules, reporter)
            if guarded is not None:
                if absent is not None:
                    absent.update(guarded.missing)
                second(tree, text, rules, reporter)
    found = sorted(reporter.findings, key=lambda one: (one.line, one.column, one.rule))
    if reporter.dropped:
        last = found[-1]
        found[-1] = dataclasses.replace(
            last, message=f"{last.message} ({reporter.dropped} more findings are not shown)"
        )
    return tuple(found), reporter.cause


def _parse(text: str, rules: Ruleset, reporter: Reporter) -> ast.Module | None:
    """Parse a source under Python's own bounds; return the tree, or None where there is none to walk."""
    try:
        size = len(text.encode())
    except UnicodeEncodeError as error:
        reporter.add(RULES["POET102"], f"The source holds half a character (a lone surrogate) at index {error.start}")
        return None
    if not check_source_text.sizes(text, size, rules.caps, reporter):
        return None
    check_source_text.characters(text, reporter)
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError) as error:
        line, column = getattr(error, "lineno", None) or 0, max((getattr(error, "offset", None) or 1) - 1, 0)
        what = getattr(error, "msg", None) or str(error)
        reporter.add(RULES["POET102"], f"The source does not parse: {what}", (line, column))
        return None
    except RecursionError:
        reporter.add(RULES["POET101"], "The source nests deeper than Python's own parser follows")
        return None
    return tree


@contextlib.contextmanager
def _deep_recursion() -> Iterator[None]:
    """Let the walks follow a tree as deep as Python's own parser makes one: long chains are deep trees."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, _FRAMES))
    try:
        yield
    finally:
        sys.setrecursionlimit(before)


def _apply_rules(tree: ast.Module, text: str, rules: Ruleset, reporter: Reporter) -> GuardedImports | None:
    """Apply every family of rules; return the guarded imports, or None where the tree is too large for another walk."""
    try:
        source = Source(tree)
    except RecursionError:
        reporter.add(RULES["POET101"], "The source nests deeper than the scanner follows")
        return None
    caps = rules.caps
    if source.count > caps.nodes:
        reporter.add(RULES["POET101"], f"The source has {source.count:,} nodes; the policy allows {caps.nodes:,}")
    if source.depth > caps.depth:
        reporter.add(RULES["POET101"], f"The source nests {source.depth} levels; the policy allows {caps.depth}")
    if reporter.cause == RULES["POET101"].cause:
        return None
    _literals(source, caps, reporter)
    check_source_text.names(text, source.identifiers, reporter)
    guarded = guarded_imports.settle(source, rules.allowance) if rules.enforced else guarded_imports.NO_GUARDS
    uses = check_imports.check(source, rules.allowance, guarded, reporter)
    check_names.check(source, reporter)
    attributes = Attributes(source, rules.allowance, uses)
    check_attributes.check(source, attributes, uses, reporter)
    check_dynamic.check(source, attributes, reporter)
    check_arguments.check(source, attributes, uses, reporter)
    check_calls.check(source, attributes, uses, reporter)
    check_plots.check(source, attributes, uses, reporter)
    attributes.methods_checked(reporter)
    check_formats.check(source, uses.judged, reporter)
    check_budgets.check(source, rules.memory, reporter)
    return guarded


def _literals(source: Source, caps: Caps, reporter: Reporter) -> None:
    """Report oversized strings and numbers; Python's parser bounds decimal numbers only."""
    for node in source.nodes.get(ast.Constant, ()):
        value: object = getattr(node, "value", None)
        kind = type(value)
        if (kind is str or kind is bytes) and len(value) > caps.text:  # type: ignore[arg-type]  # it has a length
            reporter.at("POET101", node, f"A text of {len(value):,} characters; {caps.text:,} are allowed")  # type: ignore[arg-type]  # the same
        elif kind is int and value.bit_length() > caps.bits:  # type: ignore[attr-defined]  # it is a number
            reporter.at("POET101", node, f"A number of more than {caps.bits * 0.30103:,.0f} digits")
