"""Where a function's `.poet` folder is."""

from pathlib import Path

from poet_engine.versions import locate
from poet_engine.versions.location import writable

HOME = Path("/home/ann/.local/state/poet")
MODULE = Path("/project/shop.py")


def test_beside_the_module_when_it_can_be_written() -> None:
    assert locate(MODULE, "f", home=HOME, may_write=lambda folder: folder == MODULE.parent) == Path("/project/.poet")


def test_below_home_otherwise_and_apart_from_modules_of_the_same_name() -> None:
    places = {locate(path, "f", home=HOME, may_write=lambda _: False) for path in (MODULE, Path("/other/shop.py"))}
    assert len(places) == 2
    for place in places:
        assert place.name == ".poet"
        assert place.parent.parent == HOME
        assert place.parent.name.startswith("shop-")


def test_functions_without_a_file_are_below_home() -> None:
    one, two = (locate(None, name, home=HOME, may_write=lambda _: True) for name in ("f", "<lambda>/../../x"))
    assert one != two
    assert one.parent.parent == two.parent.parent == HOME
    assert two.parent.name.startswith("lambda-x-")


def test_deciding_makes_nothing(tmp_path: Path) -> None:
    assert locate(tmp_path / "m.py", "f", home=HOME) == tmp_path / ".poet"
    assert list(tmp_path.iterdir()) == []


def test_a_module_in_no_folder_cannot_have_files_beside_it(tmp_path: Path) -> None:
    """As one that was imported from a zip file."""
    archive = tmp_path / "archive.zip"
    archive.write_bytes(b"")
    assert not writable(archive)
    assert not writable(tmp_path / "missing")
    assert writable(tmp_path)
