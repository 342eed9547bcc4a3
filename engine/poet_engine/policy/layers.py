"""The layers around a call: machine, organisation, project, function.

Each says only what it says, and a whole policy where it extends one. What a layer says holds for the layers below it:
they may go below, and above only where it says so under `may_loosen`. The machine's file is a ceiling that nobody
exceeds. A value that a file below writes itself and may not have is an error; one that came with a preset is brought
down to what may be had. docs/policies.md tells it with examples.
"""

import collections
import contextlib
import dataclasses
import os
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import TypeVar, cast

from poet_engine import _ownership
from poet_engine.errors import PolicyError
from poet_engine.policy import documents, keys, loading, read_files, values
from poet_engine.policy.documents import Document
from poet_engine.policy.keys import IMPORTS, KEYS, LEVELS, WAIVERS
from poet_engine.policy.model import Effective
from poet_engine.policy.values import SourcedValue
from poet_engine.policy.waivers import Waiver, in_order

P = TypeVar("P", bound=Effective)

MACHINE_FILE = Path("/etc/poet/policy.toml")
MACHINE, ORGANISATION, PROJECT, FUNCTION = "machine", "organisation", "project", "function"
PRESET = "preset"
_PRELOAD, _MODULES = "isolation.preload", "isolation.project"
# Nobody trusts a clone with where its code runs and whom it reaches: a project's file only tightens these.
_GUARDED = tuple(key for key in KEYS if key.startswith(("isolation.", "network.")) and key != _PRELOAD)
# A name is tighter than none, and yet `runc` leads out of gVisor where that is the daemon's own.
_RUNTIME, _STRONGER_RUNTIME = "isolation.runtime", "runsc"
_NAME_IT = "name a policy that does with --policy, POET_POLICY or policy="


@dataclasses.dataclass(frozen=True, slots=True)
class Layer:
    """The values and rights of one layer.

    Attributes:
        place: `machine`, `organisation`, `project` or `function`.
        name: What its policy calls itself.
        extends: What it names as its parent, or would.
        values: The keys that it says, with those of what it extends.
        whole: Whether it says every key, since it extends a policy: then a module that it does not list is refused.
        may_loosen: Keys that the layers below may set looser than it does.
    """

    place: str
    name: str
    extends: str | None
    values: Mapping[str, SourcedValue]
    whole: bool
    may_loosen: frozenset[str] = frozenset()


@dataclasses.dataclass(frozen=True, slots=True)
class PolicyContext:
    """The layers that a call finds around it, and what was resolved in them.

    Attributes:
        layers: The outermost first.
        resolved: What follows from them for presets, which do not change: by preset, base and `by_caller`.
        recent: What was last resolved in them. A policy that came of it is as it has to be, and is not resolved again.
    """

    layers: tuple[Layer, ...] = ()
    resolved: dict[tuple[str | Path | None, str, bool], "Resolution"] = dataclasses.field(
        default_factory=dict, repr=False, compare=False
    )
    recent: "collections.deque[Resolution]" = dataclasses.field(
        default_factory=lambda: collections.deque(maxlen=8), repr=False, compare=False
    )


@dataclasses.dataclass(frozen=True, slots=True)
class Step:
    """The effect of one layer on one key.

    Attributes:
        place: The layer, or `preset` for where the values start from.
        held: The value that it came to, and who set that.
        tightened: The value that was asked for, where a layer further out allows less.
    """

    place: str
    held: SourcedValue
    tightened: SourcedValue | None = None


def policy_context(
    start: Path, organisation: str | None, machine: Path = MACHINE_FILE, named: Iterable[str | Path] = ()
) -> PolicyContext:
    """Return the layers around code in a folder.

    Args:
        start: The folder. The project's file is the `pyproject.toml` in it, or else the nearest one above it.
        organisation: The organisation's policy, by name or path, if there is one.
        machine: The ceiling's file, which need not exist.
        named: Policies that the user himself has named. A project's file among them is trusted whoever owns it.

    Raises:
        PolicyError: One of them cannot be used. An unreadable machine policy would limit nothing.
    """
    found = [_machine(machine)]
    if organisation:
        document = documents.find(organisation, None)
        found.append(
            _layer(ORGANISATION, document if document.preset else documents.file(Path(organisation), organisation))
        )
    found.append(_project(start, tuple(named)))
    return PolicyContext(tuple(layer for layer in found if layer is not None))


