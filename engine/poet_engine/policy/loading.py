"""TOML → `Policy`: every key known, every value checked, every value's origin kept."""

import dataclasses
import functools
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Never, TypeVar, cast

from poet_engine._text import suggest
from poet_engine.errors import PolicyError
from poet_engine.policy import checks, documents, values, waivers
from poet_engine.policy.documents import Document, Setting
from poet_engine.policy.keys import IMPORTS, KEYS, LEVELS, SECTIONS, WAIVERS
from poet_engine.policy.model import Effective
from poet_engine.policy.values import FORMAT, SourcedValue
from poet_engine.policy.waivers import Waiver

T = TypeVar("T")
P = TypeVar("P", bound=Effective)

ROOT = "restricted"
_ENTRY = f"{IMPORTS}."
_MAX_CHAIN = 16


def load(name_or_path: str | Path, kind: type[P]) -> P:
    """`Policy.load`, for any type with the fields of a policy."""
    return built(documents.find(name_or_path, None), kind)


def parse(text: str, source: str, kind: type[P]) -> P:
    """`Policy.parse`, for any type with the fields of a policy."""
    return built(documents.read(text, source, folder=None, preset=False), kind)


def built(document: Document, kind: type[P]) -> P:
    """Return the policy of one document and its ancestors.

    Raises:
        PolicyError: A value in any of them is wrong.
    """
    return values.assembled(merged(document), kind, name=name_of(document), extends=extends_of(document))


def merged(document: Document, *, root: bool = True, levels: bool = True) -> dict[str, SourcedValue]:
    """Return the values of a document and its ancestors, each checked by itself to find errors in all of them.

    Args:
        document: The document that extends the others.
        root: Whether a document that names no parent extends the root preset; else only its own values are returned.
        levels: Whether `warn` and `audit` are loaded. They are not in a policy that is named there.
    """
    found: dict[str, SourcedValue] = {}
    for one in reversed(_chain(document, root=root)):
        own = _preset_values(one.label, levels) if one.preset else _checked(one, levels=levels)
        added = {WAIVERS: _added(found, own)} if WAIVERS in own else {}
        found |= {**own, **added}
    return found


@functools.cache
def preloaded_by_presets() -> frozenset[str]:
    """Return the modules that any shipped policy preloads."""
    held = (_preset_values(name, levels=False).get("isolation.preload") for name in documents.presets())
    return frozenset(name for one in held if one is not None for name in cast("tuple[str, ...]", one.value))


def name_of(document: Document) -> str:
    """Return the name that a document gives itself, or else its label."""
    return check(document.head["name"], "name", _text) if "name" in document.head else document.label


def extends_of(document: Document) -> str | None:
    """Return the name of its parent: the root preset where it names none, and None for the root preset itself."""
    if document.preset and document.label == ROOT:
        return None
    return check(document.head["extends"], "extends", _text) if "extends" in document.head else ROOT


def may_loosen(document: Document) -> frozenset[str]:
    """Return the keys and sections that layers below this one may set looser."""
    if "may_loosen" not in document.head:
        return frozenset()
    return check(document.head["may_loosen"], "may_loosen", _loosened)


def _loosened(value: object) -> frozenset[str]:
    found = checks.texts(value)
    known = (*SECTIONS, *KEYS)
    for item in found:
        if item not in known:
            raise ValueError(f"there is no key or section {item!r}{suggest(item, known)}")
    return frozenset(found)


def _chain(document: Document, *, root: bool) -> tuple[Document, ...]:
    """Return the document, then its ancestors up to the one that extends nothing."""
    chain = [document]
    while (parent := _parent(chain[-1], root=root)) is not None:
        if any((known.label, known.folder) == (parent.label, parent.folder) for known in chain):
            names = " -> ".join(known.label for known in (*chain, parent))
            raise PolicyError(
                f"the policies extend each other in a circle: {names}; let one of them extend {ROOT!r}",
                file=chain[-1].label,
                line=chain[-1].head["extends"].line,
                key="extends",
            )
        chain.append(parent)
        root = True  # what is extended is a whole policy
        if len(chain) > _MAX_CHAIN:
            raise PolicyError(f"more than {_MAX_CHAIN} policies extend each other", file=document.label, key="extends")
    return tuple(chain)


