"""Where a source comes from, by which waivers know it."""

import pytest

from poet_engine._located_job import LocatedJob, LocatedScript, names_and_file, origin
from poet_engine.job import Job, Script


@pytest.mark.parametrize(
    ("names", "found"),
    [
        ((), ([], None)),
        (("f",), (["f"], None)),
        (("f", "<generated>"), (["f", "<generated>"], None)),
        (("f", "a.py"), (["f"], "a.py")),
        (("./a.py",), ([], "./a.py")),
    ],
)
def test_a_name_is_that_of_a_function_or_the_path_of_a_file(
    names: tuple[str, ...], found: tuple[list[str], str | None]
) -> None:
    assert names_and_file(names) == found


@pytest.mark.parametrize(
    ("job", "found"),
    [
        (Job(source="", entry="f"), (["f", "<generated>"], None)),
        (Job(source="", entry="f", filename="a.py"), (["f"], "a.py")),
        (LocatedJob(source="", entry="f", filename="a.py", path="/x/a.py"), (["f"], "/x/a.py")),
        (Script(source=""), ([], None)),
        (Script(source="", filename="./a.py"), ([], "./a.py")),
        (Script(source="x\n", filename="notebook.ipynb", cells=((1, 0),)), ([], None)),
        (LocatedScript(source="", filename="a.ipynb", path="/x/a.ipynb"), ([], "/x/a.ipynb")),
    ],
)
def test_a_source_is_of_the_file_that_its_caller_names(job: Job | Script, found: tuple[list[str], str | None]) -> None:
    assert origin(job) == found
