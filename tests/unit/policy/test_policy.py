"""Policies: the presets, inheritance, origins, and every way to get one wrong."""

import dataclasses
import itertools
import re
from pathlib import Path

import pytest

from poet_engine.errors import PolicyError
from poet_engine.outcome import Severity
from poet_engine.policy import Fresh, Mode, Policy, Wall

PRESETS = ("restricted", "data", "api", "baseline", "lab")


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_loads_under_its_own_name(name: str) -> None:
    policy = Policy.load(name)
    assert policy.name == name
    assert len(policy.digest) == 64
    assert policy.version == 1


def test_the_default_has_the_published_limits() -> None:
    policy = Policy.load("restricted")
    limits = policy.limits
    assert policy.extends is None
    assert (limits.wall, limits.cpu, limits.cores) == (5.0, 4.0, 1.0)
    assert (limits.memory, limits.output, limits.result, limits.disk) == (2**28, 2**20, 2**23, 2**24)
    assert (limits.processes, limits.threads, limits.open_files) == (0, 8, 64)
    assert policy.network.allow == policy.network.allow_private == ()
    assert policy.isolation.fresh is Fresh.PROCESS
    assert policy.isolation.require == frozenset(Wall)
    assert policy.static.mode is Mode.ENFORCE
    assert policy.static.bandit_severity is Severity.MEDIUM


def test_data_adds_libraries_and_keeps_the_rest() -> None:
    data, parent = Policy.load("data"), Policy.load("restricted")
    assert data.extends == "restricted"
    assert "mean" in data.static.imports["numpy"]
    assert data.isolation.preload == ("numpy", "scipy.stats")
    assert data.isolation.require == frozenset(Wall)
    assert data.static.imports["math"] == parent.static.imports["math"]
    files = {"load", "save", "fromfile", "memmap", "savetxt", "loadtxt", "ctypeslib", "f2py", "DataSource"}
    assert not files & set(data.static.imports["numpy"])
    assert not [name for name in data.static.imports["pandas"] if name.startswith(("read_", "eval", "HDF", "Excel"))]


def test_api_opens_nothing_by_itself_and_stands_behind_all_walls() -> None:
    api = Policy.load("api")
    assert (api.extends, api.network.allow, api.network.allow_private) == ("restricted", (), ())
    assert api.isolation.require == frozenset(Wall)
    mine = Policy.parse('extends = "api"\n[network]\nallow = ["api.example.org:443"]')
    assert mine.network.allow == ("api.example.org:443",)


def test_baseline_enforces_and_does_without_the_walls_that_need_a_cgroup() -> None:
    baseline = Policy.load("baseline")
    assert baseline.static.mode is Mode.ENFORCE
    assert frozenset(Wall) - baseline.isolation.require == {Wall.MEMORY, Wall.TASKS}


@pytest.mark.parametrize("name", PRESETS)
def test_every_line_of_a_preset_has_its_reason(name: str) -> None:
    """Beside it, or above the group of lines that it belongs to; the lists of names have theirs above them."""
    file = Path(__file__).resolve().parents[3] / "policies" / f"{name}.toml"
    lines = file.read_text("utf-8").partition("[static.imports]")
    told = [*lines[0].splitlines(), *lines[2].partition("\n[limits]")[2].splitlines()]
    values = [line for line in told if re.match(r"[a-z_]+ = ", line) and not line.startswith("name = ")]
    assert values
    for line in values:
        above = told[told.index(line) - 1]
        assert "  # " in line or " # " in line or above.startswith("#"), line


def test_lab_requires_no_wall_and_only_takes_notes() -> None:
    lab = Policy.load("lab")
    assert lab.isolation.require == frozenset()
    assert lab.static.mode is Mode.AUDIT


