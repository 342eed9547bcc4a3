"""F7: the `pyproject.toml` of any folder above was obeyed, whoever had laid it there, as `/tmp/pyproject.toml`."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from poet_engine import Policy, _ownership, _wiring
from poet_engine.engine import Engine
from poet_engine.errors import PolicyError
from poet_engine.policy.layers import MACHINE_FILE, PolicyContext, policy_context, resolve
from poet_engine.sandbox.fake import ScriptedSandbox, ok

LOOSE = '[tool.poet]\npolicy = "lab"\n'
SOMEBODY = 12_345  # a uid that nobody has

Give = Callable[[Path], None]


class Place:
    """A folder above, as /tmp, and one of one's own in it, from which the search starts."""

    def __init__(self, folder: Path) -> None:
        self.above = folder / "above"
        self.start = self.above / "mine" / "src"
        self.start.mkdir(parents=True)
        self.above.chmod(0o1777)
        self.file = self.above / "pyproject.toml"
        self.machine = folder / "machine.toml"

    def write(self, text: str, mode: int = 0o644) -> Path:
        self.file.write_text(text)
        self.file.chmod(mode)
        return self.file

    def look(self, *named: Path) -> PolicyContext:
        return policy_context(self.start, None, self.machine, named)

    def name(self, *named: Path) -> str:
        return resolve(None, self.look(*named)).name


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


@pytest.fixture
def give(monkeypatch: pytest.MonkeyPatch) -> Give:
    """Makes a file somebody else's. Who is not root cannot, so that he becomes somebody else himself."""

    def away(path: Path) -> None:
        if os.geteuid() == 0:
            os.chown(path, SOMEBODY, SOMEBODY, follow_symlinks=False)
        else:
            monkeypatch.setattr(_ownership, "trusted", lambda: frozenset({0, SOMEBODY}))

    return away


def test_a_file_that_somebody_else_laid_above_is_refused_and_named(place: Place, give: Give) -> None:
    give(place.write(LOOSE))
    with pytest.raises(PolicyError) as caught:
        place.look()
    said = str(caught.value)
    assert said.startswith(f"{place.file}: it belongs to another user (uid ")
    assert "not obeyed. To have it obeyed, make it yours (chown, chmod go-w), or name it in POET_POLICY" in said


def test_control_ones_own_file_in_such_a_folder_counts(place: Place) -> None:
    """Nobody else can remove or replace it there: the folder is sticky."""
    place.write(LOOSE)
    assert place.name() == "lab"


@pytest.mark.parametrize("mode", [0o646, 0o666])
def test_a_file_that_everybody_may_write_is_refused(place: Place, mode: int) -> None:
    place.write(LOOSE, mode)
    with pytest.raises(PolicyError, match="can be written by everybody"):
        place.look()


def test_a_file_in_a_folder_where_everybody_may_replace_it_is_refused(place: Place) -> None:
    place.write(LOOSE)
    place.above.chmod(0o777)
    with pytest.raises(PolicyError, match=r"its folder .*above can be written by everybody"):
        place.look()


@pytest.mark.root
def test_a_file_in_somebody_elses_folder_is_refused(place: Place, give: Give) -> None:
    place.write(LOOSE)
    give(place.above)
    for mode in (0o755, 0o1777):
        place.above.chmod(mode)
        with pytest.raises(PolicyError, match=r"its folder .*above belongs to another user"):
            place.look()


def test_a_second_name_of_ones_own_file_in_a_shared_folder_is_refused(place: Place, tmp_path: Path) -> None:
    """Where the system lets them, others can give a file of mine a name in /tmp."""
    mine = tmp_path / "loose.toml"
    mine.write_text(LOOSE)
    place.file.hardlink_to(mine)
    with pytest.raises(PolicyError, match="can be written by everybody"):
        place.look()


@pytest.mark.root
def test_a_link_that_somebody_else_laid_to_ones_own_file_is_refused(place: Place, give: Give, tmp_path: Path) -> None:
    mine = tmp_path / "loose.toml"
    mine.write_text(LOOSE)
    place.file.symlink_to(mine)
    assert place.name() == "lab"
    give(place.file)
    with pytest.raises(PolicyError, match="it is a link that belongs to another user"):
        place.look()


@pytest.mark.root
def test_a_group_counts_as_others_unless_it_is_the_owners_alone(place: Place) -> None:
    """With umask 002 everything is writable by its group, which on such systems has one member."""
    place.write(LOOSE, 0o664)
    assert place.name() == "lab"  # root's own group
    os.chown(place.file, 0, SOMEBODY)
    with pytest.raises(PolicyError, match=rf"can be written by its group \(gid {SOMEBODY}\)"):
        place.look()
    os.chown(place.file, 0, 0)
    place.above.chmod(0o775)
    assert place.name() == "lab"
    os.chown(place.above, 0, SOMEBODY)
    with pytest.raises(PolicyError, match=r"its folder .* can be written by its group"):
        place.look()


