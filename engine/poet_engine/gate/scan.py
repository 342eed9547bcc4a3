"""Scan a source in the order that is safe: sizes, characters, syntax, allow-list, bandit. Runs in the worker."""

import ast
import dataclasses
from collections.abc import Callable

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
)
from poet_engine.gate.attributes import Attributes
from poet_engine.gate.reporter import Reporter
from poet_engine.gate.rules import RULES
from poet_engine.gate.ruleset import Caps, Ruleset
from poet_engine.gate.source_model import Source
from poet_engine.outcome import Finding

Second = Callable[[ast.Module, str, Ruleset, Reporter], None]


def scan(text: str, rules: Ruleset, second: Second) -> tuple[tuple[Finding, ...], str | None]:
    """Return the findings, sorted by position, and the first reason to reject.

    Args:
        text: The source.
        rules: The policy, ready for use.
        second: The scanner after the allow-list: `BanditScan.check`.

    Raises:
        MemoryError: The source needs more memory than the worker has; the worker has to end then.
    """
    reporter = Reporter(text)
    tree = _parse(text, rules, reporter)
    if tree is not None:
        second(tree, text, rules, reporter)
    found = sorted(reporter.findings, key=lambda one: (one.line, one.column, one.rule))
    if reporter.dropped:
        last = found[-1]
        found[-1] = dataclasses.replace(
            last, message=f"{last.message} ({reporter.dropped} more findings are not shown)"
        )
    return tuple(found), reporter.cause


def _parse(text: str, rules: Ruleset, reporter: Reporter) -> ast.Module | None:
    """Parse a source and apply the allow-list; return the tree, or None where bandit must not walk it."""
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
    return tree if _apply_rules(tree, text, rules, reporter) else None


def _apply_rules(tree: ast.Module, text: str, rules: Ruleset, reporter: Reporter) -> bool:
    """Apply every family of rules; return False where the tree is too large to be walked again."""
    try:
        source = Source(tree)
    except RecursionError:
        reporter.add(RULES["POET101"], "The source nests deeper than the scanner follows")
        return False
    caps = rules.caps
    if source.count > caps.nodes:
        reporter.add(RULES["POET101"], f"The source has {source.count:,} nodes; the policy allows {caps.nodes:,}")
    if source.depth > caps.depth:
        reporter.add(RULES["POET101"], f"The source nests {source.depth} levels; the policy allows {caps.depth}")
    if reporter.cause == RULES["POET101"].cause:
        return False
    _literals(source, caps, reporter)
    check_source_text.names(text, source.identifiers, reporter)
    uses = check_imports.check(source, rules.allowance, reporter)
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
    return True


def _literals(source: Source, caps: Caps, reporter: Reporter) -> None:
    """Report oversized strings and numbers; Python's parser bounds decimal numbers only."""
    for node in source.nodes.get(ast.Constant, ()):
        value: object = getattr(node, "value", None)
        kind = type(value)
        if (kind is str or kind is bytes) and len(value) > caps.text:  # type: ignore[arg-type]  # it has a length
            reporter.at("POET101", node, f"A text of {len(value):,} characters; {caps.text:,} are allowed")  # type: ignore[arg-type]  # the same
        elif kind is int and value.bit_length() > caps.bits:  # type: ignore[attr-defined]  # it is a number
            reporter.at("POET101", node, f"A number of more than {caps.bits * 0.30103:,.0f} digits")