def _parent(document: Document, *, root: bool) -> Document | None:
    if document.preset and document.label == ROOT:
        return None
    setting = document.head.get("extends")
    if setting is None:
        return documents.preset(ROOT) if root else None
    return _named(check(setting, "extends", _text), setting, "extends", document)


def _named(name: str, setting: Setting, key: str, document: Document) -> Document:
    """Return the document that a setting names; where it cannot be found, the error points to the setting."""
    try:
        return documents.find(name, document)
    except PolicyError as error:
        if error.key is not None or error.line is not None:
            raise  # the document was found and is wrong itself
        reason = str(error).removeprefix(f"{error.file}: ")
        raise PolicyError(f"{name!r}: {reason}", file=setting.file, line=setting.line, key=key) from None


@functools.cache
def _preset_values(name: str, levels: bool) -> Mapping[str, SourcedValue]:  # noqa: FBT001 - the cache needs it in one form
    return _checked(documents.preset(name), levels=levels)


def _checked(document: Document, *, levels: bool) -> dict[str, SourcedValue]:
    """Return the checked values of a document itself."""
    if "version" in document.head:
        check(document.head["version"], "version", _format)
    name_of(document)
    may_loosen(document)
    found: dict[str, SourcedValue] = {}
    for key, setting in document.settings.items():
        if key in LEVELS:
            value = _levels(key, setting, document) if levels else ()
        elif key == WAIVERS:
            value = _waivers(document)
        elif key.startswith(f"{WAIVERS}."):
            continue
        else:
            module = key.removeprefix(_ENTRY) if key.startswith(_ENTRY) else None
            try:
                if module is not None and not document.preset:  # those of the presets have tests
                    checks.module(module)
                value = KEYS[key if module is None else IMPORTS].kind.read(setting.value)
            except ValueError as error:
                raise PolicyError(str(error), file=setting.file, line=setting.line, key=key) from None
        found[key] = SourcedValue(value, setting.file if setting.preset else setting.origin)
    return found


def _levels(key: str, setting: Setting, document: Document) -> object:
    names = check(setting, key, checks.texts)
    named = [_named(name, setting, key, document) for name in names]
    return values.levels_at(
        key,
        [
            values.assembled(merged(one, levels=False), Effective, name=name_of(one), extends=extends_of(one))
            for one in named
        ],
    )


def _waivers(document: Document) -> tuple[Waiver, ...]:
    count = len({key.split(".")[1] for key in document.settings if key.startswith(f"{WAIVERS}.")})
    folder = str(document.folder) if document.folder is not None else os.curdir  # of what is no file: where we are
    found = [Waiver(**_fields(document, f"{WAIVERS}.{number}")) for number in range(count)]
    return waivers.in_order(dataclasses.replace(one, files=waivers.file_pattern(one.scope, folder)) for one in found)


def _fields(document: Document, path: str) -> dict[str, Never]:
    """Return the arguments of one waiver. | Each is read by its own reader, which types cannot express."""
    return cast(
        "dict[str, Never]",
        {
            field: check(document.settings[f"{path}.{field}"], f"{path}.{field}", reader)
            for field, reader in waivers.READERS.items()
        },
    )


def _added(found: Mapping[str, SourcedValue], own: Mapping[str, SourcedValue]) -> SourcedValue:
    """Return a document's waivers added to those of its parent: a new waiver does not withdraw the others."""
    earlier = found.get(WAIVERS)
    mine = own[WAIVERS]
    if earlier is None or not isinstance(earlier.value, tuple) or not isinstance(mine.value, tuple):
        return mine
    return SourcedValue(waivers.in_order((*earlier.value, *mine.value)), mine.origin)


def check(setting: Setting, key: str, reader: Callable[[object], T]) -> T:
    """Return the value of a setting, read by `reader`.

    Raises:
        PolicyError: The reader raised ValueError.
    """
    try:
        return reader(setting.value)
    except ValueError as error:
        raise PolicyError(str(error), file=setting.file, line=setting.line, key=key) from None


def _text(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"expected a text, not {value!r}")
    return value


def _format(value: object) -> int:
    if isinstance(value, bool) or value != FORMAT:
        raise ValueError(f"expected {FORMAT}, the only version of the format there is, not {value!r}")
    return FORMAT