def test_a_text_extends_the_default_and_keeps_its_values() -> None:
    policy = Policy.parse('[limits]\nwall = "250ms"\nmemory = 33554432\ncores = 2', source="mine.toml")
    assert policy.extends == "restricted"
    assert policy.name == "mine.toml"
    assert (policy.limits.wall, policy.limits.memory, policy.limits.cores) == (0.25, 2**25, 2.0)
    assert policy.limits.cpu == Policy.load("restricted").limits.cpu


@pytest.mark.parametrize(
    ("text", "value"), [("1024KiB", 2**20), ("1.5 kB", 1500), ("1MB", 10**6), ("2gib", 2**31), ("65536", 65536)]
)
def test_sizes_are_read_as_people_write_them(text: str, value: int) -> None:
    assert Policy.parse(f'[limits]\nresult = "{text}"').limits.result == value


@pytest.mark.parametrize(
    ("text", "value"), [("5s", 5.0), ("250ms", 0.25), ("2m", 120.0), ("1.5 h", 5400.0), ("3", 3.0)]
)
def test_durations_are_read_as_people_write_them(text: str, value: float) -> None:
    assert Policy.parse(f'[limits]\nwall = "{text}"').limits.wall == value


def test_a_listed_module_replaces_the_parents_entry_and_an_empty_list_removes_it() -> None:
    policy = Policy.parse('[static.imports]\nmath = ["sqrt", "floor"]\nrandom = []\n"scipy.stats" = ["*"]')
    assert policy.static.imports["math"] == ("floor", "sqrt")
    assert "random" not in policy.static.imports
    assert policy.static.imports["scipy.stats"] == ("*",)
    assert "re" in policy.static.imports


def test_every_value_knows_where_it_comes_from() -> None:
    text = (
        '# a comment\nname = "x"\n[limits]\n\nwall = "1s"  # why\n'
        '[static.imports]\n"scipy.stats" = [\n "norm",\n]\nmath = []\n'
    )
    policy = Policy.parse(text, source="mine.toml")
    assert policy.origin["limits.wall"] == "mine.toml:5"
    assert policy.origin["static.imports.scipy.stats"] == "mine.toml:7"
    assert policy.origin["limits.cpu"] == "restricted"
    assert "static.imports.math" not in policy.origin


def test_the_digest_follows_the_values_and_nothing_else() -> None:
    plain = Policy.parse("[limits]\nwall = 1.0")
    renamed = Policy.parse('# note\nname = "other"\n[limits]\nwall = "1000ms" # same')
    assert plain.digest == renamed.digest
    different = [
        Policy.parse("[limits]\nwall = 2"),
        Policy.parse('[static]\nmode = "audit"'),
        Policy.parse('[static.imports]\nos = ["sep"]'),
        Policy.parse('[network]\nallow = ["a.example:443"]'),
        Policy.parse('[isolation]\nrequire = ["network"]'),
        Policy.load("restricted"),
    ]
    digests = [policy.digest for policy in (plain, *different)]
    assert all(one != other for one, other in itertools.combinations(digests, 2))


def test_a_policy_cannot_be_changed_and_can_be_a_key() -> None:
    policy = Policy.load("restricted")
    with pytest.raises(dataclasses.FrozenInstanceError):
        policy.limits.wall = 9.0  # type: ignore[misc]  # the point of the test
    with pytest.raises(TypeError):
        policy.static.imports["os"] = ("system",)  # type: ignore[index]  # the point of the test
    assert {policy: 1}[Policy.load("restricted")] == 1


