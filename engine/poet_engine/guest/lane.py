"""Run the first process of a lane: fork a payload for each set of descriptors, then kill and reap whatever is left.

It never reads a request.
"""

import contextlib
import os
import select
import signal
import socket
import struct
from typing import Never

from . import confine, kernel, payload, socket_names
from .config import Config
from .standard_streams import STREAMS

# wait status, CPU microseconds of all that was reaped, number of processes left over, whether names of sockets were
REPORT = struct.Struct("<iQI?")
# request socket, unless it is made here; stdout, stderr, file for large results, record of output; for a payload that
# is kept, its timer
_DESCRIPTORS = 6
HELLO, FAILED = b"H", b"F"
# init has stopped a payload that is kept; the host asks whether it is about to, and init says that it is not
STOPPED, ASKED = b"S", b"?"


def main(control: socket.socket, config: Config, program: bytes, uid: int) -> Never:
    """Build the isolation, report it, and serve until the host closes its side. Never returns."""
    try:
        os.setsid()
        kernel.set_name(b"poet-lane")
        ignore_the_guest()
        statm = os.open("/proc/self/statm", os.O_RDONLY | os.O_CLOEXEC)
        process = os.open("/proc/self", os.O_PATH | os.O_CLOEXEC)
        kernel.close_all_but({0, 1, 2, control.fileno(), statm, process})
        for step in confine.LANE_STEPS:
            step(config, uid)
        plan = confine.plan(config, uid, program)
        names = _names_of_sockets(config, process)
        os.close(process)
    except Exception as error:  # noqa: BLE001 - nothing hostile ran yet: whatever failed is the host's to know
        control.send(FAILED + repr(error).encode())
        os._exit(1)
    try:
        request = _say(control, HELLO, config)
        while descriptors := _next_descriptors(control):
            report = _one_payload(plan, [*request, *descriptors], statm, control, names)
            request = _say(control, report, config)
    except OSError:
        os._exit(1)  # the host is gone
    os._exit(0)


def ignore_the_guest() -> None:
    """Reset signals: a first process gets only those that it has handlers for, and Python installs one for SIGINT."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.set_wakeup_fd(-1)
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        if signal.getsignal(number) is signal.SIG_IGN:  # by whoever started the engine, such as nohup
            signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    # Python turns SIGPIPE and SIGXFSZ into OSError by ignoring them; payloads inherit that
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def _next_descriptors(control: socket.socket) -> list[int]:
    _data, descriptors = kernel.receive_with_descriptors(control, 16, _DESCRIPTORS)
    return descriptors


def _say(control: socket.socket, message: bytes, config: Config) -> list[int]:
    """Send a message that the next payload may follow upon.

    Where the code may name sockets, the host's end of the next request's socket goes along, and the payload's end is
    returned: both are of this network namespace, and not of the host's.
    """
    if not config.names_sockets:
        control.send(message)
        return []
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    with ours:
        kernel.send_with_descriptors(control, message, [ours.fileno()])
    return [theirs.detach()]


def _names_of_sockets(config: Config, process: int) -> socket_names.SocketNames | None:
    """Return the names of sockets in this lane's network namespace; None where no code can make any.

    `process` is this process's folder in a /proc that cannot be reached any more.
    """
    if not config.names_sockets or "netns" in config.without:
        return None
    return socket_names.SocketNames(os.open(socket_names.TABLE, os.O_RDONLY | os.O_CLOEXEC, dir_fd=process))


def _one_payload(
    plan: confine.ConfinementPlan,
    descriptors: list[int],
    statm: int,
    control: socket.socket,
    names: socket_names.SocketNames | None,
) -> bytes:
    """Fork a payload, wait for its end, and clear up after it; return the report of it."""
    timer = descriptors.pop() if plan.config.keep else None
    STREAMS.record_in(descriptors[-1])
    sizes = confine.mapped_sizes(statm)
    pid = kernel.fork()
    if pid == 0:
        payload.main(plan, descriptors, sizes)
    for fd in descriptors:
        os.close(fd)
    if timer is not None:
        _stop_between_calls(pid, timer, control)
        os.close(timer)
    _pid, status, usage = os.wait4(pid, 0)
    cpu = usage.ru_utime + usage.ru_stime
    leftovers = 0
    for used in kill_and_reap():
        leftovers += 1
        cpu += used
    return REPORT.pack(status, int(cpu * 1e6), leftovers, names is not None and names.stay())


def _stop_between_calls(pid: int, timer: int, control: socket.socket) -> None:
    """Stop a payload, with all that it has started, whenever its timer expires; return when it has ended.

    The host arms the timer when a call is answered, and disarms it for the next one. Nothing of the host has to run for
    the payload to be stopped, and none of this is on the path of calls that follow close upon each other.
    """
    pidfd = os.pidfd_open(pid)
    poll = select.poll()
    for fd in (pidfd, timer, control.fileno()):
        poll.register(fd, select.POLLIN)
    while pidfd not in (events := dict(poll.poll())):
        if timer in events:
            with contextlib.suppress(BlockingIOError):  # it was disarmed in this moment
                os.read(timer, 8)
                signal_all(signal.SIGSTOP)
                control.send(STOPPED)
        elif control.recv(1):
            control.send(ASKED)
        else:
            poll.unregister(control)  # the host is gone, and ends the payload by that
    os.close(pidfd)


def signal_all(number: int) -> None:
    """Send a signal to everything else in the pid namespace, in one call, which no fork slips through."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(-1, number)


def kill_and_reap() -> list[float]:
    """Kill everything else in the pid namespace; return the CPU seconds of each process that was still there."""
    used: list[float] = []
    while True:
        signal_all(signal.SIGKILL)
        try:
            _pid, _status, usage = os.wait4(-1, 0)
        except ChildProcessError:
            return used
        used.append(usage.ru_utime + usage.ru_stime)
