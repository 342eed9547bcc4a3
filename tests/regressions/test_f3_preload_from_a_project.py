"""F3: a folder that comes with a project chose modules that were imported as the host's user, before any wall.

Each canary is a file that a module writes when somebody imports it. Controls take one check down and see it written.
"""

import os
import shutil
import subprocess
import sys
import types
from collections.abc import Mapping
from pathlib import Path

import pytest

from poet_engine import Engine, Policy, _distributions
from poet_engine._env import Settings
from poet_engine.cli.commands import demo
from poet_engine.errors import PolicyError
from poet_engine.images import host, recipe
from poet_engine.policy import Wall
from poet_engine.policy.layers import policy_context, resolve
from poet_engine.sandbox.process import mounts, subids

EVIL = '[tool.poet.policy.isolation]\npreload = ["{module}"]\n'
OPEN = "from poet_engine import Engine\nwith Engine.open({policy!r}, 'process') as engine: {then}\n"
SCAN = "engine.scan('def f(): return 1')"
_TIME = 100  # seconds that a program may take on a busy machine


class Project:
    """A folder that somebody else has filled, and the canary that its modules write."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "project"
        self.folder.mkdir()
        self.canary = folder / "canary"
        self.home = folder / "home"

    def module(self, name: str) -> Path:
        """A module that writes the canary when it is imported."""
        file = self.folder / f"{name}.py"
        file.write_text(f"with open({str(self.canary)!r}, 'a') as canary:\n    canary.write(__name__ + '\\n')\n")
        return file

    def distribution(self, name: str, *, entry_points: str = "") -> None:
        """Metadata that claims the module of this name, as if it were installed here."""
        folder = self.folder / f"{name}-99.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 99\n")
        (folder / "RECORD").write_text(f"{name}.py,,\n{folder.name}/METADATA,,\n")
        (folder / "top_level.txt").write_text(f"{name}\n")
        (folder / "entry_points.txt").write_text(entry_points)

    def text(self, name: str, text: str) -> Path:
        file = self.folder / name
        file.write_text(text)
        return file

    def imported(self) -> str:
        return self.canary.read_text() if self.canary.exists() else ""

    def run(self, *command: str, environment: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        surroundings = {"PATH": os.defpath, "HOME": str(self.home), "POET_HOME": str(self.home / "poet")}
        return subprocess.run(
            command,
            cwd=self.folder,
            env={**surroundings, **(environment or {})},
            capture_output=True,
            text=True,
            timeout=_TIME,
            check=False,
        )


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("POET_POLICY", "POET_ORGANISATION_POLICY", "POET_SANDBOX"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.sandbox
def test_opening_an_engine_in_the_folder_imports_nothing_of_it(project: Project) -> None:
    project.module("evil")
    project.text("pyproject.toml", EVIL.format(module="evil"))
    ended = project.run(sys.executable, "-c", OPEN.format(policy=None, then="pass"))
    assert project.imported() == ""
    assert "pyproject.toml:2: isolation.preload: evil would be imported outside of the sandbox" in ended.stderr
    assert ended.returncode == 1


@pytest.mark.parametrize(
    ("name", "text", "where"),
    [
        ("pyproject.toml", EVIL, "pyproject.toml:2"),
        ("ours.toml", '[tool.poet]\npolicy = "./ours.toml"\n', "ours.toml:3"),
        ("far.toml", '[tool.poet]\npolicy = "./near.toml"\n', "far.toml:3"),
        ("ours.toml", '[tool.poet.policy]\nextends = "ours.toml"\n', "ours.toml:3"),
    ],
)
def test_no_way_of_writing_it_is_obeyed(
    project: Project, monkeypatch: pytest.MonkeyPatch, name: str, text: str, where: str
) -> None:
    """Whatever the sandbox: in a container the import would be inside, but no file means two things."""
    project.text("pyproject.toml", text.format(module="antigravity"))
    project.text("near.toml", 'extends = "./far.toml"\n')
    if name != "pyproject.toml":
        project.text(name, 'extends = "data"\n[isolation]\npreload = ["antigravity", "numpy"]\n')
    monkeypatch.chdir(project.folder)
    for sandbox in ("process", "docker", "auto"):
        with pytest.raises(PolicyError, match="antigravity would be imported") as caught:
            Engine.open(sandbox=sandbox)
        assert f"{caught.value.file}:{caught.value.line}" == where
        assert "POET_POLICY" in str(caught.value)


def test_a_file_that_a_decorator_names_is_not_obeyed_either(project: Project) -> None:
    """It came with the code. The same file as an argument of whoever runs the program is."""
    file = project.text("mine.toml", '[isolation]\npreload = ["evil"]\n')
    around = policy_context(project.folder, None, project.folder / "absent")
    with pytest.raises(PolicyError, match="evil would be imported"):
        resolve(file, around, by_caller=False)
    assert resolve(file, around).policy(Policy).isolation.preload == ("evil",)
    assert resolve(Policy.load(file), around, by_caller=False).policy(Policy).isolation.preload == ("evil",)


def test_a_project_may_name_a_preset_and_leave_out_what_it_preloads(project: Project) -> None:
    for text, expected in (
        ('[tool.poet]\npolicy = "data"\n', Policy.load("data").isolation.preload),
        ('[tool.poet.policy]\nextends = "data"\n[tool.poet.policy.isolation]\npreload = ["numpy"]\n', ("numpy",)),
        ('[tool.poet.policy]\nextends = "data"\n[tool.poet.policy.isolation]\npreload = []\n', ()),
    ):
        project.text("pyproject.toml", text)
        around = policy_context(project.folder, None, project.folder / "absent")
        assert resolve(None, around).policy(Policy).isolation.preload == expected


@pytest.mark.parametrize(
    ("table", "key"),
    [
        ("isolation]\nrequire = []", "isolation.require"),
        ('isolation]\nrequire = ["network", "filesystem", "privilege", "syscalls"]', "isolation.require"),
        ('isolation]\nfresh = "none"', "isolation.fresh"),
        ('isolation]\nruntime = "runc"', "isolation.runtime"),
        ('network]\nallow = ["collector.example:443"]', "network.allow"),
        ('network]\nallow_private = ["169.254.169.254:80"]', "network.allow_private"),
    ],
)
def test_a_project_takes_no_wall_away_and_reaches_nobody(project: Project, table: str, key: str) -> None:
    project.text("pyproject.toml", f"[tool.poet.policy.{table}\n")
    around = policy_context(project.folder, None, project.folder / "absent")
    with pytest.raises(PolicyError, match="may only tighten it; name a policy that does with --policy") as caught:
        resolve(None, around)
    assert (caught.value.file, caught.value.line, caught.value.key) == ("pyproject.toml", 2, key)
    project.text("pyproject.toml", '[tool.poet.policy.isolation]\nruntime = "runsc"\nfresh = "exec"\n')
    tightened = resolve(None, policy_context(project.folder, None, project.folder / "absent")).policy(Policy).isolation
    assert (tightened.runtime, str(tightened.fresh)) == ("runsc", "exec")
    called = resolve("lab", around).policy(Policy)  # whoever calls may, as far as the project does not tighten it
    assert called.isolation.require < set(Wall)
    assert called.isolation.fresh is Policy.load("lab").isolation.fresh


def _ambush(project: Project) -> None:
    """What might be imported for the `data` policy and for a scan, beside the project and as if it were installed."""
    for name in ("numpy", "scipy", "pandas", "plug", "poet_guest", "sitecustomize", "usercustomize"):
        project.module(name)
    for name in ("numpy", "scipy"):
        project.distribution(name)
    project.distribution(
        "plug", entry_points="[bandit.plugins]\nplug = plug:check\n[bandit.formatters]\nplug = plug:f\n"
    )
    project.text("more.pth", "import plug\n")
    project.text(".env", 'POET_POLICY="lab"\nPOET_SANDBOX="docker"\n')


@pytest.mark.sandbox
@pytest.mark.parametrize("path", ["", "PYTHONPATH"])
def test_modules_beside_the_program_are_not_taken_for_installed_ones(project: Project, path: str) -> None:
    """Found through the working folder, as with `python -c`, or through PYTHONPATH."""
    _ambush(project)
    environment = {path: str(project.folder)} if path else {}
    # `-s`: the interpreter itself imports customisations and asks nobody
    (project.folder / "sitecustomize.py").unlink()
    (project.folder / "usercustomize.py").unlink()
    ended = project.run(sys.executable, "-c", OPEN.format(policy="data", then=SCAN), environment=environment)
    assert (ended.returncode, project.imported()) == (0, ""), ended.stderr


@pytest.mark.sandbox
def test_the_command_imports_nothing_of_the_folder_that_it_runs_in(project: Project) -> None:
    """Not even what has the name of a part of the standard library."""
    _ambush(project)
    for name in ("json", "random", "socket", "typing", "typer", "zipfile"):
        project.module(name)
    project.module("job").write_text("def f(x):\n    return x + 1\n")
    poet = str(Path(sys.executable).parent / "poet")
    for command in (["run", "job.py:f", "--args", "[1]", "--policy", "data"], ["scan", "job.py"], ["policy", "show"]):
        ended = project.run(poet, *command)
        assert (ended.returncode, project.imported()) == (0, ""), ended.stderr


@pytest.mark.sandbox
def test_control_a_preloaded_module_is_imported_outside_of_the_walls(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the folder taken for one of the installation, and the policy named by the caller, the canary is written."""
    project.module("evil_control")
    folders = (*_distributions.search_path(), str(project.folder))
    mine = Policy.parse('[isolation]\npreload = ["evil_control"]')
    with pytest.raises(PolicyError, match="evil_control is not installed"):
        Engine.open(mine, "process", journal=project.home / "a.db")
    assert project.imported() == ""
    monkeypatch.setattr(_distributions, "search_path", lambda: folders)
    with Engine.open(mine, "process", journal=project.home / "b.db"):
        assert project.imported().splitlines()[0] == "evil_control"


