"""Which shared libraries a lane sees beside what is bound already."""

from pathlib import Path

import pytest

from poet_engine.guest import libraries


@pytest.mark.parametrize(
    "folder", ["/usr/lib/x86_64-linux-gnu", "/lib/aarch64-linux-gnu", "/usr/lib/x86_64-linux-musl"]
)
def test_a_folder_of_nothing_but_system_libraries_comes_whole(folder: str) -> None:
    assert libraries.to_bind([f"{folder}/libz.so.1.2", f"{folder}/libc.so.6"], []) == [folder]


@pytest.mark.parametrize("folder", ["/usr/lib", "/usr/lib64", "/lib64", "/usr/local/lib", "/opt/app/lib"])
def test_any_other_folder_brings_only_the_library(folder: str) -> None:
    assert libraries.to_bind([f"{folder}/libz.so.1"], []) == [f"{folder}/libz.so.1"]


def test_a_library_brings_the_links_by_which_it_is_asked_for_and_not_its_neighbours(tmp_path: Path) -> None:
    library = tmp_path / "libx.so.1.2"
    library.touch()
    (tmp_path / "libx.so.1").symlink_to("libx.so.1.2")
    (tmp_path / "libx.so").symlink_to("libx.so.1")
    (tmp_path / "liby.so").symlink_to("elsewhere.so")
    (tmp_path / ".env").write_text("SECRET=1")
    bound = libraries.to_bind([str(library)], [])
    assert sorted(bound) == [str(tmp_path / name) for name in ("libx.so", "libx.so.1", "libx.so.1.2")]


def test_what_is_bound_already_is_not_bound_again() -> None:
    assert libraries.to_bind(["/opt/py/lib/libpython3.so", "/usr/lib/x86_64-linux-gnu/libc.so.6"], ["/opt/py/lib"]) == [
        "/usr/lib/x86_64-linux-gnu",
    ]


def test_a_name_that_only_starts_alike_is_another_path() -> None:
    assert libraries.to_bind(["/opt/python-more/lib.so"], ["/opt/python"]) == ["/opt/python-more/lib.so"]


def test_the_libraries_of_a_clean_interpreter_are_real_files() -> None:
    found = libraries.needed()
    assert any("/libc" in path for path in found)
    assert all(Path(path).is_file() for path in found)


def test_finding_them_leaves_this_process_as_it_was() -> None:
    before = libraries.mapped()
    libraries.needed()
    assert libraries.mapped() == before