@pytest.mark.parametrize(
    ("text", "line", "key", "said"),
    [
        ('[limits]\nmemry = "1GiB"', 2, "limits.memry", "did you mean 'memory'?"),
        ("typo = 1", 1, "typo", "unknown key"),
        ('\n[limit]\nwall = "1s"', 2, "limit", "did you mean 'limits'?"),
        ('[limits]\n\nmemory = "1MiB"', 3, "limits.memory", "at least 16777216"),
        ('[limits]\nmemory = "-1GiB"', 2, "limits.memory", "negative"),
        ("[limits]\nwall = -1", 2, "limits.wall", "out of range"),
        ('[limits]\nwall = "0s"', 2, "limits.wall", "out of range"),
        ("[limits]\nwall = nan", 2, "limits.wall", "out of range"),
        ("[limits]\nwall = inf", 2, "limits.wall", "out of range"),
        ('[limits]\nwall = "5 parsecs"', 2, "limits.wall", "unknown unit"),
        ("[limits]\nwall = true", 2, "limits.wall", "expected a duration"),
        ("[limits]\nwall = [1]", 2, "limits.wall", "expected a duration"),
        ("[limits]\ncores = 0", 2, "limits.cores", "out of range"),
        ('[limits]\ncores = "1"', 2, "limits.cores", "expected a number"),
        ("[limits]\nprocesses = true", 2, "limits.processes", "expected a whole number"),
        ("[limits]\nprocesses = -1", 2, "limits.processes", "out of range"),
        ("[limits]\nthreads = 1.5", 2, "limits.threads", "expected a whole number"),
        ('[limits]\noutput = "0.3B"', 2, "limits.output", "whole number of bytes"),
        ("static = 3", 1, "static", "expected a table"),
        ('[static]\nmode = "enfoce"', 2, "static.mode", "one of enforce, warn, audit"),
        ("[static]\nmax_depth = 100000", 2, "static.max_depth", "out of range"),
        ('[static.imports]\nscipy.stats = ["*"]', 2, "static.imports.scipy", "needs quotes"),
        ('[static.imports]\n"os path" = ["*"]', 2, "static.imports.os path", "not the name of a public module"),
        ('[static.imports]\n"_thread" = ["*"]', 2, "static.imports._thread", "not the name of a public module"),
        ('[static.imports]\nos = ["__x"]', 2, "static.imports.os", "not a public name"),
        ('[static.imports]\nos = "sep"', 2, "static.imports.os", "expected a list"),
        ('[static.imports]\nos = ["sep", "sep"]', 2, "static.imports.os", "twice"),
        ('[network]\nallow = ["example.org"]', 2, "network.allow", "no port"),
        ('[network]\nallow = ["example.org:0"]', 2, "network.allow", "1 to 65535"),
        ('[network]\nallow = ["https://example.org:443"]', 2, "network.allow", "no scheme"),
        ('[network]\nallow = ["*.example.org:443"]', 2, "network.allow", "no wildcard"),
        ('[network]\nallow_private = ["999.1.1.1:80"]', 2, "network.allow_private", "999"),
        ('[isolation]\nrequire = ["moat"]', 2, "isolation.require", "one of filesystem"),
        ('[isolation]\npreload = ["a-b"]', 2, "isolation.preload", "public module"),
        ("[isolation]\nruntime = 3", 2, "isolation.runtime", "such as 'runc'"),
        ('[isolation]\nruntime = "--privileged"', 2, "isolation.runtime", "such as 'runc'"),
        ('[network]\nallow = ["127.0.0.1:80"]', 2, "network.allow", "can never be reached"),
        ('[network]\nallow = ["[::1]:80"]', 2, "network.allow", "can never be reached"),
        ('[network]\nallow = ["10.1.2.3:80"]', 2, "network.allow", "list it in allow_private"),
        ('[network]\nallow = ["localhost:80"]', 2, "network.allow", "list it in allow_private"),
        ('[static]\nwarn = ["nope"]', 2, "static.warn", "there is no policy called 'nope'"),
        ('[static]\nwarn = ["./x.toml"]', 2, "static.warn", "relative"),
        ('[limits]\naudit = "data"', 2, "limits.audit", "expected a list"),
        ('may_loosen = ["limits.wal"]', 1, "may_loosen", "did you mean 'limits.wall'?"),
        ("version = 2", 1, "version", "expected 1"),
        ("name = 3", 1, "name", "expected a text"),
        ('extends = "nope"', 1, "extends", "there is no policy called 'nope'"),
        ('extends = "a/b.toml"', 1, "extends", "relative"),
        ("[limits", 1, None, "is not TOML"),
        ("[limits]\nwall = 1\nwall = 2", 3, None, "is not TOML"),
    ],
)
def test_a_wrong_policy_is_refused_with_file_line_and_key(text: str, line: int, key: str | None, said: str) -> None:
    with pytest.raises(PolicyError) as caught:
        Policy.parse(text, source="mine.toml")
    assert (caught.value.file, caught.value.line, caught.value.key) == ("mine.toml", line, key)
    assert said in str(caught.value)


