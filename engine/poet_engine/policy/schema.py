"""JSON Schema of a policy file (draft 7, which editors know), derived from the table of keys."""

import json
from collections.abc import Mapping

from poet_engine.policy.checks import MODULE_PATTERN
from poet_engine.policy.documents import HEAD
from poet_engine.policy.keys import IMPORTS, KEYS, SECTIONS, WAIVERS, Key
from poet_engine.policy.values import FORMAT

FILE = "policy.schema.json"
_TEXT = {"type": "string", "pattern": r"\S"}
_HEAD: Mapping[str, Mapping[str, object]] = {
    "version": {"const": FORMAT, "description": "the version of this format"},
    "name": {**_TEXT, "description": "what the policy calls itself"},
    "extends": {**_TEXT, "description": "a preset, or a path relative to the file"},
    "may_loosen": {
        "type": "array",
        "uniqueItems": True,
        "items": {"enum": [*SECTIONS, *KEYS]},
        "description": "keys and sections that the layers below may set looser than this one",
    },
}


def schema() -> dict[str, object]:
    """Return the schema. It accepts every policy that loads; ranges of texts such as "1MiB" are checked only then."""
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "A policy of poet-engine",
        "type": "object",
        "additionalProperties": False,
        "properties": {
            **{name: dict(_HEAD[name]) for name in HEAD},
            WAIVERS: _described(KEYS[WAIVERS]),
            **{section: _section(section) for section in SECTIONS},
        },
    }


def text() -> str:
    """Return the schema as the text of its file."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


def _section(section: str) -> dict[str, object]:
    keys = {name.partition(".")[2]: key for name, key in KEYS.items() if name.startswith(f"{section}.")}
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": {name: _described(key) for name, key in keys.items()},
    }


def _described(key: Key) -> dict[str, object]:
    if key.name != IMPORTS:
        return {**key.kind.schema, "description": key.meaning}
    return {
        "type": "object",
        "additionalProperties": False,
        "patternProperties": {MODULE_PATTERN: dict(key.kind.schema)},
        "description": key.meaning,
    }
