"""The two states of a function: a version and where it runs, or the original and why."""

import dataclasses

from poet_engine.decorator.folders import folder_of, store_of
from poet_engine.decorator.modes import Mode
from poet_engine.decorator.options import Options
from poet_engine.decorator.wiring import wiring
from poet_engine.domains import Declined, Domain, FunctionInfo, Written, choose
from poet_engine.engine import Engine
from poet_engine.errors import UsageError
from poet_engine.policy import Policy
from poet_engine.policy.layers import resolve
from poet_engine.versions import FunctionStore, StoredVersion

BASE = "base"  # the domain of a function that names none


@dataclasses.dataclass(frozen=True, slots=True)
class FunctionContext:
    """The surroundings of a function's versions: where they are kept, and where they run.

    Attributes:
        info: The function.
        domain: Its domain.
        written: What the domain has written for it, or why its own body must answer.
        policy: What its versions may do.
        engine: Runs them.
        versions: Where they are kept.
        mode: What they may do in this program.
        record: Whether calls are recorded with their arguments.
    """

    info: FunctionInfo
    domain: Domain
    written: Written | Declined
    policy: Policy
    engine: Engine
    versions: FunctionStore
    mode: Mode = "on"
    record: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class Serving:
    """The state of a function that a version answers."""

    context: FunctionContext
    version: StoredVersion

    def described(self) -> str:
        """Return a phrase that follows the function's name: where it runs, and as what."""
        place = self.context
        beside = "" if place.mode == "on" else f"; POET_MODE is {place.mode}"
        return (
            f"runs in the {place.engine.sandbox_name} sandbox: {self.version.name} for the domain {place.domain.name}, "
            f"under the policy {place.policy.name}{beside}"
        )

    @property
    def ignored(self) -> str | None:
        """The input that the body ignores; None where nothing that we wrote answers instead of it."""
        place = self.context
        if place.mode == "shadow" or self.version.metadata.origin != "built_in" or isinstance(place.written, Declined):
            return None
        return place.written.ignored


@dataclasses.dataclass(frozen=True, slots=True)
class OriginalOnly:
    """The state of a function that its own body answers.

    Attributes:
        reason: Why, and how to mend it.
        context: Where a version would be, if it got so far.
        passing: Whether the fault may pass by itself, so that it is worth another attempt later.
        chosen: Whether that is what was asked for, and nothing is wrong.
    """

    reason: str
    context: FunctionContext | None = None
    passing: bool = False
    chosen: bool = False


# What a call waits for its version to be made: this share of a timeout that was given, so that the body can still
# answer within it, and else until a slow machine is done. What may be held by others is given up much sooner.
PREPARING_SHARE, PREPARING_S = 0.8, 30.0
STILL_PREPARING = OriginalOnly(
    "call .poet.prepare() when the program starts to have the version answer from the first call on; it is still being "
    "made, and answers when it is ready",
    passing=True,
)


def passes(state: Serving | OriginalOnly) -> bool:
    """Whether the original serves for a fault that may pass by itself."""
    return isinstance(state, OriginalOnly) and state.passing


def usable(state: Serving | OriginalOnly) -> bool:
    """Whether a state still holds: its engine may have been closed, or belong to the process that we forked from."""
    return state.context is None or not state.context.engine.closed


def function_context(info: FunctionInfo, options: Options, mode: Mode) -> FunctionContext:
    """Return the surroundings of a function's versions, with the engine that runs them open.

    Raises:
        PoetError: There can be none: the policy is not usable, no sandbox stands.
    """
    ensure_importable(info)
    domain = choose(options.domain or BASE)
    policy = policy_for(info, options, domain)
    versions = store_of(info)
    engine = wiring().engine(policy)
    record = wiring().records() if options.record is None else options.record
    return FunctionContext(info, domain, domain.write(info), policy, engine, versions, mode, record)


def ensure_importable(info: FunctionInfo) -> None:
    """A method, or a function inside a function, has no versions.

    Raises:
        UsageError: It is one.
    """
    if info.is_method:
        raise UsageError(
            f"{info.qualname} is a method, and its object cannot travel; move its body to a function of plain values",
        )
    if "<locals>" in info.qualname:
        raise UsageError(
            f"{info.qualname} is defined anew by each call of the function around it, so a version cannot know what "
            "it closes over; move it to the top level of its module",
        )


def policy_for(info: FunctionInfo, options: Options, domain: Domain) -> Policy:
    """Resolve the policy of a function's versions.

    Raises:
        PolicyError: One of the layers cannot be used.
    """
    around = wiring().surroundings(folder_of(info))
    return resolve(options.policy, around, base=domain.policy, by_caller=False).policy(Policy)
