"""`poet images prune` where a container still runs from an image, and where the engine fails."""

import json
from typing import TYPE_CHECKING

import pytest

from poet_engine.cli import main
from poet_engine.images.recipe import LABEL_GUEST, LABEL_NAME

if TYPE_CHECKING:
    from tests.unit.conftest import ScriptedEngine

STALE = {
    "Id": "sha256:" + "a" * 64,
    "RepoTags": None,
    "Labels": {LABEL_NAME: "base", LABEL_GUEST: "of an older version"},
    "Size": 71_000_000,
    "Created": 1_700_000_000,
}


@pytest.fixture
def engine(scripted_engine: "ScriptedEngine", monkeypatch: pytest.MonkeyPatch) -> "ScriptedEngine":
    monkeypatch.setenv("DOCKER_HOST", scripted_engine.host)
    return scripted_engine


IN_USE = ("409 Conflict", "conflict: image is being used by running container c"), "a container still uses it", 0
FAILED = ("500 Internal Server Error", "the disk does not answer"), "the disk does not answer", 1


@pytest.mark.parametrize(("answer", "told", "code"), [IN_USE, FAILED], ids=["in use", "failed"])
def test_what_could_not_be_removed_is_kept_and_named(
    engine: "ScriptedEngine", capsys: pytest.CaptureFixture[str], answer: tuple[str, str], told: str, code: int
) -> None:
    """In use is no failure: the next time will do."""
    engine.says = lambda asked: (
        engine.answer("200 OK", [STALE])
        if asked.startswith("GET")
        else engine.answer(answer[0], {"message": answer[1]})
    )
    assert main(["images", "prune", "--json"]) == code
    printed = capsys.readouterr()
    document = json.loads(printed.out)
    assert ([image["id"] for image in document["kept"]], document["removed"]) == ([STALE["Id"]], [])
    assert told in printed.err