def _machine(path: Path) -> Layer | None:
    read_files.note(path)
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError:
        pass  # it is there, and reading it says what is wrong
    # The real one is root's alone; only tests have another one.
    owners = {_ownership.ROOT} if path == MACHINE_FILE else _ownership.trusted()
    document = documents.file(path, str(path), owners=owners)
    if "may_loosen" in document.head:
        raise PolicyError(
            "nothing goes above the machine's policy; leave may_loosen out",
            file=str(path),
            line=document.head["may_loosen"].line,
            key="may_loosen",
        )
    return _layer(MACHINE, document)


def _project(start: Path, named: tuple[str | Path, ...]) -> Layer | None:
    """Return the layer of the nearest project file; skip a file that others may have written if it has no policy."""
    start = start.absolute()
    for folder in (start, *start.parents):
        file = folder / documents.PROJECT_FILE
        read_files.note(file)
        if not os.path.lexists(file):
            continue
        owners: Collection[int] | None = _ownership.trusted()
        found = documents.text_of(file, owners)
        if found.foreign is not None:
            read_files.note_more()  # what becomes of it depends on what the user has named
        if found.foreign is not None and _is_named(found.found, named):
            owners = None
        elif found.foreign is not None and documents.says_nothing(found.text, str(file)):
            continue  # as if it were not there: it hides no other one either
        elif found.foreign is not None:
            raise documents.foreign(file, found.foreign)
        document = documents.project(file, found.text, owners)
        return None if document is None else _layer(PROJECT, document)
    return None


def _is_named(file: os.stat_result, named: Iterable[str | Path]) -> bool:
    for name in named:
        with contextlib.suppress(OSError, ValueError):
            if os.path.samestat(Path(name).stat(), file):
                return True
    return False


def _layer(place: str, document: Document) -> Layer:
    whole = document.preset or "extends" in document.head
    return Layer(
        place=place,
        name=loading.name_of(document),
        extends=loading.extends_of(document),
        values=loading.merged(document, root=False),
        whole=whole,
        may_loosen=loading.may_loosen(document),
    )


def chosen(choice: Effective | str | Path | None) -> Layer | None:
    """Return the layer of a function's policy, given as a policy, a name or a file; None for None.

    Raises:
        PolicyError: The file or the name cannot be used.
    """
    if choice is None:
        return None
    if isinstance(choice, Effective):
        return Layer(FUNCTION, choice.name, choice.extends, values.of(choice), whole=True)
    return _layer(FUNCTION, documents.find(choice, None))


@dataclasses.dataclass(frozen=True, slots=True)
class Resolution:
    """The values that hold for a call, and how each came about.

    Attributes:
        name: What the innermost layer calls itself.
        extends: Its parent.
        values: Every key.
        steps: What each layer did to each key that it touched, the outermost first.
    """

    name: str
    extends: str | None
    values: Mapping[str, SourcedValue]
    steps: Mapping[str, tuple[Step, ...]]
    _made: list[Effective] = dataclasses.field(default_factory=list, init=False, repr=False, compare=False)

    def policy(self, kind: type[P]) -> P:
        """Return the policy with these values, the same object each time."""
        for made in self._made:
            if type(made) is kind:
                return made
        policy = values.assembled(self.values, kind, name=self.name, extends=self.extends)
        self._made.append(policy)
        return policy

    def has_made(self, policy: Effective) -> bool:
        """Return whether `policy` gave this very object."""
        return any(made is policy for made in self._made)


