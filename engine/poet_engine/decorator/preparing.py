"""From a user's function to a stored version that may serve it, or to the reason why the original must."""

import dataclasses
import logging
import platform
from collections.abc import Mapping
from typing import Literal

from poet_engine.decorator.modes import OFF, Mode
from poet_engine.decorator.observing import changed_argument
from poet_engine.decorator.options import Options
from poet_engine.decorator.places import folder_of, module_of, store_of
from poet_engine.decorator.wiring import wiring
from poet_engine.domains import Declined, Domain, Example, FunctionInfo, choose, describe
from poet_engine.engine import Engine
from poet_engine.errors import PoetError, UsageError
from poet_engine.job import Job
from poet_engine.outcome import Outcome, decisive
from poet_engine.policy import Policy
from poet_engine.policy.layers import resolve
from poet_engine.store import FunctionStore, Metadata, StoredVersion, TrialSummary

Origin = Literal["built_in", "adopted"]

_ACTOR = "poet"
_logger = logging.getLogger("poet_engine")


@dataclasses.dataclass(frozen=True, slots=True)
class Workplace:
    """Where a function's versions are kept and run."""

    info: FunctionInfo
    domain: Domain
    policy: Policy
    engine: Engine
    versions: FunctionStore
    mode: Mode = "on"
    record: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class Ready:
    """A version serves."""

    workplace: Workplace
    version: StoredVersion

    def described(self) -> str:
        """Where it runs, and as what; follows the function's name."""
        place = self.workplace
        beside = "" if place.mode == "on" else f"; POET_MODE is {place.mode}"
        return (
            f"runs in the {place.engine.sandbox_name} sandbox: {self.version.name} for the domain {place.domain.name}, "
            f"under the policy {place.policy.name}{beside}"
        )


@dataclasses.dataclass(frozen=True, slots=True)
class Hosted:
    """The original serves; `reason` says why, and how to mend it."""

    reason: str
    workplace: Workplace | None = None


def usable(state: Ready | Hosted) -> bool:
    """Whether a state still holds: its engine may have been closed, or belong to the process that we forked from."""
    return state.workplace is None or not state.workplace.engine.closed


def workplace(function: object, options: Options, mode: Mode) -> Workplace:
    """Everything that a function's versions need.

    Raises:
        PoetError: There can be none: the source cannot be read, the policy is not usable, no sandbox stands.
    """
    info = describe(function)
    if info.is_method:
        raise UsageError(
            f"{info.qualname} is a method, and its object cannot travel; move its body to a function of plain values",
        )
    if "<locals>" in info.qualname:
        raise UsageError(
            f"{info.qualname} is defined anew by each call of the function around it, so a version cannot know what "
            "it closes over; move it to the top level of its module",
        )
    domain = choose(options.domain, info)
    around = wiring().surroundings(folder_of(info))
    policy = resolve(options.policy, around, base=domain.policy, by_caller=False).policy(Policy)
    engine = wiring().engine(policy)
    record = wiring().records() if options.record is None else options.record
    return Workplace(info, domain, policy, engine, store_of(info), mode, record)


def prepare(function: object, options: Options) -> Ready | Hosted:
    """Find the version that serves, or make it: write, scan, try, store, promote. Never raises: the original can serve.

    Nothing is tried again in this process: a function that cannot be enhanced costs its callers one attempt.
    """
    place = None
    try:
        mode = wiring().mode()
        if mode == "off":
            return Hosted(OFF)
        place = workplace(function, options, mode)
        return _serving(place) or _make(place, options)
    except PoetError as error:
        return Hosted(str(error), place)
    except Exception as error:  # a bug of ours must not cost the callers the original's answer
        _logger.warning("preparing %r failed", function, exc_info=error)
        return Hosted(f"this is a bug in poet, please report it: {error!r}", place)


def _serving(place: Workplace) -> Ready | Hosted | None:
    """The stored version, if it is for this very source; None when one must be made."""
    version = place.versions.current()
    if version is None or version.metadata.original_digest != place.info.source_digest:
        return None
    if not version.intact:
        return Hosted(
            f"{version.path / 'code.py'} was edited after it was stored, so what it holds now was never scanned; "
            f"have it scanned with .poet.adopt(code), go back with .poet.rollback(name), or restore the file",
            place,
        )
    return rescanned(place, version)


def rescanned(place: Workplace, version: StoredVersion) -> Ready | Hosted:
    """A version that was let through under another policy is scanned under this one before it may run."""
    if version.metadata.policy_digest == place.policy.digest:
        return Ready(place, version)
    report = place.engine.scan(version.code, place.info.name, str(version.path / "code.py"))
    first = decisive(report.findings)
    if not report.rejected or first is None:
        return Ready(place, version)
    return Hosted(
        f"{version.name} was stored under another policy ({version.metadata.policy}), and the gate rejects it under "
        f"{place.policy.name}: {first.rule} on line {first.line}: {first.message}",
        place,
    )


