"""`poet scan`: files as they would be scanned before a run; no engine, so a machine without a sandbox can scan too."""

import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import typer

from poet_engine import _wiring
from poet_engine._notebook import Cell, JoinedCells, joined
from poet_engine._version import VERSION
from poet_engine.cli.console import Screen
from poet_engine.cli.formatting import effect_text, field_values
from poet_engine.cli.notebooks import SourceFile, source_of
from poet_engine.cli.options import JsonOption, PolicyOption, examples, new_app
from poet_engine.cli.policies import resolve_policy
from poet_engine.cli.source_files import read_text
from poet_engine.errors import UsageError
from poet_engine.gate import Gate
from poet_engine.gate.policy_scan import policy_scan
from poet_engine.gate.sarif import sarif as sarif_of
from poet_engine.outcome import Finding
from poet_engine.policy import Policy
from poet_engine.policy.waivers import Waiver

app = new_app()


@dataclasses.dataclass(frozen=True, slots=True)
class ScannedFile:
    """The verdict of the gate on one file.

    Attributes:
        path: The file as the user named it.
        digest: The SHA-256 of the scanned text, in hexadecimal.
        mode: What the policy does about findings.
        cause: Why the gate turns the file down; None when it does not.
        findings: Everything it noticed, in the order of the file.
        cells: Of a notebook, the cell of each finding; the lines of findings count from its first one.
    """

    path: str
    digest: str
    mode: str
    cause: str | None
    findings: tuple[Finding, ...]
    cells: tuple[int | None, ...] = ()

    def places(self) -> Iterator[tuple[Finding, str]]:
        """Yield each finding with its place, as editors and people read it."""
        for finding, cell in zip(self.findings, self.cells or [None] * len(self.findings), strict=True):
            where = self.path if cell is None else f"{self.path}: cell {cell}"
            yield finding, f"{where}:{finding.line}:{finding.column + 1}"


@app.command(epilog=examples("poet scan shapes.py", "poet scan shapes.py reader.py --sarif"))
def scan(
    files: Annotated[
        list[str], typer.Argument(metavar="FILE", help="Python files and notebooks; they are read, never imported.")
    ],
    *,
    policy: PolicyOption = None,
    as_json: JsonOption = False,
    sarif: Annotated[bool, typer.Option("--sarif", help="Print SARIF 2.1.0 for code hosts and editors.")] = False,
) -> int:
    """Scan files without running them."""
    if as_json and sarif:
        raise UsageError("--json and --sarif are two forms of the same document: leave out one of them")
    sources = [(name, source_of(Path(name), read_text(Path(name)))) for name in files]
    chosen, now = resolve_policy(policy), _wiring.wall_clock()
    with Gate() as gate:
        scanned = [_scan(gate, chosen, name, source, now) for name, source in sources]
    expired = [waiver for waiver in chosen.waivers if waiver.expired(now)]
    print_scan(Screen.standard(as_json=as_json or sarif), scanned, expired, as_sarif=sarif)
    return int(bool(expired) or any(file.cause is not None for file in scanned))


def _scan(gate: Gate, policy: Policy, name: str, source: SourceFile, now: float) -> ScannedFile:
    given, notebook = source.text, None
    if source.cells is not None:
        texts = gate.python_cells([cell.text for cell in source.cells])
        notebook = joined([Cell(cell.number, text) for cell, text in zip(source.cells, texts, strict=True)])
        given = notebook.text
    try:
        text = gate.undecorate(given)
    except UsageError:
        text = given  # it cannot be parsed, which is for the gate to say, with the line
    report = policy_scan(gate, text, policy, file=name, now=now)
    findings = (*report.findings, *report.audited)
    cells: tuple[int | None, ...] = ()
    if notebook is not None:
        cells = tuple(notebook.place(finding.line)[0] for finding in findings)
        findings = tuple(_in_cell(finding, notebook) for finding in findings)
    return ScannedFile(name, report.digest, str(report.mode), report.cause, findings, cells)


def _in_cell(finding: Finding, notebook: JoinedCells) -> Finding:
    (_, line), (_, end_line) = notebook.place(finding.line), notebook.place(finding.end_line)
    return dataclasses.replace(finding, line=line, end_line=end_line)


def scan_document(files: Sequence[ScannedFile], expired: Sequence[Waiver] = ()) -> dict[str, object]:
    """Return a scan as one JSON object, with the waivers of the policy whose day is over."""
    return {
        "rejected": sum(file.cause is not None for file in files),
        "expired_waivers": [waiver.plain() for waiver in expired],
        "files": [
            {
                "path": file.path,
                "digest": file.digest,
                "mode": file.mode,
                "cause": file.cause,
                "findings": [
                    _fields(finding, cell)
                    for finding, cell in zip(file.findings, file.cells or [None] * len(file.findings), strict=True)
                ],
            }
            for file in files
        ],
    }


def _fields(finding: Finding, cell: int | None) -> object:
    values = field_values(finding)
    return {**values, "cell": cell} if isinstance(values, dict) and cell is not None else values


def sarif_document(files: Sequence[ScannedFile]) -> dict[str, object]:
    """Return a scan in SARIF, as code hosts and editors read it."""
    return sarif_of(((file.path, _for_sarif(file)) for file in files), version=VERSION)


def _for_sarif(file: ScannedFile) -> tuple[Finding, ...]:
    """Return the findings with their cell in the message: SARIF has no place for it."""
    if not file.cells:
        return file.findings
    return tuple(
        dataclasses.replace(finding, message=f"Cell {cell}: {finding.message}")
        for finding, cell in zip(file.findings, file.cells, strict=True)
    )


def print_scan(
    screen: Screen, files: Sequence[ScannedFile], expired: Sequence[Waiver] = (), *, as_sarif: bool = False
) -> None:
    """Print findings as `path:line:column: rule severity: message` and their line, then one line for each file."""
    screen.document(sarif_document(files) if as_sarif else scan_document(files, expired))
    for file in files:
        for finding, where in file.places():
            screen.line(f"{where}: {finding.rule} {finding.severity}: {finding.message}{effect_text(finding)}")
            if finding.snippet:
                screen.line(f"    {finding.snippet}", style="dim")
        screen.line(f"{file.path}: {'clean' if file.cause is None else f'rejected ({file.cause})'}", style="bold")
    for waiver in expired:
        screen.line(
            f"the waiver of {waiver.owner} for {waiver.rule} in {waiver.scope} expired on {waiver.expires}; "
            "mend what it covers and remove it, or have it renewed"
        )