def resolve(
    choice: Effective | str | Path | None, around: PolicyContext, base: str = loading.ROOT, *, by_caller: bool = True
) -> Resolution:
    """Return the values that hold for a call.

    Args:
        choice: The function's policy, if it has one.
        around: The layers around it.
        base: The preset that the values start from: that of the function's domain.
        by_caller: Whether the choice is an argument or setting of whoever runs the program. A file that comes with the
            code, as `@poet(policy="ours.toml")` names one, may not say what is imported outside of the sandbox.

    Raises:
        PolicyError: A layer writes a value that one further out does not allow, or that it may not have at all; the
            message names both.
    """
    if isinstance(choice, Effective):
        known = next((one for one in tuple(around.recent) if one.has_made(choice)), None)
        return known or _resolved(choice, around, base, by_caller=by_caller)
    key = (choice, base, by_caller)
    found = around.resolved.get(key) or _resolved(choice, around, base, by_caller=by_caller)
    if choice is None or documents.names_preset(choice):
        around.resolved[key] = found
    around.recent.append(found)
    return found


def _resolved(
    choice: Effective | str | Path | None, around: PolicyContext, base: str, *, by_caller: bool
) -> Resolution:
    function = chosen(choice)
    layers = (*around.layers, *([function] if function is not None else []))
    for layer in layers:
        if layer.place == PROJECT or (layer is function and not by_caller and not isinstance(choice, Effective)):
            _refuse_preload(layer)
            _refuse_project(layer)
    start = _layer(PRESET, documents.preset(base))
    # A whole policy that the caller names takes the place of the project's, which then only tightens it.
    work = _Resolver(start.values, guarded=function is None or not function.whole)
    for layer in layers:
        work.apply(layer)
    innermost = [start, *(layer for layer in layers if layer.place != MACHINE)][-1]
    return Resolution(innermost.name, innermost.extends, work.values, work.steps)


def _refuse_preload(layer: Layer) -> None:
    """Refuse modules to preload that no preset has: importing a module runs it outside of the isolation.

    Files of a project must not decide that.

    Raises:
        PolicyError: The layer adds a module.
    """
    held = layer.values.get(_PRELOAD)
    if held is None or held.place is None:
        return
    added = sorted(set(cast("tuple[str, ...]", held.value)) - loading.preloaded_by_presets())
    if added:
        file, line = held.place
        raise PolicyError(
            f"{', '.join(added)} would be imported outside of the sandbox, and a project's file does not decide that. "
            f"Leave it out, since importing it in the function works as well, or {_NAME_IT}",
            file=file,
            line=line,
            key=_PRELOAD,
        )


def _refuse_project(layer: Layer) -> None:
    """Refuse modules of a project: they are files of this machine that functions could read.

    Raises:
        PolicyError: The layer adds one.
    """
    held = layer.values.get(_MODULES)
    if held is None or held.place is None or not held.value:
        return
    file, line = held.place
    raise PolicyError(
        "functions could read these files of this machine, and a project's file does not decide that. "
        f"Leave them out, give modules with the call, or {_NAME_IT}",
        file=file,
        line=line,
        key=_MODULES,
    )


def alone(path: Path) -> Resolution:
    """Return the resolution of a pyproject.toml with nothing around it.

    Raises:
        PolicyError: The file is no valid policy.
    """
    document = documents.project(path, documents.text_of(path).text)
    return resolve(None, PolicyContext(() if document is None else (_layer(PROJECT, document),)))


