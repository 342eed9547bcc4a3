"""Looking at the processes of a sandbox from outside, and a Docker daemon that may come to harm."""

import contextlib
import os
import platform
import signal
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from poet_engine import images
from poet_engine._env import Settings
from poet_engine.dockerd import DEFAULT_HOST
from poet_engine.errors import ImageError
from poet_engine.images import ImageBuilder, ImageClient


def _runs_the_guest(process: psutil.Process) -> bool:
    try:
        return "poet_guest" in " ".join(process.cmdline())
    except psutil.Error:
        return False


def descendants(depth: int) -> list[psutil.Process]:
    """Ours at one depth: 1 what we started, 2 zygotes, 3 inits, 4 payloads."""
    level = [psutil.Process()]
    for _ in range(depth):
        found: list[psutil.Process] = []
        for parent in level:
            with contextlib.suppress(psutil.NoSuchProcess):
                found += parent.children()
        level = [child for child in found if _runs_the_guest(child)]
    return level


@pytest.fixture
def guests() -> Callable[[int], list[psutil.Process]]:
    """Processes of the sandboxes of this process, by depth."""
    return descendants


@pytest.fixture
def until_code_burns() -> Callable[[], None]:
    """Waits until a payload has burnt more CPU than being prepared costs; the test's own timeout bounds the wait."""

    def wait() -> None:
        while not any(_cpu_seconds(process) > 0.15 for process in descendants(4)):
            pass

    return wait


def _cpu_seconds(process: psutil.Process) -> float:
    try:
        return sum(process.cpu_times()[:2])
    except psutil.Error:
        return 0.0


def _is_over(process: psutil.Process) -> bool:
    pause = threading.Event()  # never set: it is only there to wait with
    for _ in range(1000):
        with contextlib.suppress(psutil.NoSuchProcess):
            if process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
                pause.wait(0.01)
                continue
        return True
    return False


class OwnDaemon:
    """A Docker daemon that a test may fill, stop, halt and kill: nobody else uses it.

    Args:
        folder: All that it has; a file system of its own, in memory.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.host = folder, f"unix://{folder}/docker.sock"

    def start(self) -> None:
        """Start it, where it does not run yet, and wait until it answers."""
        self._order("start")

    def stop(self) -> None:
        """Have it end as at shutdown: it ends its containers."""
        self._order("stop")

    def signal(self, number: int) -> None:
        """Send it a signal."""
        os.kill(int((self.folder / "pid").read_text(encoding="ascii")), number)

    def kill(self) -> None:
        """Kill it, and its containerd with it, and forget their pid files: who adopts them may take long to reap."""
        process = psutil.Process(int((self.folder / "pid").read_text(encoding="ascii")))
        both = [process, *process.children()]
        process.kill()
        assert all(_is_over(one) for one in both)
        (self.folder / "pid").unlink()
        (self.folder / "exec" / "containerd" / "containerd.pid").unlink()

    @contextlib.contextmanager
    def halted(self) -> Iterator[None]:
        """It takes connections, and answers nobody, for as long as the block runs."""
        self.signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.signal(signal.SIGCONT)

    def _order(self, what: str) -> None:
        script = Path(__file__).parents[1] / "docker" / "engine"
        environment = {**os.environ, "POET_DOCKER_FOLDER": str(self.folder)}  # noqa: TID251 - the script's is ours
        done = subprocess.run([script, what], env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


def build_base(host: str) -> None:
    """Have the base image of this machine's Python at an engine."""
    with ImageClient(host) as engine:
        try:
            images.choose(engine.images(), (), guest=images.guest_digest(), python=platform.python_version())
        except ImageError:
            ImageBuilder(engine, "0", lambda _doing, _share: None).from_host(images.find("base"))


@pytest.fixture(scope="session")
def base_image() -> None:
    """The engine that tests share has it."""
    build_base(Settings.read().docker_host or DEFAULT_HOST)


_ROOM = "600m"  # bytes: a base image takes 75 MB


@pytest.fixture(scope="session")
def _own_daemon() -> Iterator[OwnDaemon]:
    if os.geteuid() != 0:
        pytest.skip("a daemon of one's own, on a file system of its own, takes root")
    folder = Path(tempfile.mkdtemp(prefix="poet-"))  # pytest's are too long for the sockets of a daemon
    folder.chmod(0o755)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={_ROOM},mode=755", "poet-docker", folder], check=True)
    daemon = OwnDaemon(folder)
    try:
        daemon.start()
        build_base(daemon.host)
        yield daemon
        daemon.stop()
    finally:
        _end_forgotten_shims(folder)
        subprocess.run(["umount", "--lazy", folder], check=True)
        folder.rmdir()


def _end_forgotten_shims(folder: Path) -> None:
    """End the shims of containers that were just starting when their daemon was ended: it knows nothing of them."""
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if "containerd-shim" in process.name() and any(str(folder) in word for word in process.cmdline()):
                process.kill()


@pytest.fixture
def own_daemon(_own_daemon: OwnDaemon) -> Iterator[OwnDaemon]:
    """A Docker daemon of the test's own, which runs and has the base image."""
    _own_daemon.start()
    yield _own_daemon
    _own_daemon.start()
