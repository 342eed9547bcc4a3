"""SARIF has each finding with its rule, place and fingerprint."""

from collections.abc import Callable

from poet_engine.gate.rules import RULES
from poet_engine.gate.sarif import sarif
from poet_engine.outcome import Effect, Finding, Severity

Scan = Callable[[str, str], tuple[tuple[Finding, ...], str | None]]


def _run(document: object) -> dict[str, object]:
    match document:
        case {"version": "2.1.0", "runs": [dict() as run]}:
            return run
        case _:
            raise AssertionError(document)


def test_a_result_points_into_the_rules_and_the_file(scan_with: Scan) -> None:
    findings, _ = scan_with("import hashlib\nnaïve = 'é', hashlib.md5(b'')\nimport os\n", "restricted")
    run = _run(sarif([("a folder/x.py", findings), ("clean.py", ())], version="1.2.3"))
    match run:
        case {
            "columnKind": "unicodeCodePoints",
            "tool": {"driver": {"version": "1.2.3", "rules": list() as rules}},
            "results": [
                {"ruleId": "B324", "ruleIndex": int() as foreign, "level": "error"},
                {
                    "ruleId": "POET110",
                    "ruleIndex": int() as own,
                    "message": {"text": message},
                    "locations": [
                        {
                            "physicalLocation": {
                                "artifactLocation": {"uri": "a%20folder/x.py"},
                                "region": {"startLine": 3, "startColumn": 8, "endLine": 3, "endColumn": 10},
                            }
                        }
                    ],
                    "partialFingerprints": {"poetFinding/v1": mark},
                },
            ],
        }:
            assert (rules[foreign]["id"], rules[own]["id"]) == ("B324", "POET110")
            assert "external/cwe/cwe-829" in rules[own]["properties"]["tags"]
            assert [message, mark] == [findings[1].message, findings[1].fingerprint]
            assert {rule["id"] for rule in rules} == {*RULES, "B324"}
        case _:
            raise AssertionError(run)


def test_a_finding_without_a_line_has_no_region() -> None:
    run = _run(sarif([("x.py", [Finding("POET100", Severity.HIGH, "why")])], version="1"))
    match run["results"]:
        case [{"locations": [{"physicalLocation": place}]}]:
            assert place == {"artifactLocation": {"uri": "x.py"}}
        case other:
            raise AssertionError(other)


def test_nothing_found_is_a_run_without_results() -> None:
    assert _run(sarif([("x.py", ())], version="1"))["results"] == []


def test_a_waived_finding_is_suppressed_with_its_reason() -> None:
    waived = Finding("POET110", Severity.HIGH, "why", 1, effect=Effect.WAIVED, note="by ann until 2030-01-01: needed")
    match _run(sarif([("x.py", [waived])], version="1"))["results"]:
        case [{"suppressions": [{"kind": "external", "justification": reason}]}]:
            assert reason == "by ann until 2030-01-01: needed"
        case other:
            raise AssertionError(other)
