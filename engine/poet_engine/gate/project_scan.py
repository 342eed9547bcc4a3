"""Scan a source together with the modules of its project: each is scanned like the source, and may use the others."""

import dataclasses
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence

from poet_engine.gate.cell_findings import in_cells
from poet_engine.gate.gate import Gate
from poet_engine.gate.module_exports import ModuleExports
from poet_engine.gate.policy_scan import policy_scan
from poet_engine.gate.report import ScanReport
from poet_engine.gate.rules import CAUSES
from poet_engine.outcome import Finding
from poet_engine.policy import Policy
from poet_engine.policy.model import Static

ALWAYS = "__doc__"  # a text that every module has: so one without a name of its own can be imported too


@dataclasses.dataclass(frozen=True, slots=True)
class SourceNames:
    """The names by which waivers may refer to a source, as those of `policy_scan`; and the cells of a notebook."""

    names: Sequence[str]
    file: str | None
    now: float
    cells: Sequence[tuple[int, int]] = ()


def project_scan(
    gate: Gate,
    source: str,
    policy: Policy,
    project: Mapping[str, str],
    *,
    module: str,
    subject: SourceNames,
) -> ScanReport:
    """Return one report over a source and its modules; findings in a module begin with its file.

    Args:
        gate: The gate.
        source: The source with the entry.
        policy: The policy.
        project: Relative path → text of each module.
        module: The dotted name of the source among them; empty where it has none.
        subject: The names by which waivers may refer to the source, and the time; modules go by their path.
    """
    named = {name_of(path): text for path, text in project.items()}
    listed = visible_names({name: gate.exports(text, package_of(name, project)) for name, text in named.items()})
    extended = _extended(policy, listed)
    package = module.rpartition(".")[0]
    report = policy_scan(
        gate, source, extended, names=subject.names, file=subject.file, now=subject.now, package=package
    )
    report = in_cells(report, subject.cells)
    findings, audited, absent = [*report.findings], [*report.audited], dict(report.absent)
    causes = {report.cause}
    for path, text in project.items():
        package = package_of(name_of(path), project)
        one = policy_scan(gate, text, extended, names=(path,), now=subject.now, package=package)
        findings += [_of(path, finding) for finding in one.findings]
        audited += [_of(path, finding) for finding in one.audited]
        causes.add(one.cause)
        absent.update(one.absent)
    return dataclasses.replace(
        report,
        findings=tuple(findings),
        audited=tuple(audited),
        cause=next((cause for cause in CAUSES if cause in causes), None),
        absent=tuple(absent.items()),
    )


def name_of(path: str) -> str:
    """Return the dotted name of a module's file."""
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def package_of(name: str, project: Iterable[str]) -> str:
    """Return the package that the relative imports of a module begin in."""
    return name if f"{name.replace('.', '/')}/__init__.py" in project else name.rpartition(".")[0]


def visible_names(modules: Mapping[str, ModuleExports]) -> dict[str, tuple[str, ...]]:
    """Return the names of each module that the others may use: its own, and those of other modules that it gives on.

    What comes from the policy's modules is not among them: it is judged by its own path only.
    """
    own = {name: set(one.own) for name, one in modules.items()}
    waiting = True
    while waiting:  # a name may come through several modules
        waiting = False
        for name, one in modules.items():
            for given, path in one.given_on.items():
                origin, _, target = path.rpartition(".")
                if given not in own[name] and target in own.get(origin, ()):
                    own[name].add(given)
                    waiting = True
    return {name: tuple(sorted({*names, ALWAYS})) for name, names in own.items()}


def _extended(policy: Policy, listed: Mapping[str, tuple[str, ...]]) -> Policy:
    """Return the policy with the modules of the project listed beside its own."""
    mark = json.dumps(sorted(listed.items()))

    def static(of: Static) -> Static:
        return dataclasses.replace(of, imports={**of.imports, **listed})

    def digest(of: str) -> str:
        return hashlib.sha256(f"{of}\0{mark}".encode()).hexdigest()

    levels = tuple(
        dataclasses.replace(level, static=static(level.static), digest=digest(level.digest)) for level in policy.levels
    )
    return dataclasses.replace(policy, static=static(policy.static), digest=digest(policy.digest), levels=levels)


def _of(path: str, finding: Finding) -> Finding:
    return dataclasses.replace(finding, message=f"{path}: {finding.message}")
