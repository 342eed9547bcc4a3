"""A file of jobs is strict JSON lines, and every wrong line gets one sentence with its place."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from poet_engine.cli.jobs import job_lines
from poet_engine.cli.jobs.job_lines import FaultyLine, JobLine, JobsFile
from poet_engine.errors import UsageError

_GOOD = {"id": "a", "source": "def f(x):\n    return x\n", "entry": "f"}


def _lines(path: Path, *texts: str | bytes) -> list[JobLine | FaultyLine]:
    path.write_bytes(b"".join(text if isinstance(text, bytes) else text.encode() for text in texts))
    with JobsFile.open(path) as jobs:
        first, second = list(jobs.lines()), list(jobs.lines())
        assert first == second
        return first


def _job(**changes: object) -> str:
    return json.dumps({**_GOOD, **changes}) + "\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "jobs.jsonl"


def test_jobs_come_with_their_lines_and_arguments(path: Path) -> None:
    found = _lines(
        path,
        b"\xef\xbb\xbf" + _job().encode(),
        "\n  \r\n",
        _job(id="b", args=[1, "two"]),
        _job(id="c", args={"x": None}),
        _job(id="d", args=[1], kwargs={"x": 2}).rstrip("\n"),
    )
    assert all(isinstance(line, JobLine) for line in found)
    jobs = [line for line in found if isinstance(line, JobLine)]
    assert [(line.number, line.job.id) for line in jobs] == [(1, "a"), (4, "b"), (5, "c"), (6, "d")]
    assert [(line.job.args, line.job.kwargs) for line in jobs] == [
        ((), {}),
        ((1, "two"), {}),
        ((), {"x": None}),
        ((1,), {"x": 2}),
    ]
    assert jobs[0].job.source == _GOOD["source"]


def test_the_digest_is_that_of_what_runs(path: Path) -> None:
    """Not of how it is spelt, and not of its name."""
    texts = [_job(args=[1]), _job(id="b", args=[1]), '{"args": [1.0], ' + _job()[1:], _job(entry="g", args=[1])]
    digests = [line.digest for line in _lines(path, *texts, _job(args=[1], kwargs={})) if isinstance(line, JobLine)]
    assert digests[0] == digests[1] == digests[4]
    assert len({*digests}) == 3


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("nonsense\n", ":1 is not JSON: Expecting value on line 1, column 1; a job is one line such as {"),
        ("[1]\n", ":1 is an array; a job is one line such as"),
        ("7\n", ":1 is a number; a job is"),
        (_job(surprise=1), ":1 has the unknown key 'surprise'; a job has id, source, entry, args and kwargs"),
        ('{"id": "a"}\n', ":1 has no 'source'"),
        (_job(id=7), ":1: 'id' is a number, but must be text"),
        (_job(source=None), ":1: 'source' is null, but must be text"),
        (_job(entry=["f"]), ":1: 'entry' is an array, but must be text"),
        (_job(id=""), ":1: the id has 0 characters; give it 1 to 200"),
        (_job(id="x" * 201), ":1: the id has 201 characters"),
        (_job(entry="a.b"), ":1: the entry 'a.b' is no function name"),
        (_job(entry="class"), ":1: the entry 'class' is no function name"),
        (_job(args=7), ":1: 'args' is a number, but a JSON array gives positional arguments"),
        (_job(args={"not a name": 1}), ":1: 'args': 'not a name' cannot be the name of a keyword argument"),
        (_job(kwargs=[1]), ":1: 'kwargs' is an array, but must be an object"),
        (_job(kwargs=[]), ":1: 'kwargs' is an array, but must be an object"),
        (_job(kwargs={"class": 1}), ":1: 'kwargs': 'class' cannot be"),
        (_job(args={"x": 1}, kwargs={"y": 1}), ":1 has keyword arguments in 'args' and in 'kwargs'"),
        ('{"id": "a", "id": "b"}\n', ":1 has the key 'id' twice in one object"),
        (_job(args=[float("nan")]), ":1 has NaN, which is not JSON"),
        ('{"id": "a", "args": [1e999]}\n', ":1 has the number 1e999"),
        (_job(args=["\ud800"]), ":1 has half of a surrogate pair"),
        (_job(id="\ud800"), ":1 has half of a surrogate pair"),
        (b"\xff\xfe\n", ":1 is not UTF-8"),
        ("[" * 100_000 + "\n", ":1 is nested too deeply"),
    ],
)
def test_a_wrong_line_is_named_and_the_next_one_is_read(path: Path, text: str | bytes, complaint: str) -> None:
    wrong, right = _lines(path, text, _job())
    assert isinstance(wrong, FaultyLine)
    assert f"{path}{complaint}" in wrong.complaint
    assert isinstance(right, JobLine)
    assert right.number == 2


def test_a_huge_line_is_passed_over_without_being_kept(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_lines, "MOST_BYTES", 200)
    huge, right, last = _lines(path, "x" * 1001 + "\n", _job(), "y" * 201)
    assert isinstance(huge, FaultyLine)
    assert f"{path}:1 is longer than the 200 bytes" in huge.complaint
    assert isinstance(right, JobLine)
    assert right.number == 2
    assert isinstance(last, FaultyLine)


def test_a_file_that_changed_since_it_was_checked_is_named(path: Path) -> None:
    path.write_text(_job() + _job(id="b"))
    with JobsFile.open(path) as jobs:
        assert len(list(jobs.lines())) == 2
        path.write_text(_job() + "nonsense\n")
        with pytest.raises(UsageError, match=r"was changed while its jobs ran: .*jobs.jsonl:2 is not JSON"):
            list(jobs.jobs())


def test_jobs_that_are_added_after_the_check_are_left_for_the_next_run(path: Path) -> None:
    """Nobody has looked whether their ids are their own."""
    path.write_text(_job())
    with JobsFile.open(path) as jobs:
        assert len(list(jobs.lines())) == 1
        with path.open("a") as file:
            file.write(_job())
        assert [line.number for line in jobs.jobs()] == [1]


def test_what_is_no_regular_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="it is a folder"):
        JobsFile.open(tmp_path)
    with pytest.raises(UsageError, match="it is a device"):
        JobsFile.open(Path("/dev/zero"))


@given(st.binary(max_size=200))
def test_no_bytes_make_it_fail_in_any_other_way(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.mktemp("any") / "jobs.jsonl"
    path.write_bytes(data)
    with JobsFile.open(path) as jobs:
        assert all(isinstance(line, JobLine | FaultyLine) for line in jobs.lines())
