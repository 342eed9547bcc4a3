"""The file of results: lines are whole, its own, locked, and read again."""

import json
import os
from pathlib import Path

import pytest

from poet_engine.cli.jobs import results
from poet_engine.cli.jobs.job_lines import JobLine
from poet_engine.cli.jobs.results import Results, result_line
from poet_engine.errors import UsageError
from poet_engine.job import Job
from poet_engine.outcome import Outcome, Status

_POLICY = "p" * 32


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "out.jsonl"


def _digest(number: int) -> str:
    return f"{number:032x}"[::-1]


def _line(name: str, number: int = 1, value: object = None, status: Status = Status.OK) -> bytes:
    return result_line(Outcome(status=status, value=value, job_id=name), _digest(number), _POLICY)


def _job(name: str, number: int = 1) -> JobLine:
    return JobLine(1, Job(source="", entry="f", id=name), _digest(number))


def _open(path: Path, policy: str = _POLICY) -> Results:
    return Results.open(path, policy=policy, salt=b"salt")


def test_what_was_written_is_known_the_next_time(path: Path) -> None:
    with _open(path) as file:
        file.begin()
        file.append(_line("a", 1))
        file.append(_line("b", 2, status=Status.LIMIT))
    with _open(path) as file:
        assert (len(file), file.of(_job("a", 1)), file.of(_job("b", 2))) == (2, Status.OK, Status.LIMIT)
        assert file.of(_job("c")) is None
        file.begin()
        file.append(_line("c", 3))
    assert [json.loads(line)["id"] for line in path.read_text().splitlines()] == ["a", "b", "c"]


def test_a_line_starts_with_what_names_the_job_and_holds_the_outcome(path: Path) -> None:
    fields = json.loads(_line("a", value={1, 2}))
    assert list(fields)[:5] == ["id", "job_digest", "status", "cause", "value"]
    assert fields["value"] == {"$set": [1, 2]}
    assert {"error", "usage", "blame", "evidence", "execution_id", "stdout"} <= set(fields)
    assert path.name not in fields


def test_a_torn_last_line_is_cut_off_when_the_run_begins(path: Path) -> None:
    """At whatever byte it was torn."""
    whole = _line("a") + _line("b", 2)
    for end in range(len(_line("a")) + 1, len(whole)):
        path.write_bytes(whole[:end])
        with _open(path) as file:
            assert file.of(_job("b", 2)) is None
            assert file.torn == end - len(_line("a"))
            assert path.stat().st_size == end
            file.begin()
            file.append(_line("b", 2))
        assert path.read_bytes() == whole


def test_a_torn_first_line_is_known_by_its_head(path: Path) -> None:
    path.write_bytes(_line("a")[:-5])
    with _open(path) as file:
        file.begin()
    assert path.read_bytes() == b""


@pytest.mark.parametrize(
    "content",
    [
        b"a thesis without a line end",
        b"a thesis\n",
        b'{"id":"a","source":"def f(): pass","entry":"f"}',
        b'{"id":"a","source":"def f(): pass","entry":"f"}\n',
        b"\x00\x01\n",
        b"[" * 100_000 + b"\n",
        b"\n",
        _line("a").replace(b'"ok"', b'"fine"'),
        _line("a").replace(b'"job_digest":"', b'"job_digest":"z'),
    ],
)
def test_a_file_that_is_not_ours_is_left_as_it_is(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(UsageError, match=r":1 is no result of poet run, so the file is left as it is"):
        _open(path)
    assert path.read_bytes() == content


def test_a_strange_line_among_results_is_named(path: Path) -> None:
    path.write_bytes(_line("a") + b"stray\n" + _line("b"))
    with pytest.raises(UsageError, match=r":2 is no result"):
        _open(path)


def test_a_line_that_is_too_long_for_a_result_is_not_read(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(results, "_LONGEST", 1000)
    path.write_bytes(_line("a") + b"x" * 5000)
    with pytest.raises(UsageError, match=r":2 is no result"):
        _open(path)
    assert path.stat().st_size == len(_line("a")) + 5000


def test_two_results_of_one_job_are_named(path: Path) -> None:
    path.write_bytes(_line("a") + _line("b") + _line("a"))
    with pytest.raises(UsageError, match="two results of one job, on the lines 1 and 3"):
        _open(path)


def test_a_job_that_was_changed_is_named(path: Path) -> None:
    path.write_bytes(_line("a", 1))
    with (
        _open(path) as file,
        pytest.raises(UsageError, match=r"'a' was changed since its result was written on line 1"),
    ):
        file.of(_job("a", 2))


def test_results_under_another_policy_are_not_mixed(path: Path) -> None:
    path.write_bytes(_line("a"))
    with pytest.raises(UsageError, match=":1 was made under another policy"):
        _open(path, "q" * 32)


def test_two_runs_on_one_file_are_refused(path: Path) -> None:
    with _open(path):
        with pytest.raises(UsageError, match="another run writes its results to"):
            _open(path)
        assert path.exists()
    with _open(path):
        assert path.exists()


def test_a_file_that_nothing_was_written_to_is_taken_away_unless_it_was_there(path: Path) -> None:
    with _open(path):
        assert path.exists()
    assert not path.exists()
    path.touch()
    with _open(path):
        assert path.exists()
    assert path.exists()


def test_what_cannot_be_written_is_named(tmp_path: Path) -> None:
    for wrong, why in ((tmp_path, "Is a directory"), (tmp_path / "no" / "out", "No such file"), (Path("a\0b"), "null")):
        with pytest.raises(UsageError, match=why):
            _open(wrong)
    with pytest.raises(UsageError, match="it is a device"):
        _open(Path("/dev/null"))


def test_a_line_that_does_not_fit_is_not_there_at_all(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that takes half of a line and then no more leaves whole lines behind."""
    write = os.write
    room = len(_line("a")) + 20

    def small_disk(descriptor: int, data: memoryview) -> int:
        nonlocal room
        if not room:
            raise OSError(28, "No space left on device")
        written = write(descriptor, data[:room])
        room -= written
        return written

    with _open(path) as file:
        file.begin()
        with monkeypatch.context() as patch:
            patch.setattr(os, "write", small_disk)
            file.append(_line("a"))
            with pytest.raises(UsageError, match="No space left on device; mend that and run the same command again"):
                file.append(_line("b", 2))
    assert path.read_bytes() == _line("a")


class _Unspeakable:
    """A value that fails when it is looked at."""

    @property
    def tolist(self) -> object:
        raise RuntimeError


_Unspeakable.__module__ = "numpy.invented"


@pytest.mark.parametrize("value", [object(), _Unspeakable(), float("nan"), "\ud800", b"\xff", [10**5000], {1: {2}}])
def test_no_value_loses_its_job(value: object) -> None:
    fields = json.loads(_line("a", value=value))
    assert (fields["id"], fields["status"], fields["job_digest"]) == ("a", "ok", _digest(1))
    assert fields["value"] is not None


def test_a_value_that_is_too_long_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(results, "_LONGEST", 1000)
    fields = json.loads(_line("a", value="x" * 1000))
    assert (fields["id"], fields["value"]) == ("a", {"$object": "builtins.str"})