class _Resolver:
    """The values so far, and the bounds that the layers so far have set."""

    def __init__(self, start: Mapping[str, SourcedValue], *, guarded: bool) -> None:
        self.values = dict(start)
        self._guarded = guarded
        self.steps = {key: (Step(PRESET, held),) for key, held in start.items()}
        self._bounds: dict[str, SourcedValue] = {}
        self._closed: SourcedValue | None = None  # set by a whole layer: a module that has no bound is refused

    def apply(self, layer: Layer) -> None:
        before = self.values
        asked = dict(layer.values) if layer.place != MACHINE else {}
        if layer.place == MACHINE:
            self._bind(layer, layer.values)
        elif layer.whole:
            self.values = {}
        elif WAIVERS in asked:
            asked[WAIVERS] = _joined(self.values[WAIVERS], asked[WAIVERS])
        wanted = {**self.values, **asked}
        if self._bounds or self._closed is not None:
            self.values = {key: self._bounded(layer, key, held, asked) for key, held in wanted.items()}
        else:
            self.values = wanted
            self.steps |= {key: (*self.steps.get(key, ()), Step(layer.place, held)) for key, held in asked.items()}
        if layer.place != MACHINE:
            self._bind(layer, {key: self.values[key] for key in layer.values})
        if layer.place == PROJECT and self._guarded:
            self._keep_tight(layer, before)

    def _keep_tight(self, layer: Layer, before: Mapping[str, SourcedValue]) -> None:
        """Keep a project from loosening guarded keys; layers further in are not bound by that."""
        for key in _GUARDED:
            was, held = before[key], self.values[key]
            named = key == _RUNTIME and held.value not in {was.value, _STRONGER_RUNTIME}
            if keys.within(key, held.value, was.value) and not named:
                continue
            written = layer.values.get(key)
            if written is not None and written.place is not None:
                raise _refusal(key, written, was, f"a project's file may only tighten it; {_NAME_IT}")
            self.values[key] = SourcedValue(_met(key, held, was), was.origin)
            self.steps[key] = (*self.steps[key][:-1], Step(PROJECT, self.values[key], held))

    def _bounded(self, layer: Layer, key: str, held: SourcedValue, asked: Mapping[str, SourcedValue]) -> SourcedValue:
        """Return the value that a key may have; record a step where the layer set or tightened it."""
        bound = self._bound(key)
        if bound is None or keys.within(key, held.value, bound.value):
            found, tightened = held, None
        else:
            if key in asked and held.place is not None and key not in LEVELS:
                raise _refusal(key, held, bound)
            found, tightened = SourcedValue(_met(key, held, bound), bound.origin), held
        if key in asked or tightened is not None:
            self.steps[key] = (*self.steps.get(key, ()), Step(layer.place, found, tightened))
        return found

    def _bound(self, key: str) -> SourcedValue | None:
        bound = self._bounds.get(key)
        if bound is None and self._closed is not None and key.startswith(f"{IMPORTS}."):
            return self._closed
        return bound

    def _bind(self, layer: Layer, said: Mapping[str, SourcedValue]) -> None:
        loose = layer.may_loosen
        self._bounds |= {key: held for key, held in said.items() if not (loose and _in(key, loose))}
        if layer.whole and not _in(IMPORTS, loose):
            self._bounds = {
                key: held for key, held in self._bounds.items() if key in said or not key.startswith(f"{IMPORTS}.")
            }
            self._closed = SourcedValue((), layer.name)


def _in(key: str, loose: Iterable[str]) -> bool:
    return any(key == name or key.startswith(f"{name}.") for name in loose)


def _joined(outer: SourcedValue, inner: SourcedValue) -> SourcedValue:
    """Return the waivers of a layer together with those around it."""
    both = (*cast("tuple[Waiver, ...]", outer.value), *cast("tuple[Waiver, ...]", inner.value))
    return SourcedValue(in_order(both), inner.origin)


def _met(key: str, held: SourcedValue, bound: SourcedValue) -> object:
    try:
        return keys.met(key, held.value, bound.value)
    except ValueError:
        raise _refusal(key, held, bound) from None


def _refusal(
    key: str, held: SourcedValue, bound: SourcedValue, remedy: str = "ask for what is allowed, or have it allowed there"
) -> PolicyError:
    file, line = held.place or (held.origin, None)
    allowed = keys.written(key, bound.value)
    return PolicyError(
        f"{keys.written(key, held.value):.200} is more than {bound.origin} allows: {allowed:.200}; {remedy}",
        file=file,
        line=line,
        key=key,
    )
