"""The environment is read once, strictly, and never needs a HOME."""

import os
import stat
from pathlib import Path

import pytest

from poet_engine._env import Settings
from poet_engine.errors import UsageError


def test_an_empty_environment_has_a_setting_for_everything(tmp_path: Path) -> None:
    settings = Settings.read({"TMPDIR": str(tmp_path)})
    assert settings == Settings(
        home=tmp_path / f"poet-{os.geteuid()}",
        model=None,
        mode="on",
        policy=None,
        environment="development",
        service="poet",
    )


def test_every_variable_is_read() -> None:
    environ = {
        "POET_HOME": "/srv/poet",
        "POET_MODEL": "small",
        "POET_MODE": "shadow",
        "POET_POLICY": "data",
        "POET_ENVIRONMENT": "production",
        "POET_SERVICE": "billing",
        "DOCKER_HOST": "unix:///run/docker.sock",
        "POET_EXECUTIONS_AT_ONCE": "20",
        "POET_EXECUTIONS_PER_MINUTE": "600",
        "POET_RECORD": "1",
    }
    assert Settings.read(environ) == Settings(
        home=Path("/srv/poet"),
        model="small",
        mode="shadow",
        policy="data",
        environment="production",
        service="billing",
        docker_host="unix:///run/docker.sock",
        executions_at_once=20,
        executions_per_minute=600,
        record=True,
    )


def test_set_to_nothing_is_not_set(tmp_path: Path) -> None:
    names = (
        "POET_HOME",
        "POET_MODEL",
        "POET_MODE",
        "POET_POLICY",
        "POET_ENVIRONMENT",
        "POET_SERVICE",
        "DOCKER_HOST",
        "POET_EXECUTIONS_AT_ONCE",
        "POET_EXECUTIONS_PER_MINUTE",
        "POET_RECORD",
        "HOME",
    )
    environ = {"TMPDIR": str(tmp_path)}
    assert Settings.read(environ | dict.fromkeys(names, "")) == Settings.read(environ)


def test_an_unset_variable_is_not_taken_from_the_real_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POET_MODEL", "from the process")
    assert Settings.read({}).model is None
    assert Settings.read().model == "from the process"


def test_a_dotenv_file_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_text("POET_MODEL=planted\n")
    monkeypatch.chdir(tmp_path)
    assert Settings.read({}).model is None


@pytest.mark.parametrize(
    ("environ", "complaint"),
    [
        ({"POET_MODE": "On"}, "the variable POET_MODE is 'On': Input should be 'off', 'shadow', 'canary' or 'on'"),
        ({"POET_HOME": "here"}, "the variable POET_HOME is 'here': give an absolute path"),
        ({"POET_SERVICE": "s" * 201}, "the variable POET_SERVICE is "),
    ],
)
def test_a_wrong_value_is_named_with_its_variable(environ: dict[str, str], complaint: str) -> None:
    with pytest.raises(UsageError) as caught:
        Settings.read(environ)
    assert complaint in str(caught.value)


def test_the_state_folder_is_the_first_that_can_be_made(tmp_path: Path) -> None:
    home, state = tmp_path / "home", tmp_path / "state"
    home.mkdir()
    environ = {"HOME": str(home), "XDG_STATE_HOME": str(state)}
    assert Settings.read(environ).home == state / "poet"
    assert Settings.read({"HOME": str(home)}).home == home / ".local/state/poet"
    assert Settings.read(environ | {"XDG_STATE_HOME": "relative"}).home == home / ".local/state/poet"


def test_a_home_that_is_no_folder_is_passed_over(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.touch()
    settings = Settings.read({"HOME": str(blocked), "TMPDIR": str(tmp_path)})
    assert settings.home == tmp_path / f"poet-{os.geteuid()}"


def test_the_state_folder_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    settings = Settings.read({"POET_HOME": str(tmp_path / "deep" / "state")})
    assert not (tmp_path / "deep").exists(), "reading creates nothing"
    assert stat.S_IMODE(settings.make_home().stat().st_mode) == 0o700
    assert settings.make_home() == settings.home, "a second time is no error"


def test_a_state_folder_that_others_may_write_to_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    with pytest.raises(UsageError, match="others may write to it"):
        Settings.read({"POET_HOME": str(tmp_path)}).make_home()


def test_a_link_laid_where_the_state_folder_would_be_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    (tmp_path / "state").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UsageError, match="it is a link"):
        Settings.read({"POET_HOME": str(tmp_path / "state")}).make_home()


def test_a_state_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="cannot be made: Not a directory"):
        Settings.read({"POET_HOME": str(tmp_path / "file" / "state")}).make_home()