def test_what_is_not_ours_and_says_nothing_is_as_if_it_were_not_there(place: Place) -> None:
    """Most projects say nothing to us, and a checkout in a container is often another uid's. It hides no other one."""
    place.write('[tool.poet]\npolicy = "data"\n')
    for between in (place.start, place.start.parent):
        (between / "pyproject.toml").write_text("[project]\nname = 'theirs'\n")
    assert place.name() == "restricted"  # of my own, the nearest counts
    for between in (place.start, place.start.parent):
        (between / "pyproject.toml").chmod(0o666)
    assert place.name() == "data"


@pytest.mark.parametrize("text", ["[tool.poet]\n", "[tool.poet.policy]\n", "[tool.poet", "tool = 1\n[tool.poet]\n"])
def test_what_is_not_ours_and_cannot_be_understood_is_never_passed_over(place: Place, give: Give, text: str) -> None:
    give(place.write(text))
    with pytest.raises(PolicyError, match="belongs to another user"):
        place.look()


@pytest.mark.parametrize("kind", ["fifo", "folder", "link"])
def test_a_name_that_leads_to_no_file_is_told(place: Place, kind: str) -> None:
    if kind == "fifo":
        os.mkfifo(place.file)
    elif kind == "folder":
        place.file.mkdir()
    else:
        place.file.symlink_to("absent")
    with pytest.raises(PolicyError, match="cannot be read") as caught:
        place.look()
    assert caught.value.file == str(place.file)


def test_who_trusts_it_names_it(place: Place, give: Give, monkeypatch: pytest.MonkeyPatch) -> None:
    """As root in a container, with a checkout of another uid: POET_POLICY or the argument, and its policy files too."""
    (place.above / "ours.toml").write_text('extends = "data"\n[limits]\nwall = "2s"\n')
    give(place.above / "ours.toml")
    give(place.write('[tool.poet]\npolicy = "./ours.toml"\n'))
    assert place.name(place.file) == "./ours.toml"
    with pytest.raises(PolicyError, match="belongs to another user"):
        place.look(place.above / "ours.toml")

    monkeypatch.setattr(_wiring, "_SANDBOXES", {"only": lambda *_: ScriptedSandbox([ok(1)])})
    monkeypatch.setattr(_wiring, "_MACHINE_POLICY", place.machine)
    monkeypatch.setenv("POET_HOME", str(place.start / "home"))
    monkeypatch.chdir(place.start)
    with pytest.raises(PolicyError, match="belongs to another user"):
        Engine.open("restricted", "only")
    for environment, argument, wall in ((str(place.file), None, 2.0), ("", str(place.file), 2.0)):
        monkeypatch.setenv("POET_POLICY", environment)
        with Engine.open(argument, "only") as engine:
            assert engine.policy.limits.wall == wall
    monkeypatch.setenv("POET_POLICY", str(place.file))
    with Engine.open("restricted", "only") as engine:  # it is trusted, and tightens what the caller names
        assert (engine.policy.name, engine.policy.limits.wall) == ("restricted", 2.0)


def test_a_project_file_that_is_named_and_says_nothing_is_told(place: Place) -> None:
    place.write("[project]\n")
    with pytest.raises(PolicyError, match=r"has no \[tool\.poet\]"):
        Policy.load(place.file)


def test_a_policy_file_that_a_project_names_must_be_as_good(place: Place, give: Give) -> None:
    ours, parent = place.above / "ours.toml", place.above / "parent.toml"
    place.write('[tool.poet]\npolicy = "./ours.toml"\n')
    ours.write_text('extends = "./parent.toml"\n')
    parent.write_text('extends = "lab"\n')
    assert place.name() == "./ours.toml"
    parent.chmod(0o666)
    with pytest.raises(PolicyError, match="can be written by everybody") as caught:
        place.look()
    assert caught.value.file in {str(parent), "ours.toml"}
    parent.chmod(0o644)
    give(ours)
    with pytest.raises(PolicyError, match="belongs to another user"):
        place.look()
    assert resolve(ours, PolicyContext()).name == "ours.toml"  # the caller may name any


@pytest.mark.root
def test_the_ceiling_of_the_machine_is_roots(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody else's is no ceiling, so nothing may go on."""
    file = tmp_path / "policy.toml"
    file.write_text('[limits]\nwall = "1s"\n')
    monkeypatch.setattr("poet_engine.policy.layers.MACHINE_FILE", file)
    assert resolve(None, policy_context(tmp_path, None, file)).values["limits.wall"].value == 1.0
    os.chown(file, SOMEBODY, 0)
    monkeypatch.setattr(os, "geteuid", lambda: SOMEBODY)
    with pytest.raises(PolicyError, match="give it to root"):
        policy_context(tmp_path, None, file)
    os.chown(file, 0, 0)
    file.chmod(0o666)
    with pytest.raises(PolicyError, match="can be written by everybody"):
        policy_context(tmp_path, None, file)
    assert str(MACHINE_FILE) == "/etc/poet/policy.toml"


class TestPrivateGroups:
    @pytest.mark.parametrize(
        ("uid", "gid", "expected"),
        [(0, 0, True), (SOMEBODY, SOMEBODY, True), (SOMEBODY, SOMEBODY + 1, False), (0, SOMEBODY, False)],
    )
    def test_a_group_without_a_name_is_private_where_its_number_is_the_users(
        self, uid: int, gid: int, *, expected: bool
    ) -> None:
        assert _ownership._is_private(gid, uid) is expected
