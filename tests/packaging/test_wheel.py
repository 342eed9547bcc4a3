"""What a user gets: the wheel as it is built, installed into an environment of its own, running a function."""

import subprocess
import sys
import sysconfig
import venv
import zipfile
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built without an isolated environment and so without a network."""
    if find_spec("hatchling") is None:
        pytest.skip("hatchling is not installed; make setup installs it")
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    built = subprocess.run(command, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stdout + built.stderr
    (found,) = folder.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `bin` folder of a new environment that holds the wheel; its dependencies are those of this environment."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=True, symlinks=True)
    python = folder / "bin" / "python"
    install = [
        str(python),
        "-m",
        "pip",
        "--disable-pip-version-check",
        "install",
        "--no-deps",
        "--no-index",
        str(wheel),
    ]
    subprocess.run(install, capture_output=True, check=True)
    # A path in a .pth file is searched, but the .pth files in it are not read: this checkout stays out of sight.
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    here = sysconfig.get_path("purelib")
    (folder / "lib" / version / "site-packages" / "dependencies.pth").write_text(f"{here}\n")
    return folder / "bin"


def _names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def _tracked() -> set[str]:
    listed = subprocess.run(
        # The folder may belong to another user, as when root cloned it and somebody else runs the tests.
        ["git", "-c", "safe.directory=*", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return set(listed.stdout.splitlines())


def test_every_module_and_shipped_file_is_in_the_wheel(wheel: Path) -> None:
    homes = {
        "engine/poet_engine/": "poet_engine/",
        "policies/": "poet_engine/_data/policies/",
        "sandbox_images/": "poet_engine/_data/sandbox_images/",
    }
    expected = {
        new + name.removeprefix(old) for name in _tracked() for old, new in homes.items() if name.startswith(old)
    }
    assert "poet_engine/py.typed" in expected
    assert "poet_engine/_data/policies/restricted.toml" in expected
    assert "poet_engine/_data/policies/policy.schema.json" in expected
    assert "poet_engine/_data/sandbox_images/seccomp.json" in expected
    assert expected - _names(wheel) == set()


def test_nothing_else_is_in_the_wheel(wheel: Path) -> None:
    """No test, no cache and no file that git ignores."""
    tracked = _tracked()
    sources = {
        name.replace("poet_engine/_data/", "", 1) if "/_data/" in name else f"engine/{name}"
        for name in _names(wheel)
        if ".dist-info/" not in name
    }
    assert sources - tracked == set()


def test_the_command_is_installed(environment: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [str(environment / "poet"), "--version"], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert done.stdout.startswith("poet ")


def test_the_installed_package_is_not_this_checkout(environment: Path, tmp_path: Path) -> None:
    program = "import poet_engine; print(poet_engine.__file__)"
    command = [str(environment / "python"), "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path)
    assert Path(done.stdout.strip()).is_relative_to(environment.parent)


@pytest.mark.sandbox
def test_a_function_runs_in_the_sandbox_of_the_installed_package(environment: Path, tmp_path: Path) -> None:
    (tmp_path / "shapes.py").write_text("def area(side):\n    return side * side\n")
    command = [str(environment / "poet"), "run", "shapes.py:area", "--args", "[12]", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert '"value": 144' in done.stdout