def test_an_answer_does_not_choose_what_the_host_imports(project: Project) -> None:
    """`python -c` looks into the working folder first, and an array is rebuilt with numpy. The control imports it."""
    for name in ("numpy", "pandas"):
        folder = project.folder / name
        folder.mkdir()
        project.module(name).rename(folder / "__init__.py")
    program = (
        "from poet_engine.guest.library_imports import library\ntry: library({!r})\nexcept ImportError as e: print(e)\n"
    )
    for name in ("numpy", "pandas"):
        ended = project.run(sys.executable, "-c", program.format(name))
        assert (ended.stdout, project.imported()) == (f"{name} lies in the working folder\n", "")
    project.run(sys.executable, "-c", "import numpy")
    assert project.imported() == "numpy\n"
    (project.folder / "numpy" / "__init__.py").rename(project.folder / "numpy.py")
    shutil.rmtree(project.folder / "numpy")
    assert project.run(sys.executable, "-c", program.format("numpy")).stdout == "numpy is not installed\n"


def test_what_claims_to_be_installed_in_the_working_folder_is_not(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.module("clever_thing")
    project.distribution("clever_thing")
    project.distribution("numpy")
    monkeypatch.chdir(project.folder)
    monkeypatch.syspath_prepend("")
    monkeypatch.syspath_prepend(str(project.folder))
    assert not _distributions.installed("clever_thing")
    assert _distributions.version("numpy") != "99"
    assert mounts.visible(("clever_thing",)) == mounts.visible(())
    if _distributions.version("pandas") is not None:
        assert host.contents(recipe.find("data")).distributions["numpy"] != "99"


def test_an_editable_installation_is_somebodys_own_deed_and_comes_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A `.pth` file that is itself in the installation leads on; one that lies in a project leads nowhere."""
    site, source = tmp_path / "site-packages", tmp_path / "source"
    for folder in (site, source):
        folder.mkdir()
    (site / "editable.pth").write_text(f"import nothing\n# a remark\n{source}\n{tmp_path / 'absent'}\n")
    assert _distributions._links_of(site) == [str(source)]
    overlay = tmp_path / "base" / "site-packages"
    (site / "overlay.pth").write_text(f"import site; site.addsitedir({str(overlay)!r})\n")
    assert _distributions._links_of(site) == [str(source)]
    monkeypatch.syspath_prepend(str(overlay))  # what that line did when the interpreter started
    assert _distributions._links_of(site) == [str(source), str(overlay)]
    path = _distributions.search_path()
    order = [number for number, folder in enumerate(path) if folder.endswith("-packages")]
    assert order == list(range(len(order)))


def test_where_the_engine_itself_was_imported_from_is_a_part_of_the_installation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its code runs here already. So `pip install --target` works, whose folder is found through PYTHONPATH."""
    package = types.ModuleType("pydantic")
    package.__file__ = str(tmp_path / "target" / "pydantic" / "__init__.py")
    assert str(tmp_path / "target") not in _distributions.search_path()
    monkeypatch.setitem(sys.modules, "pydantic", package)
    assert _distributions.search_path()[-1] == str(tmp_path / "target")


def test_a_program_of_the_system_is_not_looked_for_in_the_working_folder(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = project.text("newuidmap", f"#!/bin/sh\necho ran > {project.canary}\n")
    fake.chmod(0o755)
    monkeypatch.chdir(project.folder)
    for path in (".", "", f":{os.defpath}", f"./:{os.defpath}"):
        monkeypatch.setenv("PATH", path)
        found = subids.tool("newuidmap")
        assert found is None or Path(found).is_absolute()
        assert found is None or not Path(found).samefile(fake)
    ended = subprocess.run(["newuidmap"], env={"PATH": "."}, check=False)  # the control
    assert (ended.returncode, project.canary.exists()) == (0, True)


def test_the_demo_runs_its_own_example_and_no_compiled_one_that_lies_there(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    import importlib.util  # noqa: PLC0415 - only this test writes compiled files
    import marshal  # noqa: PLC0415 - as said above

    monkeypatch.chdir(project.folder)
    where = demo._prepare(Path("poet-demo"))
    code = compile(f"with open({str(project.canary)!r}, 'w'):\n    detect_drift = None", "drift.py", "exec")
    compiled = Path(importlib.util.cache_from_source(str(where / "drift.py")))
    compiled.parent.mkdir()
    # marked as one that is not to be compared with its source
    compiled.write_bytes(importlib.util.MAGIC_NUMBER + (1).to_bytes(4, "little") + bytes(8) + marshal.dumps(code))
    assert callable(demo._load(demo._prepare(Path("poet-demo")) / "drift.py"))
    assert not project.canary.exists()
    spec = importlib.util.spec_from_file_location("drift", where / "drift.py")  # the control
    assert spec is not None
    assert spec.loader is not None
    spec.loader.exec_module(importlib.util.module_from_spec(spec))
    assert project.canary.exists()


def test_a_file_of_variables_in_the_folder_sets_nothing(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.text(".env", 'POET_POLICY="lab"\nPOET_MODEL="theirs"\n')
    monkeypatch.chdir(project.folder)
    settings = Settings.read({})
    assert (settings.policy, settings.model) == (None, None)
