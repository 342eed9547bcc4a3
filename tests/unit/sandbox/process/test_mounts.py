"""What a lane gets to see: the standard library and what the policy's modules need, and nothing else of the machine."""

import importlib.util
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path

import pytest

from poet_engine import _distributions
from poet_engine.sandbox.process import mounts

LIBRARY = Path(sysconfig.get_path("stdlib")).resolve()
SITE = Path(sysconfig.get_path("purelib")).resolve()
needs_numpy = pytest.mark.skipif(importlib.util.find_spec("numpy") is None, reason="numpy comes with the extra `data`")
needs_scipy = pytest.mark.skipif(importlib.util.find_spec("scipy") is None, reason="scipy comes with the extra `data`")


def packages(*modules: str) -> set[str]:
    """Names of what is bound besides what every lane has."""
    return {Path(path).name for path in {*mounts.visible(modules).binds} - {*mounts.visible(()).binds}}


def is_below(path: str, folder: str) -> bool:
    return Path(path) != Path(folder) and Path(path).is_relative_to(folder)


class TestEveryLane:
    def test_the_standard_library_is_there(self) -> None:
        seen = mounts.visible(())
        assert any(LIBRARY.is_relative_to(path) for path in seen.binds)
        assert seen.import_paths == ()

    def test_everything_bound_exists(self) -> None:
        assert [path for path in mounts.visible(()).binds if not Path(path).exists()] == []

    def test_installed_packages_are_not(self) -> None:
        seen = mounts.visible(())
        for folder in ("site-packages", "dist-packages"):
            inside = LIBRARY / folder
            assert not inside.is_dir() or str(inside) in seen.covers
        assert not any("-packages" in path for path in seen.binds)

    def test_neither_home_nor_the_project_nor_its_environment_is(self) -> None:
        binds = mounts.visible(("numpy",)).binds
        for hidden in (Path.home(), Path(mounts.__file__).parents[3], Path(sys.prefix), Path("/etc"), Path("/")):
            holders = [path for path in binds if hidden.is_relative_to(path)]
            assert holders == []

    def test_no_folder_of_libraries_is_bound_from_here(self) -> None:
        """What this process has mapped says nothing of what a lane needs; the zygote finds that out by itself."""
        assert not [path for path in mounts.visible(()).binds if ".so" in path or path.endswith(("/lib", "-linux-gnu"))]

    def test_links_are_those_of_a_merged_usr(self) -> None:
        for path, target in mounts.visible(()).links.items():
            assert Path(path).is_symlink()
            assert str(Path(path).readlink()) == target


class TestModules:
    def test_modules_of_the_standard_library_need_nothing_more(self) -> None:
        assert mounts.visible(("os", "collections.abc", "json")) == mounts.visible(())

    @needs_numpy
    def test_numpy_comes_with_its_libraries_and_nothing_else(self) -> None:
        assert packages("numpy") - {"numpy.libs"} == {"numpy"}
        assert ("numpy.libs" in packages("numpy")) == (SITE / "numpy.libs").is_dir()
        assert mounts.visible(("numpy",)).import_paths == (str(SITE),)

    @needs_scipy
    def test_what_a_distribution_requires_comes_too(self) -> None:
        assert packages("scipy.stats") >= {"scipy", "numpy"}
        assert not any("pytest" in name or "poet" in name for name in packages("scipy.stats"))

    @needs_numpy
    def test_submodules_and_order_make_no_difference(self) -> None:
        assert mounts.visible(["numpy.linalg", "numpy", "math"]) == mounts.visible(("numpy",))

    @pytest.mark.parametrize("name", ["no_such_module", "/etc", "a/b", "-e", "no such module"])
    def test_a_name_that_is_no_installed_module_adds_nothing(self, name: str) -> None:
        assert packages(name) == set()
        assert not _distributions.installed(name)

    @needs_numpy
    def test_installed_is_said_without_importing(self) -> None:
        assert _distributions.installed("numpy.linalg")
        assert _distributions.installed("os.path")
        assert not _distributions.installed("no_such_module.sub")


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, list[str], list[str]], Path]:
    """Lays a distribution into a folder of its own among those of the installation."""

    def lay(name: str, files: list[str], requires: list[str]) -> Path:
        site = tmp_path / "site-packages"
        for file in files:
            path = site / file
            if path.is_relative_to(site) and ".." not in path.parts:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.touch()
        folder = site / f"{name}-1.0.dist-info"
        folder.mkdir(parents=True)
        wanted = "".join(f"Requires-Dist: {line}\n" for line in requires)
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n{wanted}")
        (folder / "RECORD").write_text("".join(f"{file},,\n" for file in [*files, f"{folder.name}/METADATA"]))
        return site

    folders = (str(tmp_path / "site-packages"), *_distributions.search_path())
    monkeypatch.setattr(_distributions, "search_path", lambda: folders)
    return lay


Install = Callable[[str, list[str], list[str]], Path]


class TestDistributions:
    def test_a_file_installed_elsewhere_does_not_bring_the_whole_machine_in(self, install: Install) -> None:
        """A record may list absolute paths, as of a manual page: their first part is the root folder."""
        site = install("abroad", ["abroad.py", "/usr/share/man/man1/abroad.1"], [])
        assert {*mounts.visible(("abroad",)).binds} - {*mounts.visible(()).binds} == {str(site.resolve() / "abroad.py")}

    def test_top_level_files_and_folders_are_bound_and_scripts_and_records_are_not(self, install: Install) -> None:
        files = ["inst/__init__.py", "inst/deep/x.py", "inst_one.py", "inst.libs/lib.so", "inst.pth", "../../bin/tool"]
        site = install("inst", [*files, "__pycache__/inst_one.pyc"], [])
        seen = mounts.visible(("inst",))
        assert packages("inst") == {"inst", "inst_one.py", "inst.libs"}
        assert seen.import_paths == (str(site.resolve()),)

    def test_requirements_are_followed_once_and_extras_are_not(self, install: Install) -> None:
        install("ring_a", ["ring_a/__init__.py"], ["ring-b>=1; python_version>'3'", "ring_x ; extra == 'more'"])
        install("ring_b", ["ring_b/__init__.py"], ["ring_a", "not_installed[x]>2"])
        install("ring_x", ["ring_x/__init__.py"], [])
        assert packages("ring_a") == {"ring_a", "ring_b"}

    def test_a_module_without_a_distribution_is_bound_by_itself(self, install: Install) -> None:
        site = install("other", ["other.py"], [])
        (site / "alone.py").touch()
        assert packages("alone") == {"alone.py"}


class TestNesting:
    def test_what_a_bound_folder_holds_already_is_not_bound_again(self) -> None:
        assert set(mounts._without_nested({"/a", "/a/b", "/a/b/c", "/ab", "/d/e"}, [])) == {"/a", "/ab", "/d/e"}

    def test_below_a_cover_only_what_is_covered_too_counts(self) -> None:
        paths = {"/lib", "/lib/site", "/lib/site/numpy", "/lib/site/numpy/core", "/lib/os"}
        assert set(mounts._without_nested(paths - {"/lib/site"}, ["/lib/site"])) == {"/lib", "/lib/site/numpy"}
