"""From a user's function to a stored version that may serve it, or to the reason why the original must."""

import dataclasses
import logging
import platform
from collections.abc import Mapping
from typing import Literal

from poet_engine.decorator.folders import module_of, store_of
from poet_engine.decorator.modes import OFF, Mode
from poet_engine.decorator.mutation_check import changed_argument
from poet_engine.decorator.options import OBJECTIVE_ALONE, Options
from poet_engine.decorator.states import (
    BASE,
    FunctionContext,
    OriginalOnly,
    Serving,
    ensure_importable,
    function_context,
    policy_for,
)
from poet_engine.decorator.wiring import wiring
from poet_engine.domains import Declined, Domain, FunctionInfo, TrialExample, Written, choose, describe, suggestion
from poet_engine.errors import InfraError, PoetError, SandboxUnavailableError, UsageError
from poet_engine.job import Job
from poet_engine.outcome import Outcome, Status, decisive
from poet_engine.versions import (
    Metadata,
    StoredVersion,
    StoreError,
    TrialSummary,
    serving,
)
from poet_engine.versions.read_through import ReadThroughStore

Origin = Literal["built_in", "adopted"]

# A scan that was not done to its end; of what we write ourselves that is the machine's fault.
_UNSCANNED = frozenset(("POET100", "POET150"))
NO_DOMAIN = "it names no domain, so its own body answers"
_ACTOR = "poet"
# What a trial may come to because the machine is short of something now; our own code is not what is wrong then.
_PASSING = frozenset((Status.INFRA, Status.LIMIT, Status.CRASH, Status.CANCELLED))
_logger = logging.getLogger("poet_engine")


def prepare(function: object, options: Options) -> Serving | OriginalOnly:
    """Find the version that serves, or make it: write, scan, try, store, promote.

    Never raises: the original can serve.
    """
    try:
        mode = wiring().mode()
        if mode == "off":
            return OriginalOnly(OFF)
        if options.domain is None:
            return _without_domain(function, options, mode)
        info = describe(function)
        ensure_importable(info)
        written = choose(options.domain).write(info)
        version = _current(info, options, written)
        if version is None and isinstance(written, Declined):
            return OriginalOnly(written.reason)
        place = function_context(info, options, mode)
    except Exception as error:  # noqa: BLE001 - see `_failed`
        return _failed(function, error, None)
    try:
        return _make(place, options) if version is None else _served_by(place, version)
    except Exception as error:  # noqa: BLE001 - see `_failed`
        return _failed(function, error, place)


def _failed(function: object, error: Exception, place: FunctionContext | None) -> OriginalOnly:
    """Return the state after a failure, which must not cost the callers the original's answer."""
    match error:
        case StoreError() | SandboxUnavailableError() | InfraError():
            return OriginalOnly(str(error), place, passing=True)
        case PoetError():
            return OriginalOnly(str(error), place)
        case OSError() | MemoryError():
            return OriginalOnly(f"look at this machine's disk, memory and open files: {error!r}", place, passing=True)
        case _:
            _logger.warning("preparing %r failed", function, exc_info=error)
            return OriginalOnly(f"this is a bug in poet, please report it: {error!r}", place)


def _without_domain(function: object, options: Options, mode: Mode) -> Serving | OriginalOnly:
    """Its own body answers, unless somebody has given this very function a version by name."""
    try:
        info = describe(function)
        ensure_importable(info)
    except PoetError as error:
        return OriginalOnly(f"{NO_DOMAIN}; a version it could not have, since {error}", chosen=True)
    domain = choose(BASE)
    if options.policy is not None:
        policy_for(info, options, domain)  # one that cannot be used is said, although nothing needs it yet
    version = _current(info, options, domain.write(info))
    if version is not None:
        return _served_by(function_context(info, options, mode), version)
    if options.optimize_for is not None:
        return OriginalOnly(f"{OBJECTIVE_ALONE}, so its own body answers", chosen=True)
    likely = suggestion(info)
    hint = f"; domain={likely!r} may fit it" if likely is not None and choose(likely).has_code else ""
    return OriginalOnly(f"{NO_DOMAIN}{hint}", chosen=True)


def _current(info: FunctionInfo, options: Options, written: Written | Declined) -> StoredVersion | None:
    """The stored version that may answer for this very source; None when there is none."""
    domain = choose(options.domain or BASE)
    for version in serving(store_of(info)):
        if version.metadata.original_digest == info.source_digest and may_serve(version, domain, written):
            return version
    return None


def may_serve(version: StoredVersion, domain: Domain, written: Written | Declined) -> bool:
    """Whether a version may answer at all: what we wrote by ourselves never stands for a body that computes.

    Nor for one whose domain nobody has named: such versions are from releases that guessed it.
    """
    if version.metadata.origin != "built_in":
        return True  # somebody has asked for it by name
    return isinstance(written, Written) and version.metadata.domain == domain.name


