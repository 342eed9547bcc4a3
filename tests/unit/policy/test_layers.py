"""What the layers around a call make of a policy: they only tighten, unless one further out allows more."""

from pathlib import Path

import pytest

from poet_engine.errors import PolicyError
from poet_engine.policy import Mode, Policy, Wall
from poet_engine.policy.layers import PolicyContext, Resolution, policy_context, resolve

NOTHING = PolicyContext()


class Around:
    """A machine, an organisation and a project in a folder of their own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.machine = folder / "etc" / "policy.toml"
        self.machine.parent.mkdir()
        self.organisation: str | None = None
        self.start = folder / "project" / "src"
        self.start.mkdir(parents=True)

    def ceiling(self, text: str) -> None:
        self.machine.write_text(text)

    def company(self, text: str) -> None:
        file = self.folder / "company.toml"
        file.write_text(text)
        self.organisation = str(file)

    def project(self, text: str) -> None:
        (self.start.parent / "pyproject.toml").write_text(text)

    def read(self) -> PolicyContext:
        return policy_context(self.start, self.organisation, self.machine)

    def resolve(self, choice: Policy | str | Path | None = None, base: str = "restricted") -> Resolution:
        return resolve(choice, self.read(), base)

    def policy(self, choice: Policy | str | Path | None = None, base: str = "restricted") -> Policy:
        return self.resolve(choice, base).policy(Policy)

    def mine(self, text: str) -> Path:
        file = self.folder / "mine.toml"
        file.write_text(text)
        return file


@pytest.fixture
def around(tmp_path: Path) -> Around:
    return Around(tmp_path)


@pytest.mark.parametrize("name", ["restricted", "data", "api", "baseline", "lab"])
def test_without_layers_a_policy_is_what_it_is_by_itself(name: str) -> None:
    loaded = Policy.load(name)
    for resolved in (resolve(name, NOTHING), resolve(None, NOTHING, base=name), resolve(loaded, NOTHING)):
        policy = resolved.policy(Policy)
        assert policy == loaded
        assert policy.origin == loaded.origin


def test_without_anything_the_default_holds(around: Around) -> None:
    assert around.policy() == Policy.load("restricted")


def test_each_layer_overrides_the_preset_and_the_next_one_further_in_the_one_before(around: Around) -> None:
    around.company('[limits]\nwall = "20s"\nthreads = 20\n')
    around.project('[tool.poet.policy.limits]\nwall = "10s"\ncpu = "9s"\n')
    policy = around.policy(around.mine('[limits]\nwall = "7s"\n'), base="data")
    assert (policy.limits.wall, policy.limits.cpu, policy.limits.threads) == (7.0, 9.0, 20)
    assert policy.limits.memory == 2**29
    assert policy.origin["limits.wall"] == "mine.toml:2"
    assert policy.origin["limits.cpu"] == "pyproject.toml:3"
    assert policy.origin["limits.threads"] == f"{around.organisation}:3"
    assert policy.origin["limits.memory"] == "data"


def test_a_policy_that_a_function_names_is_brought_down_to_what_the_project_allows(around: Around) -> None:
    around.project('[tool.poet.policy.limits]\nwall = "2s"\n')
    policy = around.policy("data")
    assert policy.limits.wall == 2.0
    assert policy.origin["limits.wall"] == "pyproject.toml:2"
    assert "numpy" in policy.static.imports


@pytest.mark.parametrize(
    ("outer", "inner", "key"),
    [
        ('[limits]\nwall = "2s"', '[limits]\nwall = "3s"', "limits.wall"),
        ('[static]\nmode = "warn"', '[static]\nmode = "audit"', "static.mode"),
        ('[static]\nbandit_severity = "low"', '[static]\nbandit_severity = "high"', "static.bandit_severity"),
        ('[static.imports]\nnumpy = ["mean"]', '[static.imports]\nnumpy = ["load"]', "static.imports.numpy"),
        ('[static.imports]\nnumpy = ["*"]', '[static.imports]\nnumpy = ["load"]', "static.imports.numpy"),
        ("[static.imports]\nmath = []", '[static.imports]\nmath = ["sqrt"]', "static.imports.math"),
        ("[network]\nallow = []", '[network]\nallow = ["a.example:1"]', "network.allow"),
        ('[isolation]\nrequire = ["network", "memory"]', '[isolation]\nrequire = ["memory"]', "isolation.require"),
        ('[isolation]\nruntime = "runsc"', '[isolation]\nruntime = "runc"', "isolation.runtime"),
        ('[isolation]\nfresh = "exec"', '[isolation]\nfresh = "none"', "isolation.fresh"),
        (
            'extends = "restricted"',
            'waivers = [{rule = "POET111", scope = "f", owner = "o", reason = "r", expires = 2030-01-01}]',
            "waivers",
        ),
        ('extends = "restricted"', '[static.imports]\nsocket = ["*"]', "static.imports.socket"),
    ],
)
@pytest.mark.parametrize("place", ["machine", "organisation"])
def test_a_file_that_writes_more_than_it_may_have_is_told_so(
    around: Around, place: str, outer: str, inner: str, key: str
) -> None:
    (around.ceiling if place == "machine" else around.company)(outer)
    file = around.mine(inner)
    with pytest.raises(PolicyError, match=r"is more than .* allows") as caught:
        around.policy(file)
    assert (caught.value.file, caught.value.key) == ("mine.toml", key)
    assert caught.value.line == inner.count("\n") + 1
    resolve(file, NOTHING)  # the file itself is right


def test_nobody_exceeds_the_ceiling_of_the_machine(around: Around) -> None:
    around.ceiling('[limits]\nmemory = "64MiB"\n[static]\nmode = "enforce"\n[isolation]\nrequire = ["filesystem"]\n')
    around.project('[tool.poet]\npolicy = "lab"\n')
    made = Policy.load("lab")
    for policy in (around.policy("lab"), around.policy(made), around.policy(base="lab")):
        assert policy.limits.memory == 2**26
        assert policy.static.mode is Mode.ENFORCE
        assert policy.isolation.require == {Wall.FILESYSTEM}
        assert policy.limits.wall == made.limits.wall
        assert policy.origin["limits.memory"] == f"{around.machine}:2"


def test_a_project_that_names_a_looser_policy_leaves_the_walls_and_the_network_as_they_were(around: Around) -> None:
    """It came with the code. What it says of modules and limits holds; callers may name such a policy themselves."""
    around.project('[tool.poet]\npolicy = "lab"\n')
    found = around.resolve()
    policy, lab = found.policy(Policy), Policy.load("lab")
    assert policy.isolation.require == Policy.load("restricted").isolation.require == set(Wall)
    assert policy.isolation.fresh == Policy.load("restricted").isolation.fresh
    assert (policy.limits, policy.static, policy.name) == (lab.limits, lab.static, "lab")
    step = found.steps["isolation.require"][-1]
    assert (step.place, step.held.origin, step.tightened and step.tightened.origin) == ("project", "restricted", "lab")
    assert around.policy("lab") == around.policy(Policy.load("lab")) == lab
    assert around.policy(base="lab").isolation.require == frozenset()


def test_a_ceiling_that_extends_a_policy_binds_everything(around: Around) -> None:
    around.ceiling('extends = "restricted"\n')
    policy = around.policy("lab")
    assert policy.within(Policy.load("restricted"))
    assert "numpy" not in policy.static.imports
    assert policy.static.imports["json"] == Policy.load("restricted").static.imports["json"]


def test_a_star_above_and_a_name_below_let_through_what_both_do(around: Around) -> None:
    around.ceiling('[static.imports]\nnumpy = ["*"]\n')
    names = around.policy("data").static.imports["numpy"]
    assert "mean?" in names
    assert "mean" not in names


def test_a_layer_can_allow_those_below_to_go_above_it_but_not_above_the_next(around: Around) -> None:
    around.ceiling('[limits]\nwall = "30s"\n')
    around.company(
        'may_loosen = ["limits.wall", "static"]\n[limits]\nwall = "5s"\ncpu = "5s"\n[static]\nmax_lines = 10\n'
    )
    file = around.mine('[limits]\nwall = "20s"\n[static]\nmax_lines = 99\n')
    assert (around.policy().limits.wall, around.policy(file).limits.wall) == (5.0, 20.0)
    assert around.policy(file).static.max_lines == 99
    with pytest.raises(PolicyError, match=r'"31s" is more than .*policy.toml:2 allows: "30s"'):
        around.policy(around.mine('[limits]\nwall = "31s"\n'))
    with pytest.raises(PolicyError, match=r"limits\.cpu"):
        around.policy(around.mine('[limits]\ncpu = "6s"\n'))


def test_what_a_layer_may_loosen_it_may_still_bind_for_those_below(around: Around) -> None:
    around.company('may_loosen = ["limits"]\n[limits]\nwall = "5s"\n')
    around.project('[tool.poet.policy.limits]\nwall = "9s"\n')
    assert around.policy().limits.wall == 9.0
    with pytest.raises(PolicyError, match=r"pyproject\.toml:2 allows"):
        around.policy(around.mine('[limits]\nwall = "10s"\n'))


def test_the_machine_itself_lets_nobody_loosen(around: Around) -> None:
    around.ceiling('may_loosen = ["limits"]\n')
    with pytest.raises(PolicyError, match="nothing goes above") as caught:
        around.read()
    assert (caught.value.file, caught.value.line, caught.value.key) == (str(around.machine), 1, "may_loosen")


def test_a_key_that_cannot_be_loosened_is_an_error_with_a_suggestion(around: Around) -> None:
    around.company('may_loosen = ["limit.wall"]\n')
    with pytest.raises(PolicyError, match=r"did you mean 'limits\.wall'"):
        around.read()


def test_a_wrong_ceiling_stops_everything(around: Around) -> None:
    """A ceiling that cannot be read is no ceiling."""
    around.ceiling("[limits]\nwal = 1\n")
    with pytest.raises(PolicyError, match="did you mean 'wall'"):
        around.read()
    around.machine.unlink()
    around.machine.mkdir()
    with pytest.raises(PolicyError, match="cannot be read"):
        around.read()


def test_waivers_of_the_layers_join(around: Around) -> None:
    waiver = '{{rule = "POET111", scope = "{}", owner = "o", reason = "r", expires = 2030-01-01}}'
    around.project(f"[tool.poet.policy]\nmay_loosen = ['waivers']\nwaivers = [{waiver.format('f')}]\n")
    policy = around.policy(around.mine(f"waivers = [{waiver.format('g')}]\n"))
    assert [found.scope for found in policy.waivers] == ["f", "g"]


def test_what_layers_want_to_be_told_adds_up(around: Around) -> None:
    around.company('[static]\nwarn = ["restricted"]\n')
    policy = around.policy(around.mine('[static]\nwarn = ["data"]\n'))
    assert [level.name for level in policy.levels] == ["data", "restricted"]


class TestProject:
    def test_it_is_found_in_the_folders_above(self, around: Around) -> None:
        around.project('[tool.poet]\npolicy = "data"\n')
        policy = around.policy()
        assert policy.name == "data"
        assert policy.digest == Policy.load("data").digest

    def test_the_nearest_pyproject_counts_even_where_it_says_nothing(self, around: Around) -> None:
        around.project('[tool.poet]\npolicy = "data"\n')
        (around.start / "pyproject.toml").write_text("[tool.other]\nx = 1\n")
        assert around.policy().name == "restricted"

    def test_it_can_name_a_file_beside_it(self, around: Around) -> None:
        (around.start.parent / "ours.toml").write_text('extends = "data"\n[limits]\nwall = "9s"\n')
        around.project('[tool.poet]\npolicy = "./ours.toml"\n')
        assert around.policy().limits.wall == 9.0

    @pytest.mark.parametrize(
        ("text", "line", "key", "said"),
        [
            ('[tool.poet]\npolcy = "data"', 2, "tool.poet.polcy", "did you mean 'policy'?"),
            ("[tool.poet.policy.limits]\nwal = 1", 2, "tool.poet.policy.limits.wal", "did you mean 'wall'?"),
            ("[tool.poet.policy.limits]\n\nwall = 0", 3, "limits.wall", "out of range"),
            ("[tool]\npoet = 1", 2, "tool.poet", "expected a table"),
            ("[tool.poet]\npolicy = 1", 2, "tool.poet.policy", "expected a table"),
            ('[tool.poet]\npolicy = "nope"', 2, "extends", "there is no policy called 'nope'"),
            ("[tool.poet", 1, None, "is not TOML"),
        ],
    )
    def test_a_wrong_one_is_refused_with_line_and_key(
        self, around: Around, text: str, line: int, key: str | None, said: str
    ) -> None:
        around.project(text)
        with pytest.raises(PolicyError) as caught:
            around.read()
        assert (caught.value.file, caught.value.line, caught.value.key) == ("pyproject.toml", line, key)
        assert said in str(caught.value)


def test_every_value_tells_how_it_came_about(around: Around) -> None:
    around.ceiling('[limits]\nmemory = "300MiB"\n')
    around.company('[limits]\nwall = "4s"\n')
    around.project('[tool.poet.policy.limits]\nwall = "3s"\n')
    steps = around.resolve("data").steps
    told = [(step.place, step.held.value, step.tightened and step.tightened.origin) for step in steps["limits.wall"]]
    assert told == [
        ("preset", 5.0, None),
        ("organisation", 4.0, None),
        ("project", 3.0, None),
        ("function", 3.0, "restricted"),
    ]
    memory = [(step.place, step.held.value, step.tightened and step.tightened.value) for step in steps["limits.memory"]]
    assert memory == [("preset", 2**28, None), ("function", 300 * 2**20, 2**29)]
    assert steps["limits.memory"][-1].held.origin == f"{around.machine}:2"
