"""The parts of a version, and their strict JSON forms."""

import dataclasses
import functools
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from poet_engine import _json
from poet_engine._pydantic_errors import first_problem
from poet_engine.versions.files import StoreError

if TYPE_CHECKING:
    from pydantic import TypeAdapter

SCHEMA_VERSION = 1
CODE_BYTES = 1_000_000
JSON_BYTES = {"params.json": 1_000_000, "state.json": 8_000_000, "metadata.json": 250_000, "pins.json": 10_000}


@dataclasses.dataclass(frozen=True, slots=True)
class _StrictRecord:
    # Read by pydantic when a file is read, inherited by every part of it.
    __pydantic_config__ = {"strict": True, "extra": "forbid", "allow_inf_nan": False}  # noqa: RUF012 - a ClassVar annotation would make it a part of the form


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class TrialSummary(_StrictRecord):
    """The result of the trial in the sandbox before a version was stored.

    Attributes:
        examples: The number of calls that were tried.
        passed: The number of calls that ended as expected.
        note: One sentence about the others.
    """

    examples: int
    passed: int
    note: str = ""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Metadata(_StrictRecord):
    """The origin of a version, and the checks that it has passed.

    Attributes:
        created: Seconds since the Unix epoch.
        domain: The domain that it was written for, such as `ml_monitoring`.
        policy: The name of the policy that it was scanned under.
        policy_digest: The digest of that policy; under another policy the version is scanned again.
        original_digest: The digest of the user's function that it replaces; it serves no other function.
        python: The version of Python in its trial, such as `3.11.7`.
        poet_version: The version of poet-engine that stored it.
        origin: The author: our built-in code, a model, or a person whose edit was adopted.
        gate: The ids of the rules with findings that did not reject.
        trial: The result of its trial, if there was one.
        module: The name of the function's file without `.py`; empty where it is unknown.
    """

    created: float
    domain: str
    policy: str
    policy_digest: str
    original_digest: str
    python: str
    poet_version: str
    origin: Literal["built_in", "model", "adopted"]
    gate: tuple[str, ...] = ()
    trial: TrialSummary | None = None
    module: str = ""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _MetadataFile(Metadata):
    """The content of `metadata.json`: the metadata, flat, and the store's own fields."""

    schema_version: int
    version: str
    code_digest: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class StoredVersion:
    """A version as it is on the disk now.

    Attributes:
        name: `v1`, `v2`, …
        path: Its folder.
        code: The text of `code.py`.
        code_digest: SHA-256 of that text in UTF-8, in hexadecimal.
        recorded_digest: The digest of the code when it was stored.
        params: `params.json`.
        metadata: `metadata.json`.
        state: `state.json`; None where there is none, as in a fresh clone.
    """

    name: str
    path: Path
    code: str
    code_digest: str
    recorded_digest: str
    params: Mapping[str, object]
    metadata: Metadata
    state: Mapping[str, object] | None = None

    @property
    def intact(self) -> bool:
        """Whether the code is unchanged since it was stored; edited code must not run."""
        return self.code_digest == self.recorded_digest


