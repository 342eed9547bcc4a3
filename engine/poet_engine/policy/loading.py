"""TOML → `Policy`: every key known, every value checked, every value's origin kept."""

import dataclasses
import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar

from poet_engine.errors import PolicyError
from poet_engine.outcome import Severity
from poet_engine.policy import checks, documents
from poet_engine.policy.documents import Document, Setting
from poet_engine.policy.model import Effective, Fresh, Isolation, Limits, Mode, Network, Static, Wall

T = TypeVar("T")
P = TypeVar("P", bound=Effective)

ROOT = "restricted"
FORMAT = 1
_MAX_CHAIN = 16
_DAY = 86_400.0
_KIB, _MIB, _GIB = 2**10, 2**20, 2**30


def load(name_or_path: str | Path, kind: type[P]) -> P:
    """`Policy.load`, for any type with the fields of a policy."""
    return _build(_chain(documents.find(name_or_path, None)), kind)


def parse(text: str, source: str, kind: type[P]) -> P:
    """`Policy.parse`, for any type with the fields of a policy."""
    return _build(_chain(documents.read(text, source, folder=None, preset=False)), kind)


def _chain(document: Document) -> tuple[Document, ...]:
    """The document, then its ancestors up to the root preset."""
    chain = [document]
    while (parent := _parent(chain[-1])) is not None:
        if any((known.label, known.folder) == (parent.label, parent.folder) for known in chain):
            names = " -> ".join(known.label for known in (*chain, parent))
            raise PolicyError(
                f"the policies extend each other in a circle: {names}; let one of them extend {ROOT!r}",
                file=chain[-1].label,
                line=chain[-1].head["extends"].line,
                key="extends",
            )
        chain.append(parent)
        if len(chain) > _MAX_CHAIN:
            raise PolicyError(f"more than {_MAX_CHAIN} policies extend each other", file=document.label, key="extends")
    return tuple(chain)


def _parent(document: Document) -> Document | None:
    if document.preset and document.label == ROOT:
        return None
    setting = document.head.get("extends")
    if setting is None:
        return documents.preset(ROOT)
    name = _check(setting, "extends", _text)
    try:
        return documents.find(name, document)
    except PolicyError as error:
        if error.key is not None or error.line is not None:
            raise  # the parent was found and is wrong itself
        reason = str(error).removeprefix(f"{error.file}: ")
        raise PolicyError(f"{name!r}: {reason}", file=setting.file, line=setting.line, key="extends") from None


def _build(chain: tuple[Document, ...], kind: type[P]) -> P:
    """Check each layer by itself, the root first, so that a wrong value is found even where a child replaces it."""
    merged: dict[str, Setting] = {}
    for document in reversed(chain[1:]):
        merged.update(document.settings)
        _resolve(document, merged, Effective)
    merged.update(chain[0].settings)
    return _resolve(chain[0], merged, kind)


def _resolve(document: Document, merged: Mapping[str, Setting], kind: type[P]) -> P:
    head = document.head
    if "version" in head:
        _check(head["version"], "version", _format)
    name = _check(head["name"], "name", _text) if "name" in head else document.label
    if document.preset and document.label == ROOT:
        extends = None
    else:
        extends = _check(head["extends"], "extends", _text) if "extends" in head else ROOT
    imports = _imports(merged)
    static, limits = _static(merged, imports), _limits(merged)
    network, isolation = _network(merged), _isolation(merged)
    gone = {f"static.imports.{module}" for module, names in imports.items() if not names}
    return kind(
        name=name,
        extends=extends,
        version=FORMAT,
        digest=_digest(static, limits, network, isolation),
        origin=MappingProxyType({key: merged[key].origin for key in sorted(merged) if key not in gone}),
        static=static,
        limits=limits,
        network=network,
        isolation=isolation,
    )


def _imports(merged: Mapping[str, Setting]) -> dict[str, tuple[str, ...]]:
    prefix = "static.imports."
    found: dict[str, tuple[str, ...]] = {}
    for key in sorted(merged):
        if key.startswith(prefix):
            module = key.removeprefix(prefix)
            setting = merged[key]
            _check(dataclasses.replace(setting, value=module), key, checks.module)
            found[module] = _check(setting, key, _names)
    return found