@pytest.mark.parametrize(("text", "value"), [("runsc", "runsc"), ("runc", "runc"), ("my-rt.1", "my-rt.1")])
def test_a_policy_can_name_the_runtime_of_a_container_engine(text: str, value: str) -> None:
    policy = Policy.parse(f'[isolation]\nruntime = "{text}"')
    assert policy.isolation.runtime == value
    assert policy.digest != Policy.load("restricted").digest


def test_the_default_runtime_is_the_engines_own() -> None:
    assert Policy.load("restricted").isolation.runtime is None
    assert Policy.parse('[isolation]\nruntime = "default"').isolation.runtime is None


def test_endpoints_are_normalised() -> None:
    policy = Policy.parse('[network]\nallow = ["API.Example.org:0443", "[2620:FE::00FE]:80", "9.9.9.9:53"]')
    assert policy.network.allow == ("9.9.9.9:53", "[2620:fe::fe]:80", "api.example.org:443")


def test_files_extend_each_other_by_paths_relative_to_themselves(tmp_path: Path) -> None:
    (tmp_path / "team").mkdir()
    (tmp_path / "base.toml").write_text('extends = "data"\n[limits]\nwall = "9s"\ncpu = "7s"\n')
    (tmp_path / "team" / "mine.toml").write_text('extends = "../base.toml"\n[limits]\nwall = "3s"\n')
    policy = Policy.load(tmp_path / "team" / "mine.toml")
    assert (policy.limits.wall, policy.limits.cpu, policy.limits.memory) == (3.0, 7.0, 2**29)
    assert policy.extends == "../base.toml"
    assert policy.origin["limits.cpu"] == "base.toml:4"
    assert policy.origin["limits.memory"] == "data"


def test_policies_in_a_circle_are_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text('extends = "b.toml"')
    (tmp_path / "b.toml").write_text('\nextends = "./a.toml"')
    with pytest.raises(PolicyError, match=r"circle: a\.toml -> b\.toml -> a\.toml") as caught:
        Policy.load(tmp_path / "a.toml")
    assert (caught.value.file, caught.value.line, caught.value.key) == ("b.toml", 2, "extends")


def test_a_wrong_value_in_a_parent_is_found_even_when_the_child_replaces_it(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text("[limits]\ncores = 0")
    with pytest.raises(PolicyError) as caught:
        Policy.parse(f'extends = "{tmp_path / "a.toml"}"\n[limits]\ncores = 1')
    assert (caught.value.file, caught.value.line, caught.value.key) == ("a.toml", 2, "limits.cores")


@pytest.mark.parametrize("name", ["nope", "restrictd", "", "no/such.toml", "no-such.toml"])
def test_a_policy_that_does_not_exist_says_what_there_is(name: str) -> None:
    with pytest.raises(PolicyError, match=r"preset"):
        Policy.load(name)


def test_a_similar_preset_is_suggested() -> None:
    with pytest.raises(PolicyError, match="did you mean 'restricted'"):
        Policy.load("restrictd")


@pytest.mark.parametrize("data", [b"\xff\xfe", b"#" * (2**20 + 1), b"[" * 5000])
def test_a_file_that_is_no_policy_is_an_error(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "p.toml").write_bytes(data)
    with pytest.raises(PolicyError):
        Policy.load(tmp_path / "p.toml")


def test_a_folder_is_no_policy(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="cannot be read"):
        Policy.load(tmp_path)
