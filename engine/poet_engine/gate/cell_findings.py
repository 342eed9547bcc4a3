"""Say of findings in a notebook which cell they are in: the gate scans its cells as one source."""

import dataclasses
from collections.abc import Sequence

from poet_engine.gate.report import ScanReport
from poet_engine.outcome import Finding


def in_cells(report: ScanReport, cells: Sequence[tuple[int, int]]) -> ScanReport:
    """Return a report whose findings name their cell, and count lines from its first one.

    Args:
        report: The report on the whole source.
        cells: The number of each cell, and the line before it; empty for a source that is no notebook.
    """
    if not cells or not (report.findings or report.audited):
        return report
    findings, audited = ([_placed(each, cells) for each in some] for some in (report.findings, report.audited))
    return dataclasses.replace(report, findings=tuple(findings), audited=tuple(audited))


def _placed(finding: Finding, cells: Sequence[tuple[int, int]]) -> Finding:
    if not finding.line:
        return finding
    number, start = next((cell for cell in reversed(cells) if cell[1] < finding.line), cells[0])
    return dataclasses.replace(
        finding,
        message=f"cell {number}: {finding.message}",
        line=finding.line - start,
        end_line=finding.end_line - start if finding.end_line else 0,
    )