def _names(value: object) -> tuple[str, ...]:
    if isinstance(value, dict):
        raise ValueError('a dotted module name needs quotes, such as "scipy.stats" = ["*"]')  # noqa: TRY004 - as below
    return checks.names(value)


def _static(merged: Mapping[str, Setting], imports: Mapping[str, tuple[str, ...]]) -> Static:
    def value(key: str, check: Callable[[object], T]) -> T:
        return _value(merged, f"static.{key}", check)

    return Static(
        mode=value("mode", lambda raw: checks.choice(raw, Mode)),
        imports=MappingProxyType({module: names for module, names in imports.items() if names}),
        bandit_severity=value("bandit_severity", lambda raw: checks.choice(raw, Severity)),
        bandit_confidence=value("bandit_confidence", lambda raw: checks.choice(raw, Severity)),
        max_bytes=value("max_bytes", lambda raw: checks.size(raw, 1, 4 * _MIB, "an empty source has no function")),
        max_lines=value("max_lines", lambda raw: checks.whole(raw, 1, 100_000)),
        max_nodes=value("max_nodes", lambda raw: checks.whole(raw, 10, 1_000_000)),
        max_depth=value("max_depth", lambda raw: checks.whole(raw, 8, 200)),
    )


def _limits(merged: Mapping[str, Setting]) -> Limits:
    def seconds(key: str) -> float:
        return _value(merged, f"limits.{key}", lambda raw: checks.duration(raw, 0.001, _DAY))

    def size(key: str, low: int, why: str) -> int:
        return _value(merged, f"limits.{key}", lambda raw: checks.size(raw, low, 1024 * _GIB, why))

    def count(key: str, low: int, high: int) -> int:
        return _value(merged, f"limits.{key}", lambda raw: checks.whole(raw, low, high))

    return Limits(
        wall=seconds("wall"),
        cpu=seconds("cpu"),
        cores=_value(merged, "limits.cores", lambda raw: checks.number(raw, 0.01, 1024)),
        memory=size("memory", 16 * _MIB, "an interpreter that has answered one call has already used a part of that"),
        processes=count("processes", 0, 4096),
        threads=count("threads", 0, 4096),
        open_files=count("open_files", 16, 65_536),
        output=size("output", 0, "less than nothing cannot be printed"),
        result=size("result", _KIB, "a small error report has to fit"),
        disk=size("disk", 64 * _KIB, "a temporary file system has at least a few pages"),
        inodes=count("inodes", 16, 10_000_000),
        stack=size("stack", 256 * _KIB, "the interpreter itself needs that much"),
    )


def _network(merged: Mapping[str, Setting]) -> Network:
    return Network(
        allow=_value(merged, "network.allow", checks.endpoints),
        allow_private=_value(merged, "network.allow_private", checks.endpoints),
    )


def _isolation(merged: Mapping[str, Setting]) -> Isolation:
    return Isolation(
        fresh=_value(merged, "isolation.fresh", lambda raw: checks.choice(raw, Fresh)),
        preload=_value(merged, "isolation.preload", checks.modules),
        require=_value(
            merged, "isolation.require", lambda raw: frozenset(checks.choice(item, Wall) for item in checks.texts(raw))
        ),
        runtime=_value(merged, "isolation.runtime", checks.runtime),
    )


def _value(merged: Mapping[str, Setting], key: str, check: Callable[[object], T]) -> T:
    if key not in merged:
        raise PolicyError("has no value, and no policy it extends sets one", file=ROOT, key=key)
    return _check(merged[key], key, check)


def _check(setting: Setting, key: str, check: Callable[[object], T]) -> T:
    try:
        return check(setting.value)
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


def _digest(static: Static, limits: Limits, network: Network, isolation: Isolation) -> str:
    """SHA-256 over the effective values in one canonical form."""
    content = {
        f"{section}.{field.name}": _plain(getattr(part, field.name))
        for section, part in (("static", static), ("limits", limits), ("network", network), ("isolation", isolation))
        for field in dataclasses.fields(part)
    }
    text = json.dumps({"version": FORMAT, **content}, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return {key: list(names) for key, names in value.items()}
    if isinstance(value, frozenset):
        return sorted(value)
    return value
