"""Where functions keep their versions: names that two modules share, and cells of notebooks."""

import linecache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from poet_engine.decorator import poet
from poet_engine.decorator.states import Serving

if TYPE_CHECKING:
    from tests.unit.decorator.conftest import Detector, Workshop

FIRST = (
    "from poet_engine.decorator import poet\n\n\n@poet(domain='ml_monitoring')\n"
    "def detect_drift(current, reference):\n    return {'drift_detected': False}\n"
)
SECOND = FIRST.replace("False", "False, 'score': 0.0")


def folders(root: Path) -> list[str]:
    return sorted(path.name for path in (root / ".poet").iterdir() if path.is_dir() and path.name != "events")


class TestTwoModulesWithOneName:
    def test_the_second_goes_by_its_modules_name_too(self, workshop: "Workshop", tmp_path: Path) -> None:
        """Neither takes the other's versions for its own, in whatever order the next program asks."""
        for order in (("one", "two"), ("two", "one")):
            for name in order:
                detect = workshop.load(FIRST if name == "one" else SECOND, name)
                assert [version.name for version in detect.poet.versions()] == ["v1"]
                assert detect.poet.current is not None
                assert detect.poet.current.metadata.module == name
        assert folders(tmp_path) == ["detect_drift", "two.detect_drift"]

    def test_a_module_that_is_gone_has_no_claim(self, workshop: "Workshop", tmp_path: Path) -> None:
        """So a module that was renamed keeps its versions."""
        assert workshop.load(FIRST, "one").poet.current is not None
        (tmp_path / "one.py").unlink()
        assert workshop.load(FIRST, "renamed").poet.current is not None
        assert folders(tmp_path) == ["detect_drift"]

    def test_two_that_begin_at_the_same_moment_part_at_their_next_start(
        self, workshop: "Workshop", tmp_path: Path
    ) -> None:
        """Neither saw the other's version, so both are in one folder, and the later one serves: it is the other's."""
        one, two = workshop.load(FIRST, "one").poet.prepare(), workshop.load(SECOND, "two").poet.prepare()
        assert isinstance(one, Serving)
        assert isinstance(two, Serving)
        shared = one.context.versions
        late = shared.add(code=two.version.code, params=two.version.params, metadata=two.version.metadata)
        shared.promote(late.name, actor="tests", reason="it was not seen")
        for name, text, serves in (("one", FIRST, "v1"), ("two", SECOND, "v1")):
            version = workshop.load(text, name).poet.current
            assert version is not None
            assert (version.name, version.metadata.module) == (serves, name)
        assert folders(tmp_path) == ["detect_drift", "two.detect_drift"]

    @pytest.mark.parametrize(("file", "module"), [("my-script", "my_script"), ("2nd", "_2nd")])
    def test_any_file_name_makes_a_folder(self, workshop: "Workshop", tmp_path: Path, file: str, module: str) -> None:
        assert workshop.load(FIRST, "one").poet.current is not None
        assert workshop.load(SECOND, file).poet.current is not None
        assert folders(tmp_path) == sorted(["detect_drift", f"{module}.detect_drift"])


class TestNotebooks:
    def cell(
        self, text: str, number: int, kernel: dict[str, object], name: str = "/nowhere/ipykernel_1/{}.py"
    ) -> "Detector":
        """Run a cell as IPython does: its text is where tracebacks look for it, and in no file."""
        name = name.format(number)
        linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
        exec(compile(text, name, "exec"), kernel)  # noqa: S102 - the user's own cell
        return kernel["detect_drift"]  # type: ignore[return-value]  # what the cell defined

    @pytest.fixture
    def kernel(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
        monkeypatch.chdir(tmp_path)
        decorate: object = poet
        return {"poet": decorate, "__name__": "__main__"}

    @pytest.mark.parametrize("name", ["/nowhere/ipykernel_1/{}.py", "<ipython-input-{}-0123456789ab>"])
    def test_versions_are_in_the_folder_that_the_kernel_works_in(
        self, workshop: "Workshop", tmp_path: Path, kernel: dict[str, object], name: str
    ) -> None:
        """Of a notebook, and of IPython in a terminal."""
        detect = self.cell(FIRST.split("\n\n\n")[1], 1, kernel, name)
        execution = detect.poet.call([1.0], [2.0])
        assert execution.served_by == "generated", execution
        assert (tmp_path / ".poet" / "detect_drift" / "v1" / "code.py").is_file()
        assert len(workshop.events()) == 1

    def test_a_cell_that_is_run_again_with_another_text_gets_a_version_of_its_own(
        self, workshop: "Workshop", kernel: dict[str, object]
    ) -> None:
        """The same text in another cell keeps the version that it has."""
        text = FIRST.split("\n\n\n")[1]
        served = [
            self.cell(cell, number, kernel).poet.call([1.0], [2.0]).version
            for number, cell in enumerate([text, SECOND.split("\n\n\n")[1], text])
        ]
        assert served == ["v1", "v2", "v1"]
        assert len(workshop.engines) == 1

    @pytest.mark.usefixtures("workshop")
    def test_what_other_cells_imported_counts_as_imported(self, kernel: dict[str, object]) -> None:
        exec("import numpy as np\nfrom math import fsum", kernel)  # noqa: S102 - another cell
        text = (
            "@poet(domain='ml_monitoring')\ndef detect_drift(current, reference):\n"
            "    return {'drift_detected': bool(np.mean(current) > fsum(current))}\n"
        )
        detect = self.cell(text, 1, kernel)
        assert detect.poet.reason is None

    @pytest.mark.usefixtures("workshop")
    def test_what_other_cells_hold_is_from_outside(self, kernel: dict[str, object]) -> None:
        """The control: a value of the kernel cannot travel."""
        kernel["limit"] = 3
        text = (
            "@poet(domain='ml_monitoring')\ndef detect_drift(current, reference):\n"
            "    return {'drift_detected': len(current) > limit}\n"
        )
        assert "'limit' from outside" in str(self.cell(text, 1, kernel).poet.reason)
