"""A policy is resolved once in a process, and a change of whatever it was read from is seen."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from poet_engine.errors import PolicyError
from poet_engine.policy import Policy, checks, documents, read_files
from poet_engine.policy.contexts import PolicyContexts
from poet_engine.policy.keys import IMPORTS
from poet_engine.policy.layers import PolicyContext, resolve

LATER = 4e9  # long after the files of these tests were written


class Project:
    """A folder with a project's file, its policy, what that extends, an organisation's policy and a machine's."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file, self.parent = folder / "pyproject.toml", folder / "ours.toml"
        self.organisation, self.machine = folder / "organisation.toml", folder / "machine.toml"
        self.parent.write_text('[limits]\nwall = "1s"\n')
        self.file.write_text('[tool.poet.policy]\nextends = "ours.toml"\n')
        self.organisation.write_text('[limits]\ncpu = "1s"\n')
        self.contexts = PolicyContexts(lambda: LATER)

    def look(self) -> PolicyContext:
        return self.contexts.around(self.folder, str(self.organisation), self.machine)

    def policy(self) -> Policy:
        return resolve(None, self.look()).policy(Policy)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def _rewritten(path: Path) -> None:
    """Another text of the same length, with the old times."""
    before = path.stat()
    path.write_text(path.read_text().replace("1s", "2s"))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def _replaced(path: Path) -> None:
    other = path.with_name("other.toml")
    other.write_text(path.read_text().replace("1s", "2s"))
    other.replace(path)


def _linked(path: Path) -> None:
    other = path.with_name("other.toml")
    other.write_text(path.read_text().replace("1s", "2s"))
    path.unlink()
    path.symlink_to(other)


def test_nothing_is_read_twice(project: Project) -> None:
    assert project.look() is project.look()
    assert project.policy() is project.policy()


@pytest.mark.parametrize("change", [_rewritten, _replaced, _linked])
@pytest.mark.parametrize(("name", "limit"), [("ours.toml", "wall"), ("organisation.toml", "cpu")])
def test_a_changed_file_is_seen(project: Project, name: str, limit: str, change: Callable[[Path], None]) -> None:
    """Also one that is only named by another, that has the same size and time, or that a link leads to."""
    assert getattr(project.policy().limits, limit) == 1.0
    change(project.folder / name)
    assert getattr(project.policy().limits, limit) == 2.0


def test_a_file_that_appears_is_seen(project: Project) -> None:
    assert project.policy().limits.memory > 2**24
    project.machine.write_text('[limits]\nmemory = "16MiB"\n')
    assert project.policy().limits.memory == 2**24


def test_a_nearer_project_is_seen(project: Project) -> None:
    inner = project.folder / "inner"
    inner.mkdir()
    around = project.contexts.around(inner, None, project.machine)
    assert resolve(None, around).name == "pyproject.toml"
    (inner / "pyproject.toml").write_text('[tool.poet]\npolicy = "lab"\n')
    assert resolve(None, project.contexts.around(inner, None, project.machine)).name == "lab"


@pytest.mark.parametrize("name", ["pyproject.toml", "ours.toml", "."])
def test_a_file_or_folder_that_others_may_change_from_now_on_is_seen(project: Project, name: str) -> None:
    project.policy()
    (project.folder / name).chmod(0o777)
    with pytest.raises(PolicyError, match="can be written by everybody"):
        project.policy()


def test_a_file_that_was_just_written_is_read_again(project: Project) -> None:
    """It may change once more within the same tick of the file system's clock."""
    contexts = PolicyContexts(lambda: project.organisation.stat().st_ctime)
    first, second = (contexts.around(project.folder, None, project.machine) for _ in range(2))
    assert first is not second


def test_what_depends_on_what_the_user_has_named_is_read_again(project: Project) -> None:
    project.file.chmod(0o666)
    named = (project.file,)
    first, second = (project.contexts.around(project.folder, None, project.machine, named) for _ in range(2))
    assert first is not second
    with pytest.raises(PolicyError, match="can be written by everybody"):
        project.look()


def test_a_policy_is_not_resolved_again_where_it_came_from(project: Project) -> None:
    around = project.look()
    found = resolve("data", around)
    policy = found.policy(Policy)
    assert resolve(policy, around) is found
    assert resolve(policy, project.look()).policy(Policy) is policy


def test_a_policy_from_elsewhere_is_held_to_the_layers(project: Project) -> None:
    """Also an equal one: it might have been resolved in other layers."""
    policy = resolve("data", PolicyContext()).policy(Policy)
    assert policy.limits.wall > 1.0
    assert resolve(policy, project.look()).policy(Policy).limits.wall == 1.0


def test_what_is_read_outside_of_a_watch_is_not_noted(project: Project) -> None:
    read_files.note(project.file)
    with read_files.noting() as read:
        read_files.note(project.file)
    assert read.unchanged()
    project.file.unlink()
    assert not read.unchanged()


@pytest.mark.parametrize("name", documents.presets())
def test_the_modules_of_a_preset_are_public(name: str) -> None:
    """Reading a preset does not check them."""
    for key in documents.preset(name).settings:
        if key.startswith(f"{IMPORTS}."):
            assert checks.module(key.removeprefix(f"{IMPORTS}."))
