"""The host's side of the Docker sandbox on a system without Linux's own interfaces, such as macOS.

A process without them runs calls against a real engine: what macOS does not have is taken away before the package is
loaded. It cannot show what macOS does differently, only that nothing on the way asks for what is not there.
"""

import subprocess
import sys
from pathlib import Path

import pytest

from poet_engine._env import Settings
from poet_engine.dockerd import DEFAULT_HOST

pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.timeout(300), pytest.mark.usefixtures("base_image")]

_TAKEN = """
import ctypes, os, platform, resource, select, selectors, signal, socket, sys, time
# these choose by platform when they are loaded, or read files that only this one has
import docker, docker.transport.unixconn, psutil, pydantic.validate_call_decorator, requests, urllib3, zoneinfo

def take(module, names):
    for name in names:
        if hasattr(module, name):
            delattr(module, name)

def take_all(module, *beginnings):
    take(module, [name for name in dir(module) if name.startswith(beginnings)])

take_all(os, "eventfd", "EFD_", "memfd", "MFD_", "CLONE_", "sched_", "SPLICE")
take(os, ["pipe2", "unshare", "setns", "pidfd_open", "splice", "getrandom", "O_PATH", "O_TMPFILE", "setresuid"])
take(os, ["setresgid", "getresuid", "getresgid", "posix_fadvise", "copy_file_range", "getxattr", "P_PIDFD"])
take_all(select, "epoll", "EPOLL", "POLLRDHUP")
selectors.DefaultSelector = selectors.PollSelector  # it was chosen by what there was
take(resource, ["prlimit", "RLIMIT_MSGQUEUE", "RLIMIT_NICE", "RLIMIT_RTPRIO", "RLIMIT_RTTIME", "RLIMIT_SIGPENDING"])
take(signal, ["SIGSTKFLT", "SIGPWR", "SIGPOLL", "SIGRTMIN", "SIGRTMAX", "pidfd_send_signal", "sigtimedwait"])
take(signal, ["sigwaitinfo"])
take_all(socket, "AF_VSOCK", "AF_NETLINK", "AF_ALG", "SO_PEER", "SOCK_CLOEXEC")
take(socket, ["SOCK_NONBLOCK", "MSG_CMSG_CLOEXEC", "SO_PASSCRED", "SCM_CREDENTIALS"])
take(time, ["CLOCK_BOOTTIME", "CLOCK_TAI", "pthread_getcpuclockid"])

class Library:
    def __init__(self, inner):
        self._inner = inner
    def __getattr__(self, name):
        if name in ("prctl", "unshare", "setns", "capset", "capget", "pivot_root", "umount2", "memfd_create"):
            raise AttributeError(f"dlsym(RTLD_DEFAULT, {name}): symbol not found")
        return getattr(self._inner, name)

for kind in ("CDLL", "PyDLL"):
    loads = getattr(ctypes, kind)
    setattr(ctypes, kind, lambda *args, _loads=loads, **kwargs: Library(_loads(*args, **kwargs)))

def refuse_proc(event, arguments):
    if event == "open" and isinstance(arguments[0], str) and arguments[0].startswith(("/proc/", "/sys/")):
        if not sys._getframe(1).f_code.co_filename.startswith(PSUTIL):  # which is Linux's own here
            raise FileNotFoundError(2, "there is no such folder on macOS", arguments[0])

PSUTIL = os.path.dirname(psutil.__file__)
sys.platform = "darwin"
sys.addaudithook(refuse_proc)
"""

_CALLS = """
import threading
from poet_engine import Engine, PoetError
from poet_engine._cancellation import Cancellation
from poet_engine.job import Job, Script
from poet_engine.policy import Policy
from poet_engine.sandbox.docker import DockerSandbox

policy = Policy.parse('[limits]\\nwall = "60s"\\ncpu = "50s"\\n')
with DockerSandbox(policy, host=sys.argv[1]) as sandbox, Cancellation() as cancellation:
    for _ in range(3):
        outcome = sandbox.run(Job(source="def f(x):\\n    return x * 2\\n", entry="f", args=(b"ab" * 100_000,)))
        assert outcome.value == b"ab" * 200_000, outcome
    written = sandbox.run_script(Script(source="open('a', 'w').write('A')", files_out=["a"]))
    assert written.files == {"a": b"A"}, written
    threading.Timer(0.5, cancellation.cancel).start()
    endless = Job(source="def f():\\n    while True:\\n        pass\\n", entry="f")
    given_up = sandbox.run(endless, cancellation=cancellation)
    assert given_up.cause == "caller", given_up
    assert all(wall.held for wall in sandbox.walls(thorough=False))
try:
    Engine.open("restricted", "process", journal=sys.argv[2])
except PoetError as error:
    assert "needs Linux and this is darwin; use sandbox='docker'" in str(error), error
with Engine.open("restricted", journal=sys.argv[2]) as engine:  # no other one stands here
    outcome = engine.run("def f():\\n    return 7\\n", "f")
    assert (outcome.value, engine.sandbox_name) == (7, "docker"), outcome
print("done")
"""


def test_calls_scripts_cancelling_and_walls_need_nothing_that_only_linux_has(tmp_path: Path) -> None:
    host = Settings.read().docker_host or DEFAULT_HOST
    done = subprocess.run(
        [sys.executable, "-c", _TAKEN + _CALLS, host, str(tmp_path / "journal.db")],
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert done.stdout == "done\n", done.stderr


def test_what_was_taken_is_gone() -> None:
    """The control: there, what the process sandbox needs fails."""
    control = (
        "import os, select\ntry:\n    os.eventfd(0)\nexcept AttributeError:\n    print(hasattr(select, 'epoll'))\n"
    )
    done = subprocess.run([sys.executable, "-c", _TAKEN + control], capture_output=True, text=True, check=False)
    assert done.stdout == "False\n", done.stderr
