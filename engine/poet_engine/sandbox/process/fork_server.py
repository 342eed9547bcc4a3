"""Start the zygote, the server that forks lanes, and request lanes from it."""

import json
import os
import select
import socket
import subprocess
import sys
from pathlib import Path

from poet_engine._wake import readable
from poet_engine.guest import zygote as guest_zygote
from poet_engine.guest.config import Config
from poet_engine.sandbox import environment
from poet_engine.sandbox.process.lane import Lane
from poet_engine.sandbox.process.prepared import LaneError
from poet_engine.sandbox.process.subids import SubIds, write_maps

_START_GRACE = 60.0  # importing a large scientific stack from a cold disk takes tens of seconds
_STOP_GRACE = 5.0
# The guest's files are loaded under a name of their own, from where they lie: the host's package stays out of it.
_BOOT = """
import importlib.util, sys
folder, control, lifeline = sys.argv[1:4]
start = folder + "/__init__.py"
spec = importlib.util.spec_from_file_location("poet_guest", start, submodule_search_locations=[folder])
package = importlib.util.module_from_spec(spec)
sys.modules["poet_guest"] = package
spec.loader.exec_module(package)
from poet_guest import zygote
zygote.main(int(control), int(lifeline))
"""


class ZygoteError(Exception):
    """The zygote did not start; the text says why."""


class Zygote:
    """The process that lanes are forked from. Its lifeline is a pipe that only this process holds.

    Args:
        config: The configuration that it is sent.
        subids: The ids that may be mapped into its user namespace, if it has one.
    """

    def __init__(self, config: Config, subids: SubIds | None = None) -> None:
        self._subids = subids
        self.mapped = False
        self.control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        lifeline, self._lifeline = os.pipe2(os.O_CLOEXEC)
        self._closed = False
        folder = str(Path(guest_zygote.__file__).parent)
        fds = (theirs.fileno(), lifeline)
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-B", "-c", _BOOT, folder, str(fds[0]), str(fds[1])],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,  # nothing comes: payloads inherit the stream, and theirs ends in a pipe
            stderr=subprocess.PIPE,
            env=environment.GUEST,
            cwd="/",
            pass_fds=fds,
            start_new_session=True,
        )
        theirs.close()
        os.close(lifeline)
        try:
            self._await_ready(config)
        except BaseException:
            self.close()
            raise

    def __repr__(self) -> str:
        return f"<Zygote pid={self._process.pid}>"

    def _await_ready(self, config: Config) -> None:
        try:
            answer = self._configure(config)
        except ConnectionError:  # it ended before it read its configuration: the same as an answer that never comes
            answer = b""
        if answer != guest_zygote.READY:
            text = answer.removeprefix(guest_zygote.FAILED).decode(errors="replace")
            raise ZygoteError(text or f"the zygote ended at its start: {self._error_output()}")

    def _configure(self, config: Config) -> bytes:
        """Send the configuration; return the zygote's answer, after its ids are mapped where it asks for that."""
        self.control.send(config.to_json())
        answer = self._receive()
        if answer == guest_zygote.MAP:
            # refused, as in a container without new privileges: the code then runs as the user who called
            self.mapped = self._subids is not None and write_maps(self._process.pid, self._subids) is None
            self.control.send(guest_zygote.MAPPED if self.mapped else guest_zygote.NOT_MAPPED)
            answer = self._receive()
        return answer

    def _receive(self) -> bytes:
        if not readable(self.control.fileno(), _START_GRACE):
            raise ZygoteError(f"the zygote was not ready within {_START_GRACE:.0f} s")
        return self.control.recv(4096)

    def _error_output(self) -> str:
        self._process.kill()
        _out, err = self._process.communicate(timeout=_STOP_GRACE)
        return bytes(err).decode(errors="replace").strip()[-2000:] or "it said nothing"

    @property
    def alive(self) -> bool:
        """Whether the zygote still runs.

        Its end of the socket is closed before the kernel ends its lanes, and well before its parent has ended.
        """
        if self._closed or self._process.poll() is not None:
            return False
        hung_up = select.poll()
        hung_up.register(self.control, 0)
        return not hung_up.poll(0)

    def make_lane(self, lane: Lane) -> None:
        """Have the zygote fork a lane: send it the lane's end, on which the lane's init will greet."""
        end = lane.take_guest_end()
        message = json.dumps({"uid": lane.uid}).encode()
        try:
            socket.send_fds(self.control, [message], [end.fileno()])
        except OSError as error:
            raise LaneError(f"the zygote is gone: {error}") from None
        finally:
            end.close()

    def forget_after_fork(self) -> None:
        """In a forked child: close the ends that would keep the lifeline whole after the parent's death."""
        if not self._closed:
            self._closed = True
            self.control.close()
            os.close(self._lifeline)

    def close(self) -> None:
        """Cut the lifeline: the zygote ends, and the kernel ends every lane with it."""
        if self._closed:
            return
        self._closed = True
        self.control.close()
        os.close(self._lifeline)
        try:
            self._process.wait(_STOP_GRACE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for stream in (self._process.stdout, self._process.stderr):
            if stream is not None:
                stream.close()