def _served_by(place: FunctionContext, version: StoredVersion) -> Serving | OriginalOnly:
    if not version.intact:
        return OriginalOnly(
            f"{version.path / 'code.py'} was edited after it was stored, so what it holds now was never scanned; "
            f"have it scanned with .poet.adopt(code), go back with .poet.rollback(name), or restore the file",
            place,
        )
    if isinstance(place.versions, ReadThroughStore):
        place.versions.make_place(version.name)
    return rescanned(place, version)


def rescanned(place: FunctionContext, version: StoredVersion) -> Serving | OriginalOnly:
    """A version that was let through under another policy is scanned under this one before it may run."""
    if version.metadata.policy_digest == place.policy.digest:
        return Serving(place, version)
    report = place.engine.scan(version.code, place.info.name, str(version.path / "code.py"))
    first = decisive(report.findings)
    if not report.rejected or first is None:
        return Serving(place, version)
    return OriginalOnly(
        f"{version.name} was stored under another policy ({version.metadata.policy}), and the gate rejects it under "
        f"{place.policy.name}: {first.rule} on line {first.line}: {first.message}",
        place,
    )


def previous_good(state: Serving) -> StoredVersion | None:
    """The newest version before the one that serves that may answer in its place.

    It was made for the same source and went through its trial, and nobody has touched its code since.
    """
    place, serving = state.context, state.version.metadata
    found = None
    for version in place.versions.versions():
        if version.name == state.version.name:
            return found
        same = version.intact and version.metadata.original_digest == serving.original_digest
        if same and may_serve(version, place.domain, place.written):
            found = version
    return None


def refuse_stale(place: FunctionContext, version: StoredVersion) -> None:
    """A version serves only the source that it was made for.

    Raises:
        UsageError: It was made for another one.
    """
    if version.metadata.original_digest != place.info.source_digest:
        raise UsageError(
            f"{version.name} was made for another source of {place.info.qualname}, which has changed since; have its "
            "code scanned for this one with .poet.adopt(code)",
        )
    if not may_serve(version, place.domain, place.written):
        why = place.written.reason if isinstance(place.written, Declined) else "the function names another domain now."
        raise UsageError(
            f"{version.name} was written to replace the body for the domain {version.metadata.domain}, and may not: "
            f"{why} If it should answer all the same, have its code stored with .poet.adopt(code).",
        )


def _make(place: FunctionContext, options: Options) -> Serving | OriginalOnly:
    written = place.written
    if isinstance(written, Declined):
        return OriginalOnly(written.reason, place)
    changed = changed_argument(place.info, place.engine, written.examples)
    if changed is not None:
        return OriginalOnly(
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
    examples: tuple[TrialExample, ...]
    origin: Origin
    reason: str


def add_version(place: FunctionContext, candidate: Candidate) -> Serving | OriginalOnly:
    """Scan, try, store and promote a candidate; nothing is stored unless all of it went well."""
    report = place.engine.scan(candidate.code, place.info.name)
    first = decisive(report.findings)
    if report.rejected and first is not None:
        said = f"the gate rejected the new version: {first.rule} on line {first.line}: {first.message}"
        return OriginalOnly(said, place, passing=first.rule in _UNSCANNED)
    for number, example in enumerate(candidate.examples, start=1):
        outcome = place.engine.attempt(_job(candidate.code, place, example))
        complaint = _complaint(outcome, example)
        if complaint:
            return OriginalOnly(
                f"the new version failed example {number} of its trial: {complaint}",
                place,
                passing=outcome.status in _PASSING,
            )
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
    return Serving(place, version)


def _stored(place: FunctionContext, candidate: Candidate, metadata: Metadata) -> StoredVersion:
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


def _twin(place: FunctionContext, candidate: Candidate) -> StoredVersion | None:
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


def _job(code: str, place: FunctionContext, example: TrialExample) -> Job:
    return Job(source=code, entry=place.info.name, args=example.args, kwargs=example.kwargs, filename="<candidate>")


def _complaint(outcome: Outcome, example: TrialExample) -> str:
    """Return what is wrong with the outcome of a trial; empty when nothing is."""
    if outcome.error is not None and outcome.error.type == "ModuleNotFoundError":
        return f"{outcome.describe()}; install what the domains need with pip install 'poet-engine[data]'"
    if not outcome.ok:
        return outcome.describe()
    for name, expected in example.expect.items():
        value = outcome.value
        found = value if not name else value.get(name) if isinstance(value, Mapping) else None
        if found != expected:
            return f"{name or 'the value'} is {found!r} where {expected!r} was expected"
    return ""
