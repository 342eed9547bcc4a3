"""The published JSON Schema: it says what the loader says, and the file in policies/ is the one that is made."""

import tomllib
from pathlib import Path

import jsonschema
import pytest

from poet_engine.errors import PolicyError
from poet_engine.policy import Policy, schema
from poet_engine.policy.keys import KEYS

FOLDER = Path(__file__).resolve().parents[3] / "policies"
PRESETS = sorted(FOLDER.glob("*.toml"))
WAIVER = 'rule = "POET111"\nscope = "f"\nowner = "o"\nreason = "r"\nexpires = 2030-01-01\n'


def _accepts(text: str) -> bool:
    return bool(jsonschema.Draft7Validator(schema.schema()).is_valid(tomllib.loads(text)))


def test_the_published_file_is_the_one_that_is_made() -> None:
    """`poet policy schema > policies/policy.schema.json` writes it anew."""
    assert (FOLDER / schema.FILE).read_text("utf-8") == schema.text()


def test_it_is_a_schema() -> None:
    jsonschema.Draft7Validator.check_schema(schema.schema())


@pytest.mark.parametrize("path", PRESETS, ids=lambda path: path.stem)
def test_it_accepts_every_preset_and_every_preset_names_it(path: Path) -> None:
    text = path.read_text("utf-8")
    assert text.startswith(f"#:schema ./{schema.FILE}\n")
    assert _accepts(text)


@pytest.mark.parametrize("name", [key for key in KEYS if key not in {"static.imports", "waivers"}])
def test_it_knows_every_key_and_accepts_what_the_default_has(name: str) -> None:
    part = Policy.load("lab")
    section, _, key = name.partition(".")
    written = KEYS[name].kind.write(() if key in {"warn", "audit"} else getattr(getattr(part, section), key))
    assert _accepts(f"[{section}]\n{key} = {written}\n")


@pytest.mark.parametrize(
    "text",
    [
        'extends = "data"\nname = "x"\nversion = 1\nmay_loosen = ["limits.wall", "static"]',
        '[limits]\nwall = 2.5\nmemory = "1.5 gib"\nresult = "1024kB"\ncpu = "2m"',
        '[static.imports]\nnumpy = ["mean", "linalg.*", "linalg.norm?", "*"]\n"scipy.stats" = []',
        f"[[waivers]]\n{WAIVER}",
    ],
)
def test_it_accepts_what_loads(text: str) -> None:
    Policy.parse(text)
    assert _accepts(text)


@pytest.mark.parametrize(
    "text",
    [
        "typo = 1",
        '[limit]\nwall = "1s"',
        '[limits]\nmemry = "1GiB"',
        "[limits]\nmemory = 1",
        "[limits]\nwall = 0",
        "[limits]\nwall = true",
        '[limits]\nwall = "5 parsecs"',
        '[limits]\nmemory = "5s"',
        '[limits]\ncores = "1"',
        "[limits]\nprocesses = -1",
        "[limits]\nthreads = 1.5",
        "static = 3",
        '[static]\nmode = "enfoce"',
        "[static]\nmax_depth = 100000",
        '[static.imports]\nscipy.stats = ["*"]',
        '[static.imports]\n"_thread" = ["*"]',
        '[static.imports]\nos = ["__x"]',
        '[static.imports]\nos = ["sep", "sep"]',
        '[static]\nwarn = "restricted"',
        '[network]\nallow = ["example.org"]',
        '[isolation]\nrequire = ["moat"]',
        '[isolation]\nruntime = "--privileged"',
        '[isolation]\npreload = ["a-b"]',
        "version = 2",
        "name = 3",
        'may_loosen = ["limit"]',
        "waivers = 1",
        f"[[waivers]]\n{WAIVER}x = 1",
        "[[waivers]]\n" + WAIVER.replace("POET111", "POET999"),
        *("[[waivers]]\n" + "".join(part for part in WAIVER.splitlines(keepends=True) if not part.startswith(name))
          for name in ("rule", "scope", "owner", "reason", "expires")),
    ],
)  # fmt: skip
def test_it_refuses_what_does_not_load(text: str) -> None:
    with pytest.raises(PolicyError):
        Policy.parse(text)
    assert not _accepts(text)