def previous_good(state: Ready) -> StoredVersion | None:
    """The newest version before the one that serves that may answer in its place.

    It was made for the same source and went through its trial, and nobody has touched its code since.
    """
    serving = state.version.metadata
    found = None
    for version in state.workplace.versions.versions():
        if version.name == state.version.name:
            return found
        if version.intact and version.metadata.original_digest == serving.original_digest:
            found = version
    return None


def refuse_stale(place: Workplace, version: StoredVersion) -> None:
    """A version serves only the source that it was made for.

    Raises:
        UsageError: It was made for another one.
    """
    if version.metadata.original_digest != place.info.source_digest:
        raise UsageError(
            f"{version.name} was made for another source of {place.info.qualname}, which has changed since; have its "
            "code scanned for this one with .poet.adopt(code)",
        )


def _make(place: Workplace, options: Options) -> Ready | Hosted:
    written = place.domain.write(place.info)
    if isinstance(written, Declined):
        return Hosted(written.reason, place)
    changed = changed_argument(place.info, place.engine, written.examples)
    if changed is not None:
        return Hosted(
            f"{place.info.qualname} changes its argument {changed!r}, as its trial has shown, and what a version "
            "changes in its sandbox stays there; let it work on a copy and return it",
            place,
        )
    params = dict(written.params)
    if options.optimize_for is not None:
        params["optimize_for"] = options.optimize_for
    return add_version(
        place,
        Candidate(written.source, params, written.examples, "built_in", written.summary),
    )


@dataclasses.dataclass(frozen=True, slots=True)
class Candidate:
    """Code that may become a version.

    Attributes:
        code: The whole text of a module; its function has the name of the user's.
        params: What it decides by.
        examples: Calls that must go well first.
        origin: `built_in` or `adopted`.
        reason: Why it is there, for the audit trail.
    """

    code: str
    params: Mapping[str, object]
    examples: tuple[Example, ...]
    origin: Origin
    reason: str


def add_version(place: Workplace, candidate: Candidate) -> Ready | Hosted:
    """Scan, try, store and promote a candidate; nothing is stored unless all of it went well."""
    report = place.engine.scan(candidate.code, place.info.name)
    first = decisive(report.findings)
    if report.rejected and first is not None:
        return Hosted(f"the gate rejected the new version: {first.rule} on line {first.line}: {first.message}", place)
    for number, example in enumerate(candidate.examples, start=1):
        outcome = place.engine.attempt(_job(candidate.code, place, example))
        complaint = _complaint(outcome, example)
        if complaint:
            return Hosted(f"the new version failed example {number} of its trial: {complaint}", place)
    tried = len(candidate.examples)
    metadata = Metadata(
        created=wiring().now(),
        domain=place.domain.name,
        policy=place.policy.name,
        policy_digest=place.policy.digest,
        original_digest=place.info.source_digest,
        python=platform.python_version(),
        poet_version=wiring().poet_version,
        origin=candidate.origin,
        module=module_of(place.info),
        gate=tuple(dict.fromkeys(finding.rule for finding in (*report.findings, *report.audited))),
        trial=TrialSummary(examples=tried, passed=tried),
    )
    version = _stored(place, candidate, metadata)
    place.versions.promote(version.name, actor=_ACTOR, reason=candidate.reason)
    return Ready(place, version)


def _stored(place: Workplace, candidate: Candidate, metadata: Metadata) -> StoredVersion:
    """The candidate as a version. What was written before for the same source is not stored twice.

    Two processes may write the same version at the same moment, or one may have been killed before it promoted it:
    all of them then agree on the one with the lowest number.
    """
    known = _twin(place, candidate)
    if known is not None:
        return known
    version = place.versions.add(
        code=candidate.code, params=candidate.params, metadata=metadata, reason=candidate.reason
    )
    first = _twin(place, candidate) or version
    if first.name != version.name:
        place.versions.remove(version.name, actor=_ACTOR, reason=f"the same as {first.name}")
    return first


def _twin(place: Workplace, candidate: Candidate) -> StoredVersion | None:
    """The first version of the very same code and making; an adopted one is always new, as somebody asked for it."""
    if candidate.origin == "adopted":
        return None
    for version in place.versions.versions():
        metadata = version.metadata
        same = version.code == candidate.code and version.params == candidate.params and version.intact
        made = (metadata.origin, metadata.original_digest, metadata.policy_digest)
        if same and made == (candidate.origin, place.info.source_digest, place.policy.digest):
            return version
    return None


def _job(code: str, place: Workplace, example: Example) -> Job:
    return Job(source=code, entry=place.info.name, args=example.args, kwargs=example.kwargs, filename="<candidate>")


def _complaint(outcome: Outcome, example: Example) -> str:
    """What is wrong with the outcome of a trial; empty when nothing is."""
    if not outcome.ok:
        return outcome.describe()
    for name, expected in example.expect.items():
        value = outcome.value
        found = value if not name else value.get(name) if isinstance(value, Mapping) else None
        if found != expected:
            return f"{name or 'the value'} is {found!r} where {expected!r} was expected"
    return ""