def digest(data: bytes) -> str:
    """Return the SHA-256 of bytes, in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def code_bytes(code: str) -> bytes:
    """Return the bytes of `code.py`.

    Raises:
        StoreError: The code has no UTF-8 form, or more than 1 MB.
    """
    try:
        data = code.encode()
    except UnicodeEncodeError as error:
        raise StoreError(f"the code has no UTF-8 form: {error}; remove the lone surrogates from it") from error
    if len(data) > CODE_BYTES:
        raise StoreError(f"the code has {len(data)} bytes and a version may have {CODE_BYTES}; make it shorter")
    return data


def mapping_bytes(name: str, value: Mapping[str, object]) -> bytes:
    """Return the bytes of `params.json`, `state.json` or `pins.json`.

    Raises:
        StoreError: The mapping has no JSON form that reads back the same, or is too large.
    """
    try:
        text = json.dumps(value, default=_as_dict, ensure_ascii=False, allow_nan=False, indent=2)
        data = text.encode() + b"\n"
    except (TypeError, ValueError, RecursionError) as error:
        raise StoreError(f"{name}: {error}; use JSON values only (no nan, no objects)") from error
    _check_keys(name, value)  # only now: `dumps` has made sure that nothing in there holds itself
    if len(data) > JSON_BYTES[name]:
        raise StoreError(f"{name} would have {len(data)} bytes and may have {JSON_BYTES[name]}; store less in it")
    return data


def read_mapping(path: Path, data: bytes) -> Mapping[str, object]:
    """Return the content of `params.json`, `state.json` or `pins.json`.

    Raises:
        StoreError: It is not one JSON object, or holds a doubled key, nan or inf.
    """
    try:
        found: object = _json.decode(data.decode())
    except RecursionError as error:
        raise StoreError(f"{path}: nested too deeply; restore the file or remove the version") from error
    except ValueError as error:
        raise StoreError(f"{path}: {error}; restore the file or remove the version") from error
    if not isinstance(found, dict):
        raise StoreError(f"{path}: a JSON object is expected; restore the file or remove the version")
    return found


def metadata_bytes(metadata: Metadata, *, version: str, code_digest: str) -> bytes:
    """Return the bytes of `metadata.json`.

    Raises:
        StoreError: A field has the wrong type, or the whole is too large.
    """
    form = dataclasses.asdict(metadata) | {
        "schema_version": SCHEMA_VERSION,
        "version": version,
        "code_digest": code_digest,
    }
    try:
        data = json.dumps(form, ensure_ascii=False, allow_nan=False, indent=2).encode() + b"\n"
    except (TypeError, ValueError) as error:
        raise StoreError(f"the metadata of {version} have no JSON form: {error}") from error
    if len(data) > JSON_BYTES["metadata.json"]:
        raise StoreError(f"the metadata of {version} have {len(data)} bytes and may have {JSON_BYTES['metadata.json']}")
    read_metadata(Path(version, "metadata.json"), data, version=version)  # what is written can be read
    return data


def read_metadata(path: Path, data: bytes, *, version: str) -> tuple[Metadata, str]:
    """Return the metadata and the recorded digest of the code from `metadata.json`.

    Raises:
        StoreError: The file has another form, belongs to another version, or comes from a newer poet-engine.
    """
    found_schema = read_mapping(path, data).get("schema_version")
    if isinstance(found_schema, int) and found_schema > SCHEMA_VERSION:
        raise StoreError(
            f"{path}: has schema {found_schema} and this poet-engine knows {SCHEMA_VERSION}; upgrade poet-engine"
        )
    try:
        file = _metadata_form().validate_json(data)
    except ValueError as error:
        raise StoreError(f"{path}: {first_problem(error)}; restore the file or remove the version") from error
    if file.version != version:
        raise StoreError(f"{path}: says that it belongs to {file.version!r}; restore the file or remove the version")
    metadata = Metadata(**{field.name: getattr(file, field.name) for field in dataclasses.fields(Metadata)})
    return metadata, file.code_digest


@functools.cache
def _metadata_form() -> "TypeAdapter[_MetadataFile]":
    import pydantic  # noqa: PLC0415 - only readers and writers of versions pay for it; importing the store stays light

    return pydantic.TypeAdapter(_MetadataFile)


def _as_dict(value: object) -> dict[object, object]:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"a {type(value).__name__} has no JSON form")


def _check_keys(where: str, value: object) -> None:
    """Refuse keys that are not text: JSON would turn them into text, and they would come back as other keys."""
    pending: list[tuple[str, object]] = [(where, value)]
    while pending:
        path, found = pending.pop()
        if isinstance(found, Mapping):
            for key, item in found.items():
                if not isinstance(key, str):
                    raise StoreError(f"{path}: the key {key!r} is not text; use text keys only")
                pending.append((f"{path}.{key}", item))
        elif isinstance(found, list | tuple):
            pending.extend((f"{path}[{index}]", item) for index, item in enumerate(found))
