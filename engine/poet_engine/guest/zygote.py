"""Run the process that every lane is forked from: a clean interpreter with the modules of the policy.

It is executed fresh, never forked from the host's application, so that it holds no thread, descriptor or secret of it,
and it never sees a request.

Protocol on the control socket, one message each: the host sends the configuration; the zygote may ask to have its ids
mapped (MAP), and is answered MAPPED or NOT_MAPPED; it sends READY once. Then the host sends, for each lane, its uid
with the lane's own socket, to which there is no answer.
"""

import dataclasses
import gc
import importlib
import json
import linecache
import os
import select
import signal
import site
import socket
import sys
from typing import Never

from . import (
    accounts,
    confine,
    forked_interpreters,
    kernel,
    lane,
    libraries,
    local_semaphores,
    payload,
    randomness,
    socket_names,
)
from .config import Config
from .interpreter_exit import ENDING
from .standard_streams import STREAMS

READY, FAILED = b"R", b"F"
MAP, MAPPED, NOT_MAPPED = b"U", b"M", b"S"
_MAX_CONFIG = 1 << 20
# the interpreter rewrites code that has run eight times; better here, once, than in every payload
_WARM_CALLS = 20
_POLL_MS = 1000  # milliseconds that a dead lane may stay a zombie while nothing else happens


def main(control_fd: int, lifeline: int) -> Never:
    """Serve until the lifeline breaks or the host closes its side. Never returns."""
    control = socket.socket(fileno=control_fd)
    try:
        config = Config.from_json(control.recv(_MAX_CONFIG))
        _discard_output()
        config = _enter_outer_namespaces(config, control, lifeline)
        load(config)
        extra = libraries.to_bind(libraries.needed(), config.binds)
        config = dataclasses.replace(config, binds=[*config.binds, *extra])
        if config.names_sockets:
            config = dataclasses.replace(config, sockets=socket_names.found_in(config.binds, config.covers))
        own = os.open("/proc/self/ns/pid", os.O_RDONLY | os.O_CLOEXEC)
        kernel.set_dumpable(dumpable=False)
        program = confine.seccomp_program(config)
        control.send(READY)
    except Exception as error:  # noqa: BLE001 - nothing hostile ran yet: whatever failed is the host's to know
        control.send(FAILED + repr(error).encode())
        os._exit(1)
    try:
        _serve(control, lifeline, config, program, own)
    except OSError:
        os._exit(1)  # the host is gone
    os._exit(0)


def _discard_output() -> None:
    """Send output to /dev/null, since nobody reads it: the streams know by now that they end in a pipe."""
    null = os.open("/dev/null", os.O_WRONLY)
    os.dup2(null, 1)
    os.close(null)


def _enter_outer_namespaces(config: Config, control: socket.socket, lifeline: int) -> Config:
    """Become pid 1 of a pid namespace, so that the kernel ends every lane with this process.

    The pid namespace must belong to the user namespace: without that, going back to it from a lane is EPERM.

    Returns:
        The configuration with what came of mapping further users.
    """
    uid, gid = os.getuid(), os.getgid()
    if config.rootless:
        kernel.unshare(kernel.NEWUSER | kernel.NEWPID)
        config = dataclasses.replace(config, subids=config.subids and _host_maps_ids(control))
        if not config.subids:
            confine.map_one_id(uid, gid)
    else:
        kernel.unshare(kernel.NEWPID)
    pid = os.fork()
    if pid:
        _outlive(pid, lifeline)
    return config


def _host_maps_ids(control: socket.socket) -> bool:
    """Ask the host to write the id maps, which takes a helper with privileges; return whether it did."""
    control.send(MAP)
    return control.recv(1) == MAPPED


def _outlive(pid: int, lifeline: int) -> Never:
    """Wait for the zygote, in the process that the host started, which is outside of the new pid namespace."""
    kernel.close_all_but({0, 2, lifeline})
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _pid, status = os.waitpid(pid, 0)
    os._exit(0 if status == 0 else 1)


def load(config: Config) -> None:
    """Load what calls will need, and run what the run loop loads lazily once: no file is there later."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    ENDING.prepare()
    STREAMS.cover()
    _add_names_of_site()
    accounts.add()
    sys.argv[1:] = []  # how this process was started is not the code's to know
    sys.orig_argv[1:] = []
    sys.path[:] = [*sys.path, *config.import_paths]
    if config.processes:
        forked_interpreters.replace()  # before a preload has imported what it changes
    for name in config.preload:
        importlib.import_module(name)
    if not config.processes:
        local_semaphores.replace()
    payload.warm_imports()
    importlib.import_module(".probe", __package__)  # what the isolation checks need, they must find without files
    tasks = len(os.listdir("/proc/self/task"))
    if tasks != 1:
        raise RuntimeError(
            f"a preloaded module started {tasks - 1} threads; a process with threads cannot be forked safely"
        )
    randomness.find()
    payload.rehearse(_WARM_CALLS)
    linecache.clearcache()  # from 3.13 on it has the line that this process was started with
    ENDING.remember_modules()
    gc.collect()
    gc.freeze()
    STREAMS.flush()  # what modules have printed is not the payloads' to print, and they begin untouched
    gc.disable()


def _add_names_of_site() -> None:
    """Add `exit`, `help` and the other names that programs know from `site`, which this process began without."""
    site.setquit()
    site.setcopyright()
    site.sethelper()


def _serve(control: socket.socket, lifeline: int, config: Config, program: bytes, own: int) -> None:
    poll = select.poll()
    poll.register(control, select.POLLIN)
    poll.register(lifeline, select.POLLIN)
    while True:
        events = dict(poll.poll(_POLL_MS))
        _reap()
        if lifeline in events:
            return
        if control.fileno() in events:
            message, descriptors = kernel.receive_with_descriptors(control, 4096, 1)
            if not message:
                return
            _make_lane(json.loads(message)["uid"], descriptors[0], config, program, own)


def _make_lane(uid: int, descriptor: int, config: Config, program: bytes, own: int) -> None:
    kernel.unshare(kernel.NEWPID)  # for children only: the next fork is pid 1 of a new namespace
    if os.fork() == 0:
        lane.main(socket.socket(fileno=descriptor), config, program, uid)
    os.close(descriptor)
    kernel.enter_namespace(own, kernel.NEWPID)


def _reap() -> None:
    while True:
        try:
            pid, _status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
