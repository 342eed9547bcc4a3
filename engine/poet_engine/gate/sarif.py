"""Findings as SARIF 2.1.0 (OASIS), the format of code hosts and editors."""

import urllib.parse
from collections.abc import Iterable, Sequence

from poet_engine.gate.rules import RULES
from poet_engine.outcome import Effect, Finding, Severity

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_BANDIT_PAGES = "https://bandit.readthedocs.io/en/latest/plugins/index.html"
_LEVELS = {Severity.HIGH: "error", Severity.MEDIUM: "warning", Severity.LOW: "note"}
# Readers of SARIF sort by this number, from 0 to 10.
_SCORES = {Severity.HIGH: "8.0", Severity.MEDIUM: "5.0", Severity.LOW: "2.0"}
_FINGERPRINT = "poetFinding/v1"


def sarif(files: Iterable[tuple[str, Sequence[Finding]]], *, version: str) -> dict[str, object]:
    """Return a SARIF document with one run over all files.

    Args:
        files: Pairs of a path, as the user wrote it, and the findings there.
        version: The version of this package.
    """
    found = [(path, finding) for path, findings in files for finding in findings]
    scanners = {finding.rule: finding.scanner for _, finding in found}
    ids = [*RULES, *sorted(rule for rule, scanner in scanners.items() if scanner == "bandit")]
    index = {rule: number for number, rule in enumerate(ids)}
    severities = {finding.rule: finding.severity for _, finding in found}
    driver = {
        "name": "poet-engine",
        "version": version,
        "rules": [_own(rule) if rule in RULES else _foreign(rule, severities[rule]) for rule in ids],
    }
    results = [_result(path, finding, index[finding.rule]) for path, finding in found]
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    return {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}


def _own(rule_id: str) -> dict[str, object]:
    rule = RULES[rule_id]
    tags = ["security", *([f"external/cwe/cwe-{rule.cwe:03}"] if rule.cwe else [])]
    return {
        "id": rule.id,
        "shortDescription": {"text": rule.title},
        "fullDescription": {"text": rule.why},
        "help": {"text": rule.how},
        "defaultConfiguration": {"level": _LEVELS[rule.severity]},
        "properties": {"tags": tags, "security-severity": _SCORES[rule.severity]},
    }


def _foreign(rule: str, severity: Severity) -> dict[str, object]:
    return {
        "id": rule,
        "shortDescription": {"text": f"bandit {rule}"},
        "helpUri": _BANDIT_PAGES,
        "properties": {"tags": ["security", "bandit"], "security-severity": _SCORES[severity]},
    }


def _result(path: str, finding: Finding, number: int) -> dict[str, object]:
    place: dict[str, object] = {"artifactLocation": {"uri": urllib.parse.quote(path.replace("\\", "/"))}}
    if finding.line:
        place["region"] = {
            "startLine": finding.line,
            "startColumn": finding.column + 1,
            "endLine": max(finding.end_line, finding.line),
            "endColumn": finding.end_column + 1,
            "snippet": {"text": finding.snippet},
        }
    waived = [{"kind": "external", "justification": finding.note}] if finding.effect is Effect.WAIVED else []
    return {
        "ruleId": finding.rule,
        "ruleIndex": number,
        "level": _LEVELS[finding.severity],
        "message": {"text": finding.message},
        "locations": [{"physicalLocation": place}],
        "partialFingerprints": {_FINGERPRINT: finding.fingerprint},
        "suppressions": waived,
    }
